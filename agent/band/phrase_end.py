"""`PhraseEnd` notices when the player's phrase is over, so that the answer can begin on the next pulse.

A phrase is over after a silence that is longer than any within it; who breathes more is waited for longer.
"""

from __future__ import annotations

import math

from listener.types import Analysis, Grid, Note

LEAST_BEATS, MOST_BEATS = 1.25, 3.0  # of silence
LONGER = 1.3  # than the longest silence within the phrase
HELD_BEATS = 3.0  # a last note that sounds so long is an end
LEAST_NOTES = 2
BARS_MAX = 8


class PhraseEnd:
    """Push every frame while it is the player's turn; begin() where a turn begins."""

    def __init__(self) -> None:
        self.begin()

    def begin(self) -> None:
        """Wait for a new phrase."""
        self.notes: list[Note] = []
        self._longest_s = 0.0  # silence within the phrase
        self._ended_s: float | None = None  # end of the note heard last; None while it sounds

    def push(self, analysis: Analysis) -> None:
        for note in analysis.notes:
            if note.articulation == "ghost":
                continue
            if self._ended_s is not None:
                self._longest_s = max(self._longest_s, note.onset_s - self._ended_s)
            self.notes.append(note)
            self._ended_s = None
        for note in analysis.ended:
            if self.notes and note.onset_s == self.notes[-1].onset_s and note.duration_s is not None:
                self._ended_s = note.onset_s + note.duration_s

    def over(self, now_s: float, grid: Grid, ahead_s: float) -> int | None:
        """Return the beat with which the answer begins, at least ahead_s from now; None while the phrase goes on."""
        if len(self.notes) < LEAST_NOTES:
            return None
        wait_s = min(max(LEAST_BEATS * grid.period_s, LONGER * self._longest_s), MOST_BEATS * grid.period_s)
        held = self._ended_s is None and now_s - self.notes[-1].onset_s > HELD_BEATS * grid.period_s
        silent = self._ended_s is not None and now_s - self._ended_s > wait_s
        return math.ceil(grid.beat_at(now_s + ahead_s) - 0.02) if held or silent else None
