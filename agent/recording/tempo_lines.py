"""Finds the few tempi that heard beats lie on: lines of time over beats, a new one only where the old no longer fits.

A player breathes, beats are misheard, a sound card loses samples: none of that is another tempo. Stretches of beats are
joined for as long as one line serves them (bottom-up segmentation: Keogh et al., "Segmenting Time Series", 2004); each
line is fitted by medians, so that what was misheard does not bend it (Theil 1950, Siegel 1982).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
SETTLED_BEATS = 8  # that have to lie elsewhere before there is another tempo
FINDS = 2  # times that a line is fitted to the beats near it
LEAP = 0.35  # of the tempo, by which it may differ while the file goes from one line to another
SHORTER_FIRST = 1e-9  # of joins that cost the same


@dataclass(frozen=True, slots=True)
class Line:
    """Beats first to end (not included) lie at start_s + slope_s * quarters; strays: how many of them do not."""

    first: int
    end: int
    start_s: float
    slope_s: float
    strays: float

    def at(self, quarters: float) -> float:
        return self.start_s + self.slope_s * quarters


def lines_of(times_s: Sequence[float], quarters: Sequence[float], near_s: Sequence[float]) -> list[Line]:
    """Return the lines in order. times_s, quarters: of each beat; near_s: how far from its line it may lie."""
    x, t, near = (np.array(one, np.float64) for one in (quarters, times_s, near_s))

    def fitted(first: int, end: int) -> Line:
        return _fitted(first, end, x[first:end], t[first:end], near[first:end])

    edges = [*range(0, max(len(x) - SETTLED_BEATS // 2, 1), SETTLED_BEATS), len(x)]
    lines = [fitted(first, end) for first, end in pairwise(edges)]
    joins = [fitted(one.first, other.end) for one, other in pairwise(lines)]

    def price(at: int) -> float:
        join = joins[at]
        return join.strays - lines[at].strays - lines[at + 1].strays + SHORTER_FIRST * (join.end - join.first)

    prices = np.array([price(at) for at in range(len(joins))])
    while joins and prices.min() < SETTLED_BEATS:
        at = int(prices.argmin())
        lines[at : at + 2] = [joins.pop(at)]
        prices = np.delete(prices, at)
        for near_by in (at - 1, at):
            if 0 <= near_by < len(joins):
                joins[near_by] = fitted(lines[near_by].first, lines[near_by + 1].end)
                prices[near_by] = price(near_by)
    return lines


def _fitted(first: int, end: int, x: Floats, t: Floats, near: Floats) -> Line:
    if len(x) == 1:
        return Line(first, end, float(t[0]), 0.0, 0.0)
    half = max(len(x) // 2, 1)
    slope_s = float(np.median((t[half:] - t[:-half]) / (x[half:] - x[:-half])))
    start_s = float(np.median(t - slope_s * x))
    for _ in range(FINDS):
        here = np.abs(t - start_s - slope_s * x) <= near
        if np.count_nonzero(here) > max(len(x) // 2, 2):
            slope_s, start_s = (float(one) for one in np.polyfit(x[here], t[here], 1))
    away = np.abs(t - start_s - slope_s * x) / near - 1
    return Line(first, end, start_s, slope_s, float(np.clip(2 * away, 0, 1).sum()))


def corners(lines: Sequence[Line], quarters: Sequence[float]) -> list[tuple[float, float]]:
    """Return where the tempo changes: (quarters, seconds). Two lines meet where they cross, on the nearest beat; from
    one that the next does not cross the file goes over in as few beats as it can without leaping."""
    found = list[tuple[float, float]]()
    for one, other in pairwise(lines):
        apart = one.slope_s - other.slope_s
        crossing = (other.start_s - one.start_s) / apart if apart else np.inf
        near = [quarters[at] for at in range(max(one.end - SETTLED_BEATS, one.first + 1), other.end - 1)][
            : 2 * SETTLED_BEATS
        ]
        if near and near[0] <= crossing <= near[-1]:
            beat = min(near, key=lambda at: abs(at - crossing))
            found.append((beat, (one.at(beat) + other.at(beat)) / 2))
        else:
            found += _over(one, other, quarters)
    return found


def _over(one: Line, other: Line, quarters: Sequence[float]) -> list[tuple[float, float]]:
    """Return the two places between which the file goes from one line to another."""
    slope_s = (one.slope_s + other.slope_s) / 2
    for wider in range(SETTLED_BEATS):
        last, first = quarters[max(one.end - 1 - wider, one.first)], quarters[min(other.first + wider, other.end - 1)]
        if abs(other.at(first) - one.at(last) - slope_s * (first - last)) <= LEAP * slope_s * (first - last):
            break
    return [(last, one.at(last)), (first, other.at(first))]
