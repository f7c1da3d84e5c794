"""Holds two bars as the responder would play them: a groove, a comping figure and a phrase of the line.

The plan judges each beside those of the libraries; none of them is bound to the others.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from agent.parts.bass_bar import jaccard
from agent.parts.comping import Figure
from agent.parts.counter_line import NOTES, Motif, motif_of
from agent.parts.groove_traits import Traits

IMAGINED = "imagined"
ALIKE_FROM = 0.5  # likeness of the two bars' strokes, from which the first is a figure and not a ramble
STROKES_MAX = 8
DENSE = ((1, 2, 3, 5, 8), (0.9, 0.75, 0.5, 0.3, 0.15))  # strokes of a figure, and how busy a bass it suits
Strokes = tuple[tuple[int, int], ...]  # (tick, length)


@dataclass(frozen=True, slots=True)
class ImaginedBars:
    """number: of the imagining. ticks: of a bar; drums: of both, None = no groove; strokes: of the chords, bar by bar;
    line: (tick, length, MIDI pitch) of its notes, ticks from the start of both."""

    number: int
    ticks: int
    drums: Traits | None
    strokes: tuple[Strokes, Strokes]
    line: tuple[tuple[int, int, int], ...]

    @property
    def figure(self) -> Figure | None:
        """Return the comping figure; None where the bars have none in common."""
        first, second = ([tick for tick, _ in bar] for bar in self.strokes)
        if not 1 <= len(first) <= STROKES_MAX or jaccard(first, second) < ALIKE_FROM:
            return None
        dense = float(np.interp(len(first), *DENSE))
        return Figure(f"{IMAGINED} {self.number}", self.strokes[0], dense)

    def motif(self, scale: frozenset[int]) -> Motif | None:
        """Return the phrase in steps of a scale, from its first note on; None where it has too few or too many."""
        if not NOTES[0] <= len(self.line) <= NOTES[1]:
            return None
        return Motif(motif_of(self.line, scale, 2 * self.ticks).notes, IMAGINED)
