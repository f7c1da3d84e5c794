"""`LedGrid` is a beat grid whose bars and beats are not all alike: an odd bar among others, a tempo that moves.

It imports nothing heavy: plans carry it to the audio process.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import accumulate

from listener.cycle_grid import CycleGrid
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
