"""Brings a finished mix to one loudness, for files that are played beside others."""

from __future__ import annotations

import numpy as np

from agent.mixing.block_filter import BLOCK
from agent.mixing.limiter import Limiter
from agent.mixing.loudness import Sound, integrated_lufs

MASTER_LUFS = -16.0
NEAR_LU = 0.3  # the limiter takes some away: a second pass mends more than this
MOST_DB = 40.0


def mastered(mix: Sound, rate_hz: int, target_lufs: float = MASTER_LUFS) -> tuple[float, Sound]:
    """Return (the gain, the mix [n, 2] at this loudness and limited); silence stays silence."""
    loudness = integrated_lufs(mix, rate_hz)
    if not np.isfinite(loudness):
        return 1.0, mix
    gain_db = min(target_lufs - loudness, MOST_DB)
    out = limited(mix * np.float32(10 ** (gain_db / 20)), rate_hz)
    short_lu = target_lufs - integrated_lufs(out, rate_hz)
    if short_lu > NEAR_LU and gain_db + short_lu <= MOST_DB:
        gain_db += short_lu
        out = limited(mix * np.float32(10 ** (gain_db / 20)), rate_hz)
    return float(10 ** (gain_db / 20)), out


def limited(mix: Sound, rate_hz: int) -> Sound:
    """Return a mix [n, 2] with its true peaks limited."""
    limiter = Limiter(rate_hz)
    filled = np.concatenate([mix, np.zeros((-len(mix) % BLOCK, 2), np.float32)])
    return np.concatenate([limiter.step(filled), limiter.flush()])[BLOCK : BLOCK + len(mix)]
