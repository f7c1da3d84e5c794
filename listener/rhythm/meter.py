"""Find which bar is being played: a Bayesian filter over tempo, meter and place in the bar, driven by notes.

The bar pointer of Whiteley, Cemgil and Godsill (ISMIR 2006) with notes as a Poisson process whose rate depends on the
place in the bar. A departure: it moves from note to note, not frame to frame; between notes everything is known in
closed form. Arrays are [tempo, place], the places of all bar models side by side.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from listener.rhythm.bar_models import (
    BAR_OF,
    BARS,
    BINS,
    HALVED,
    LENGTHS,
    LIKE,
    MODELS,
    OPENING,
    PERIODS_S,
    PRIOR,
    RATES,
    STARTS,
    STRENGTHS,
    SURPLUS,
    TEMPI,
    TEMPO_STEP,
    BarModel,
    Floats32,
)
from listener.rhythm.hints import likely, on_beat
from listener.rhythm.meter_kernels import accent, bar_mass, beat_mass, fold, masses, readings, repeats, update
from listener.types import Meter

TEMPO_WALK, PHASE_WALK_S = 0.014, 0.010  # per sqrt(second)
FORGET = 0.002  # share of belief per second that goes back to the prior
SURPRISE_GAIN, SURPRISE_MEMORY = 0.1, 0.75  # notes that nothing predicted: something changed, so be less sure
NULL_PRIOR = 0.5  # no grid at all
LEVEL_MEMORY_S = 8.0  # after so long the evidence for a tempo and a meter counts 1/e of what it did
LEAST_MASS = 1e-9
HISTORY = 96
MAX_GAP_S = 2.0
OPENING_ODDS = 4.0  # that the first note is a downbeat, against a usual note
# log-likelihood gain of a note when one bar earlier there was: no note, another note, the same or moved alike
REPEAT_GAINS = np.array([-0.35, -0.05, 0.35])
LAYOUT = PERIODS_S, BINS, STARTS, LENGTHS, BAR_OF
EVERYWHERE = np.ones_like(RATES)
USUAL: Floats32 = np.add.reduceat(PRIOR, STARTS, axis=1)  # [TEMPI, models], before any note
UNCHANGED: Floats32 = np.ones_like(USUAL)


@dataclass(frozen=True)
class Hypothesis:
    """One reading of the music at time_s. place: pulses since the bar began."""

    model: BarModel
    time_s: float
    period_s: float  # of a pulse
    place: float
    beat_belief: float  # that tempo and phase are right
    bar_belief: float  # that meter and downbeat are right, too


class BarFilter:
    """Holds the probabilities of tempo, meter and place in the bar; takes one note at a time in order of time."""

    def __init__(self) -> None:
        self.belief: Floats32 = PRIOR * np.float32(1 - NULL_PRIOR)
        self.null = NULL_PRIOR
        self.time_s: float | None = None
        self.rate_hz = 2.0
        self.foreseen = 0.5  # log-likelihood of the last notes, against notes that fall anywhere
        self.times_s = np.zeros(HISTORY)
        self.pitches = np.zeros(HISTORY, dtype=np.int64)
        self.count = 0
        # prior [TEMPI, PLACES] and its sums [TEMPI, models], when the player gave a meter or a tempo
        self._given: tuple[Floats32, Floats32] | None = None
        self.folded = fold(self.belief, 1.0, BINS, STARTS, LENGTHS, HALVED)

    def given(self, meter: str | None, bpm: float | None) -> None:
        """Take meter and tempo, in beats of the meter per minute, from the player; None: unknown."""
        self._given = None
        if meter is not None or bpm is not None:
            prior = PRIOR * likely(meter, bpm)
            prior /= prior.sum()
            self._given = prior, np.add.reduceat(prior, STARTS, axis=1)
            self.suppose(likely(meter, bpm))

    def suppose(self, likelihood: Floats32) -> None:
        """Weigh the probabilities, [TEMPI, PLACES] or [PLACES], by something other than a note."""
        self.belief = self.belief * likelihood
        self._normalise(float(self.belief.sum()), 0.0)

    def tap(self, time_s: float, pulses_to_downbeat: float | None) -> None:
        """Take a beat at time_s. pulses_to_downbeat: so long before a bar line, None when unknown."""
        motion = time_s - (self.time_s if self.time_s is not None else time_s), 0.0, 0.0, 0.0, 1.0
        weights = self._weight(0.0), on_beat(pulses_to_downbeat)
        tables = SURPLUS, EVERYWHERE, PRIOR
        kept = update(self.belief, LAYOUT, tables, motion, weights, np.ones((TEMPI, len(BARS))), UNCHANGED)
        self.time_s = time_s
        self._normalise(float(kept), 0.0)

    def _normalise(self, kept: float, null: float) -> None:
        total = kept + null
        self.null = null / total
        self.folded = fold(self.belief, 1 / total, BINS, STARTS, LENGTHS, HALVED)

    def _remember(self, time_s: float, pitch: int) -> None:
        if self.count == HISTORY:
            self.times_s[:-1], self.pitches[:-1] = self.times_s[1:].copy(), self.pitches[1:].copy()
            self.count -= 1
        self.times_s[self.count], self.pitches[self.count] = time_s, pitch
        self.count += 1

    def notes_since(self, time_s: float) -> int:
        return int(np.count_nonzero(self.times_s[: self.count] > time_s))

    def _weight(self, amount: float) -> Floats32:
        """Return how well a note accented by `amount` suits every place of every bar, [PLACES]."""
        return np.asarray(accent(amount, STRENGTHS, RATES[TEMPI // 2], STARTS, LENGTHS))

    def _length_stress(self, gap_s: float) -> float:
        """Weigh the newest note by the gap_s to the next one: long notes start on strong places."""
        return 0.5 * float(np.clip(math.log2(max(gap_s, 0.02) * self.rate_hz), -1.0, 1.5))

    def note(self, time_s: float, pitch: int, stress: float) -> None:
        """Take a note (pitch 0 = unknown) at time_s. stress: about -1 to 2, 0 for a usual note."""
        if self.time_s is None:
            self.belief = self.belief * (1 + OPENING_ODDS * OPENING)
        gap_s = 0.0 if self.time_s is None else max(time_s - self.time_s, 0.02)
        self.time_s = time_s
        self._remember(time_s, pitch)
        self._observe(gap_s, stress)
        if 0 < gap_s < 4:
            self.rate_hz += (1 - math.exp(-gap_s / 3)) * (min(1 / gap_s, 12.0) - self.rate_hz)

    def _discount(self, usual: Floats32, seconds: float) -> Floats32:
        """Return factors [TEMPI, models] by which old evidence for a tempo and a bar model counts less: belief ** d *
        prior ** (1 - d), tempo by model.

        Exponential forgetting (Kulhavy and Zarrop, On a general concept of forgetting, Int. J. Control 58, 1993). Even
        notes suit half and double the tempo nearly as well; small differences would add up without end and in time
        outweigh any prior, and the tempo would halve by itself. Places within a bar keep their shares.
        """
        mass = np.maximum(masses(self.belief, STARTS, LENGTHS), LEAST_MASS)
        usual = np.maximum(usual, LEAST_MASS)
        usual *= mass.sum() / usual.sum()
        factor = (usual / mass) ** (1 - math.exp(-seconds / LEVEL_MEMORY_S))
        return np.asarray(factor * (mass.sum() / (factor * mass).sum()), np.float32)

    def _observe(self, gap_s: float, stress: float) -> None:
        heard = min(gap_s, MAX_GAP_S)
        tempo_mix = min(0.3, 0.5 * TEMPO_WALK**2 * heard / TEMPO_STEP**2)
        quiet_hz = self.rate_hz if gap_s < MAX_GAP_S else 0.0
        keep = 1 - min(0.5, FORGET * heard + SURPRISE_GAIN * max(0.0, -self.foreseen))
        motion = gap_s, quiet_hz, tempo_mix, PHASE_WALK_S * math.sqrt(heard), keep
        weights = self._weight(self._length_stress(gap_s) if gap_s else 0.0), self._weight(stress)
        gains = repeats(PERIODS_S, BARS, self.times_s, self.pitches, self.count, REPEAT_GAINS)
        prior, usual = self._given or (PRIOR, USUAL)
        factors = self._discount(usual, heard)
        tables = SURPLUS, RATES, prior
        kept = float(update(self.belief, LAYOUT, tables, motion, weights, gains, factors))
        null = keep * self.null + (1 - keep) * NULL_PRIOR
        self.foreseen += (1 - SURPRISE_MEMORY) * (math.log(kept + null) - self.foreseen)
        self._normalise(kept, null)

    def beat_belief(self, model: BarModel, period_s: float, place: float) -> float:
        return float(beat_mass(self.folded, BINS, model.beats_per_pulse == 2, _tempo(period_s), place))

    def bar_belief(self, model: BarModel, period_s: float, place: float) -> float:
        return sum(self._bar_masses(model, period_s, place).values())

    def swing_share(self, hypothesis: Hypothesis) -> float:
        """Return the share of this bar's probability that lies in its swung models."""
        mass = self._bar_masses(hypothesis.model, hypothesis.period_s, hypothesis.place)
        return mass[True] / (mass[True] + mass[False])

    def _bar_masses(self, model: BarModel, period_s: float, place: float) -> dict[bool, float]:
        """Return the probability of this bar, straight and swung."""
        mass = {False: 1e-12, True: 1e-12}
        for i in np.flatnonzero(LIKE[MODELS.index(model)]):
            mass[MODELS[i].swing] += float(bar_mass(self.belief, BINS, STARTS[i], LENGTHS[i], _tempo(period_s), place))
        return mass

    def model_for(self, meter: Meter, period_s: float, place: float) -> BarModel:
        """Return the likeliest bar model of a meter for a pulse of period_s at `place` in the bar."""
        five = str(meter) == "5/4"  # either grouping
        numbers = [i for i, m in enumerate(MODELS) if m.meter == meter or (five and str(m.meter) == "5/4")]
        tempo = _tempo(period_s)
        beliefs = [bar_mass(self.belief, BINS, STARTS[i], LENGTHS[i], tempo, place) for i in numbers]
        return MODELS[numbers[int(np.argmax(beliefs))]]

    def best(self) -> Hypothesis:
        """Return the likeliest reading at the time of the newest note."""
        found = readings(self.belief, BINS, STARTS, LENGTHS, HALVED, LIKE, self.folded)
        m = int(np.argmax(found[:, 2] + found[:, 3]))
        k, place, beat, bar = (float(v) for v in found[m])
        period_s = float(PERIODS_S[0] * math.exp(k * TEMPO_STEP))
        return Hypothesis(MODELS[m], float(self.time_s or 0.0), period_s, place, beat, bar)


def _tempo(period_s: float) -> float:
    """Return the index in PERIODS_S, with its fraction."""
    return math.log(period_s / float(PERIODS_S[0])) / TEMPO_STEP
