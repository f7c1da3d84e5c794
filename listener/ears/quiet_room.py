"""Tell when nobody plays in a quiet room, so that the ears need not hear every hop of its noise.

A room is quiet after a second without a note, an onset or a pitch, below a level that no player's note has. It is left
at the first hop that is louder than the loudest of that second, in all or in the bass; what came just before is kept,
so that the ears hear a beginning as if they had listened all the time.
"""

from __future__ import annotations

from collections import deque

import numpy as np
from numpy.typing import NDArray

from listener.ears.frontend import FINE_AGO, HOP
from listener.kernel import kernel
from listener.types import ANALYSIS_RATE, Samples

QUIET_DB, AMPLIFIED_DB = -46.0, -38.0  # a quiet hop's peak at most, re full scale, and after the input's gain
SETTLED_HOPS = 300  # a second
RISE_DB, LOW_RISE = 2.0, 2.0  # by which a hop is louder than the room: in dB; times the power of its bass
LEAST_DB, LEAST_LOW = -80.0, 1e-9  # below this nothing is loud
LOW_POLE = float(np.exp(-2 * np.pi * 300 / ANALYSIS_RATE))
LOW_SHARE = 0.15  # of the newest hop, in the power of the bass
HELD_HOPS = FINE_AGO[-1]  # what the front end remembers


@kernel()
def _bass_power(samples: Samples, state: NDArray[np.float64], pole: float) -> float:
    """Return the mean square of what lies below some 300 Hz; state [1] is changed in place."""
    low, total = state[0], 0.0
    for sample in samples:
        low = (1 - pole) * sample + pole * low
        total += low * low
    state[0] = low
    power: float = total / len(samples)
    return power


class QuietRoom:
    """Follows the room's noise. Give each hop either to `heard` or, in a rest, to `wakes`."""

    def __init__(self) -> None:
        self.rests = False
        self._hops = 0  # quiet ones, in a row
        self._loudest_db, self._most_low = LEAST_DB, LEAST_LOW  # of them
        self._state, self._low = np.zeros(1), 0.0
        self._held: deque[Samples] = deque(maxlen=HELD_HOPS)

    def heard(self, samples: Samples, level_db: float, gain: float, is_silent: bool) -> None:
        """Take a hop [HOP] that was listened to. level_db: its peak; is_silent: no note, onset or pitch is in it."""
        if not is_silent or level_db > QUIET_DB or level_db + 20 * np.log10(gain) > AMPLIFIED_DB:
            if self._hops:
                self._begin()
            return
        self._hops += 1
        low = self._low_of(samples)
        if self._hops > SETTLED_HOPS // 4:  # the bass's power has settled by then
            self._loudest_db, self._most_low = max(self._loudest_db, level_db), max(self._most_low, low)
        self.rests = self._hops >= SETTLED_HOPS

    def wakes(self, samples: Samples, level_db: float) -> bool:
        """Take a hop in a rest; return whether it is louder than the room, which ends the rest."""
        if level_db <= self._loudest_db + RISE_DB and self._low_of(samples) <= LOW_RISE * self._most_low:
            self._held.append(samples)
            return False
        self._begin()
        return True

    def take_held(self) -> list[Samples]:
        """Return the newest hops that were not listened to, oldest first; once."""
        held = list(self._held)
        self._held.clear()
        return held

    def _begin(self) -> None:
        self.rests, self._hops, self._low = False, 0, 0.0
        self._loudest_db, self._most_low = LEAST_DB, LEAST_LOW
        self._state[0] = 0.0

    def _low_of(self, samples: Samples) -> float:
        assert samples.shape == (HOP,)
        self._low += LOW_SHARE * (_bass_power(samples, self._state, LOW_POLE) - self._low)
        return self._low
