"""The beat where it is the band's to keep: in its turn and over a loop it stands still; then the player has it again.

Ears that heard nothing for some bars may take his first notes for another tempo. They are believed again once they agree
with the band, or insist.
"""

from __future__ import annotations

import math
from dataclasses import replace

from listener.types import Analysis, Grid

SAME_BEATS, SAME_TEMPO = 0.25, 0.12  # grids that differ by less agree
AGREES_NOTES = 5  # heard while both agree: until then the ears may still go astray
INSISTS_NOTES = 12  # heard while sure ears have another beat


def agree(one: Grid, other: Grid, now_s: float) -> bool:
    """Whether both mean the same beats, bars and tempo."""
    beat = round(one.beat_at(now_s))
    at_s = one.time_of(beat)
    apart = other.beat_at(at_s) - round(other.beat_at(at_s))
    same_bar = one.meter == other.meter and one.position_of(beat) == other.position_of(round(other.beat_at(at_s)))
    return same_bar and abs(apart) < SAME_BEATS and abs(math.log(one.period_s / other.period_s)) < SAME_TEMPO


class OwnBeat:
    """fix() and free() at bar lines; `fixed` and `believed` once a frame."""

    def __init__(self, enough: float) -> None:
        self._enough = enough  # confidence from which ears can insist
        self.led = False  # by another machine, which never loses the beat
        self.fixed: Grid | None = None  # the beat, whatever is heard
        self._kept: Grid | None = None  # the band's, until the ears agree
        self._with, self._against = 0, 0  # notes heard meanwhile

    def fix(self, grid: Grid) -> None:
        """This is the beat until free()."""
        self.fixed = replace(grid, confidence=1.0, meter_confidence=1.0)
        self._kept = None

    def free(self) -> None:
        """The player leads again."""
        if self.fixed is not None:
            self.fixed, self._kept = None, self.fixed
            self._with = self._against = 0

    def forget(self) -> None:
        """The band has stopped: only what is heard counts."""
        self.fixed = self._kept = None

    def believed(self, heard: Analysis, own: Grid | None) -> Grid | None:
        """The beat to follow in a frame where none is fixed. own: what the band last played on."""
        ears = heard.grid
        if self._kept is None or self.led:
            return ears
        kept = replace(own or self._kept, confidence=1.0, meter_confidence=1.0)
        if ears is None or ears.confidence < self._enough:
            return kept
        same = agree(kept, ears, heard.time_s)
        self._with += same * len(heard.notes)
        self._against += (not same) * len(heard.notes)
        if (self._with >= AGREES_NOTES and same) or self._against >= INSISTS_NOTES:
            self._kept = None
        return kept if self._kept else ears
