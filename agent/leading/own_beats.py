"""Builds the beats that the band sets itself: a ramp of tempo, a bar that is counted in."""

from __future__ import annotations

import math

from agent.core.messages import CountIn
from agent.leading.coming_along import ramp_periods
from agent.leading.led_grid import Span
from agent.leading.marks import meter_named
from listener.types import Grid, Meter

COUNT_AFTER_S, USUAL_BPM = 0.6, 100.0


def ramp_of(beat: int, at_s: float, before_s: float, after_s: float, meter: Meter, beats: int) -> tuple[Span, ...]:
    """Return beats of their own length from one period to another, `beats` of them from this beat on, and the stretch
    at the new period that comes after them."""
    spans = []
    for number, period_s in enumerate(ramp_periods(before_s, after_s, beats)):
        spans.append(Span(beat + number, at_s, period_s, meter, number % meter.numerator + 1))
        at_s += period_s
    return (*spans, Span(beat + beats, at_s, after_s, meter))


def count_in_grid(asked: CountIn, heard: Grid | None, now_s: float) -> Grid:
    """Return the beat on which a bar is counted in, from its first beat on: in the tempo and meter that were asked for,
    else as heard."""
    meter = meter_named(asked.meter) if asked.meter else heard.meter if heard else Meter(4, 4)
    at_s, index, period_s = now_s + COUNT_AFTER_S, 0, 60 / (asked.bpm or USUAL_BPM)
    if heard is not None:
        period_s = 60 / asked.bpm if asked.bpm else heard.period_s
        index = math.ceil(heard.beat_at(at_s))
        at_s = at_s if asked.bpm else heard.time_of(index)
    return Grid(at_s, index, 1, period_s, meter, 1.0, 1.0)


def next_one_s(beat: int, grid: Grid) -> float:
    """Return when the bar after this beat's begins, seconds."""
    beat += 1
    while grid.position_of(beat) != 1:
        beat += 1
    return grid.time_of(beat)
