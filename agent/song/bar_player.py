"""A planned bar, tick by tick: what the band does in each 16th, and how a wrong harmony is mended."""

from __future__ import annotations

from agent.song.song_plan import BarPlan
from models.music.tokens import ChordHit, LineHit, Reply


def replies_of(bar: BarPlan, ticks: int) -> list[Reply]:
    """Return one Reply for each tick of a planned bar; strokes and notes end with it at the latest but the line's."""
    strokes = {stroke.tick: stroke for stroke in bar.strokes}
    stroke_ends = {stroke.tick + stroke.length for stroke in bar.strokes}
    notes = {note.tick: note for note in bar.line}
    note_ends = {note.tick + note.length for note in bar.line}
    out = []
    for tick in range(ticks):
        chord = next((one for one in reversed(bar.chords) if one.tick <= tick), None)
        stroke, note = strokes.get(tick), notes.get(tick)
        hit = ChordHit(chord.root, chord.quality, stroke.velocity, chord.voicing) if stroke and chord else None
        line = LineHit(note.pitch, note.velocity) if note else None
        drums = bar.drums[tick] if tick < len(bar.drums) else ()
        off = hit is None and (tick in stroke_ends or (tick == 0 and 0 not in strokes))
        line_off = line is None and (tick in note_ends or (tick == 0 and not bar.line))
        out.append(Reply(drums, hit, off, line, line_off))
    return out
