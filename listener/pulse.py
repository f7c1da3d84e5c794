"""The fine phase and tempo of a beat grid: a Kalman filter on note onsets, published without jumps.

State: time of the anchor beat, beat period, how far the player is behind the grid. Units: seconds.
"""

from __future__ import annotations

import math

import numpy as np

from listener.meter import Hypothesis
from listener.types import Grid

PHASE_WALK_S = 0.002  # per sqrt(second): what steady tempo cannot explain
TEMPO_WALK = 0.010  # of the period, per sqrt(second)
BEHIND_SPREAD_S, BEHIND_TIME_S = 0.012, 12.0  # of a mean-reverting walk around 0
GLIDE_S = 0.35  # time constant with which a correction reaches the published grid
GATE_S = 0.075

# (place in the beat, timing spread in seconds); a place at 0.5 of a beat swings
STRAIGHT_PLACES = ((0.0, 0.012), (0.25, 0.020), (0.5, 0.015), (0.75, 0.020), (1 / 3, 0.03), (2 / 3, 0.03))
SWUNG_PLACES = ((0.0, 0.012), (0.5, 0.022))
SHORT_BEAT_PLACES = ((0.0, 0.014), (0.5, 0.022))
COMPOUND_PLACES = ((0.0, 0.014),)


class GridClock:
    """A grid locked to a hypothesis, corrected by every note that lies near one of its places."""

    def __init__(self, hypothesis: Hypothesis, index: int) -> None:
        model = hypothesis.model
        self.model = model
        self.period_s = hypothesis.period_s / model.beats_per_pulse
        in_bar = hypothesis.place * model.beats_per_pulse
        self.index, self.position = index, int(in_bar) % model.meter.numerator + 1
        self.anchor_s = hypothesis.time_s - (in_bar - int(in_bar)) * self.period_s
        self.behind_s = 0.0
        self.swing = 0.62 if model.swing else 0.5
        self.covariance = np.diag([0.025**2, (0.02 * self.period_s) ** 2, 0.006**2])
        self.offset_s = 0.0  # published minus believed
        self.time_s = hypothesis.time_s

    def _places(self) -> tuple[tuple[float, float], ...]:
        if self.model.beats_per_pulse == 3:
            return COMPOUND_PLACES
        if self.model.beats_per_pulse == 2:
            return SHORT_BEAT_PLACES
        return SWUNG_PLACES if self.model.swing else STRAIGHT_PLACES

    def _nearest(self, time_s: float) -> tuple[float, float, float]:
        """The grid place (in beats after the anchor) nearest to time_s: place, deviation_s, spread_s."""
        beat = (time_s - self.behind_s - self.anchor_s) / self.period_s
        best = (0.0, math.inf, 1.0)
        for place, spread_s in self._places():
            shown = self.swing if place == 0.5 and self.model.beats_per_pulse == 1 else place
            whole = round(beat - shown)
            deviation_s = (beat - whole - shown) * self.period_s
            if abs(deviation_s) / spread_s < abs(best[1]) / best[2]:
                best = (whole + shown, deviation_s, spread_s)
        return best

    def advance(self, time_s: float) -> None:
        """Carry the anchor to the beat last passed at time_s; uncertainty grows."""
        elapsed = max(0.0, time_s - self.time_s)
        self.time_s = max(self.time_s, time_s)
        beats = math.floor((time_s - self.anchor_s) / self.period_s)
        self.move_anchor(beats)
        fade = math.exp(-elapsed / BEHIND_TIME_S)
        self.behind_s *= fade
        carry = np.diag([1.0, 1.0, fade])
        heard = min(elapsed, 4.0)
        noise = [PHASE_WALK_S**2, (TEMPO_WALK * self.period_s) ** 2, 2 * BEHIND_SPREAD_S**2 / BEHIND_TIME_S]
        self.covariance = carry @ self.covariance @ carry.T + np.diag(noise) * heard

    def move_anchor(self, beats: int) -> None:
        if not beats:
            return
        self.anchor_s += beats * self.period_s
        self.index += beats
        self.position = (self.position - 1 + beats) % self.model.meter.numerator + 1
        carry = np.array([[1.0, beats, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]])
        self.covariance = carry @ self.covariance @ carry.T

    def hear(self, time_s: float) -> None:
        """Correct phase, tempo and lateness by a note at time_s; one far from every place is left out."""
        self.advance(time_s)
        place, deviation_s, spread_s = self._nearest(time_s)
        self._learn_swing(time_s)
        if abs(deviation_s) > min(GATE_S, 0.22 * self.period_s):
            return
        row = np.array([1.0, place, 1.0])
        spread = float(row @ self.covariance @ row) + spread_s**2
        gain = self.covariance @ row / spread
        shift_s, stretch_s, late_s = (float(g) * deviation_s for g in gain)
        before = self.anchor_s
        self.anchor_s += shift_s
        self.period_s += stretch_s
        self.behind_s += late_s
        self.covariance -= np.outer(gain, row @ self.covariance)
        now = (time_s - before) / self.period_s
        self.offset_s -= shift_s + now * stretch_s

    def _learn_swing(self, time_s: float) -> None:
        if self.model.beats_per_pulse != 1:
            return
        place = ((time_s - self.behind_s - self.anchor_s) / self.period_s) % 1.0
        low = 0.54 if self.model.swing else 0.44
        if low < place < (0.76 if self.model.swing else 0.58):
            self.swing += 0.12 * (float(place) - self.swing)

    def retime(self, hypothesis: Hypothesis) -> None:
        """Same beats, another bar: take meter and place in the bar from the hypothesis."""
        beat = round((hypothesis.time_s - self.anchor_s) / self.period_s - hypothesis.place % 1.0)
        if self.model.swing != hypothesis.model.swing:
            self.swing = 0.62 if hypothesis.model.swing else 0.5
        self.model = hypothesis.model
        first = round(hypothesis.place - hypothesis.place % 1.0)
        self.position = (first - beat) % self.model.meter.numerator + 1

    def glide(self, elapsed_s: float) -> None:
        self.offset_s *= math.exp(-elapsed_s / GLIDE_S)

    def place(self, time_s: float) -> float:
        """Pulses since the bar began."""
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
