"""The last bar: the band stops with the bass, on one stroke that rings."""

from __future__ import annotations

from collections.abc import Sequence

from agent.parts.bass_bar import BassBar, group_starts
from agent.parts.comping import Stroke
from agent.parts.drum_groove import DrumBar
from models.music.tokens import DrumHit

KICK, CRASH, CHORD = 100, 108, 86  # velocities


def last_bar(drums: DrumBar, strokes: Sequence[Stroke], bass: BassBar) -> tuple[DrumBar, tuple[Stroke, ...]]:
    """Return (drums, strokes) that end together with the bass's last note on a felt beat; the chord rings on."""
    starts = group_starts(bass.meter, bass.ticks)
    at = max((note.tick for note in bass.notes if note.tick in starts), default=0)
    final = (DrumHit("kick", KICK), DrumHit("crash", CRASH))
    ended = tuple(hits if tick < at else final if tick == at else () for tick, hits in enumerate(drums))
    before = [Stroke(one.tick, min(one.length, at - one.tick), one.velocity) for one in strokes if one.tick < at]
    return ended, (*before, Stroke(at, bass.ticks - at, CHORD))
