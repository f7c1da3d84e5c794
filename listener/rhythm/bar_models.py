"""Describe how basses fill a bar: the table of bar models, and the note rates that follow from it.

The `measured` places are cluster means (a mixture of multinomials) of bass onsets by place in the bar over about 370
accompaniments made with MMA's grooves; the others are metrical levels.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from listener.types import Meter

Floats = NDArray[np.float64]
Floats32 = NDArray[np.float32]
Places = tuple[tuple[float, float], ...]  # (pulses after the bar line, weight)

BINS = 48  # places per pulse
SLOWEST_BPM, FASTEST_BPM, TEMPO_STEP = 39.0, 246.0, 0.027  # pulses per minute; log step
TEMPO_SIGMA, COMPOUND_SIGMA = 0.32, 0.25  # of the log-Gaussian prior around a model's own usual tempo
RARE_FROM, RARE_SIGMA = 0.42, 0.2  # log distance to the usual tempo beyond which few tap, and how fast fewer do
TIMING_S = 0.020  # spread of played onsets around the grid
SWING_SPREAD = 0.035  # of the place of a swung note, in pulses
BACKGROUND = 0.05  # share of notes anywhere

# weight of a place by its metrical level
DOWN, GROUP, BEAT, HALF, QUARTER, THIRD = 1.0, 0.75, 0.5, 0.30, 0.07, 0.22
LEVELS_SHARE = 0.32  # of metrical levels mixed into a measured groove
STRENGTH_DOWN, STRENGTH_GROUP, STRENGTH_BEAT, STRENGTH_HALF = 1.0, 0.55, 0.35, 0.1

STRAIGHT = ((0.5, HALF), (0.25, QUARTER), (0.75, QUARTER))
SWUNG = ((0.655, HALF),)
TRIPLE = ((1 / 3, THIRD), (2 / 3, HALF))
EIGHTHS = ((0.5, HALF),)


@dataclass(frozen=True)
class BarModel:
    """One way to fill a bar. pulses: quarters, or dotted quarters when beats_per_pulse is 3; groups in pulses."""

    meter: Meter
    groups: tuple[float, ...]
    beats_per_pulse: int
    prior: float
    division: Places
    swing: bool = False
    measured: Places = ()
    tempo_bpm: float = 112.0  # usual pulses per minute

    @property
    def pulses(self) -> float:
        return float(sum(self.groups))

    def levels(self) -> Places:
        """Return the weights of the places by metrical level alone."""
        heads = np.cumsum([0.0, *self.groups])[:-1]
        places: dict[float, float] = {}
        for head, length in zip(heads, self.groups, strict=True):
            for pulse in range(math.ceil(length)):
                level = BEAT if pulse else (DOWN if head == 0 else GROUP)
                for offset, weight in ((0.0, level), *self.division):
                    if pulse + offset < length:
                        place = round(float(head + pulse + offset), 4)
                        places[place] = max(weight, places.get(place, 0.0))
        return tuple(sorted(places.items()))

    def strengths(self) -> Places:
        """Return the metrical strength, 0-1, of every place."""
        of_level = {DOWN: STRENGTH_DOWN, GROUP: STRENGTH_GROUP, BEAT: STRENGTH_BEAT, HALF: STRENGTH_HALF}
        return tuple((place, of_level.get(weight, 0.0)) for place, weight in self.levels())

    def weights(self) -> Places:
        """Return the shares of the notes of a bar by place."""
        levels = self.levels()
        total = sum(weight for _, weight in levels)
        if not self.measured:
            return tuple((place, weight / total) for place, weight in levels)
        heard = sum(weight for _, weight in self.measured)
        kept = [(place, (1 - LEVELS_SHARE) * weight / heard) for place, weight in self.measured]
        return (*kept, *((place, LEVELS_SHARE * weight / total) for place, weight in levels))


FOUR, THREE, TWO = Meter(4, 4), Meter(3, 4), Meter(2, 4)
FIVE_32, FIVE_23 = Meter(5, 4, (3, 2)), Meter(5, 4, (2, 3))
SIX, NINE, TWELVE = Meter(6, 8, (3, 3)), Meter(9, 8, (3, 3, 3)), Meter(12, 8, (3, 3, 3, 3))
ELEVEN_33, ELEVEN_22 = Meter(11, 8, (3, 3, 3, 2)), Meter(11, 8, (2, 2, 3, 2, 2))
SEVEN_223, SEVEN_322, SEVEN_232 = Meter(7, 8, (2, 2, 3)), Meter(7, 8, (3, 2, 2)), Meter(7, 8, (2, 3, 2))


def _flat(count: int, step: float) -> Places:
    return tuple((round(step * i, 4), 1.0) for i in range(count))


MODELS = (
    BarModel(FOUR, (2, 2), 1, 0.16, STRAIGHT),
    BarModel(FOUR, (2, 2), 1, 0.09, SWUNG, swing=True),  # shuffle
    BarModel(
        FOUR,
        (2, 2),
        1,
        0.09,
        SWUNG,
        swing=True,
        measured=(
            (0, 0.25),
            (0.66, 0.02),
            (1, 0.2),
            (1.66, 0.017),
            (2, 0.23),
            (2.66, 0.014),
            (3, 0.23),
            (3.66, 0.026),
        ),
    ),  # walking
    BarModel(
        FOUR,
        (2, 2),
        1,
        0.08,
        STRAIGHT,
        measured=((0, 0.4), (1.67, 0.04), (1.75, 0.03), (2, 0.4), (3, 0.04), (3.67, 0.055), (3.75, 0.026)),
    ),  # two-feel
    BarModel(
        FOUR,
        (2, 2),
        1,
        0.07,
        STRAIGHT,
        measured=(
            (0, 0.161),
            (0.5, 0.073),
            (0.75, 0.024),
            (1, 0.049),
            (1.25, 0.021),
            (1.5, 0.039),
            (1.75, 0.137),
            (2, 0.088),
            (2.25, 0.026),
            (2.5, 0.088),
            (2.75, 0.04),
            (3, 0.03),
            (3.25, 0.023),
            (3.5, 0.082),
            (3.75, 0.045),
        ),
    ),  # sixteenths
    BarModel(
        FOUR,
        (2, 2),
        1,
        0.07,
        STRAIGHT,
        measured=((0, 0.287), (1.5, 0.232), (2, 0.218), (2.5, 0.013), (3, 0.107), (3.5, 0.131)),
    ),  # one, and-of-two
    BarModel(
        FOUR,
        (2, 2),
        1,
        0.07,
        STRAIGHT,
        measured=(
            (0, 0.136),
            (0.5, 0.116),
            (1, 0.103),
            (1.5, 0.142),
            (2, 0.09),
            (2.5, 0.132),
            (3, 0.106),
            (3.5, 0.14),
        ),
    ),  # eighths
    BarModel(
        FOUR,
        (2, 2),
        1,
        0.04,
        STRAIGHT,
        measured=(
            (0, 0.154),
            (0.75, 0.11),
            (1, 0.124),
            (1.5, 0.057),
            (1.75, 0.044),
            (2, 0.133),
            (2.75, 0.112),
            (3, 0.126),
            (3.5, 0.086),
            (3.75, 0.025),
        ),
    ),  # dotted
    BarModel(
        FOUR,
        (2, 2),
        1,
        0.04,
        STRAIGHT,
        measured=(
            (0, 0.165),
            (0.75, 0.153),
            (1.5, 0.222),
            (2.33, 0.043),
            (2.5, 0.081),
            (2.75, 0.019),
            (3, 0.075),
            (3.5, 0.142),
            (3.75, 0.075),
        ),
    ),  # tresillo
    BarModel(FOUR, (2, 2), 1, 0.05, STRAIGHT, measured=_flat(16, 0.25), tempo_bpm=92),
    BarModel(THREE, (3,), 1, 0.06, STRAIGHT),
    BarModel(THREE, (3,), 1, 0.03, SWUNG, swing=True),
    BarModel(THREE, (3,), 1, 0.05, (), measured=((0, 0.33), (0.75, 0.02), (1, 0.29), (1.75, 0.02), (2, 0.33))),
    BarModel(
        THREE,
        (3,),
        1,
        0.03,
        STRAIGHT,
        measured=((0, 0.23), (0.5, 0.12), (1, 0.1), (1.5, 0.24), (2, 0.18), (2.5, 0.1)),
    ),
    BarModel(TWO, (2,), 1, 0.005, STRAIGHT),
    BarModel(FIVE_32, (3, 2), 1, 0.03, STRAIGHT),
    BarModel(
        FIVE_32,
        (3, 2),
        1,
        0.02,
        SWUNG,
        swing=True,
        measured=((0, 0.15), (1, 0.12), (2, 0.15), (3, 0.3), (4, 0.12), (4.66, 0.06)),
    ),
    BarModel(
        FIVE_23,
        (2, 3),
        1,
        0.02,
        STRAIGHT,
        measured=(
            (0, 0.15),
            (0.5, 0.04),
            (1, 0.07),
            (1.5, 0.1),
            (2, 0.15),
            (2.5, 0.06),
            (3, 0.1),
            (3.5, 0.06),
            (4, 0.14),
            (4.5, 0.04),
        ),
    ),
    BarModel(SIX, (1, 1), 3, 0.04, TRIPLE, tempo_bpm=92),
    BarModel(
        SIX,
        (1, 1),
        3,
        0.01,
        TRIPLE,
        measured=((0, 0.265), (0.667, 0.265), (1, 0.062), (1.333, 0.265), (1.667, 0.136)),
    ),
    BarModel(SIX, (1, 1), 3, 0.012, TRIPLE, measured=_flat(6, 1 / 3), tempo_bpm=92),
    BarModel(NINE, (3,), 3, 0.012, TRIPLE, tempo_bpm=84),
    BarModel(NINE, (3,), 3, 0.006, TRIPLE, measured=_flat(9, 1 / 3), tempo_bpm=84),
    BarModel(TWELVE, (2, 2), 3, 0.03, TRIPLE, tempo_bpm=84),
    BarModel(TWELVE, (2, 2), 3, 0.01, TRIPLE, measured=_flat(12, 1 / 3), tempo_bpm=84),
    BarModel(SEVEN_223, (1, 1, 1.5), 2, 0.025, EIGHTHS, tempo_bpm=140),
    BarModel(SEVEN_322, (1.5, 1, 1), 2, 0.012, EIGHTHS, tempo_bpm=140),
    BarModel(SEVEN_232, (1, 1.5, 1), 2, 0.006, EIGHTHS, tempo_bpm=140),
    BarModel(ELEVEN_33, (1.5, 1.5, 1.5, 1), 2, 0.008, EIGHTHS, tempo_bpm=140),
    BarModel(ELEVEN_22, (1, 1, 1.5, 1, 1), 2, 0.004, EIGHTHS, tempo_bpm=140),
)
LENGTHS = np.array([round(m.pulses * BINS) for m in MODELS])
STARTS = np.concatenate([[0], np.cumsum(LENGTHS)[:-1]])
PLACES = int(LENGTHS.sum())
BARS: Floats = np.array(sorted({m.pulses for m in MODELS}))  # bar lengths in pulses
BAR_OF = np.array([int(np.searchsorted(BARS, m.pulses)) for m in MODELS])
HALVED = np.array([m.beats_per_pulse == 2 for m in MODELS])
LIKE = np.array([[str(a.meter) == str(b.meter) for a in MODELS] for b in MODELS])  # of the same meter
PERIODS_S: Floats = np.exp(np.arange(math.log(60 / FASTEST_BPM), math.log(60 / SLOWEST_BPM), TEMPO_STEP))
TEMPI = len(PERIODS_S)


def _far(model: BarModel, length: int, at: float) -> Floats:
    """Return the signed distance in pulses of every place of a bar from `at`."""
    return np.asarray((np.arange(length) / BINS - at + model.pulses / 2) % model.pulses - model.pulses / 2)


def _rates() -> Floats:
    """Return the note rate at every place, mean 1 over each bar, [TEMPI, PLACES]."""
    out = np.empty((TEMPI, PLACES))
    for start, length, model in zip(STARTS, LENGTHS, MODELS, strict=True):
        shape = np.zeros((TEMPI, length))
        for at, weight in model.weights():
            loose = SWING_SPREAD if model.swing and at % 1 > 0.5 else 0.0
            width = np.array([[math.hypot(TIMING_S / period, loose, 0.3 / BINS)] for period in PERIODS_S])
            shape += weight * np.exp(-0.5 * (_far(model, length, at) / width) ** 2) / width
        out[:, start : start + length] = (1 - BACKGROUND) * shape / shape.mean(axis=1, keepdims=True) + BACKGROUND
    return out


def _strengths() -> Floats:
    """Return the metrical strength, 0-1, at every place, [PLACES]."""
    out = np.zeros(PLACES)
    for start, length, model in zip(STARTS, LENGTHS, MODELS, strict=True):
        for at, strength in model.strengths():
            near = strength * np.exp(-0.5 * (_far(model, length, at) / 0.06) ** 2)
            out[start : start + length] = np.maximum(out[start : start + length], near)
    return out


def _prior() -> Floats:
    usual = np.log([m.tempo_bpm for m in MODELS])
    sigma = [COMPOUND_SIGMA if m.beats_per_pulse == 3 else TEMPO_SIGMA for m in MODELS]
    far = np.abs(np.log(60 / PERIODS_S)[:, None] - usual)
    rare = np.maximum(far - RARE_FROM, 0.0) / RARE_SIGMA
    tempo = np.exp(-0.5 * (far / sigma) ** 2 - 0.5 * rare**2)
    per_model = tempo / tempo.sum(axis=0) * [m.prior for m in MODELS] / LENGTHS
    out = np.repeat(per_model, LENGTHS, axis=1)
    return np.asarray(out / out.sum())


_RATES = _rates()
_SURPLUS = np.concatenate(  # integral of (rate - 1) up to each place, in places
    [np.cumsum(_RATES[:, s : s + n] - 1, axis=1) for s, n in zip(STARTS, LENGTHS, strict=True)], axis=1
)
RATES: Floats32 = _RATES.astype(np.float32)
SURPLUS: Floats32 = _SURPLUS.astype(np.float32)
del _RATES, _SURPLUS
STRENGTHS: Floats32 = _strengths().astype(np.float32)
PRIOR: Floats32 = _prior().astype(np.float32)
OPENING: Floats32 = np.concatenate(
    [np.exp(-0.5 * (_far(m, n, 0.0) / 0.06) ** 2) for m, n in zip(MODELS, LENGTHS, strict=True)]
).astype(np.float32)
