"""One bar of the bass on the 16th grid, and how alike two bars are."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from listener.types import Meter
from models.music.tokens import BassTick, Position, grouping_of, ticks_per_beat

PITCH_SHARE = 0.5  # of likeness; the rest is rhythm


@dataclass(frozen=True, slots=True)
class BassNote:
    """tick: of the bar; length: in ticks, at least 1; pitch: MIDI; velocity: 1 to 127."""

    tick: int
    length: int
    pitch: int
    velocity: int


@dataclass(frozen=True, slots=True)
class BassBar:
    """The bass notes that begin in one bar. sounding: the pitch that rings into the bar, None for silence."""

    meter: Meter
    ticks: int
    notes: tuple[BassNote, ...] = ()
    sounding: int | None = None

    @property
    def signature(self) -> frozenset[tuple[int, int]]:
        """Return (tick, pitch) of every onset: bars with equal signatures are the same bar come again."""
        return frozenset((note.tick, note.pitch) for note in self.notes)

    @property
    def rhythm(self) -> frozenset[int]:
        return frozenset(note.tick for note in self.notes)

    @property
    def highest(self) -> int | None:
        """Return the highest pitch, None in an empty bar."""
        return max((note.pitch for note in self.notes), default=None)

    @property
    def velocity(self) -> float | None:
        """Return the mean velocity, None in an empty bar."""
        return sum(note.velocity for note in self.notes) / len(self.notes) if self.notes else None


def jaccard(first: Iterable[object], second: Iterable[object]) -> float:
    """Return |intersection| / |union|, 1.0 for two empty sets (Jaccard 1901)."""
    a, b = frozenset(first), frozenset(second)
    return len(a & b) / len(a | b) if a | b else 1.0


@lru_cache(maxsize=1 << 13)
def likeness(first: BassBar, second: BassBar) -> float:
    """Return 0 to 1: how much of rhythm and of pitch classes in place two bars share; 0 for different meters.

    A riff moved to another root keeps its rhythm, and so at least half of its likeness.
    """
    if first.ticks != second.ticks or bool(first.notes) != bool(second.notes):
        return 0.0
    rhythm = jaccard(first.rhythm, second.rhythm)
    pitch = jaccard(
        ((note.tick, note.pitch % 12) for note in first.notes), ((note.tick, note.pitch % 12) for note in second.notes)
    )
    return (1 - PITCH_SHARE) * rhythm + PITCH_SHARE * pitch


def bass_bars(places: Sequence[Position], basses: Sequence[BassTick]) -> list[BassBar]:
    """Return the bars of a bass on ticks [T]; a bar that a new meter cuts short is as long as it sounds."""
    bars: list[BassBar] = []
    start = 0
    for end in range(1, len(places) + 1):
        if end == len(places) or places[end].bar != places[start].bar:
            before = basses[start - 1].sounding_pitch if start else None
            bars.append(bass_bar(places[start].meter, basses[start:end], before))
            start = end
    return bars


def end_of_note(basses: Sequence[BassTick], tick: int) -> int:
    """Return the tick before which the note that begins on `tick` ends."""
    end, pitch = tick + 1, basses[tick].onset_pitch
    while end < len(basses) and basses[end].onset_pitch is None and basses[end].sounding_pitch == pitch:
        end += 1
    return end


def bass_bar(meter: Meter, basses: Sequence[BassTick], before: int | None = None) -> BassBar:
    """Return one bar from its ticks. before: the pitch that sounded at the end of the bar before."""
    notes = []
    for tick, bass in enumerate(basses):
        if bass.onset_pitch is None:
            continue
        end = end_of_note(basses, tick)
        notes.append(BassNote(tick, end - tick, bass.onset_pitch, bass.velocity))
    return BassBar(meter, len(basses), tuple(notes), before)


@lru_cache(maxsize=256)
def group_starts(meter: Meter, ticks: int) -> tuple[int, ...]:
    """Return the ticks on which the felt beats of a bar begin."""
    starts, at = [], 0
    for size in grouping_of(meter):
        if at < ticks:
            starts.append(at)
        at += size * ticks_per_beat(meter)
    return tuple(starts) or (0,)


@lru_cache(maxsize=256)
def middle_of(meter: Meter, ticks: int) -> int:
    """Return the felt beat nearest to the middle of the bar; 0 where there is none inside it."""
    inside = group_starts(meter, ticks)[1:]
    return min(inside, key=lambda at: (abs(at - ticks / 2), at), default=0)
