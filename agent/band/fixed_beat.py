"""`OwnBeat` fixes the beat while the band leads (in its turn, over a loop) and gives it back to the player afterwards.

After bars of silence the listener may mistake the player's first notes for another tempo. Its grid is followed again
after AGREES_NOTES notes in agreement with the band's, or after INSISTS_NOTES notes of a confident other beat.
"""

from __future__ import annotations

import math
from dataclasses import replace

from listener.types import Analysis, Grid

SAME_BEATS, SAME_TEMPO = 0.25, 0.12  # grids that differ by less agree
AGREES_NOTES = 5  # notes heard while both grids agree
INSISTS_NOTES = 12  # notes heard while the listener is confident of another beat


def agree(one: Grid, other: Grid, now_s: float) -> bool:
    """Return whether both grids mean the same beats, bars and tempo."""
    beat = round(one.beat_at(now_s))
    at_s = one.time_of(beat)
    apart = other.beat_at(at_s) - round(other.beat_at(at_s))
    same_bar = one.meter == other.meter and one.position_of(beat) == other.position_of(round(other.beat_at(at_s)))
    return same_bar and abs(apart) < SAME_BEATS and abs(math.log(one.period_s / other.period_s)) < SAME_TEMPO


class OwnBeat:
    """The band's own beat. Call fix() and free() at bar lines; read `fixed` and call `believed` once a frame."""

    def __init__(self, enough: float) -> None:
        self._enough = enough  # confidence from which the listener's grid counts
        self.led = False  # whether another machine leads, which never loses the beat
        self.fixed: Grid | None = None  # the beat, whatever is heard
        self._kept: Grid | None = None  # the band's, until the listener's agrees
        self._with, self._against = 0, 0  # notes heard meanwhile

    def fix(self, grid: Grid) -> None:
        """Play on this grid until free()."""
        self.fixed = replace(grid, confidence=1.0, meter_confidence=1.0)
        self._kept = None

    def free(self) -> None:
        """Let the player lead again."""
        if self.fixed is not None:
            self.fixed, self._kept = None, self.fixed
            self._with = self._against = 0

    def forget(self) -> None:
        """Follow only what is heard, since the band has stopped."""
        self.fixed = self._kept = None

    def believed(self, heard: Analysis, own: Grid | None) -> Grid | None:
        """Return the grid to follow in a frame where none is fixed. own: the grid that the band last played on."""
        grid = heard.grid
        if self._kept is None or self.led:
            return grid
        kept = replace(own or self._kept, confidence=1.0, meter_confidence=1.0)
        if grid is None or grid.confidence < self._enough:
            return kept
        same = agree(kept, grid, heard.time_s)
        self._with += same * len(heard.notes)
        self._against += (not same) * len(heard.notes)
        if (self._with >= AGREES_NOTES and same) or self._against >= INSISTS_NOTES:
            self._kept = None
        return kept if self._kept else grid
