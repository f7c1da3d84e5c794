"""Phrases: a phrase begins with the first note after a rest and ends with the next rest.

step(time_s, notes, ended, grid) -> Phrase | None: once when it begins (end_s None), once when it has ended.
"""

from __future__ import annotations

from itertools import pairwise
from statistics import median

from listener.types import Grid, Note, Phrase

REST_BEATS, REST_S = 1.0, 0.6  # a rest that ends a phrase: the longer of the two
GAP_FACTOR = 2.5  # and longer than this many of the player's usual gaps between onsets
LONGEST_REST_S = 2.5
NEWEST = 16


class Phrases:
    """Feed every frame; at most one phrase begins or ends in a frame."""

    def __init__(self) -> None:
        self._notes: list[Note] = []
        self._sounding: dict[float, Note] = {}
        self._silent_since_s: float | None = None
        self._waiting: list[Note] = []

    def step(self, time_s: float, notes: tuple[Note, ...], ended: tuple[Note, ...], grid: Grid | None) -> Phrase | None:
        """time_s: end of the frame. notes: newly named. ended: the same, completed."""
        for note in ended:
            self._close(note)
        self._waiting.extend(notes)
        if self._over(self._waiting[0].onset_s if self._waiting else time_s, grid):
            return self._finish(grid)
        began = not self._notes and bool(self._waiting)
        for note in self._waiting:
            self._notes.append(note)
            self._sounding[note.onset_s] = note
            self._silent_since_s = None
        self._waiting = []
        return self._phrase(None, grid) if began else None

    def _close(self, note: Note) -> None:
        if self._sounding.pop(note.onset_s, None) is None:
            return
        self._notes = [note if n.onset_s == note.onset_s else n for n in self._notes]
        if not self._sounding and note.duration_s is not None:
            self._silent_since_s = max(note.onset_s + note.duration_s, self._silent_since_s or 0.0)

    def _over(self, now_s: float, grid: Grid | None) -> bool:
        if not self._notes or self._silent_since_s is None or self._sounding:
            return False
        return now_s - self._silent_since_s >= self._rest_s(grid)

    def _rest_s(self, grid: Grid | None) -> float:
        rest_s = max(REST_S, REST_BEATS * grid.period_s if grid is not None and grid.confidence > 0.4 else 0.0)
        onsets = [n.onset_s for n in self._notes[-NEWEST:]]
        gaps = [b - a for a, b in pairwise(onsets)]
        usual = GAP_FACTOR * median(gaps) if len(gaps) >= 3 else 0.0
        return min(LONGEST_REST_S, max(rest_s, usual - (self._notes[-1].duration_s or 0.0)))

    def _finish(self, grid: Grid | None) -> Phrase:
        phrase = self._phrase(self._silent_since_s, grid)
        self._notes, self._silent_since_s = [], None
        return phrase

    def _phrase(self, end_s: float | None, grid: Grid | None) -> Phrase:
        known = grid is not None and grid.confidence > 0.4
        notes = tuple(self._notes)
        return Phrase(
            notes=notes,
            start_s=notes[0].onset_s,
            end_s=end_s,
            meter=grid.meter if known and grid is not None else None,
            tempo_bpm=60.0 / grid.period_s if known and grid is not None else None,
        )
