"""Judge whether a phrase closes (an answer) or stays open (a question), from its last note.

Three things count: where the last note lies in the key, where it lies in the bar, and how it is reached. The step above
the tonic counts most (the tonal hierarchy: Krumhansl, Cognitive Foundations of Musical Pitch, 1990), then metrical
strength and a close from the dominant or leading tone (cadence); the weights are set by hand.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import median

from listener.types import Grid, Key, Note

# how much an end on each step above the tonic closes, in log odds
STEP = (2.4, -2.0, -1.7, 0.1, 0.1, -1.1, -2.0, -1.3, -1.2, -1.0, -1.4, -2.2)
STRONG, WEAK = 0.5, -0.5
CADENCE = {7: 0.7, 11: 0.7, 2: 0.4, 1: 0.4, 10: 0.3}  # the step before a final tonic
LONG, LONG_FACTOR = 0.4, 1.5
OPEN, CLOSED = 0.4, 0.6


def closure(notes: Sequence[Note], grid: Grid | None, key: Key | None) -> tuple[bool | None, float]:
    """Return (whether the phrase closes, None when undecided; confidence 0-1). An uncertain key moves the answer to
    undecided.
    """
    played = [note for note in notes if note.articulation != "ghost"]
    if key is None or not played:
        return None, 0.0
    odds = STEP[(played[-1].pitch - key.tonic) % 12] + _place(played[-1], grid) + _length(played)
    if (played[-1].pitch - key.tonic) % 12 == 0:
        before = next((n.pitch for n in reversed(played) if n.pitch % 12 != played[-1].pitch % 12), None)
        odds += CADENCE.get((before - key.tonic) % 12, 0.0) if before is not None else 0.0
    chance = 0.5 + key.confidence * (1 / (1 + math.exp(-odds)) - 0.5)
    closes = None if OPEN < chance < CLOSED else chance > 0.5
    return closes, abs(2 * chance - 1)


def _place(note: Note, grid: Grid | None) -> float:
    """Weigh the place in the bar: the first beat closes best, then the middle of a bar with an even number of beats."""
    if grid is None:
        return 0.0
    beat = grid.beat_at(note.onset_s - grid.behind_s)
    if abs(beat - round(beat)) > 0.16:
        return WEAK
    position, numerator = grid.position_of(round(beat)), grid.meter.numerator
    middle = numerator % 2 == 0 and position == numerator // 2 + 1
    return STRONG if position == 1 or middle else WEAK


def _length(played: Sequence[Note]) -> float:
    """Weigh the length of the last note: a long one closes better."""
    lengths = [note.duration_s for note in played[:-1] if note.duration_s]
    last = played[-1].duration_s
    return LONG if last and lengths and last > LONG_FACTOR * median(lengths) else 0.0
