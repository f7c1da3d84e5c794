"""The planner's clock: 16th notes numbered on for ever, each with its place on the grid and in the bar."""

from __future__ import annotations

from dataclasses import dataclass

from listener.types import Grid
from models.music.tokens import Position, ticks_per_beat


@dataclass(frozen=True, slots=True)
class Tick:
    """One 16th: number counts on for ever; beat and sub say where it lies on the grid; position where in the bar."""

    number: int
    beat: int
    sub: int
    position: Position

    def time_on(self, grid: Grid) -> float:
        """Stream seconds of this tick, swung as the grid is."""
        return grid.time_of(self.beat + swung(self.sub / ticks_per_beat(self.position.meter), grid.swing))


def swung(fraction: float, swing: float) -> float:
    """Where in the beat a straight fraction falls when the second half begins at `swing` (0.5 = straight)."""
    return 2 * fraction * swing if fraction < 0.5 else swing + (2 * fraction - 1) * (1 - swing)


def straight(fraction: float, swing: float) -> float:
    """The inverse of swung."""
    return fraction / (2 * swing) if fraction < swing else 0.5 + (fraction - swing) / (2 * (1 - swing))


def first_tick(grid: Grid, time_s: float, before: Tick | None = None) -> Tick:
    """The tick at the beat nearest time_s, numbered on from `before`."""
    beat = round(grid.beat_at(time_s))
    per_beat = ticks_per_beat(grid.meter)
    bar = before.position.bar if before else 0
    position = Position((grid.position_of(beat) - 1) * per_beat, bar, grid.meter)
    return Tick(before.number if before else 0, beat, 0, position)


def next_tick(tick: Tick, grid: Grid) -> Tick:
    """The tick after `tick`; a new bar begins where the grid has a downbeat, even if this one is cut short."""
    at = tick.position
    if tick.sub + 1 < ticks_per_beat(at.meter):
        return Tick(tick.number + 1, tick.beat, tick.sub + 1, Position(at.tick + 1, at.bar, at.meter))
    beat = tick.beat + 1
    if grid.position_of(beat) == 1:
        return Tick(tick.number + 1, beat, 0, Position(0, at.bar + 1, grid.meter))
    return Tick(tick.number + 1, beat, 0, Position((at.tick + 1) % at.ticks_per_bar, at.bar, at.meter))
