"""`figure_of` is the number by which an edit of the song plan is judged after a few bars."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise

from agent.directions.differences import voices_of
from agent.directions.edit import Edit
from agent.directions.sounding import Heard, strokes
from models.music.tokens import QUALITIES

ROUGH = frozenset({1, 2, 6, 10, 11})  # intervals in semitones that rub


def figure_of(edit: Edit, music: Sequence[Heard]) -> float | None:
    """Return the figure of an edit's dimension over some bars; None where it has none or nothing plays."""
    measure = FIGURES.get(edit.dimension)
    return measure(edit, music) if measure and music else None


def _density(edit: Edit, music: Sequence[Heard]) -> float | None:
    here = strokes(music)
    bars = len({one.position.bar for one in music})
    return sum(len(here.get(voice, {})) for voice in voices_of(edit.target)) / bars


def _off_the_beat(edit: Edit, music: Sequence[Heard]) -> float | None:
    voices = ("kick", "snare", "rim", "chords")
    ticks = [tick for voice in voices for _, tick in strokes(music).get(voice, {})]
    return sum(tick % 4 != 0 for tick in ticks) / len(ticks) if ticks else None


def _roughness(edit: Edit, music: Sequence[Heard]) -> float | None:
    """Return the share of rubbing intervals among chord tones and bass, over all strokes of chords."""
    rough = total = 0
    bass: int | None = None
    for one in music:
        bass = one.bass.sounding_pitch if one.bass.sounding_pitch is not None else bass
        if one.reply.chord is None:
            continue
        chord = one.reply.chord
        tones = {(chord.root + step) % 12 for step in QUALITIES[chord.quality]} | {p % 12 for p in chord.voicing}
        tones |= {bass % 12} if bass is not None else set()
        steps = [abs(a - b) for a in tones for b in tones if a < b]
        rough, total = rough + sum(step in ROUGH for step in steps), total + len(steps)
    return rough / total if total else None


def _falling_fifths(edit: Edit, music: Sequence[Heard]) -> float | None:
    roots = [one.reply.chord.root for one in music if one.reply.chord]
    moves = [(b - a) % 12 for a, b in pairwise(roots) if a != b]
    return sum(move == 5 for move in moves) / len(moves) if moves else None


FIGURES: dict[str, Callable[[Edit, Sequence[Heard]], float | None]] = {  # by dimension
    "density": _density,
    "syncopation": _off_the_beat,
    "dissonance": _roughness,
    "resolution": _falling_fifths,
}
