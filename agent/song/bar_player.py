"""Plays a planned bar tick by tick: what the band does in each 16th, and how hard it is struck."""

from __future__ import annotations

from dataclasses import replace

from agent.parts.drum_groove import CRASH_LOUDEST, LOUDEST
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


def struck(reply: Reply, gain: float) -> Reply:
    """Return a reply struck harder or softer."""

    def at(velocity: int, top: int = LOUDEST) -> int:
        return int(min(max(round(velocity * gain), 8), top))

    drums = tuple(
        replace(hit, velocity=at(hit.velocity, CRASH_LOUDEST if hit.piece == "crash" else LOUDEST))
        for hit in reply.drums
    )
    chord = replace(reply.chord, velocity=at(reply.chord.velocity)) if reply.chord else None
    line = replace(reply.line, velocity=at(reply.line.velocity)) if reply.line else None
    return replace(reply, drums=drums, chord=chord, line=line)
