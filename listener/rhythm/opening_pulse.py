"""Hold the pulse that a player set in the opening, and measure how far behind or ahead of it they play now.

From a bass alone a lasting lateness and a shifted beat are the same sound; only against a tempo that was set before and
goes on can lateness be known. Least squares over the notes on the beat compare three explanations: the tempo is kept;
the tempo is kept, but the player steps behind the beat at some note; the tempo bends at some note. The step of the
second is the lateness; when the third explains the notes best (Bayesian information criterion; Schwarz, Estimating the
dimension of a model, 1978), the opening is no reference any more.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

NOTES = 96  # on the beat, that are kept
FIRST_NOTES = 4
FEWEST_BEFORE, FEWEST_AFTER = 4, 6  # notes on either side of a change
SETTLED_NOTES = 24  # a step with no more notes before it is taken as found
LEAST_NOISE_S = 0.003
STEP_COST, BEND_COST = 1.5, 2.0  # parameters' worth of evidence
BENT_S, DOUBT_NOTES, BENT_NOTES = 0.015, 3, 10  # drifted this far from the opening's tempo, for so many notes
ON_BEAT, ON_BEAT_S = 0.16, 0.065  # how far from the beat a note is still on it: the smaller of the two
MOST_LATE_S = 0.080
LEVELS = (0.5, 1.0, 2.0)
MISSES = 6  # notes in a row that the beat tracker places elsewhere: lost


def near(time_s: float, beat_s: float, period_s: float) -> bool:
    """Return whether a note at time_s is on the beat at beat_s."""
    return abs(time_s - beat_s) < min(ON_BEAT_S, ON_BEAT * period_s)


@dataclass(frozen=True, slots=True)
class _Change:
    """The best change of one kind: at note `first`, of `amount` (s, or s per beat), leaving this squared error."""

    first: int
    amount: float
    error: float


class _Line:
    """Fits times_s [n] to beats [n] by least squares, and finds what one change more would explain."""

    def __init__(self, beats: Floats, times_s: Floats) -> None:
        self.n = len(beats)
        self.beats = beats
        self.middle = float(beats.mean())
        self.centred = beats - self.middle
        self.square = float(self.centred @ self.centred)
        self.period_s = float(self.centred @ times_s) / self.square
        self.middle_s = float(times_s.mean())
        self.rest_s = times_s - self.middle_s - self.period_s * self.centred
        self.error = float(self.rest_s @ self.rest_s)

    def step(self) -> _Change:
        """Return the best step: all notes from some note on are later by an amount."""
        count = np.arange(self.n, 0, -1.0)
        return self._best(_tail(self.rest_s), count, count, _tail(self.centred))

    def bend(self) -> _Change:
        """Return the best bend: from some note on every beat is longer by an amount."""
        x, n = self.centred, np.arange(self.n, 0, -1.0)
        tail, square = _tail(x), _tail(x * x)
        inner = _tail(self.rest_s * x) - x * _tail(self.rest_s)
        norm = square - 2 * x * tail + n * x * x
        return self._best(inner, norm, tail - n * x, square - x * tail)

    def _best(self, inner: Floats, norm: Floats, total: Floats, slope: Floats) -> _Change:
        """Return the best column to add, given its products with the residual, itself, the ones and the beats."""
        free = np.maximum(norm - total**2 / self.n - slope**2 / self.square, 1e-9)
        gain = (inner**2 / free)[FEWEST_BEFORE : self.n - FEWEST_AFTER + 1]
        first = FEWEST_BEFORE + int(gain.argmax())
        return _Change(first, float(inner[first] / free[first]), self.error - float(gain.max()))

    def cost(self, error: float, parameters: float) -> float:
        noise = max(error / self.n, LEAST_NOISE_S**2)
        return self.n * math.log(noise) + error / noise + parameters * math.log(self.n)


def _tail(values: Floats) -> Floats:
    """Return the sums from each value to the last."""
    return np.cumsum(values[::-1])[::-1]


class OpeningClock:
    """Holds a steady pulse started by `notes` (beat number, time in s), at least FIRST_NOTES of them."""

    def __init__(self, notes: list[tuple[int, float]]) -> None:
        self._beats = np.array([beat for beat, _ in notes], np.float64)
        self._times_s = np.array([time_s for _, time_s in notes])  # found steps taken out
        self._found_s = 0.0  # sum of the steps taken out
        self._misses = self._bends = 0
        self.late_s = 0.0
        self.lost = False
        self._fit()

    @property
    def doubted(self) -> bool:
        """Return whether the tempo may be bending, so that what looks late may be slow."""
        return self._bends >= DOUBT_NOTES

    def beat_at(self, time_s: float) -> float:
        return self._beat + (time_s - self._beat_s) / self.period_s

    def time_of(self, beat: float) -> float:
        return self._beat_s + (beat - self._beat) * self.period_s

    def push(self, time_s: float) -> None:
        """Correct the pulse by a note, if it is on a beat."""
        beat = round(self.beat_at(time_s - self.late_s))
        if near(time_s - self.late_s, self.time_of(beat), self.period_s):
            self._beats = np.append(self._beats, beat)[-NOTES:]
            self._times_s = np.append(self._times_s, time_s - self._found_s)[-NOTES:]
            self._fit()
            self.lost |= abs(self.late_s) > MOST_LATE_S

    def compare(self, beat_s: float, period_s: float) -> None:
        """Compare with the beat tracker's grid; when that differs for long, the opening is over.

        Half or twice the tempo, on the same beats, does not differ.
        """
        off = self.beat_at(beat_s)
        level = min(LEVELS, key=lambda level: abs(math.log(period_s / self.period_s / level)))
        unit = min(level, 1.0)
        there = abs(off / unit - round(off / unit)) * unit < 0.25 * unit
        same = there and abs(math.log(period_s / self.period_s / level)) < 0.06
        self._misses = 0 if same else self._misses + 1
        self.lost |= self._misses >= MISSES

    def _fit(self) -> None:
        line = _Line(self._beats, self._times_s)
        self.late_s = self._found_s
        if line.n >= FEWEST_BEFORE + FEWEST_AFTER:
            step, bend = line.step(), line.bend()
            steady, stepped = line.cost(line.error, 0), line.cost(step.error, STEP_COST)
            bent = line.cost(bend.error, BEND_COST)
            drift_s = bend.amount * (self._beats[-1] - self._beats[bend.first])
            self._bends = self._bends + 1 if bent < min(steady, stepped) and abs(drift_s) > BENT_S else 0
            self.lost |= self._bends >= BENT_NOTES
            share = 1 / (1 + math.exp(min(50.0, (stepped - steady) / 2)))  # of belief in a step, against none
            line = self._stepped(step.first, share * step.amount)
        self._beat, self._beat_s, self.period_s = line.middle, line.middle_s, line.period_s

    def _stepped(self, first: int, step_s: float) -> _Line:
        """Return the line without its step at note `first`; a step about to leave the memory is removed for good."""
        times_s = self._times_s.copy()
        times_s[first:] -= step_s
        self.late_s = self._found_s + step_s
        if len(times_s) == NOTES and first <= SETTLED_NOTES:
            self._times_s, self._found_s = times_s, self.late_s
        return _Line(self._beats, times_s)
