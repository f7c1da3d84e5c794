"""Brings a riff back transformed: turned upside down, displaced, thinned, ornamented, an octave elsewhere, with another
end. Each keeps enough of the riff to be known again, and its notes in the key."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from agent.parts.bass_bar import BassBar, BassNote, group_starts

LOW, HIGH = 28, 55  # E1 to G3
Riff = tuple[BassBar, ...]
Way = Callable[[Riff, frozenset[int], np.random.Generator], Riff]


def in_scale(pitch: int, scale: frozenset[int]) -> int:
    """Return the pitch, or its lower neighbour in the scale, in the bass's range."""
    while pitch % 12 not in scale:
        pitch -= 1
    while pitch < LOW:
        pitch += 12
    while pitch > HIGH:
        pitch -= 12
    return pitch


def _upside_down(riff: Riff, scale: frozenset[int], rng: np.random.Generator) -> Riff:
    home = next((note.pitch for bar in riff for note in bar.notes), 36)
    return _each(riff, lambda note: replace(note, pitch=in_scale(2 * home - note.pitch, scale)))


def _octave(riff: Riff, scale: frozenset[int], rng: np.random.Generator) -> Riff:
    """Every second note off the one an octave higher, or lower where it is high."""

    def moved(note: BassNote) -> BassNote:
        return replace(note, pitch=note.pitch + 12 if note.pitch + 12 <= HIGH - 5 else note.pitch - 12)

    out, count = [], 0
    for bar in riff:
        notes = []
        for note in bar.notes:
            count += 1
            notes.append(moved(note) if count % 2 == 0 and note.tick else note)
        out.append(replace(bar, notes=tuple(notes)))
    return tuple(out)


def _thinned(riff: Riff, scale: frozenset[int], rng: np.random.Generator) -> Riff:
    """Only what begins on a beat, and a note before the bar line; the rest rings."""
    out = []
    for bar in riff:
        strong = group_starts(bar.meter, bar.ticks)
        kept = [note for note in bar.notes if note.tick in strong or note.tick >= bar.ticks - 2]
        out.append(_joined(replace(bar, notes=tuple(kept or bar.notes[:1]))))
    return tuple(out)


def _ornamented(riff: Riff, scale: frozenset[int], rng: np.random.Generator) -> Riff:
    """Before some notes a neighbour from below, where there is room."""
    out, graced = [], False
    for bar in riff:
        notes: list[BassNote] = []
        for note in bar.notes:
            room = note.tick - (notes[-1].tick if notes else 0)
            if room >= 4 and (rng.random() < 0.6 or not graced):
                graced = True
                grace = BassNote(note.tick - 2, 2, in_scale(note.pitch - 1, scale), max(round(0.8 * note.velocity), 1))
                notes.append(grace)
            notes.append(note)
        out.append(_joined(replace(bar, notes=tuple(notes))))
    return tuple(out)


def _displaced(riff: Riff, scale: frozenset[int], rng: np.random.Generator) -> Riff:
    """All but the one an eighth later, or, where that leaves the bar, not at all."""
    out = []
    for bar in riff:
        moved = [replace(note, tick=note.tick + 2) for note in bar.notes if note.tick and note.tick + 2 < bar.ticks]
        out.append(_joined(replace(bar, notes=tuple([n for n in bar.notes if not n.tick] + moved))))
    return tuple(out)


def _backwards(riff: Riff, scale: frozenset[int], rng: np.random.Generator) -> Riff:
    """The same rhythm with its pitches from the last to the second; the first stays."""
    pitches = [note.pitch for bar in riff for note in bar.notes]
    order = iter([*pitches[:1], *reversed(pitches[1:])])
    return _each(riff, lambda note: replace(note, pitch=next(order)))


def _other_end(riff: Riff, scale: frozenset[int], rng: np.random.Generator) -> Riff:
    """Its last half a walk by step to where it began."""
    bar = riff[-1]
    half = bar.ticks // 2
    kept = [note for note in bar.notes if note.tick < half]
    home = next((note.pitch for one in riff for note in one.notes), 36)
    way = 1 if rng.random() < 0.5 else -1
    walk = []
    for number, tick in enumerate(reversed(range(half, bar.ticks, 2)), 1):
        pitch = home - way * number
        while pitch % 12 not in scale:
            pitch -= way
        walk.append(BassNote(tick, 2, in_scale(pitch, scale), 88))
    return (*riff[:-1], replace(bar, notes=(*kept, *reversed(walk))))


WAYS: dict[str, Way] = {
    "upside down": _upside_down,
    "in octaves": _octave,
    "thinned": _thinned,
    "ornamented": _ornamented,
    "displaced by an eighth": _displaced,
    "backwards": _backwards,
    "with another end": _other_end,
}


def transformed(riff: Sequence[BassBar], way: str, scale: frozenset[int], seed: int) -> Riff:
    """Return a riff in one of WAYS. scale: pitch classes that its notes may have."""
    return WAYS[way](tuple(riff), scale, np.random.default_rng((seed, 601)))


def _each(riff: Riff, change: Callable[[BassNote], BassNote]) -> Riff:
    return tuple(replace(bar, notes=tuple(change(note) for note in bar.notes)) for bar in riff)


def _joined(bar: BassBar) -> BassBar:
    """Return the bar with its notes in order, none longer than to the next one."""
    notes = sorted(bar.notes, key=lambda note: note.tick)
    ends = [*(note.tick for note in notes[1:]), bar.ticks]
    kept = [replace(n, length=max(min(n.length, end - n.tick), 1)) for n, end in zip(notes, ends, strict=False)]
    return replace(bar, notes=tuple(kept))
