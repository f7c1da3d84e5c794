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

from listener.kernel import kernel
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
RATIO_LOG = math.log(JUMP / len(RATIOS))
NEARLY_LOG: Floats = -0.5 * (np.log(NEARLY) / NEARLY_SPREAD) ** 2
NEARLY_LOG -= math.log(float(np.exp(NEARLY_LOG).sum()))
ODDS = tuple(math.log(odds) for odds in (SHIFT, NOTHING, INEXACT, DIVIDE))
MOST_TURNS = (LATEST + 1) * (MOST_REST + 1)
fast = kernel(fastmath=True, error_model="numpy")
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
        found, turns = np.empty((MOST_TURNS, len(RATIOS))), np.empty((MOST_TURNS, 3))
        against = np.zeros((LATEST + 1) * (3 + 2 * len(LATTICES)) + 1)
        notes = self._time_s[:n], self._place[:n], self._zero_s[:n], self._period_s[:n]
        tables = RATIOS, NEARLY, NEARLY_LOG
        count, others = weigh(expected, rest, notes, (first, line), tables, (found, turns, against))
        if not count:
            return None
        odds, turns = found[:count] + RATIO_LOG, turns[:count]  # log odds of every ratio; beat, its time, period before
        periods_s = turns[:, 2:] / RATIOS
        turn, ratio = np.unravel_index(int(odds.argmax()), odds.shape)
        beat, beat_s = float(turns[turn, 0]), float(turns[turn, 1])
        near = np.abs(np.log(periods_s / periods_s[turn, ratio])) < NEAR
        everything = _sum(np.concatenate([odds.ravel(), against[:others]]))
        self.probability = math.exp(_sum(odds[near]) - everything)
        if self.probability < SURE:
            return None
        return Jump(beat, beat_s, float(periods_s[turn, ratio]), self.probability)

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


def warm_up() -> None:
    """Compile what a TempoJumps calls, or load it."""
    jumps, beats = TempoJumps(), np.arange(float(NOTES))
    jumps._count, jumps._period_s[:], jumps._time_s[:] = NOTES, 0.5, 0.5 * beats
    jumps._place[:] = np.where(beats < NOTES - FEWEST_AFTER, beats, beats + 0.31)
    jumps.find(4, 0)


def _blurred(counts: Floats, blur: Floats) -> Floats:
    """Return counts around a circle, blurred."""
    half = len(blur) // 2
    return np.convolve(np.concatenate([counts[-half:], counts, counts[:half]]), blur, mode="valid")


def _sum(logs: Floats) -> float:
    top = float(np.max(logs))
    return top + math.log(float(np.exp(np.asarray(logs) - top).sum()))


@fast
def _log_sum(logs: Floats) -> float:
    top = logs.max()
    return float(top + np.log(np.exp(logs - top).sum()))


@fast
def _agree(expected: Floats, places: Floats, fixed: float, ratio: float, line: float) -> float:
    """Return the sum of what is expected at the places, spread by `ratio` around `fixed`."""
    total, size = 0.0, len(expected)
    for place in places:
        total += expected[int(np.round((fixed + (place - fixed) * ratio - line) * BINS)) % size]
    return total


@fast
def _divided(parts: int, places: Floats, fixed: float, ratio: float, width: float) -> float:
    """Return the log-likelihood of notes that divide every beat into equal parts."""
    total = 0.0
    for place in places:
        far = (fixed + (place - fixed) * ratio) * parts
        far = (far - np.round(far)) / width
        peak = np.exp(-0.5 * far * far) / (width * math.sqrt(2 * math.pi))
        total += np.log((1 - BACKGROUND) * peak + BACKGROUND)
    return total


@fast
def weigh(
    expected: Floats,
    rest: Floats,
    notes: tuple[Floats, Floats, Floats, Floats],
    at: tuple[int, int],
    tables: tuple[Floats, Floats, Floats],
    out: tuple[Floats, Floats, Floats],
) -> tuple[int, int]:
    """Fill out: found [turns, ratios] log-likelihoods of every ratio, turns [turns, 3] the beat on which the tempo
    changed, its time and the period before; against [n] log odds of all else. All against the notes since, on the held
    grid. Returns how many turns and how many others there are.

    expected: log rate at each place of a bar; rest: log-likelihoods, of the notes from each on, when nothing changed;
    notes: time, place, zero and period of the grid of each; at: the first note that is looked at, a beat on a bar line.
    """
    time_s, place, zeros_s, periods_s = notes
    first, line = at
    ratios, nearly, nearly_log = tables
    found, turns, against = out
    n, count, others = len(time_s), 0, 1  # against[0]: the tempo is kept
    shifted, inexact = np.empty(BINS), np.empty(len(nearly))
    for k in range(first - 1, n - FEWEST_AFTER):
        period_s, zero_s = periods_s[k], zeros_s[k]
        if time_s[n - 1] - time_s[k] > LONGEST_BEATS * period_s:
            continue
        was = rest[k + 1 - first]
        on_grid = (time_s[k + 1 :] - zero_s) / period_s
        for i in range(BINS):
            shifted[i] = _agree(expected, on_grid, 0.0, 1.0, line - i / BINS)
        against[others] = _log_sum(shifted) - math.log(BINS) + ODDS[0] - was
        against[others + 1] = ODDS[1] - was
        here = (time_s[k] - zero_s) / period_s
        for i in range(len(nearly)):
            inexact[i] = nearly_log[i] + _agree(expected, on_grid, here, nearly[i], line)
        against[others + 2] = _log_sum(inexact) + ODDS[2] - was
        others += 3
        beat = np.round(on_grid[0])
        for parts in LATTICES:
            width = SPREAD_S / period_s * parts
            lasts = DIVIDED * (place[n - 1] - place[k])
            against[others] = ODDS[3] + _divided(parts, place[k + 1 :], 0.0, 1.0, width) - lasts - was
            for i in range(len(nearly)):
                inexact[i] = nearly_log[i] + _divided(parts, on_grid, beat, nearly[i], width)
            against[others + 1] = ODDS[3] + _log_sum(inexact) - lasts - was
            others += 2
        # after note k and before the next the tempo may have changed: on the note, or on beats
        near = np.round(here)
        on_beat = abs(here - near) < 0.2
        begin = near if on_beat else np.ceil(here)
        for i in range(MOST_REST + (0 if on_beat else 1)):
            beat = begin + i if on_beat else here if i == 0 else begin + i - 1
            if (on_beat or i > 0) and beat >= on_grid[0] - 0.1:
                break
            for r in range(len(ratios)):
                found[count, r] = _agree(expected, on_grid, beat, ratios[r], line) - was
            turns[count, 0], turns[count, 1], turns[count, 2] = beat, zero_s + beat * period_s, period_s
            count += 1
    return count, others
