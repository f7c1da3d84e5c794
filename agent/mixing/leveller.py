"""Brings voices to a loudness by a slow gain: quick in the first bars, hardly moving later, still in silence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from agent.mixing.loudness import HOP_S, SILENT_LUFS, RunningLoudness

FIRST_S = 16.0  # about eight bars, of playing
FAR_DB, MENDED_S = 2.5, 15.0
EXPECTED = 0.6  # of what the first note's velocity and key say: the next ones may be other


@dataclass(frozen=True, slots=True)
class Pace:
    """How a gain moves. trusts_s: of sound before it moves at all; rates in dB a second; range_db: lowest, highest.

    Later, a gain that is off by more than FAR_DB moves sooner, by as much as would mend that in MENDED_S.
    """

    trusts_s: float
    first_db_s: float
    later_db_s: float
    range_db: tuple[float, float]
    jumps: bool = False  # the first gain is taken over at once
    gate_lufs: float = SILENT_LUFS


TRIM = Pace(0.6, 2.5, 0.04, (-8.0, 8.0))
BASS_LEVEL = Pace(0.4, 3.0, 0.05, (-12.0, 30.0), jumps=True, gate_lufs=-58.0)


class Leveller:
    """Holds a gain in dB for each voice; hop() moves them by what was measured before the gain."""

    def __init__(self, targets_lufs: Sequence[float], pace: Pace) -> None:
        self.targets = np.array(targets_lufs, np.float64)
        self.gain_db = np.zeros(len(self.targets))
        self._pace = pace
        self._loudness = RunningLoudness(len(self.targets), gate_lufs=pace.gate_lufs)

    def hop(self, powers: NDArray[np.float64]) -> None:
        """Take in the mean K-weighted power of each voice over 100 ms, as it is without the gain."""
        pace, heard = self._pace, self._loudness.heard
        counts = self._loudness.hop(powers)
        wished = np.clip(self.targets - self._loudness.lufs, *pace.range_db)
        far_db = np.maximum(np.abs(wished - self.gain_db) - FAR_DB, 0.0)
        later = pace.later_db_s + far_db / MENDED_S
        rate = np.where(heard * HOP_S < FIRST_S, pace.first_db_s, later) * HOP_S
        step = np.clip(wished - self.gain_db, -rate, rate)
        first = round(pace.trusts_s / HOP_S)
        moves = counts & (heard >= first)
        if pace.jumps:
            step = np.where(heard == first, wished - self.gain_db, step)
        self.gain_db += np.where(moves, step, 0.0)

    @property
    def sure(self) -> bool:
        """Return whether enough was measured of every voice for its gain to move."""
        return bool((self._loudness.heard * HOP_S >= self._pace.trusts_s).all())

    def unheard(self, voice: int) -> bool:
        """Return whether nothing of a voice was measured yet."""
        return not self._loudness.heard[voice]

    def expect(self, voice: int, louder_db: float) -> None:
        """Begin with what is known of the first notes of a voice: so much louder than usual; most of it is made up."""
        self.gain_db[voice] = np.clip(-EXPECTED * louder_db, *self._pace.range_db)

    def rest(self) -> None:
        """Silence follows: what comes next is not measured together with what came last."""
        self._loudness.rest()
