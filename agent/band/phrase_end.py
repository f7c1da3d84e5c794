"""`PhraseEnd` notices when the player's phrase is over, so that the answer can begin on the next pulse.

A phrase is over after a silence that is longer than any within it; who breathes more is waited for longer. Its pulse is
that of its last beats (`pulse_of`): who plays freely has left the tempo that the band follows.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from listener.types import Analysis, Grid, Note

LEAST_BEATS, MOST_BEATS = 1.25, 3.0  # of silence
LONGER = 1.3  # than the longest silence within the phrase
HELD_BEATS = 3.0  # a last note that sounds so long is an end
LEAST_NOTES = 2
BARS_MAX = 8
PULSE_BEATS, PULSE_NOTES = 6.0, (4, 12)  # of the phrase's end, from which its pulse is taken; notes, least and most
PLACES = ((0.0, 0.45), (0.5, 0.25), (0.25, 0.10), (0.75, 0.10), (1 / 3, 0.05), (2 / 3, 0.05))  # of a beat, how often
SPREAD_S, STRAY, AGE_BEATS = 0.016, 0.02, 4.0  # of onsets about places; likelihood of any; those so old count half
PERIODS = np.exp(np.linspace(-0.18, 0.18, 25))  # times the band's
TRENDS = np.array([-0.07, -0.045, -0.025, -0.01, 0.0, 0.01, 0.025, 0.045, 0.07])  # of the period, a beat
PHASES = np.linspace(-0.5, 0.5, 25)[:-1]  # beats from the band's
PRIOR_TEMPO, PRIOR_TREND, PRIOR_PHASE = 0.10, 0.01, 0.25
Floats = NDArray[np.float64]


class PhraseEnd:
    """Push every frame while it is the player's turn; begin() where a turn begins."""

    def __init__(self) -> None:
        self.begin()

    def begin(self) -> None:
        """Wait for a new phrase."""
        self.notes: list[Note] = []
        self._longest_s = 0.0  # silence within the phrase
        self._ended_s: float | None = None  # end of the note heard last; None while it sounds

    def push(self, analysis: Analysis) -> None:
        for note in analysis.notes:
            if note.articulation == "ghost":
                continue
            if self._ended_s is not None:
                self._longest_s = max(self._longest_s, note.onset_s - self._ended_s)
            self.notes.append(note)
            self._ended_s = None
        for note in analysis.ended:
            if self.notes and note.onset_s == self.notes[-1].onset_s and note.duration_s is not None:
                self._ended_s = note.onset_s + note.duration_s

    def over(self, now_s: float, grid: Grid, ahead_s: float) -> tuple[int, Grid] | None:
        """Return the beat with which the answer begins, at least ahead_s from now, and the pulse it is of; None while
        the phrase goes on."""
        if len(self.notes) < LEAST_NOTES:
            return None
        wait_s = min(max(LEAST_BEATS * grid.period_s, LONGER * self._longest_s), MOST_BEATS * grid.period_s)
        held = self._ended_s is None and now_s - self.notes[-1].onset_s > HELD_BEATS * grid.period_s
        silent = self._ended_s is not None and now_s - self._ended_s > wait_s
        if not (held or silent):
            return None
        pulse = pulse_of([note.onset_s for note in self.notes], grid)
        free = max(pulse.beat_at(now_s + ahead_s), grid.beat_at(now_s + ahead_s))  # what is committed stands
        return math.ceil(free - 0.02), pulse


def pulse_of(onsets_s: Sequence[float], grid: Grid) -> Grid:
    """Return the pulse of the last beats of these onsets, as a grid that counts beats as the band's does.

    The likeliest phase, period and change of period a beat are searched for; the pulse goes on at the last period.
    """
    last_s = onsets_s[-1]
    least, most = PULSE_NOTES
    times_s = np.array([at_s for at_s in onsets_s if at_s > last_s - PULSE_BEATS * grid.period_s][-most:])
    if len(times_s) < least:
        return grid
    beat = round(grid.beat_at(last_s))
    near_s, period_s = grid.time_of(beat), grid.period_s
    phase, tempo, trend = np.meshgrid(PHASES, np.log(PERIODS), TRENDS, indexing="ij")
    odds = -0.5 * ((phase / PRIOR_PHASE) ** 2 + (tempo / PRIOR_TEMPO) ** 2) - np.log1p((trend / PRIOR_TREND) ** 2)
    periods_s = period_s * np.exp(tempo)
    for at_s in times_s:
        place = _place((at_s - near_s - phase * period_s) / periods_s, trend)
        weight = 1 / (1 + ((last_s - at_s) / period_s / AGE_BEATS) ** 2)
        odds += weight * np.log(STRAY + _likely(place, SPREAD_S / periods_s))
    best = np.unravel_index(int(np.argmax(odds)), odds.shape)
    zero_s, found_s, bend = near_s + phase[best] * period_s, float(periods_s[best]), float(trend[best])
    zero_s, found_s = _fitted(times_s, zero_s, found_s, bend)
    return replace(grid, anchor_s=zero_s, index=beat, position=grid.position_of(beat), period_s=found_s)


def _place(beats: Floats, trend: Floats) -> Floats:
    """Return where a time lies on a pulse whose period changes by `trend` of itself a beat; beats: at the last one."""
    steady = np.abs(trend) < 1e-6
    bend = np.where(steady, 1.0, trend)
    curved = (np.sqrt(np.maximum(1 + 2 * bend * beats, 1e-3)) - 1) / bend
    found: Floats = np.where(steady, beats, curved)
    return found


def _likely(place: Floats, spread: Floats) -> Floats:
    """Return how likely an onset is at this place, in beats. spread: in beats, about the places where notes are."""
    inside = place - np.floor(place)
    total: Floats = np.zeros_like(place)
    for at, share in PLACES:
        away = np.abs(inside - at)
        away = np.minimum(away, 1 - away)
        total += share * np.exp(-0.5 * (away / spread) ** 2)
    return total


def _fitted(times_s: Floats, zero_s: float, period_s: float, bend: float) -> tuple[float, float]:
    """Return time and period of beat 0, by least squares over the places that the onsets are nearest to."""
    place = _place((times_s - zero_s) / period_s, np.full(len(times_s), bend))
    grid = np.array([at for at, _ in PLACES[:4]] + [1.0])
    meant = np.floor(place) + grid[np.argmin(np.abs((place % 1)[:, None] - grid[None, :]), axis=1)]
    rows = np.stack([np.ones_like(meant), meant, 0.5 * meant**2], axis=1)
    scale = np.array([0.0, 1 / (PRIOR_TEMPO * period_s), 1 / (max(abs(bend), PRIOR_TREND) / 2 * period_s)])
    weights = np.sqrt(1 / (1 + (meant / AGE_BEATS) ** 2)) / SPREAD_S
    matrix = np.concatenate([rows * weights[:, None], np.diag(scale)])
    aims = np.concatenate([times_s * weights, scale * np.array([0.0, period_s, bend * period_s])])
    solved, *_ = np.linalg.lstsq(matrix, aims, rcond=None)
    return float(solved[0]), float(solved[1])
