"""Says whether a harmony goes with a bar of the bass, and which one a bar had before: what is kept, what is mended."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from agent.parts import chord_colour
from agent.parts.bar_chords import ChordAt, fits
from agent.parts.bass_bar import BassBar, group_starts, likeness
from agent.parts.comping import Stroke
from agent.parts.voicing import voiced
from agent.song.expectation import KINDRED_FROM
from agent.song.song_plan import BarPlan, SongPlan
from models.music.tokens import Position

MEND_VELOCITY = 70

RIGHT_SHARE = 0.6  # of a bar's notes on beats that belong to its chords
SURE_KEY = 0.7  # belief in the key from which chords outside it are wrong
SETTLED_TIMES = 3  # that a bass bar was heard
HARMONY_BARS = 48  # in which a kindred bar is looked for


def chord_at(chords: Sequence[ChordAt], tick: int) -> ChordAt:
    return next((one for one in reversed(chords) if one.tick <= tick), chords[0])


def surprises(told: BassBar, tick: int, pitch: int) -> bool:
    """Return whether another note was foretold at a tick."""
    return not any(note.tick == tick and note.pitch % 12 == pitch % 12 for note in told.notes)


def same_harmony(first: Sequence[ChordAt], second: Sequence[ChordAt], tick: int) -> bool:
    """Return whether two harmonies have the same chord at a tick."""
    return chord_at(first, tick).tones == chord_at(second, tick).tones


def kindred_harmony(song: SongPlan, bar: BassBar) -> tuple[ChordAt, ...]:
    """Return the chords of the bar that is most like one, () where none is like it: half misheard, it is the same."""
    best: tuple[ChordAt, ...] = ()
    best_like = KINDRED_FROM
    for old in reversed(song.bars[-HARMONY_BARS:]):
        if old.notes and old.ticks == bar.ticks and (like := likeness(old, bar)) > best_like:
            known = song.memory.get(old.signature, ())
            if known and _says_same(old, bar):
                best, best_like = known, like
    return best


def _says_same(old: BassBar, bar: BassBar) -> bool:
    """Return whether two bars begin with the same note."""
    return (
        bool(bar.notes)
        and old.notes[0].tick == bar.notes[0].tick
        and not ((old.notes[0].pitch - bar.notes[0].pitch) % 12)
    )


def is_right(harmony: Sequence[ChordAt], heard: BassBar, song: SongPlan) -> bool:
    """Return whether chords go with a bar: its notes on the beats belong to most of them, they belong to the key.

    A bar that was often heard keeps its chords though the key is thought to be another by now.
    """
    if harmony[-1].tick >= heard.ticks:
        return False
    beats = group_starts(heard.meter, heard.ticks)
    said = [fits(chord_at(harmony, note.tick), note.pitch) for note in heard.notes if note.tick in beats]
    settled = sum(bar.signature == heard.signature for bar in song.bars) >= SETTLED_TIMES
    outside = not settled and song.key.sure > SURE_KEY and any(one.tones - song.key.scale for one in harmony)
    return sum(said) >= RIGHT_SHARE * len(said) and not outside


def mended(bar: BarPlan, chords: Sequence[ChordAt], heard: BassBar, song: SongPlan) -> BarPlan:
    """Return a bar with other chords from the first of them on, led to from the chord before, each one struck.

    heard: the bass of the bar so far. A chord that is not to be resolved to is not.
    """
    start, ticks = chords[0].tick, Position(0, 0, heard.meter).ticks_per_bar
    kept = tuple(one for one in bar.chords if one.tick < start)
    resolution = song.wish.bend("resolution")
    chords = chord_colour.unresolved(chords, kept[-1] if kept else song.struck, song.key, heard, resolution, False)
    last = kept[-1].voicing if kept else song.struck.voicing if song.struck else ()
    laid: list[ChordAt] = []
    for chord in chords:
        last = voiced(chord.root, chord.quality, chord.added, last, heard.highest, song.style or "")
        laid.append(replace(chord, voicing=last))
    strokes = list(bar.strokes)
    for chord in laid:
        if not any(chord.tick <= stroke.tick <= chord.tick + 2 for stroke in strokes):
            until = min((stroke.tick for stroke in strokes if stroke.tick > chord.tick), default=ticks)
            strokes.append(Stroke(chord.tick, max(min(4, until - chord.tick), 1), MEND_VELOCITY))
    strokes.sort(key=lambda one: one.tick)
    return replace(bar, chords=(*kept, *laid), strokes=tuple(strokes))
