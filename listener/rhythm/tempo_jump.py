"""Find a sudden change of tempo in the last notes: from some beat on, the line goes on as before at another tempo.

A player who changes the tempo at once keeps the pulse, the bar and their figure; a filter over all tempi forgets
these, and takes a tempo a third faster for a cross-rhythm. So the notes since each of the last beats are laid on the
held grid at every other tempo, and their places compared with those that the line used before. Against it stand: the
tempo is kept; the beat moved, but not the tempo (a fermata); the line divides the held beat in another way (triplets,
a cross-rhythm of dotted notes); no grid at all. Of these the probabilities are weighed (Bayesian change points, as in
Adams and MacKay, Bayesian online changepoint detection, 2007).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from listener.rhythm.grid_clock import GridClock

Floats = NDArray[np.float64]
NOTES = 64
LATEST, FEWEST_BEFORE, FEWEST_AFTER = 12, 6, 3  # notes: since the change at most; before it; since it at least
LONGEST_BEATS, MOST_REST = 10.0, 4  # since the change; between its beat and the note before
BINS = 48  # places per beat
LEAST, MOST, STEP = 0.09, 0.37, 0.005  # change of log tempo
SPREAD_S, BACKGROUND = 0.018, 0.05
USUAL = ((0.0, 0.5), (0.5, 0.26), (0.25, 0.06), (0.75, 0.06), (1 / 3, 0.06), (2 / 3, 0.06))
USUAL_SHARE = 0.3  # in the places that are expected; the rest are those that the line used
BAR_NOTES = 16.0  # so many notes make their places in the bar count as much as their places in the beat
JUMP, SHIFT, DIVIDE, NOTHING = 0.02, 0.01, 0.05, 0.01  # odds at each note
SURE, NEAR = 0.7, 0.03  # probability of a jump; log tempo within which it must lie
LATTICES = (3, 4)


def _ratios() -> Floats:
    one_way = np.arange(LEAST, MOST, STEP)
    return np.asarray(np.exp(np.concatenate([-one_way[::-1], one_way])))


RATIOS = _ratios()


@dataclass(frozen=True, slots=True)
class Jump:
    """From `beat`, which fell at time_s, on beats are period_s long; probability: that they are."""

    beat: float
    time_s: float
    period_s: float
    probability: float

    def beat_at(self, time_s: float) -> float:
        return self.beat + (time_s - self.time_s) / self.period_s


class TempoJumps:
    """Remembers the places of the last notes on the held grid, as they were foreseen, and looks for a jump."""

    def __init__(self) -> None:
        self._time_s, self._place = np.zeros(NOTES), np.zeros(NOTES)
        self._zero_s, self._period_s = np.zeros(NOTES), np.zeros(NOTES)  # the grid after each note
        self._count = 0
        self.probability = 0.0

    def clear(self) -> None:
        self._count = 0

    def rebase(self, scale: float, shift: float) -> None:
        """Count places in another grid: place * scale + shift."""
        n = self._count
        self._place[:n] = self._place[:n] * scale + shift
        self._period_s[:n] /= scale
        self._zero_s[:n] -= shift * self._period_s[:n]

    def leap(self, jump: Jump) -> None:
        """Place the notes since the jump on its grid."""
        since = slice(int(np.searchsorted(self._time_s[: self._count], jump.time_s, side="right")), self._count)
        self._place[since] = jump.beat + (self._time_s[since] - jump.time_s) / jump.period_s
        self._period_s[since] = jump.period_s
        self._zero_s[since] = jump.time_s - jump.beat * jump.period_s

    def push(self, time_s: float, foreseen: float, clock: GridClock) -> None:
        """Take a note: foreseen, its place on the grid before it moved the grid."""
        arrays = self._time_s, self._place, self._zero_s, self._period_s
        if self._count == NOTES:
            for array in arrays:
                array[:-1] = array[1:].copy()
            self._count -= 1
        zero_s = time_s - clock.beat_at(time_s) * clock.period_s
        for array, value in zip(arrays, (time_s, foreseen, zero_s, clock.period_s), strict=True):
            array[self._count] = value
        self._count += 1

    def find(self, bar: float, line: float) -> Jump | None:
        """Return the jump that the last notes show, None when they show none. bar: beats of a bar; line: a bar line."""
        n, self.probability = self._count, 0.0
        first = max(FEWEST_BEFORE, n - LATEST)
        if n - first < FEWEST_AFTER:
            return None
        expected = self._expected(first, bar, line)
        kept = self._log(expected, self._place[first:n], line)
        rest = np.cumsum(kept[::-1])[::-1]  # of the notes from each on, when nothing changed
        if kept[-FEWEST_AFTER:].min() > 0:
            return None
        found: list[tuple[float, float, float, float]] = []  # log odds, beat, time, period
        against = [0.0]
        for k in range(first - 1, n - FEWEST_AFTER):
            times_s, period_s, zero_s = self._time_s[k + 1 : n], self._period_s[k], self._zero_s[k]
            if times_s[-1] - self._time_s[k] > LONGEST_BEATS * period_s:
                continue
            was = float(rest[k + 1 - first])
            on_grid = (times_s - zero_s) / period_s
            shifts = on_grid + np.arange(BINS)[:, None] / BINS
            against.append(_sum(self._log(expected, shifts, line).sum(1)) - math.log(BINS) + math.log(SHIFT) - was)
            against.append(math.log(NOTHING) - was)
            for parts in LATTICES:
                divided = self._lattice(parts, self._place[k + 1 : n], float(period_s))
                against.append(math.log(DIVIDE) + divided - was)
            for beat in self._beats(k):
                beat_s = zero_s + beat * period_s
                places = beat + (times_s - beat_s) / period_s * RATIOS[:, None]
                logs = self._log(expected, places, line).sum(1) + math.log(JUMP / len(RATIOS)) - was
                found += [(float(v), beat, beat_s, period_s / r) for v, r in zip(logs, RATIOS, strict=True)]
        if not found:
            return None
        odds, periods_s = np.array([f[0] for f in found]), np.array([f[3] for f in found])
        best = found[int(odds.argmax())]
        near = np.abs(np.log(periods_s / best[3])) < NEAR
        everything = _sum(np.concatenate([odds, against]))
        self.probability = math.exp(_sum(odds[near]) - everything)
        if self.probability < SURE:
            return None
        return Jump(best[1], best[2], best[3], self.probability)

    def _beats(self, k: int) -> list[float]:
        """Return the places after note k and before the next at which the tempo may have changed."""
        here, after = self._place[k], (self._time_s[k + 1] - self._zero_s[k]) / self._period_s[k]
        here = (self._time_s[k] - self._zero_s[k]) / self._period_s[k]
        near = round(here)
        first = near if abs(here - near) < 0.2 else math.ceil(here)
        out = [float(b) for b in range(first, first + MOST_REST) if b < after - 0.1]
        return out if abs(here - near) < 0.2 else [float(here), *out]

    def _expected(self, first: int, bar: float, line: float) -> Floats:
        """Return how likely a note is at each place of a bar, mean 1, by the notes before `first`."""
        period_s = float(self._period_s[first - 1])
        size = round(bar * BINS)
        at = np.arange(size) / BINS
        width = SPREAD_S / period_s
        usual = np.zeros(size)
        for place, weight in USUAL:
            far = (at - place + 0.5) % 1 - 0.5
            usual += weight * np.exp(-0.5 * (far / width) ** 2)
        far = (at[:, None] - (self._place[:first] - line) % bar + bar / 2) % bar - bar / 2
        in_bar = np.exp(-0.5 * (far / width) ** 2).sum(1)
        far = (far + 0.5) % 1 - 0.5
        in_beat = np.exp(-0.5 * (far / width) ** 2).sum(1)
        bars = 0.5 * first / (first + BAR_NOTES)
        used = bars * in_bar / in_bar.mean() + (1 - bars) * in_beat / in_beat.mean()
        out = USUAL_SHARE * usual / usual.mean() + (1 - USUAL_SHARE) * used
        return np.asarray(np.log((1 - BACKGROUND) * out + BACKGROUND))

    @staticmethod
    def _log(expected: Floats, places: Floats, line: float) -> Floats:
        return np.asarray(expected[np.round((places - line) * BINS).astype(np.int64) % len(expected)])

    @staticmethod
    def _lattice(parts: int, places: Floats, period_s: float) -> float:
        """Return the log-likelihood of notes that divide every beat into equal parts."""
        width = SPREAD_S / period_s * parts
        far = places * parts - np.round(places * parts)
        peak = np.exp(-0.5 * (far / width) ** 2) / (width * math.sqrt(2 * math.pi))
        return float(np.log((1 - BACKGROUND) * peak + BACKGROUND).sum())


def _sum(logs: Floats) -> float:
    top = float(np.max(logs))
    return top + math.log(float(np.exp(np.asarray(logs) - top).sum()))
