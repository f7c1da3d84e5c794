"""`PhrasePulse` follows the pulse of one phrase from onset to onset, however freely it is played.

Each onset has a place in a beat, and from each to the next the tempo may move a little. Both are unknown: many readings
are kept at once, each a Kalman filter of time and period, and the likeliest stay (Raphael, "A Hybrid Graphical Model
for Rhythmic Parsing", 2002; Cemgil & Kappen, "Monte Carlo Methods for Tempo Tracking and Rhythm Quantization", 2003).
How freely is unknown, too: readings differ in it, and those that foretell the onsets best stay. From the places of the
likeliest reading the pulse is taken by regression: the tempo a Gaussian process over the beats (Rasmussen & Williams,
"Gaussian Processes for Machine Learning", 2006, ch. 2), as free as the onsets say (its evidence, ch. 5): it hardly
moves, it swings about the usual one, or it goes its way (Ornstein-Uhlenbeck, ch. 4.2).
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from listener.types import Grid

PLACES = ((0.0, 0.45), (0.5, 0.25), (0.25, 0.10), (0.75, 0.10), (1 / 3, 0.05), (2 / 3, 0.05))  # of a beat, how often
FREEDOM = ((0.004, 0.009), (0.015, 0.012), (0.035, 0.015))  # of the period, a beat; of onsets about places, seconds
STRAY = 0.02  # share of onsets that are at no place
FIRST_PHASE, FIRST_TEMPO = 0.2, 0.08  # of the band's beat, with which a phrase begins: beats; of its period
NEAR_BEATS, LEAST_BEATS = 0.4, 0.1  # of a place from where it is expected; between two onsets
RANGE = (0.7, 1.45)  # of the period that the phrase began with
KEPT, ALIKE = 48, 0.03  # readings; of the period, within which two with one place are one
LEAST_NOTES = 4  # that have a pulse of their own
NOTES = 32  # of the phrase's end, that the pulse is taken from
START_S = 0.2  # how far the phrase's first beat may be from the band's
Floats = NDArray[np.float64]
_AT = np.concatenate([np.array([at for at, _ in PLACES]) + whole for whole in (-1, 0, 1)])
_SHARE = np.log(np.tile([share for _, share in PLACES], 3))


@dataclass(frozen=True, slots=True)
class Tempo:
    """How a tempo may move. freedom: how far, of the period; spread_s: of onsets about places; beats: over which it
    moves; usual: how far it may be from the band's; swings: whether it comes back smoothly, or goes its way."""

    freedom: float
    spread_s: float
    beats: float
    usual: float
    swings: bool = True


TEMPI = (
    Tempo(0.005, 0.010, 4, 0.08),
    Tempo(0.06, 0.014, 3, 0.02),
    Tempo(0.1, 0.014, 4, 0.02),
    Tempo(0.1, 0.008, 16, 0.08, swings=False),
)


@dataclass(frozen=True, slots=True)
class _Readings:
    """Arrays [readings]: place of the newest onset that has one, in beats; its time and the period there, seconds, and
    their covariance; freedom: of FREEDOM, as a number; odds: log; places [readings, NOTES]: of the newest onsets, the
    newest last, NaN for one that has none."""

    place: Floats
    time_s: Floats
    period_s: Floats
    tt: Floats
    tp: Floats
    pp: Floats
    freedom: NDArray[np.int64]
    odds: Floats
    places: Floats

    def chosen(self, which: NDArray[np.int64]) -> _Readings:
        return _Readings(*(getattr(self, name)[which] for name in self.__slots__))


class PhrasePulse:
    """Push each onset in its order; grid() is the pulse that goes on after the last. Deterministic, picklable."""

    def __init__(self, grid: Grid, onset_s: float) -> None:
        """grid: the band's, with which the phrase begins."""
        self._began_s, self._last_s, self._first_period_s = onset_s, onset_s, grid.period_s
        near = grid.beat_at(onset_s)
        places = np.floor(near) + _AT
        apart = (places - near) / FIRST_PHASE
        free = np.arange(len(FREEDOM))
        count = len(places) * len(free)
        spread_s = np.array([one for _, one in FREEDOM])
        self._readings = _Readings(
            np.repeat(places, len(free)),
            np.full(count, onset_s),
            np.full(count, grid.period_s),
            np.tile(spread_s**2, len(places)),
            np.zeros(count),
            np.full(count, (FIRST_TEMPO * grid.period_s) ** 2),
            np.tile(free, len(places)),
            np.repeat(_SHARE - 0.5 * apart**2, len(free)),
            _with_newest(np.full((count, NOTES), np.nan), np.repeat(places, len(free))),
        )
        self._onsets_s = deque([onset_s], NOTES)

    def push(self, onset_s: float) -> None:
        old, self._last_s = self._readings, onset_s
        self._onsets_s.append(onset_s)
        freedom, spread_s = (np.array(column)[old.freedom][:, None] for column in zip(*FREEDOM, strict=True))
        expected = old.place + (onset_s - old.time_s) / old.period_s
        place = np.floor(expected)[:, None] + _AT[None, :]
        beats = place - old.place[:, None]
        possible = (np.abs(place - expected[:, None]) < NEAR_BEATS) & (beats > LEAST_BEATS)
        period_s, tt, tp, pp = (one[:, None] for one in (old.period_s, old.tt, old.tp, old.pp))
        beats = np.where(possible, beats, 1.0)
        moved = (freedom * period_s) ** 2
        tt = tt + 2 * beats * tp + beats**2 * pp + moved * beats**3 / 3
        tp = tp + beats * pp + moved * beats**2 / 2
        pp = pp + moved * beats
        time_s = old.time_s[:, None] + beats * period_s
        away_s, total = onset_s - time_s, tt + spread_s**2
        odds = old.odds[:, None] + _SHARE - 0.5 * (away_s**2 / total + np.log(2 * np.pi * total))
        found_s = period_s + tp / total * away_s
        inside = (found_s > RANGE[0] * self._first_period_s) & (found_s < RANGE[1] * self._first_period_s)
        which = np.nonzero(possible & inside)
        new = _Readings(
            place[which],
            (time_s + tt / total * away_s)[which],
            found_s[which],
            (tt - tt**2 / total)[which],
            (tp - tt * tp / total)[which],
            (pp - tp**2 / total)[which],
            old.freedom[which[0]],
            odds[which],
            _with_newest(old.places[which[0]], place[which]),
        )
        none = np.full(len(old.place), np.nan)
        stray = replace(old, odds=old.odds + np.log(STRAY / old.period_s), places=_with_newest(old.places, none))
        joined = (np.concatenate([getattr(one, name) for one in (new, stray)]) for name in _Readings.__slots__)
        self._readings = _best(_Readings(*joined))

    @property
    def period_s(self) -> float:
        return float(self._readings.period_s[0])

    def grid(self, like: Grid) -> Grid:
        """Return the pulse as it goes on, with an anchor near the last onset; the band's after fewer than LEAST_NOTES.
        like: the band's, which gives all but the beat; its beats' numbers are the nearest."""
        if len(self._onsets_s) < LEAST_NOTES:
            return like
        onsets_s, places = np.array(self._onsets_s), self._readings.places[0, -len(self._onsets_s) :]
        known = np.isfinite(places)
        first = int(np.floor(places[known][0]))
        last = int(np.floor(places[known][-1])) - first
        anchor_s, period_s = regressed(places[known] - first, onsets_s[known], last, self._first_period_s)
        index = round(like.beat_at(anchor_s))
        return replace(like, anchor_s=anchor_s, index=index, position=like.position_of(index), period_s=period_s)


def regressed(places: Floats, times_s: Floats, last: int, period_s: float) -> tuple[float, float]:
    """Return when beat `last` is, and the period that leads to it. places: of the onsets, in beats from 0 on; period_s:
    usual before the phrase."""
    beats = np.arange(max(last, 1) + 1)
    apart = beats[:, None] - beats[None, :]
    passed = np.clip(places[:, None] - beats[None, :], 0, 1)  # of each beat, before an onset
    asked = np.stack([np.clip(last - beats, 0, 1), beats == max(last - 1, 0)]).astype(np.float64)
    off_s = times_s - times_s[0] - passed @ np.full(len(beats), period_s)
    found, evidence = [], []
    for one in TEMPI:
        shape = np.exp(-0.5 * (apart / one.beats) ** 2 if one.swings else -np.abs(apart) / one.beats)
        tempo = period_s**2 * (one.freedom**2 * shape + one.usual**2)
        total = passed @ tempo @ passed.T + START_S**2 + one.spread_s**2 * np.eye(len(places))
        solved = np.linalg.solve(total, off_s)
        starts = np.array([[START_S**2], [0.0]])
        found.append(asked @ np.full(len(beats), period_s) + (asked @ tempo @ passed.T + starts) @ solved)
        evidence.append(-0.5 * (off_s @ solved + np.linalg.slogdet(total)[1]))
    weight = np.exp(np.array(evidence) - max(evidence))
    at_s, found_s = weight @ np.array(found) / weight.sum()
    return float(times_s[0] + at_s), float(found_s)


def _with_newest(places: Floats, newest: Floats) -> Floats:
    return np.concatenate([places[:, 1:], newest[:, None]], axis=1)


def _best(readings: _Readings) -> _Readings:
    """Return the likeliest readings, those that mean the same once."""
    order = np.argsort(-readings.odds, kind="stable")[: 8 * KEPT]
    tempo = np.round(np.log(readings.period_s[order]) / ALIKE)
    keys = np.stack([np.round(readings.place[order] * 12), tempo, readings.freedom[order]], axis=1)
    _, first = np.unique(keys, axis=0, return_index=True)
    return readings.chosen(order[np.sort(first)[:KEPT]])
