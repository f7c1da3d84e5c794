"""`LedGrid` is a beat grid whose bars and beats are not all alike: an odd bar among others, a tempo that moves.
`CycleGrid` is one whose bars come round: those of a riff that loops.

It imports nothing heavy: plans carry it to the audio process.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import accumulate

from listener.types import Grid, Meter

LATELY_S = 1.0  # so long ago a tick may lie that is being heard


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of even beats, from beat number `beat` at start_s on. position: of that beat in its bar, from 1."""

    beat: int
    start_s: float
    period_s: float
    meter: Meter
    position: int = 1

    def position_of(self, beat: int) -> int:
        return (self.position - 1 + beat - self.beat) % self.meter.numerator + 1

    def grid(self, like: Grid, now_s: float) -> Grid:
        """Return this stretch as a plain grid, anchored at its last beat before now."""
        beat = max(self.beat, self.beat + int((now_s - self.start_s) // self.period_s))
        at_s = self.start_s + (beat - self.beat) * self.period_s
        return Grid(
            at_s,
            beat,
            self.position_of(beat),
            self.period_s,
            self.meter,
            like.confidence,
            like.meter_confidence,
            like.swing,
            like.behind_s,
        )


@dataclass(frozen=True, slots=True)
class LedGrid(Grid):
    """A grid that goes on otherwise later. spans: the stretches after the present one, in their order; the last one
    goes on for ever."""

    spans: tuple[Span, ...] = ()

    def time_of(self, beat: float) -> float:
        span = next((one for one in reversed(self.spans) if one.beat <= beat), None)
        if span is None:
            return Grid.time_of(self, beat)
        return span.start_s + (beat - span.beat) * span.period_s

    def beat_at(self, time_s: float) -> float:
        span = next((one for one in reversed(self.spans) if one.start_s <= time_s), None)
        if span is None:
            return Grid.beat_at(self, time_s)
        return span.beat + (time_s - span.start_s) / span.period_s

    def position_of(self, beat: int) -> int:
        span = next((one for one in reversed(self.spans) if one.beat <= beat), None)
        return Grid.position_of(self, beat) if span is None else span.position_of(beat)

    def meter_at(self, beat: int) -> Meter:
        span = next((one for one in reversed(self.spans) if one.beat <= beat), None)
        return self.meter if span is None else span.meter


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


def cycle_grid(bars: Sequence[tuple[Meter, float]], first: int, beat: int, at_s: float, like: Grid) -> CycleGrid:
    """Return the grid of bars (meter, seconds) that come round, of which `first` begins with this beat at at_s.

    like: the grid that stands before it, and gives swing and the player's distance.
    """
    meters = tuple(meter for meter, _ in bars)
    beats = (0, *accumulate(meter.numerator for meter in meters))
    starts_s = (0.0, *accumulate(seconds for _, seconds in bars))
    before = replace(like, before=None) if isinstance(like, CycleGrid) else like
    period_s = (starts_s[first + 1] - starts_s[first]) / meters[first].numerator
    return CycleGrid(
        at_s,
        beat,
        1,
        period_s,
        meters[first],
        1.0,
        1.0,
        like.swing,
        like.behind_s,
        meters,
        beats,
        starts_s,
        beat - beats[first],
        at_s - starts_s[first],
        beat,
        before,
    )


def over(pulse: Grid, spans: Sequence[Span], now_s: float) -> Grid:
    """Return a pulse that goes on as these spans say, seen from now. Before the first of them it is the pulse.

    What was played lately is still placed on the stretch in which it was played.
    """
    begun = [one for one in spans if one.start_s <= now_s - LATELY_S]
    later = tuple(one for one in spans if one.start_s > now_s - LATELY_S)
    now = begun[-1].grid(pulse, min(now_s, later[0].start_s) if later else now_s) if begun else pulse
    if not later:
        return now
    return LedGrid(
        now.anchor_s,
        now.index,
        now.position,
        now.period_s,
        now.meter,
        now.confidence,
        now.meter_confidence,
        now.swing,
        now.behind_s,
        later,
    )
