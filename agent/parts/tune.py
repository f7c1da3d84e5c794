"""Says how a line that is the tune goes through a section: motif, answer, rest; then the motif elsewhere, and another
idea made of its own notes.

The two halves of a section differ, as those of songs do: the first presents the motif, the second goes on with pieces
of it and ends (Caplin, Classical Form, 1998, chapters 3 and 5: presentation, continuation by fragments, cadence).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from agent.parts.counter_line import LAST, WIDE, Motif, MotifNote, Turn, bars_of_motif
from agent.parts.line_placing import HIGH, LOW

HIGHER, OTHER = "higher", "other"  # ways: the motif in sequence; another idea, a piece of the motif
FIRST_HALF = {  # what is said in two bars each, by whether the section is lively; one row for each visit, in turn
    False: (("call", "answer", "rest", HIGHER), ("call", "rest", HIGHER, "answer")),
    True: (("call", "answer", "call", HIGHER), ("call", HIGHER, "rest", "call")),
}
SECOND_HALF = {  # its last two bars are the last of the row
    False: ((OTHER, "call", "rest", OTHER), ("call", "rest", OTHER, "answer")),
    True: (("call", "rest", HIGHER, "answer"), ("call", "answer", OTHER, "answer")),
}
SPARSE = 0.34  # density below which the motif is not said in sequence, too
LIFTS = {HIGHER: 5, OTHER: -5}  # semitones
QUIET_LIFT = -3  # of a section that is not lively
CELL = (3, 5)  # notes of the other idea, said twice


@dataclass(frozen=True, slots=True)
class Stretch:
    """Where a bar lies in a section whose length is known. bar: from 0; bars: of the section; returns: how often it
    came before; lively: whether it is fuller than the sections around it."""

    bar: int
    bars: int
    returns: int = 0
    lively: bool = False


def turn_in(at: Stretch, density: float, ticks: int) -> Turn:
    """Return what the tune does in a bar of so many ticks. density: 0 (sparse) to 1."""
    count = bars_of_motif(ticks)
    number, pairs = at.bar // count, max(-(-at.bars // count), 1)
    first = -(-pairs // 2)
    rows = (FIRST_HALF if number < first else SECOND_HALF)[at.lively]
    row = rows[at.returns % len(rows)]
    said = row[number % len(row)] if number < first else row[(number - pairs) % len(row)]
    if said == HIGHER and density < SPARSE:
        said = "rest"
    way = said if said in LIFTS else ""
    return Turn("call" if way else said, at.bar % count, number, way)


def said_as(motif: Motif, way: str, ticks: int) -> Motif:
    """Return the motif in one of the ways; ticks: of a bar."""
    return _other(motif, ticks) if way == OTHER else motif


def lift_of(at: Stretch, way: str, motif: Motif) -> int:
    """Return the semitones that a statement lies higher; a motif as wide as the line's room goes on lower instead."""
    steps = [note.step for note in motif.notes]
    wide = (max(steps) - min(steps)) * 12 / 7 > HIGH - LOW - LIFTS[HIGHER]
    lift = -LIFTS[HIGHER] if way == HIGHER and wide else LIFTS.get(way, 0)
    return lift + (0 if at.lively else QUIET_LIFT)


def _other(motif: Motif, ticks: int) -> Motif:
    """Return the motif's first notes said twice, the second time a step lower and with a long end."""
    half = ticks * bars_of_motif(ticks) // 2
    cell = [note for note in motif.notes if note.tick < half][: CELL[1]]
    if len(cell) < CELL[0]:
        begins = motif.notes[0].tick
        cell = [replace(note, tick=note.tick - begins) for note in motif.notes if note.tick - begins < half][: CELL[1]]
    ends = (*(note.tick for note in cell[1:]), half)
    said = [
        MotifNote(note.tick + again * half, min(note.length, end - note.tick), _inside(note.step - again))
        for again in (0, 1)
        for note, end in zip(cell, ends, strict=True)
    ]
    return Motif((*said[:-1], replace(said[-1], length=min(LAST, 2 * half - said[-1].tick))), motif.source)


def _inside(step: int) -> int:
    return min(max(step, WIDE[0]), WIDE[1])
