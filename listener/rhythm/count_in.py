"""Recognises a count-in of four dead notes."""

from __future__ import annotations

import math

from listener.rhythm.hints import even

COUNT, COUNT_AFTER_S = 4, 2.0


class CountIn:
    """Recognises a count-in of one bar: four even dead notes after silence, and nothing between them."""

    def __init__(self) -> None:
        self._times_s: list[float] = []
        self._last_s = -math.inf

    def push(self, time_s: float, dead: bool) -> float | None:
        """Return the seconds per count, when this note is the fourth."""
        after_silence = time_s - self._last_s > COUNT_AFTER_S
        self._last_s = time_s
        if not dead or (not after_silence and not self._times_s):
            self._times_s = []
            return None
        self._times_s = [time_s] if after_silence else [*self._times_s, time_s]
        if len(self._times_s) < COUNT:
            return None
        times_s, self._times_s = self._times_s, []
        return even(times_s)
