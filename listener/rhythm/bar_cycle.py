"""`BarCycle` is several bars that come round on a beat clock; it lays the grid of them over the clock's beats."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import accumulate

from listener.cycle_grid import CycleGrid
from listener.types import Grid, Meter

# beats of the clock -> the meter of a bar so long, by beats per pulse
QUARTERS = {
    2.0: Meter(2, 4),
    2.5: Meter(5, 8, (3, 2)),
    3.0: Meter(3, 4),
    3.5: Meter(7, 8, (2, 2, 3)),
    4.0: Meter(4, 4),
    4.5: Meter(9, 8, (2, 2, 2, 3)),
    5.0: Meter(5, 4, (3, 2)),
    5.5: Meter(11, 8, (2, 2, 2, 2, 3)),
    6.0: Meter(6, 4, (3, 3)),
    7.0: Meter(7, 4, (4, 3)),
}
EIGHTHS = {6.0: Meter(6, 8, (3, 3)), 9.0: Meter(9, 8, (3, 3, 3)), 12.0: Meter(12, 8, (3, 3, 3, 3))}
METERS = {1: QUARTERS, 3: EIGHTHS}
NEAR = 0.25  # beats, within which a beat was reported already


@dataclass(frozen=True, slots=True)
class BarCycle:
    """Bars that come round. line: the clock's beat on which the first begins; sizes: in beats of the clock; meters: of
    the bars; origin: the number under which the beat on `line` is reported.
    """

    line: float
    sizes: tuple[float, ...]
    meters: tuple[Meter, ...]
    origin: int

    def lay(self, clock: Grid, now_s: float) -> Grid:
        """Return the grid of the bars now, over the clock's beats."""
        origin_s = clock.time_of(self.line)
        starts_s = tuple(clock.period_s * at for at in accumulate(self.sizes, initial=0.0))
        beats = tuple(accumulate((meter.numerator for meter in self.meters), initial=0))
        grid = CycleGrid(
            clock.anchor_s,
            self.origin,
            1,
            clock.period_s,
            self.meters[0],
            clock.confidence,
            min(clock.confidence, clock.meter_confidence),
            clock.swing,
            clock.behind_s,
            self.meters,
            beats,
            starts_s,
            self.origin,
            origin_s,
        )
        return grid.now(now_s)


def cycle_from(line: float, sizes: tuple[float, ...], per_pulse: int, beat: int, at: float) -> BarCycle:
    """Return the cycle in which the first beat after `at`, in beats of the clock, is reported as number `beat`."""
    meters = tuple(METERS[per_pulse][size] for size in sizes)
    every = sum(sizes)
    line += math.floor((at - line) / every) * every
    count, place = 0, line
    for size, meter in zip(sizes, meters, strict=True):
        for _ in range(meter.numerator):
            if place > at + NEAR:
                return BarCycle(line, sizes, meters, beat - count)
            count, place = count + 1, place + size / meter.numerator
    return BarCycle(line, sizes, meters, beat - count)
