"""Which bar is being played: a Bayesian filter over tempo, meter and place in the bar, driven by notes.

The bar pointer of Whiteley, Cemgil and Godsill (ISMIR 2006) with notes as a Poisson process whose rate depends on
the place in the bar. A departure: it moves from note to note, not frame to frame; between notes everything
is known in closed form. Arrays are [tempo, place], the places of all bar models side by side.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numba import njit

from listener.grooves import (
    BINS,
    LENGTHS,
    MODELS,
    OPENING,
    PERIODS_S,
    PRIOR,
    PULSES,
    RATES,
    STARTS,
    STRENGTHS,
    SURPLUS,
    TEMPI,
    TEMPO_STEP,
    BarModel,
    Floats,
)

TEMPO_WALK, PHASE_WALK_S = 0.014, 0.010  # per sqrt(second)
FORGET = 0.002  # share of belief per second that goes back to the prior
NULL_PRIOR = 0.5  # no grid at all
HISTORY = 96
MAX_GAP_S = 2.0
OPENING_ODDS = 4.0  # that the first note is a downbeat, against a usual note
# log-likelihood gain of a note when one bar earlier there was: no note, another note, the same or moved alike
REPEAT_GAINS = np.array([-0.35, -0.05, 0.35])


@njit(cache=True)
def _advance(p, periods, starts, lengths, surplus, elapsed_s, rate_hz, tempo_mix, phase_s):  # type: ignore[no-untyped-def]
    """Move the belief on by elapsed_s in which no note came, when rate_hz notes come on average."""
    tempi, places = p.shape
    moved = np.zeros_like(p)
    for k in range(tempi):
        per_place_s = periods[k] / BINS
        shift = elapsed_s / per_place_s
        spread = min(0.3, 0.5 * (phase_s / per_place_s) ** 2)
        gain = rate_hz * per_place_s
        for m in range(len(starts)):
            s, n = starts[m], lengths[m]
            whole = math.floor(shift)
            part = shift - whole
            for j in range(n):
                a = s + (j - whole) % n
                b = s + (j - whole - 1) % n
                v = (1 - part) * p[k, a] + part * p[k, b]
                if v < 1e-14:
                    continue
                quiet = surplus[k, s + j] - ((1 - part) * surplus[k, a] + part * surplus[k, b])
                v *= math.exp(-gain * quiet)
                moved[k, s + j] += (1 - 2 * spread) * v
                moved[k, s + (j + 1) % n] += spread * v
                moved[k, s + (j - 1) % n] += spread * v
    out = np.empty_like(p)
    for k in range(tempi):
        lo, hi = max(k - 1, 0), min(k + 1, tempi - 1)
        for j in range(places):
            out[k, j] = (1 - 2 * tempo_mix) * moved[k, j] + tempo_mix * (moved[lo, j] + moved[hi, j])
    return out


@njit(cache=True)
def _repeats(periods, pulses, times, pitches, count, score):  # type: ignore[no-untyped-def]
    """Log-likelihood gain, [tempo, model], of the newest note given what came one bar before it."""
    out = np.zeros((len(periods), len(pulses)))
    now = count - 1
    for k in range(len(periods)):
        for m in range(len(pulses)):
            bar_s = periods[k] * pulses[m]
            target = times[now] - bar_s
            if target < times[0] - 0.05:
                continue
            best, gap = -1, 0.03 + 0.015 * bar_s
            for i in range(now):
                d = abs(times[i] - target)
                if d < gap:
                    best, gap = i, d
            if best < 0:
                out[k, m] = score[0]
                continue
            same = pitches[best] == pitches[now] and pitches[now] > 0
            moved = best > 0 and pitches[now] - pitches[now - 1] == pitches[best] - pitches[best - 1]
            out[k, m] = score[2] if same or moved else score[1]
    return out


@njit(cache=True)
def _around(p, starts, lengths, m, k0, j0):  # type: ignore[no-untyped-def]
    """Mass, mean tempo index and mean place (bins from j0) of model m's belief near (k0, j0)."""
    mass, tempo, place = 1e-300, 0.0, 0.0
    for k in range(max(0, k0 - 2), min(p.shape[0], k0 + 3)):
        for d in range(-6, 7):
            v = p[k, starts[m] + (j0 + d) % lengths[m]]
            mass += v
            tempo += v * k
            place += v * d
    return mass, tempo / mass, place / mass


@njit(cache=True)
def _peaks(p, starts, lengths):  # type: ignore[no-untyped-def]
    """The likeliest (tempo, place) of every model."""
    out = np.zeros((len(starts), 2), dtype=np.int64)
    for m in range(len(starts)):
        best = -1.0
        for k in range(p.shape[0]):
            for j in range(lengths[m]):
                v = p[k, starts[m] + j]
                if v > best:
                    best = v
                    out[m, 0], out[m, 1] = k, j
    return out


@njit(cache=True)
def _beat_mass(p, starts, lengths, alike, unit, k_mid, place):  # type: ignore[no-untyped-def]
    """Belief in any bar whose pulse is within 5% of tempo k_mid and 0.12 pulses of the phase of `place` (pulses)."""
    total = 0.0
    for k in range(max(0, int(k_mid - 1.5)), min(p.shape[0], int(k_mid + 2.5) + 1)):
        for m in range(len(starts)):
            if not alike[m]:
                continue
            for j in range(lengths[m]):
                far = (j / BINS - place) / unit
                if abs(far - round(far)) * unit < 0.12:
                    total += p[k, starts[m] + j]
    return total


@njit(cache=True)
def _bar_mass(p, start, length, k_mid, place):  # type: ignore[no-untyped-def]
    total, bar = 0.0, length / BINS
    for k in range(max(0, int(k_mid - 1.5)), min(p.shape[0], int(k_mid + 2.5) + 1)):
        for j in range(length):
            far = abs(j / BINS - place) % bar
            if min(far, bar - far) < 0.2:
                total += p[k, start + j]
    return total


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
    """The belief over tempo, meter and place in the bar; fed one note at a time in order of time."""

    def __init__(self) -> None:
        self.belief: Floats = PRIOR * (1 - NULL_PRIOR)
        self.null = NULL_PRIOR
        self.time_s: float | None = None
        self.rate_hz = 2.0
        self.times_s = np.zeros(HISTORY)
        self.pitches = np.zeros(HISTORY, dtype=np.int64)
        self.count = 0

    def _remember(self, time_s: float, pitch: int) -> None:
        if self.count == HISTORY:
            self.times_s[:-1], self.pitches[:-1] = self.times_s[1:].copy(), self.pitches[1:].copy()
            self.count -= 1
        self.times_s[self.count], self.pitches[self.count] = time_s, pitch
        self.count += 1

    def notes_since(self, time_s: float) -> int:
        return int(np.count_nonzero(self.times_s[: self.count] > time_s))

    def _move_to(self, time_s: float) -> None:
        if self.time_s is None:
            self.time_s = time_s
            return
        elapsed = max(0.0, time_s - self.time_s)
        heard = min(elapsed, MAX_GAP_S)
        tempo_mix = min(0.3, 0.5 * TEMPO_WALK**2 * heard / TEMPO_STEP**2)
        spread_s = PHASE_WALK_S * math.sqrt(heard)
        quiet_hz = self.rate_hz if elapsed < MAX_GAP_S else 0.0
        self.belief = _advance(self.belief, PERIODS_S, STARTS, LENGTHS, SURPLUS, elapsed, quiet_hz, tempo_mix, spread_s)
        forget = min(0.5, FORGET * heard)
        self.belief = (1 - forget) * self.belief + forget * PRIOR
        self.null = (1 - forget) * self.null + forget * NULL_PRIOR
        self.time_s = time_s

    def lengthen(self, gap_s: float) -> None:
        """The newest note turned out to be followed by the next one after gap_s: long notes start strongly."""
        typical_s = 1.0 / self.rate_hz
        accent = float(np.clip(math.log2(max(gap_s, 0.02) / typical_s), -1.0, 1.5))
        self._accent(0.5 * accent)

    def _accent(self, amount: float) -> None:
        """Weigh every place by how well a note accented by `amount` suits its metrical strength."""
        if abs(amount) < 1e-3:
            return
        weight = np.exp(amount * STRENGTHS)
        rates = RATES[TEMPI // 2] * weight
        for s, n in zip(STARTS, LENGTHS, strict=True):
            weight[s : s + n] /= rates[s : s + n].mean()
        self.belief *= weight

    def note(self, time_s: float, pitch: int, accent: float) -> None:
        """A note (pitch 0 = unknown) at time_s; accent about -1..2, 0 for a usual note."""
        if self.time_s is not None:
            gap_s = max(time_s - self.time_s, 0.02)
            self.lengthen(gap_s)
            self._move_to(time_s)
            self.rate_hz += (1 - math.exp(-gap_s / 3)) * (min(1 / gap_s, 12.0) - self.rate_hz) if gap_s < 4 else 0
        else:
            self.belief *= 1 + OPENING_ODDS * OPENING
        self.time_s = time_s
        self._remember(time_s, pitch)
        self.belief *= RATES
        self._accent(accent)
        self._repeat()
        total = self.belief.sum() + self.null
        self.belief /= total
        self.null /= total

    def _repeat(self) -> None:
        gain = _repeats(PERIODS_S, PULSES, self.times_s, self.pitches, self.count, REPEAT_GAINS)
        self.belief *= np.repeat(np.exp(gain), LENGTHS, axis=1)

    def beat_belief(self, model: BarModel, period_s: float, place: float) -> float:
        k = math.log(period_s / PERIODS_S[0]) / TEMPO_STEP
        unit = 0.5 if model.beats_per_pulse == 2 else 1.0
        alike = np.array([(m.beats_per_pulse == 2) == (model.beats_per_pulse == 2) for m in MODELS])
        return float(_beat_mass(self.belief, STARTS, LENGTHS, alike, unit, k, place))

    def bar_belief(self, model: BarModel, period_s: float, place: float) -> float:
        k = math.log(period_s / PERIODS_S[0]) / TEMPO_STEP
        same = [i for i, m in enumerate(MODELS) if str(m.meter) == str(model.meter)]
        return sum(float(_bar_mass(self.belief, STARTS[i], LENGTHS[i], k, place)) for i in same)

    def swing_share(self, hypothesis: Hypothesis) -> float:
        """How much of the belief in this bar is in its swung models."""
        k = math.log(hypothesis.period_s / PERIODS_S[0]) / TEMPO_STEP
        mass = {False: 1e-12, True: 1e-12}
        for i, model in enumerate(MODELS):
            if str(model.meter) == str(hypothesis.model.meter):
                mass[model.swing] += float(_bar_mass(self.belief, STARTS[i], LENGTHS[i], k, hypothesis.place))
        return mass[True] / (mass[True] + mass[False])

    def best(self) -> Hypothesis:
        """The likeliest reading at the time of the newest note."""
        found = []
        for m, (k0, j0) in enumerate(_peaks(self.belief, STARTS, LENGTHS)):
            _, k, d = _around(self.belief, STARTS, LENGTHS, m, k0, j0)
            period_s = float(PERIODS_S[0] * math.exp(k * TEMPO_STEP))
            place = float((j0 + d) / BINS % MODELS[m].pulses)
            beat, bar = (
                self.beat_belief(MODELS[m], period_s, place),
                self.bar_belief(MODELS[m], period_s, place),
            )
            found.append(Hypothesis(MODELS[m], float(self.time_s or 0.0), period_s, place, beat, bar))
        return max(found, key=lambda h: h.beat_belief + h.bar_belief)
