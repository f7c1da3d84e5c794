"""Spoil a bass as ears do: heard louder or softer, an octave off, late, or not at all."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from models.music.features import Ints

KNOWN_SHARE = 0.35  # crops in which every bass tick is known
DELAYED_SHARE = 0.4  # crops in which the bass is again and again unknown for the last ticks, as in imagining ahead
LONGEST_DELAY = 16  # ticks: four beats of x/4
SLIP_SHARE = 0.02  # bass ticks heard wrong: an octave off, or missed


def misheard(bass: Ints, rng: np.random.Generator) -> Ints:
    """Spoil the bass as ears do: the whole piece louder or softer, some notes an octave off, some missed."""
    bass = bass.copy()
    onset = bass[:, 0] >= 0
    bass[:, 1] = np.where(
        onset, np.clip(bass[:, 1] + rng.integers(-25, 26) + rng.integers(-10, 11, len(bass)), 1, 127), 0
    )
    slip = rng.random(len(bass))
    octave = (slip < SLIP_SHARE / 2) & onset
    bass[octave, 0] += 12
    bass[(slip > 1 - SLIP_SHARE) & onset, 0] = -1
    return bass


def known_ticks(length: int, rng: np.random.Generator) -> NDArray[np.bool_]:
    """Draw which ticks are known: all; or the last ticks of every period unknown, up to LONGEST_DELAY; or long spans
    unknown.
    """
    known = np.ones(length, bool)
    kind = rng.random()
    if kind < KNOWN_SHARE:
        return known
    if kind < KNOWN_SHARE + DELAYED_SHARE:
        delay = int(rng.integers(1, LONGEST_DELAY + 1))
        period = delay + int(rng.integers(8, 49))
        known[(np.arange(length) + rng.integers(period)) % period < delay] = False
        return known
    for _ in range(int(rng.integers(1, 4))):
        first = int(rng.integers(16, length)) if length > 16 else 0
        known[first : first + int(rng.integers(12, 97))] = False
    return known
