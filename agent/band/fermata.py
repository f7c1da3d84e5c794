"""`Fermata` notices when the player holds a note unusually long: the band waits, and comes in again with them."""

from __future__ import annotations

import math
from collections import deque

from listener.types import Analysis, Grid

LONGER = 1.5  # times the longest of the last gaps between notes
LEAST_BEATS = 2.0  # or a bar less one beat, where that is more: the band stops before the next bar line
GAPS, ENOUGH_GAPS = 48, 8
IN_TIME = 0.1  # of a beat


class Fermata:
    """Push every frame. waiting: True from when a note has been held too long until the next onset."""

    def __init__(self) -> None:
        self.waiting = False
        self._gaps_s: deque[float] = deque(maxlen=GAPS)
        self._newest_s, self._ended_s = math.inf, math.inf
        self._sounds = False

    def push(self, analysis: Analysis, own: Grid | None = None) -> float | None:
        """Take a frame; return the onset (seconds) with which the player goes on after a fermata, else None.

        own: the band's beat. A player who goes on in time has played a long note, and it is usual from then on.
        """
        resumed_s = None
        for note in analysis.notes:
            if note.articulation == "ghost":
                continue
            in_time = own is not None and abs(own.beat_at(note.onset_s) - round(own.beat_at(note.onset_s))) < IN_TIME
            if self.waiting and not in_time:
                resumed_s, self.waiting = note.onset_s, False
            elif note.onset_s > self._newest_s:
                self.waiting = False
                rested = own is not None and note.onset_s - self._ended_s > own.period_s * own.meter.numerator
                if not rested:  # a rest is no long note
                    self._gaps_s.append(note.onset_s - self._newest_s)
            self._newest_s, self._sounds, self._ended_s = note.onset_s, True, math.inf
        for note in analysis.ended:
            if note.onset_s == self._newest_s:
                self._sounds, self._ended_s = False, note.onset_s + (note.duration_s or 0.0)
        self.waiting |= self._sounds and self._is_long(analysis)
        return resumed_s

    def _is_long(self, analysis: Analysis) -> bool:
        if analysis.grid is None or len(self._gaps_s) < ENOUGH_GAPS:
            return False
        usual_s = LONGER * max(self._gaps_s)
        least_beats = max(LEAST_BEATS, analysis.grid.meter.numerator - 1)
        return analysis.time_s - self._newest_s > max(usual_s, least_beats * analysis.grid.period_s)
