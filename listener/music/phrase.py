"""Find phrases: a phrase begins with the first note after a rest and ends with the next rest.

step(time_s, notes, ended, grid) -> Phrase | None: once when a phrase begins (end_s None), once when it has ended.
"""

from __future__ import annotations

from itertools import pairwise
from statistics import median

from listener.types import Grid, Note, Phrase

REST_BEATS, REST_S = 1.0, 0.6  # a rest that ends a phrase: the longer of the two
GAP_FACTOR = 2.5  # and longer than this many of the player's usual gaps between onsets
LONGEST_REST_S = 2.5
NEWEST = 16
MOST_NOTES = 1024  # of a phrase that does not end, the oldest are forgotten


class Phrases:
    """Follows phrases; give it every frame. At most one phrase begins or ends in a frame."""

    def __init__(self) -> None:
        self._notes: dict[float, Note] = {}  # by onset_s, in order
        self._start_s = 0.0
        self._sounding: set[float] = set()
        self._silent_since_s: float | None = None
        self._waiting: list[Note] = []

    def step(
        self,
        time_s: float,
        notes: tuple[Note, ...],
        ended: tuple[Note, ...],
        grid: Grid | None,
        revised: tuple[Note, ...] = (),
    ) -> Phrase | None:
        """Read one frame.

        time_s: its end. notes: newly named. ended: completed. revised: their pitch corrected.
        """
        for note in (*revised, *ended):
            if note.onset_s in self._notes:
                self._notes[note.onset_s] = note
        for note in ended:
            self._close(note)
        self._waiting.extend(notes)
        if self._over(self._waiting[0].onset_s if self._waiting else time_s, grid):
            return self._finish(grid)
        began = not self._notes and bool(self._waiting)
        for note in self._waiting:
            self._add(note)
        self._waiting = []
        return self._phrase(None, grid) if began else None

    def _add(self, note: Note) -> None:
        if not self._notes:
            self._start_s = note.onset_s
        self._notes[note.onset_s] = note
        self._sounding.add(note.onset_s)
        self._silent_since_s = None
        if len(self._notes) > MOST_NOTES:
            self._notes.pop(next(iter(self._notes)))

    def _close(self, note: Note) -> None:
        if note.onset_s not in self._sounding:
            return
        self._sounding.discard(note.onset_s)
        if not self._sounding and note.duration_s is not None:
            self._silent_since_s = max(note.onset_s + note.duration_s, self._silent_since_s or 0.0)

    def _over(self, now_s: float, grid: Grid | None) -> bool:
        if not self._notes or self._silent_since_s is None or self._sounding:
            return False
        if now_s - self._silent_since_s < REST_S:
            return False
        return now_s - self._silent_since_s >= self._rest_s(grid)

    def _rest_s(self, grid: Grid | None) -> float:
        rest_s = max(REST_S, REST_BEATS * grid.period_s if grid is not None and grid.confidence > 0.4 else 0.0)
        newest = list(self._notes.values())[-NEWEST:]
        gaps = [b.onset_s - a.onset_s for a, b in pairwise(newest)]
        usual = GAP_FACTOR * median(gaps) if len(gaps) >= 3 else 0.0
        return min(LONGEST_REST_S, max(rest_s, usual - (newest[-1].duration_s or 0.0)))

    def _finish(self, grid: Grid | None) -> Phrase:
        phrase = self._phrase(self._silent_since_s, grid)
        self._notes, self._silent_since_s = {}, None
        return phrase

    def _phrase(self, end_s: float | None, grid: Grid | None) -> Phrase:
        known = grid is not None and grid.confidence > 0.4
        return Phrase(
            notes=tuple(self._notes.values()),
            start_s=self._start_s,
            end_s=end_s,
            meter=grid.meter if known and grid is not None else None,
            tempo_bpm=60.0 / grid.period_s if known and grid is not None else None,
        )
