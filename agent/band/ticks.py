"""`Tick` is the planner's unit of time: a numbered 16th with its place on the grid and in the bar.

Swing is where the second half of a beat falls, as a fraction of it: 0.5 = straight, 2/3 = triplets.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import floor

from listener.types import Grid
from models.music.tokens import Position, ticks_per_beat


@dataclass(frozen=True, slots=True)
class Tick:
    """One 16th. number: counts on through the session; beat, sub: its place on the grid; position: in the bar."""

    number: int
    beat: int
    sub: int
    position: Position

    def time_on(self, grid: Grid) -> float:
        """Return the time of this tick in seconds of the stream, with the grid's swing."""
        return grid.time_of(self.beat + swung(self.sub / ticks_per_beat(self.position.meter), grid.swing))


def first_tick(grid: Grid, time_s: float, before: Tick | None = None) -> Tick:
    """Return the tick at the beat nearest time_s, with number and bar of `before`."""
    beat = round(grid.beat_at(time_s))
    meter = grid.meter_at(beat)
    bar = before.position.bar if before else 0
    position = Position((grid.position_of(beat) - 1) * ticks_per_beat(meter), bar, meter)
    return Tick(before.number if before else 0, beat, 0, position)


def nearest_tick(grid: Grid, time_s: float, before: Tick) -> Tick:
    """Return the tick nearest time_s on a grid that is read otherwise, with number and bar of `before`."""
    beat = floor(grid.beat_at(time_s))
    meter = grid.meter_at(beat)
    per_beat = ticks_per_beat(meter)
    sub = round(straight(grid.beat_at(time_s) - beat, grid.swing) * per_beat)
    beat, sub = (beat + 1, 0) if sub == per_beat else (beat, sub)
    meter = grid.meter_at(beat)
    position = Position((grid.position_of(beat) - 1) * ticks_per_beat(meter) + sub, before.position.bar, meter)
    return Tick(before.number, beat, sub, position)


def tick_s_of(grid: Grid) -> float:
    """Return the length of a 16th, seconds."""
    return grid.period_s / ticks_per_beat(grid.meter)


def quarter_bpm_of(grid: Grid) -> float:
    """Return the tempo, quarters a minute."""
    return 15 / tick_s_of(grid)


def turns(tick: Tick, grid: Grid) -> bool:
    """Return whether the bar that a tick lies in ends elsewhere on this grid."""
    at, meter = tick.position, grid.meter_at(tick.beat)
    per_beat = ticks_per_beat(meter)
    left = Position(0, 0, meter).ticks_per_bar - (grid.position_of(tick.beat) - 1) * per_beat - tick.sub
    return per_beat != ticks_per_beat(at.meter) or left != at.ticks_per_bar - at.tick


def next_tick(tick: Tick, grid: Grid) -> Tick:
    """Return the tick after `tick`; a bar begins where the grid has a downbeat, even if the last one is cut short."""
    at = tick.position
    if tick.sub + 1 < ticks_per_beat(at.meter):
        return Tick(tick.number + 1, tick.beat, tick.sub + 1, Position(at.tick + 1, at.bar, at.meter))
    beat = tick.beat + 1
    if grid.position_of(beat) == 1:
        return Tick(tick.number + 1, beat, 0, Position(0, at.bar + 1, grid.meter_at(beat)))
    return Tick(tick.number + 1, beat, 0, Position((at.tick + 1) % at.ticks_per_bar, at.bar, at.meter))


def ticks_between(first: int, last: int, grid: Grid) -> int:
    """Return the ticks from one beat to another, negative where that lies before it."""
    low, high = min(first, last), max(first, last)
    ticks = sum(ticks_per_beat(grid.meter_at(beat)) for beat in range(low, high))
    return ticks if last >= first else -ticks


def swung(fraction: float, swing: float) -> float:
    """Return where in the beat a straight fraction falls when its second half begins at `swing` (0.5 = straight)."""
    return 2 * fraction * swing if fraction < 0.5 else swing + (2 * fraction - 1) * (1 - swing)


def straight(fraction: float, swing: float) -> float:
    """Return the straight fraction of a swung one: the inverse of `swung`."""
    return fraction / (2 * swing) if fraction < swing else 0.5 + (fraction - swing) / (2 * (1 - swing))
