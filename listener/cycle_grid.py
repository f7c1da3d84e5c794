"""`CycleGrid` is a beat grid whose bars come round: those of a riff, or of meters that alternate.

It imports nothing heavy: plans carry it to the audio process.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, replace

from listener.types import Grid, Meter


@dataclass(frozen=True, slots=True)
class CycleGrid(Grid):
    """A grid whose bars come round and round. meters, seconds: of the cycle's bars; beats: at which each begins, then
    the cycle's end; starts_s: likewise, in seconds from the cycle's beginning.

    origin: the beat, and origin_s: the time, at which a cycle begins. since: the first beat that is counted so; before
    it the grid is `before`.
    """

    meters: tuple[Meter, ...] = ()
    beats: tuple[int, ...] = (0, 1)
    starts_s: tuple[float, ...] = (0.0, 1.0)
    origin: int = 0
    origin_s: float = 0.0
    since: int = 0
    before: Grid | None = None

    def _bar_at(self, beat: float) -> tuple[int, float, float]:
        """Return which bar of the cycle a beat lies in, the beats since it began, and when that cycle began."""
        rounds, inside = divmod(beat - self.origin, self.beats[-1])
        bar = bisect_right(self.beats, inside) - 1
        return bar, inside - self.beats[bar], self.origin_s + rounds * self.starts_s[-1]

    def _period_s(self, bar: int) -> float:
        return (self.starts_s[bar + 1] - self.starts_s[bar]) / self.meters[bar].numerator

    def time_of(self, beat: float) -> float:
        if self.before is not None and beat < self.since:
            return self.before.time_of(beat)
        bar, inside, cycle_s = self._bar_at(beat)
        return cycle_s + self.starts_s[bar] + inside * self._period_s(bar)

    def beat_at(self, time_s: float) -> float:
        if self.before is not None and time_s < self.time_of(self.since):
            return min(self.before.beat_at(time_s), float(self.since))
        rounds, inside_s = divmod(time_s - self.origin_s, self.starts_s[-1])
        bar = min(bisect_right(self.starts_s, inside_s) - 1, len(self.meters) - 1)
        inside = (inside_s - self.starts_s[bar]) / self._period_s(bar)
        return self.origin + rounds * self.beats[-1] + self.beats[bar] + inside

    def position_of(self, beat: int) -> int:
        if self.before is not None and beat < self.since:
            return self.before.position_of(beat)
        return round(self._bar_at(beat)[1]) + 1

    def meter_at(self, beat: int) -> Meter:
        if self.before is not None and beat < self.since:
            return self.before.meter_at(beat)
        return self.meters[self._bar_at(beat)[0]]

    def now(self, time_s: float) -> CycleGrid:
        """Return the same grid with this moment's period and meter as its present ones."""
        beat = int(self.beat_at(time_s))
        if self.before is not None and beat < self.since:
            return self
        bar, inside, _ = self._bar_at(beat)
        given = (self.time_of(beat), beat, round(inside) + 1, self._period_s(bar), self.meters[bar])
        return replace(self, anchor_s=given[0], index=given[1], position=given[2], period_s=given[3], meter=given[4])

    def plain(self, beat: int, meter: Meter) -> Grid:
        """Return a grid of even bars of this meter, from this beat on, in the tempo that the cycle has there."""
        bar, _, _ = self._bar_at(beat)
        period_s = self._period_s(bar) * self.meters[bar].denominator / meter.denominator
        return Grid(self.time_of(beat), beat, 1, period_s, meter, 1.0, 1.0, self.swing, self.behind_s)
