"""The bass's channel strip: a high-pass, a slow level, a gentle compressor with make-up. Its tone is not touched."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from agent.mixing.block_filter import BLOCK, BlockFilter, high_pass
from agent.mixing.compressor import BASS, Compressor
from agent.mixing.lanes import BASS_LUFS
from agent.mixing.leveller import BASS_LEVEL, Leveller
from agent.mixing.loudness import HOP_S, k_weighting

HIGH_PASS_HZ = 28.0  # the low B of a five-string bass has 30.9 Hz
MAKEUP_DB = 3.0  # what the compressor takes on average
SIDES = 2  # the mix has the bass on both: twice its power
Mono = NDArray[np.float32]


class BassStrip:
    """Processes the bass, mono, in blocks of 64 samples.

    observe() tells its level what comes; process() gives the sound. Where the sound may come later than it is known
    (recordings), observing ahead spares the first notes a moving level.
    """

    def __init__(self, rate_hz: int) -> None:
        self._high_pass = BlockFilter((high_pass(HIGH_PASS_HZ, rate_hz),), 1, np.float64)
        self._weighting = BlockFilter(k_weighting(rate_hz), 1, np.float64)
        self._level = Leveller((BASS_LUFS,), BASS_LEVEL)
        self._compressor = Compressor(BASS, rate_hz)
        self._hop, self._metered, self._power = round(HOP_S * rate_hz / BLOCK), 0, 0.0
        self._ramp = (np.arange(BLOCK) + 1) / BLOCK
        self._gain = 1.0

    def observe(self, sound: Mono) -> None:
        """Measure float32 [n], n a multiple of 64."""
        for at in range(0, len(sound), BLOCK):
            block = self._weighting(sound[None, at : at + BLOCK])
            self._power += SIDES * float(np.einsum("ij,ij", block, block))
            self._metered += 1
            if self._metered == self._hop:
                self._level.hop(np.array([self._power / (self._hop * BLOCK)]))
                self._power, self._metered = 0.0, 0

    def process(self, sound: Mono) -> Mono:
        """Return float32 [n] as it is mixed; n a multiple of 64."""
        out = np.empty(len(sound), np.float32)
        level = float(10 ** (self._level.gain_db[0] / 20))
        makeup = 10 ** (MAKEUP_DB / 20)
        for at in range(0, len(sound), BLOCK):
            block = self._high_pass(sound[None, at : at + BLOCK])[0]
            gain = level * makeup * self._compressor(level * level * float(block @ block) / BLOCK)
            out[at : at + BLOCK] = block * (self._gain + (gain - self._gain) * self._ramp)
            self._gain = gain
        return out
