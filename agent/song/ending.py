"""Says how the band stops with the bass: on one stroke that rings, cut short, slowing down; and sticks before a one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from agent.parts.bar_chords import ChordAt
from agent.parts.bass_bar import BassBar, group_starts
from agent.parts.comping import Stroke
from agent.parts.counter_line import LineNote
from agent.parts.drum_groove import DrumBar
from listener.types import Meter
from models.music.tokens import DrumHit

KICK, CRASH, CHORD = 100, 108, 86  # velocities
STICKS = (92, 78)  # velocities of the first beat of a bar that is counted, of the others
CUT_TICKS = 2  # that a chord sounds which is cut short with the bass
RITARD = (1.0, 0.93, 0.85, 0.75, 0.62)  # shares of the tempo on the last felt beats of a tune that slows down


def last_stroke(bass: BassBar) -> int:
    """Return the tick of the stroke that the band ends on: the bass's last note on a felt beat."""
    starts = group_starts(bass.meter, bass.ticks)
    return max((note.tick for note in bass.notes if note.tick in starts), default=0)


def last_line(line: Sequence[LineNote], chords: Sequence[ChordAt], bass: BassBar) -> tuple[LineNote, ...]:
    """Return a line that ends with the band: what it would have begun after the last stroke is one note of the chord
    that rings, or none."""
    at = last_stroke(bass)
    before = [replace(note, length=min(note.length, at - note.tick)) for note in line if note.tick < at]
    tones = {pitch % 12 for chord in chords if chord.tick <= at for pitch in chord.voicing}
    rings = next((note for note in line if note.tick >= at and note.pitch % 12 in tones), None)
    return (*before, replace(rings, tick=at, length=bass.ticks - at)) if rings else tuple(before)


def last_bar(drums: DrumBar, strokes: Sequence[Stroke], bass: BassBar) -> tuple[DrumBar, tuple[Stroke, ...]]:
    """Return (drums, strokes) that end together with the bass's last note on a felt beat; the chord rings on."""
    at = last_stroke(bass)
    final = (DrumHit("kick", KICK), DrumHit("crash", CRASH))
    ended = tuple(hits if tick < at else final if tick == at else () for tick, hits in enumerate(drums))
    before = [Stroke(one.tick, min(one.length, at - one.tick), one.velocity) for one in strokes if one.tick < at]
    return ended, (*before, Stroke(at, bass.ticks - at, CHORD))


def cut(strokes: Sequence[Stroke], at: int, bass: BassBar) -> tuple[Stroke, ...]:
    """Return strokes that stop with the bass: a short one on tick `at`, none after it."""
    before = tuple(replace(one, length=min(one.length, at - one.tick)) for one in strokes if one.tick < at)
    return (*before, Stroke(at, min(CUT_TICKS, bass.ticks - at), CHORD))


def count_off(meter: Meter, ticks: int) -> DrumBar:
    """Return a bar of sticks on the felt beats: the band counts the player in."""
    starts = group_starts(meter, ticks)
    return tuple((DrumHit("rim", STICKS[0 if tick == 0 else 1]),) if tick in starts else () for tick in range(ticks))


def slowing(beats: int) -> tuple[float, ...]:
    """Return the shares of the tempo on each of a tune's last `beats` felt beats, the last ones slowing down."""
    steps = RITARD[-min(beats, len(RITARD)) :]
    return (1.0,) * max(beats - len(steps), 0) + steps
