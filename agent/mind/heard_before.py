"""What the player played before the beat was found: its notes on the grid, as if the grid had been there."""

from __future__ import annotations

from collections.abc import Sequence
from math import floor

from agent.band.ticks import Tick, straight
from listener.types import Grid, Note
from models.music.tokens import BassTick, Position, ticks_per_beat

MOST_TICKS = 96  # of the bass that are looked back on
EARLY = 0.3  # of a beat that the first note may come before its beat


def heard_before(notes: Sequence[Note], grid: Grid, now: Tick) -> tuple[list[tuple[Position, BassTick]], Tick]:
    """Return (the ticks of the bass from its first note to `now`, `now` with its bar counted from there)."""
    played = [note for note in notes if note.articulation != "ghost"] or list(notes)
    per_beat = ticks_per_beat(now.position.meter)
    if not played:
        return [], now
    first = max(floor(grid.beat_at(played[0].onset_s) + EARLY), now.beat - MOST_TICKS // per_beat)
    if first >= now.beat:
        return [], now
    at: dict[int, Note] = {}
    for note in played:
        at[_tick_of(note.onset_s, grid, per_beat)] = note
    ticks: list[tuple[Position, BassTick]] = []
    bar, sounding = 0, None
    for beat in range(first, now.beat):
        if beat > first and grid.position_of(beat) == 1:
            bar += 1
        for sub in range(per_beat):
            number = beat * per_beat + sub
            onset = at.get(number)
            sounding = onset or sounding
            if sounding and sounding.duration_s is not None:
                end = _tick_of(sounding.onset_s + sounding.duration_s, grid, per_beat)
                sounding = sounding if number < max(end, _tick_of(sounding.onset_s, grid, per_beat) + 1) else None
            position = Position((grid.position_of(beat) - 1) * per_beat + sub, bar, grid.meter)
            pitch, velocity = (onset.pitch, onset.velocity) if onset else (None, 0)
            ticks.append((position, BassTick(True, pitch, velocity, sounding.pitch if sounding else None)))
    bar += grid.position_of(now.beat) == 1
    here = Position(now.position.tick, bar, now.position.meter)
    return ticks, Tick(now.number, now.beat, now.sub, here)


def _tick_of(time_s: float, grid: Grid, per_beat: int) -> int:
    beat = grid.beat_at(time_s - grid.behind_s)
    whole = floor(beat)
    return whole * per_beat + round(straight(beat - whole, grid.swing) * per_beat)
