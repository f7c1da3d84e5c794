"""Estimate the exact phase and tempo of a beat grid: Kalman filters on note onsets, published without jumps.

State of a filter: time of the anchor beat and beat period, in seconds. Two filters run side by side (a bank, as in
Bar-Shalom, Li and Kirubarajan, Estimation with Applications, ch. 11): one assumes a steady tempo and takes lasting
deviations for a player behind it, one assumes a tempo that moves; the one that predicted the last notes better is
published.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from listener.rhythm.bar_models import BarModel
from listener.rhythm.meter import Hypothesis
from listener.types import Grid

GLIDE_S = 0.15  # time constant with which a correction reaches the published grid
GATE_S = 0.075
STEADY_MARGIN = 0.5  # log-likelihood by which a steady tempo must explain the notes better
SCORE_MEMORY = 0.8  # per note, of a filter's predictive log-likelihood


@dataclass(frozen=True)
class Feel:
    """How much phase and tempo may move: standard deviations per sqrt(second)."""

    phase_s: float
    tempo: float  # of the period
    behind_gain: float  # share of a deviation that is lateness at once
    behind_memory_s: float


STEADY = Feel(0.0005, 0.0012, 0.40, 25.0)
MOVING = Feel(0.0025, 0.0200, 0.0, 1.0)
MOST_BEHIND_S = 0.030
SETTLED_NOTES = 24  # before them a deviation says nothing about lateness

# (place in the beat, timing spread in seconds); a place at 0.5 of a beat swings
STRAIGHT_PLACES = ((0.0, 0.0085), (0.25, 0.014), (0.5, 0.0105), (0.75, 0.014), (1 / 3, 0.021), (2 / 3, 0.021))
SWUNG_PLACES = ((0.0, 0.012), (0.5, 0.022))
SHORT_BEAT_PLACES = ((0.0, 0.014), (0.5, 0.022))
COMPOUND_PLACES = ((0.0, 0.014),)


class _Lock:
    """One Kalman filter; its anchor is the time of a beat that GridClock counts."""

    def __init__(self, feel: Feel, anchor_s: float, period_s: float) -> None:
        self.feel = feel
        self.anchor_s, self.period_s = anchor_s, period_s
        self.covariance: NDArray[np.float64] = np.diag([0.020**2, (0.02 * period_s) ** 2])
        self.score = 0.0

    def age(self, elapsed_s: float) -> None:
        noise = [self.feel.phase_s**2, (self.feel.tempo * self.period_s) ** 2]
        self.covariance = self.covariance + np.diag(noise) * min(elapsed_s, 4.0)

    def move_anchor(self, beats: int) -> None:
        self.anchor_s += beats * self.period_s
        carry = np.array([[1.0, beats], [0.0, 1.0]])
        self.covariance = carry @ self.covariance @ carry.T

    def correct(self, place: float, time_s: float, spread_s: float) -> None:
        """Correct the filter by a note at time_s (lateness subtracted), meant for `place` beats after the anchor."""
        deviation_s = time_s - self.anchor_s - place * self.period_s
        row = np.array([1.0, place])
        variance = float(row @ self.covariance @ row) + spread_s**2
        self.score = SCORE_MEMORY * self.score - 0.5 * (deviation_s**2 / variance + math.log(variance))
        gain = self.covariance @ row / variance
        self.anchor_s += float(gain[0]) * deviation_s
        self.period_s += float(gain[1]) * deviation_s
        self.covariance = self.covariance - np.outer(gain, row @ self.covariance)


class GridClock:
    """A grid locked to a hypothesis, corrected by every note that lies near one of its places."""

    def __init__(self, hypothesis: Hypothesis, index: int) -> None:
        self.model = hypothesis.model
        in_bar = hypothesis.place * self.model.beats_per_pulse
        period_s = hypothesis.period_s / self.model.beats_per_pulse
        self.index, self.position = index, int(in_bar) % self.model.meter.numerator + 1
        anchor_s = hypothesis.time_s - (in_bar - int(in_bar)) * period_s
        self._locks = [_Lock(feel, anchor_s, period_s) for feel in (STEADY, MOVING)]
        self._chosen = self._locks[1]
        self.swing = 0.62 if self.model.swing else 0.5
        self.behind_s = 0.0
        self._heard = 0
        self.offset_s = 0.0  # published minus estimated
        self.time_s = hypothesis.time_s

    @property
    def anchor_s(self) -> float:
        return self._chosen.anchor_s

    @property
    def period_s(self) -> float:
        return self._chosen.period_s

    def _places(self) -> tuple[tuple[float, float], ...]:
        if self.model.beats_per_pulse == 3:
            return COMPOUND_PLACES
        if self.model.beats_per_pulse == 2:
            return SHORT_BEAT_PLACES
        return SWUNG_PLACES if self.model.swing else STRAIGHT_PLACES

    def _nearest(self, time_s: float) -> tuple[float, float, float]:
        """Return the grid place (in beats after the anchor) nearest to time_s: place, deviation_s, spread_s."""
        beat = (time_s - self.behind_s - self.anchor_s) / self.period_s
        best = (0.0, math.inf, 1.0)
        for place, spread_s in self._places():
            shown = self.swing if place == 0.5 and self.model.swing else place
            whole = round(beat - shown)
            deviation_s = (beat - whole - shown) * self.period_s
            if abs(deviation_s) / spread_s < abs(best[1]) / best[2]:
                best = (whole + shown, deviation_s, spread_s)
        return best

    def move_anchor(self, beats: int) -> None:
        if not beats:
            return
        for lock in self._locks:
            lock.move_anchor(beats)
        self.index += beats
        self.position = (self.position - 1 + beats) % self.model.meter.numerator + 1

    def push(self, time_s: float) -> None:
        """Correct phase, tempo and lateness by a note at time_s; one far from every place is ignored."""
        elapsed_s = max(0.0, time_s - self.time_s)
        for lock in self._locks:
            lock.age(elapsed_s)
        self.behind_s *= math.exp(-elapsed_s / self._chosen.feel.behind_memory_s)
        self.time_s = max(self.time_s, time_s)
        place, deviation_s, spread_s = self._nearest(time_s)
        self._learn_swing(time_s)
        if abs(deviation_s) > min(GATE_S, 0.22 * self.period_s):
            return
        beat = round((time_s - self.anchor_s) / self.period_s)
        before_s = self.anchor_s + beat * self.period_s
        self._heard += 1
        share = self._chosen.feel.behind_gain if self._heard > SETTLED_NOTES else 0.0
        behind_s = self.behind_s + share * deviation_s
        self.behind_s = max(-MOST_BEHIND_S, min(MOST_BEHIND_S, behind_s))
        steady, moving = self._locks
        steady.correct(place, time_s - self.behind_s, spread_s)
        moving.correct(place, time_s, spread_s)  # to it a player is never late: the tempo moved
        self._chosen = steady if steady.score > moving.score + STEADY_MARGIN else moving
        self.offset_s += before_s - (self.anchor_s + beat * self.period_s)

    def _learn_swing(self, time_s: float) -> None:
        if self.model.beats_per_pulse != 1:
            return
        place = ((time_s - self.behind_s - self.anchor_s) / self.period_s) % 1.0
        low, high = (0.54, 0.76) if self.model.swing else (0.44, 0.58)
        if low < place < high:
            self.swing += 0.12 * (place - self.swing)

    def become(self, model: BarModel) -> None:
        """Keep the beats and read them as another bar model."""
        if self.model.swing != model.swing:
            self.swing = max(self.swing, 0.62) if model.swing else 0.5
        self.model = model

    def retime(self, hypothesis: Hypothesis) -> None:
        """Keep the beats and take meter and place in the bar from the hypothesis."""
        beat = round((hypothesis.time_s - self.anchor_s) / self.period_s - hypothesis.place % 1.0)
        self.become(hypothesis.model)
        first = round(hypothesis.place - hypothesis.place % 1.0)
        self.position = (first - beat) % self.model.meter.numerator + 1

    def glide(self, elapsed_s: float) -> None:
        self.offset_s *= math.exp(-elapsed_s / GLIDE_S)

    def beat_at(self, time_s: float) -> float:
        """Return the number of the beat at time_s, with its fraction."""
        return self.index + (time_s - self.behind_s - self.anchor_s) / self.period_s

    def place(self, time_s: float) -> float:
        """Return the pulses since the bar began."""
        beats = (time_s - self.anchor_s) / self.period_s + self.position - 1
        return (beats / self.model.beats_per_pulse) % self.model.pulses

    def grid(self, confidence: float, meter_confidence: float) -> Grid:
        return Grid(
            anchor_s=self.anchor_s + self.offset_s,
            index=self.index,
            position=self.position,
            period_s=self.period_s,
            meter=self.model.meter,
            confidence=confidence,
            meter_confidence=meter_confidence,
            swing=self.swing,
            behind_s=self.behind_s,
        )
