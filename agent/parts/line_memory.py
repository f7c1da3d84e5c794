"""Remembers how the line said its motif, so that it comes back note for note wherever it suits the harmony again."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from agent.parts.bar_chords import ChordAt
from agent.parts.counter_line import LineNote, Motif

CHANGED = 0.34  # share of a bar's notes that may be bent to its chords; where it were more, the motif is placed anew
SAID_MAX = 12  # statements that a section remembers


@dataclass(frozen=True, slots=True)
class Saying:
    """A statement of a motif as it was played. motif: as it was developed; place: semitones above the usual one;
    pitches: (tick of the motif, MIDI pitch)."""

    motif: Motif
    answers: bool
    place: int
    pitches: tuple[tuple[int, int], ...] = ()

    def is_like(self, other: Saying) -> bool:
        """Return whether both say the same thing in the same place."""
        return (self.motif, self.answers, self.place) == (other.motif, other.answers, other.place)


@dataclass(frozen=True, slots=True)
class Statement:
    """A statement that goes on: the chord on which it began, the earlier one that it repeats, what was said so far."""

    chord: ChordAt
    again: Saying | None = None
    pitches: tuple[tuple[int, int], ...] = ()


def suits_again(
    said: Sequence[Saying], now: Saying, start: int, say: Callable[[Mapping[int, int]], tuple[LineNote, ...]]
) -> Saying | None:
    """Return the earlier statement to say again in a bar: the one with the fewest notes to bend, the oldest of equals;
    None where none suits, or none has a note in it. start: tick of the motif with which the bar begins; say: from
    pitches by ticks to the bar's notes.
    """
    best, least = None, CHANGED
    for one in said:
        if not one.is_like(now):
            continue
        known = dict(one.pitches)
        notes = say(known)
        changed = sum(note.pitch != known[start + note.tick] for note in notes) / len(notes) if notes else 1.0
        if changed < least:
            best, least = one, changed
        if not least:
            break
    return best
