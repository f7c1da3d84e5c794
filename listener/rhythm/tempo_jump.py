"""Find a sudden change of tempo in the last notes: from some beat on, the line goes on as before at another tempo.

A player who changes the tempo at once keeps the pulse, the bar and their figure; a filter over all tempi forgets
these, and takes a tempo a third faster for a cross-rhythm. So the notes since each of the last beats are laid on the
held grid at every other tempo, and their places compared with those that the line used before. Against it stand: the
tempo is kept; the held tempo was a little off and the line goes on as before; the beat moved, but not the tempo (a
fermata); the line divides the held beat in another way (triplets, a cross-rhythm of dotted notes); no grid at all. Of
these the probabilities are weighed (Bayesian change points, as in Adams and MacKay, Bayesian online changepoint
detection, 2007).
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
JUMP, SHIFT, DIVIDE, NOTHING = 0.05, 0.01, 0.05, 0.01  # odds at each note
INEXACT = 0.2  # odds of a held tempo that was off by as much as NEARLY says
SURE, NEAR = 0.6, 0.03  # probability of a jump; log tempo within which it must lie
LATTICES, DIVIDED = (3, 4), 0.15  # nats per beat that another division costs, for it does not last


NEARLY: Floats = np.linspace(0.90, 1.10, 21)  # ratios of the true tempo to the held one, when nothing jumped
NEARLY_SPREAD = 0.03


def _ratios() -> Floats:
    one_way = np.arange(LEAST, MOST, STEP)
    return np.asarray(np.exp(np.concatenate([-one_way[::-1], one_way])))


RATIOS = _ratios()
EXACT_LOG: Floats = np.zeros(1)
NEARLY_LOG: Floats = -0.5 * (np.log(NEARLY) / NEARLY_SPREAD) ** 2
NEARLY_LOG -= math.log(float(np.exp(NEARLY_LOG).sum()))
USUAL_PLACES: Floats = np.zeros(BINS)
for _place, _weight in USUAL:
    USUAL_PLACES[round(_place * BINS)] += _weight


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

    def find(self, bar: int, line: int) -> Jump | None:
        """Return the jump that the last notes show, None when they show none.

        bar: beats of a bar; line: the number of a beat on a bar line.
        """
        n, self.probability = self._count, 0.0
        first = max(FEWEST_BEFORE, n - LATEST)
        if n - first < FEWEST_AFTER:
            return None
        expected = self._expected(first, bar, line)
        kept = self._log(expected, self._place[first:n], line)
        rest = np.cumsum(kept[::-1])[::-1]  # of the notes from each on, when nothing changed
        if kept[-FEWEST_AFTER:].min() > 0:
            return None
        found: list[Floats] = []  # log odds of every ratio
        turns: list[tuple[float, float, float]] = []  # beat at which it changed, its time, the period before
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
            here = (self._time_s[k] - zero_s) / period_s
            inexact = self._log(expected, here + (on_grid - here) * NEARLY[:, None], line).sum(1)
            against.append(_sum(inexact + NEARLY_LOG) + math.log(INEXACT) - was)
            at = round(float(on_grid[0]))
            nearly = at + (on_grid - at) * NEARLY[:, None]
            for parts in LATTICES:
                lasts = float(DIVIDED * (self._place[n - 1] - self._place[k]))
                for places, odds in ((self._place[k + 1 : n][None], EXACT_LOG), (nearly, NEARLY_LOG)):
                    divided = self._lattice(parts, places, odds, float(period_s))
                    against.append(math.log(DIVIDE) + divided - lasts - was)
            for beat in self._beats(k):
                beat_s = zero_s + beat * period_s
                places = beat + (times_s - beat_s) / period_s * RATIOS[:, None]
                found.append(self._log(expected, places, line).sum(1) + math.log(JUMP / len(RATIOS)) - was)
                turns.append((beat, beat_s, period_s))
        if not found:
            return None
        odds, periods_s = np.array(found), np.array([t[2] for t in turns])[:, None] / RATIOS
        turn, ratio = np.unravel_index(int(odds.argmax()), odds.shape)
        beat, beat_s, _ = turns[turn]
        near = np.abs(np.log(periods_s / periods_s[turn, ratio])) < NEAR
        everything = _sum(np.concatenate([odds.ravel(), against]))
        self.probability = math.exp(_sum(odds[near]) - everything)
        if self.probability < SURE:
            return None
        return Jump(beat, beat_s, float(periods_s[turn, ratio]), self.probability)

    def _beats(self, k: int) -> list[float]:
        """Return the places after note k and before the next at which the tempo may have changed."""
        after = (self._time_s[k + 1] - self._zero_s[k]) / self._period_s[k]
        here = (self._time_s[k] - self._zero_s[k]) / self._period_s[k]
        near = round(here)
        first = near if abs(here - near) < 0.2 else math.ceil(here)
        out = [float(b) for b in range(first, first + MOST_REST) if b < after - 0.1]
        return out if abs(here - near) < 0.2 else [float(here), *out]

    def _expected(self, first: int, bar: int, line: int) -> Floats:
        """Return how likely a note is at each place of a bar, mean 1, by the notes before `first`."""
        width = SPREAD_S / float(self._period_s[first - 1]) * BINS
        size, window = bar * BINS, math.ceil(3 * width)
        blur = np.exp(-0.5 * (np.arange(-window, window + 1) / width) ** 2)
        used = np.round((self._place[:first] - line) * BINS).astype(np.int64) % size
        in_bar = _blurred(np.bincount(used, minlength=size).astype(np.float64), blur)
        in_beat = np.tile(in_bar.reshape(bar, BINS).sum(0), bar)
        usual = np.tile(_blurred(USUAL_PLACES, blur), bar)
        bars = 0.5 * first / (first + BAR_NOTES)
        used_share = bars * in_bar / in_bar.mean() + (1 - bars) * in_beat / in_beat.mean()
        out = USUAL_SHARE * usual / usual.mean() + (1 - USUAL_SHARE) * used_share
        return np.asarray(np.log((1 - BACKGROUND) * out + BACKGROUND))

    @staticmethod
    def _log(expected: Floats, places: Floats, line: int) -> Floats:
        return np.asarray(expected[np.round((places - line) * BINS).astype(np.int64) % len(expected)])

    @staticmethod
    def _lattice(parts: int, places: Floats, odds: Floats, period_s: float) -> float:
        """Return the log-likelihood of notes that divide every beat into equal parts. places: [grids, notes]; odds:
        log odds of each grid."""
        width = SPREAD_S / period_s * parts
        far = places * parts - np.round(places * parts)
        peak = np.exp(-0.5 * (far / width) ** 2) / (width * math.sqrt(2 * math.pi))
        return _sum(np.log((1 - BACKGROUND) * peak + BACKGROUND).sum(1) + odds)


def _blurred(counts: Floats, blur: Floats) -> Floats:
    """Return counts around a circle, blurred."""
    half = len(blur) // 2
    return np.convolve(np.concatenate([counts[-half:], counts, counts[:half]]), blur, mode="valid")


def _sum(logs: Floats) -> float:
    top = float(np.max(logs))
    return top + math.log(float(np.exp(np.asarray(logs) - top).sum()))
