"""Measures what edits do: `measured` before they sound, on the music to come; `figure_of` afterwards, on bars that were
played."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise

from agent.conversation.stage import Done
from agent.directions import differences
from agent.directions.active import ActiveEdit
from agent.directions.edit import Edit
from agent.directions.sounding import Heard, Strokes, strokes
from models.music.tokens import QUALITIES

ROUGH = frozenset({1, 2, 6, 10, 11})  # intervals in semitones that rub
Sure = Callable[[Edit], bool | None]

KEEP_TIME = ("hat", "ride")  # targets of which one keeps the time


def measured(
    edits: Sequence[Edit], before: Sequence[Heard], after: Sequence[Heard], form: int, since: int, knows: Sure
) -> tuple[tuple[Done, ...], tuple[str, ...], bool]:
    """Return (edit by edit, what else moved, whether anything differs).

    before, after: the same bars without and with the edits. form: bars of the form; since: the bar they were asked in.
    knows: answers for an edit that strokes do not show: True, False, or None = that can only be told later.
    """
    old, new = strokes(before), strokes(after)
    bars = sorted({one.position.bar for one in after})
    places = {edit: [bar for bar in bars if ActiveEdit(edit, 0, since).concerns(bar, form)] for edit in edits}
    done = tuple(
        Done(edit, True) if _spared(edit, edits, new) else _done(edit, old, new, places[edit], knows) for edit in edits
    )
    moved = differences.difference(old, new)
    beside = [differences.in_words(one, len(bars)) for one in differences.besides(edits, moved)]
    elsewhere = [bar for bar in bars if not any(bar in where for where in places.values())]
    spilled = differences.difference(old, new, elsewhere) if elsewhere else {}
    if spilled:
        beside.append(f"something in {_bars(sorted({bar % form for one in spilled.values() for bar in one.bars}))}")
    return done, tuple(beside), bool(moved)


def _spared(edit: Edit, edits: Sequence[Edit], new: Strokes) -> bool:
    """Return whether an edit keeps in what the others of its sentence silence: "only the drums"."""
    mine = differences.voices_of(edit.target)
    if edit.dimension != "mute" or edit.change not in ("off", "less") or mine.isdisjoint(new):
        return False
    others = (one for one in edits if one.dimension == "mute" and one.change in ("on", "more"))
    return any(mine <= differences.voices_of(one.target) and one.scope == edit.scope for one in others)


def _done(edit: Edit, old: Strokes, new: Strokes, bars: Sequence[int], knows: Sure) -> Done:
    moved = differences.difference(old, new, bars)
    figure = differences.figure(edit, moved, len(bars))
    if differences.shows(edit, moved):
        return Done(edit, True, figures=(figure,) if figure else ())
    known = knows(edit)
    if known is not False:
        return Done(edit, known)
    voices = differences.voices_of(edit.target)
    if not any(voice in one for one in (old, new) for voice in voices):
        keeper = next((one for one in KEEP_TIME if one != edit.target and differences.voices_of(one) & set(new)), "")
        also = f"; the {keeper} keeps the time" if edit.target in KEEP_TIME and keeper else ""
        return Done(edit, False, f"that is silent there{also}")
    return Done(edit, False, "it is as far as it goes" if not moved and edit.change in ("more", "less") else "")


def _bars(bars: Sequence[int]) -> str:
    return f"bar {bars[0] + 1}" if len(bars) == 1 else f"bars {', '.join(str(bar + 1) for bar in bars)}"


def figure_of(edit: Edit, music: Sequence[Heard]) -> float | None:
    """Return the figure of an edit's dimension over some bars; None where it has none or nothing plays."""
    measure = FIGURES.get(edit.dimension)
    return measure(edit, music) if measure and music else None


def _density(edit: Edit, music: Sequence[Heard]) -> float | None:
    here = strokes(music)
    bars = len({one.position.bar for one in music})
    return sum(len(here.get(voice, {})) for voice in differences.voices_of(edit.target)) / bars


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
