"""Weigh the readings of a line's meter against each other: which pulse a player would tap, and where its bar begins."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load as arrays_from_bytes

from listener import paths, weight_file
from listener.rhythm.bar_models import BINS, MODELS, PERIODS_S, STARTS, TEMPO_STEP, Floats32
from listener.rhythm.reading_kernels import (
    ELSE,
    FEATURES,
    FIRST_QUARTER,
    FIRST_THIRD,
    HALF,
    KINDS,
    LAST_QUARTER,
    LAST_THIRD,
    ON,
    SLOTS,
    best_phases,
    measure,
    support,
)
from listener.types import Meter

Floats = NDArray[np.float64]
KIND = "readings"
WEIGHTS = paths.WEIGHTS / KIND
SIZE = FEATURES + 2
NOTES = 96
MEMORY_S, BAR_MEMORY_S = 10.0, 20.0
SLOWEST_S, FASTEST_S = 60 / 40.0, 60 / 246.0
RATIOS = (1 / 4, 1 / 3, 1 / 2, 2 / 3, 3 / 4, 1.0, 4 / 3, 3 / 2, 2.0, 3.0, 4.0, 6.0)
PHASES = 4
NEAR_S = 0.030
ALIKE = 0.6  # as likely as the held reading, from which on another is its rival
LEAP, MOST_LEAP = 0.2, 3.0  # of log tempo that a player leaps at once; nats that a greater leap costs
UNEVEN_BPM = 95.0, 190.0  # quarters per minute within which uneven meters are thought of


@dataclass(frozen=True)
class Shape:
    """A bar. groups: pulses from one strong place to the next; compound: 1 = pulses of three eighths, 2 = uneven."""

    meter: Meter
    groups: tuple[float, ...]
    kind: int
    compound: int = 0

    @property
    def pulses(self) -> float:
        return float(sum(self.groups))

    @property
    def beats_per_pulse(self) -> int:
        return (1, 3, 2)[self.compound]


SHAPES = (
    Shape(Meter(4, 4), (1, 1, 1, 1), 0),
    Shape(Meter(3, 4), (1, 1, 1), 1),
    Shape(Meter(5, 4, (3, 2)), (1, 1, 1, 1, 1), 2),
    Shape(Meter(6, 8, (3, 3)), (1, 1), 3, 1),
    Shape(Meter(9, 8, (3, 3, 3)), (1, 1, 1), 4, 1),
    Shape(Meter(12, 8, (3, 3, 3, 3)), (1, 1, 1, 1), 5, 1),
    Shape(Meter(7, 8, (2, 2, 3)), (1, 1, 1.5), 6, 2),
    Shape(Meter(7, 8, (3, 2, 2)), (1.5, 1, 1), 6, 2),
    Shape(Meter(7, 8, (2, 3, 2)), (1, 1.5, 1), 6, 2),
    Shape(Meter(11, 8, (3, 3, 3, 2)), (1.5, 1.5, 1.5, 1), 7, 2),
    Shape(Meter(11, 8, (2, 2, 3, 2, 2)), (1, 1, 1.5, 1, 1), 7, 2),
)
MIDDLE = {0: 2, 5: 2}  # the pulse that begins the second half of a bar


def _tables() -> tuple[Floats, NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    lengths = np.array([s.pulses for s in SHAPES])
    longest = round(float(lengths.max()) * SLOTS)
    classes, heads = np.full((len(SHAPES), longest), ELSE), np.full((len(SHAPES), longest), 2)
    flags = np.zeros((len(SHAPES), 4), np.int64)
    places: tuple[tuple[float, int, float], ...] = (
        (0.0, ON, 0.0),
        (1.0, ON, 0.0),
        (0.5, HALF, 0.01),
        (0.25, FIRST_QUARTER, 0.02),
        (0.75, LAST_QUARTER, 0.02),
    )
    places += ((1 / 3, FIRST_THIRD, 0.02), (2 / 3, LAST_THIRD, 0.02))
    for i, shape in enumerate(SHAPES):
        starts = np.cumsum([0.0, *shape.groups])
        for slot in range(round(shape.pulses * SLOTS)):
            at = slot / SLOTS
            group = int(np.searchsorted(starts, at + 1e-9, side="right")) - 1
            inside, size = at - starts[group], shape.groups[group]
            near = group
            if size - inside < 0.5 and size - inside < inside:
                near = (group + 1) % len(shape.groups)
            known: tuple[tuple[float, int, float], ...] = (
                places if size == 1 else (*places, (1.0, HALF, 0.0), (1.5, ON, 0.0), (1.25, LAST_QUARTER, 0.02))
            )
            known = tuple(p for p in known if not (size != 1 and p[0] == 1.0 and p[1] == ON))
            gap, kind = min((abs(inside - p) + extra, kind) for p, kind, extra in known)
            classes[i, slot] = kind if gap < 0.11 else ELSE
            if kind == ON:
                heads[i, slot] = 0 if near == 0 else 1 if MIDDLE.get(shape.kind) == near or shape.compound == 2 else 2
        flags[i] = (
            shape.kind,
            shape.compound,
            len(shape.groups) - 1 if shape.compound == 2 else int(shape.kind in MIDDLE),
            len(shape.groups),
        )
    return lengths, classes, heads, flags


def shape_of(meter: Meter) -> Meter:
    """Return the meter whose shape stands for this one."""
    return Meter(5, 4, (3, 2)) if str(meter) == "5/4" else meter


def _models() -> NDArray[np.int64]:
    """Return the bar models of every shape, filled up with -1."""
    of = [[i for i, m in enumerate(MODELS) if shape_of(m.meter) == shape.meter] for shape in SHAPES]
    return np.array([row + [-1] * (max(map(len, of)) - len(row)) for row in of])


TABLES = _tables()
OF_SHAPE = _models()
UNEVEN = np.array([s.compound == 2 for s in SHAPES])
FOR_SUPPORT = TABLES[0], UNEVEN, OF_SHAPE, STARTS
LINE_ONLY = np.array([0.0, 1.0, 0.0])


def _grids() -> list[tuple[float, Floats, Floats, Floats]]:
    """Return for every ratio: itself, phases, and the candidates of even and uneven bars at phase 0."""
    out = []
    for ratio in RATIOS:
        steps = {round(k / 4, 6) for k in range(round(4 * ratio))} | {round(k / 3, 6) for k in range(round(3 * ratio))}
        phases = np.array(sorted(s for s in steps if s < ratio - 1e-6)) if ratio > 0.3 else np.zeros(1)
        even = [(ratio, ratio * k, i) for i, s in enumerate(SHAPES) if s.compound < 2 for k in range(round(s.pulses))]
        odd = [
            (ratio, 0.5 * ratio * k, i)
            for i, s in enumerate(SHAPES)
            if s.compound == 2
            for k in range(round(2 * s.pulses))
        ]
        out.append((ratio, phases, np.array(even), np.array(odd)))
    return out


GRIDS = _grids()


def _bars_on(pulse: float, line: float, shape: int) -> Floats:
    """Return the other bars on the pulse of a reading."""
    if SHAPES[shape].compound == 2:
        phases = line % (0.5 * pulse)
        return np.array(
            [
                (pulse, phases + 0.5 * pulse * k, i)
                for i, s in enumerate(SHAPES)
                if s.compound == 2
                for k in range(round(2 * s.pulses))
            ]
        )
    phases = line % pulse
    return np.array(
        [(pulse, phases + pulse * k, i) for i, s in enumerate(SHAPES) if s.compound < 2 for k in range(round(s.pulses))]
    )


class LineMemory:
    """Holds the last notes by their place on the beat grid as it was when they came."""

    def __init__(self) -> None:
        self.u, self.time_s, self.pitch = np.zeros(NOTES), np.zeros(NOTES), np.zeros(NOTES, np.int64)
        self.kinds = np.zeros((NOTES, KINDS))
        self.count = 0
        self.opening: tuple[float, float] | None = None  # u and time of the last note after silence

    def push(self, time_s: float, u: float, pitch: int, loud: float, opens: bool) -> None:
        """Take a note at time_s, u beats after the grid's zero. pitch 0: unknown; opens: it comes after silence."""
        if self.count == NOTES:
            for array in (self.u, self.time_s, self.pitch, self.kinds):
                array[:-1] = array[1:].copy()
            self.count -= 1
        n = self.count
        self.u[n], self.time_s[n], self.pitch[n] = u, time_s, pitch
        if opens:
            self.opening = u, time_s
        before = self.pitch[:n]
        known = before[before > 0]
        lately = known[-12:]
        changed = float(n > 0 and pitch > 0 and len(known) > 0 and known[-1] != pitch)
        low = 0.0 if not len(lately) or not pitch else float(np.clip((lately.mean() - pitch) / 7, -1, 1))
        home = 0.0
        if len(known) and pitch:
            values, counts = np.unique(known % 12, return_counts=True)
            home = float(values[counts.argmax()] == pitch % 12)
        self.kinds[n] = 1.0, changed, low, 0.0, loud, home
        if n:
            gaps = np.diff(self.time_s[max(0, n - 12) : n + 1])
            self.kinds[n - 1, 3] = float(np.clip(math.log2(max(gaps[-1], 0.03) / float(np.mean(gaps))), -1.5, 1.5))
        self.kinds[n, 3] = 0.0
        self.count += 1

    def rebase(self, scale: float, shift: float) -> None:
        """Count the notes' places in another grid: u * scale + shift."""
        self.u[: self.count] = self.u[: self.count] * scale + shift
        if self.opening:
            self.opening = self.opening[0] * scale + shift, self.opening[1]

    def leap(self, time_s: float, u: float, period_s: float) -> None:
        """Place the notes after time_s on a grid of even beats, u at time_s; the notes before keep their places."""
        since = slice(int(np.searchsorted(self.time_s[: self.count], time_s, side="right")), self.count)
        self.u[since] = u + (self.time_s[since] - time_s) / period_s
        if self.opening and self.opening[1] > time_s:
            self.opening = u + (self.opening[1] - time_s) / period_s, self.opening[1]

    def lay(self, time_s: float, u: float, period_s: float, since_s: float) -> None:
        """Place the notes on a new grid of even beats, u at time_s, and forget those before since_s."""
        first = int(np.searchsorted(self.time_s[: self.count], since_s))
        kept = self.count - first
        for array in (self.u, self.time_s, self.pitch, self.kinds):
            array[:kept] = array[first : self.count].copy()
        self.count = kept
        self.u[:kept] = u + (self.time_s[:kept] - time_s) / period_s
        if self.opening:
            kept_opening = self.opening[1] >= since_s
            self.opening = (u + (self.opening[1] - time_s) / period_s, self.opening[1]) if kept_opening else None

    def candidates(self, period_s: float, held: tuple[float, float, int] | None = None) -> Floats:
        """Return the readings to weigh: [n, 3] pulse, place of a bar line (both in reference beats), shape.

        The first is the held one, the next the other bars on its pulse.
        """
        u, weight = self.u[: self.count], self.weights()
        found: list[Floats] = []
        if held is not None:
            found = [np.array([held]), _bars_on(*held)]
        for ratio, phases, even, uneven in GRIDS:
            pulse_s = ratio * period_s
            if not FASTEST_S <= pulse_s <= SLOWEST_S:
                continue
            best = best_phases(u, weight, phases, ratio, pulse_s / NEAR_S, PHASES)
            across = (best[0] + 0.5 * ratio) % ratio  # a line of off-beats alone has no note on its beats
            if np.abs(best - across).min() > 1e-6:
                best[-1] = across
            thought = [even + phase for phase in best[:, None] * LINE_ONLY]
            if UNEVEN_BPM[0] <= 60 / pulse_s <= UNEVEN_BPM[1]:
                thought += [uneven + phase for phase in best[:2, None] * LINE_ONLY]
            found += thought
        every = np.concatenate(found)
        if held is None:
            return every
        own = len(found[0]) + len(found[1])
        unit = 0.5 if SHAPES[held[2]].compound == 2 else 1.0
        apart = (every[:, 1] - held[1]) / (unit * held[0])
        twin = (np.abs(every[:, 0] / held[0] - 1) < 0.01) & (np.abs(apart - np.round(apart)) < 0.12)
        twin &= UNEVEN[every[:, 2].astype(int)] == UNEVEN[held[2]]
        twin[:own] = False
        apart = (every[:, 1] - held[1]) / (held[0] * SHAPES[held[2]].pulses)
        twin[1:own] = (every[1:own, 2] == held[2]) & (np.abs(apart[1:own] - np.round(apart[1:own])) < 0.01)
        return every[~twin]

    def weights(self, memory_s: float = MEMORY_S) -> Floats:
        """Return how much each note counts: the older the less."""
        times_s = self.time_s[: self.count]
        return np.asarray(np.exp((times_s - times_s[-1]) / memory_s))

    def features(self, candidates: Floats, period_s: float, belief: Floats32, folded: Floats32, now: float) -> Floats32:
        """Return the features of every candidate, [n, SIZE]; belief, folded: the bar filter's; now: in beats."""
        out = np.empty((len(candidates), SIZE), np.float32)
        scale = period_s, now, math.log(float(PERIODS_S[0])), TEMPO_STEP, float(BINS)
        support(belief, folded, candidates, FOR_SUPPORT, scale, out[:, FEATURES:])
        n = self.count
        opening = self.opening if self.opening else (-1e9, 0.0)
        notes = self.u[:n], self.pitch[:n], self.weights(), self.weights(BAR_MEMORY_S), self.kinds[:n], opening[0]
        measure(candidates, notes, n, period_s, TABLES, out[:, :FEATURES])
        return out


@dataclass(frozen=True)
class Reading:
    """One way to read the line: a pulse, and a bar on it. pulse, line: reference beats; beliefs: probabilities."""

    pulse: float
    line: float  # place of a bar line
    shape: Shape
    pulse_belief: float
    bar_belief: float  # of this pulse and this bar


@dataclass(frozen=True)
class Weighed:
    """What the reader thinks at a note: the best reading; the best bar on the held pulse; beliefs in what is held; the
    likeliest reading but the held one, where it is about as likely.
    """

    best: Reading
    on_held: Reading
    held_pulse: float
    held_bar: float
    rival: Reading | None = None


class Reader:
    """Weighs readings of the line by a network of one hidden layer over features of reading_kernels.py."""

    def __init__(self, weights: dict[str, Floats]) -> None:
        """weights: as `load` returns them; {}: no reading is likelier than another."""
        self.memory = LineMemory()
        self._first, self._bias, self._last = _layers(weights) if weights else NO_LAYERS

    def _scores(self, features: Floats32) -> tuple[Floats, Floats]:
        """Return the readings' scores for their pulse and, among the readings of one pulse, for their bar."""
        first = features @ self._first
        first += self._bias
        hidden, linear = first[:, :-2], first[:, -2:]
        scores = (linear + np.tanh(hidden) @ self._last).astype(np.float64)
        return scores[:, 0], scores[:, 1]

    def weigh(
        self,
        period_s: float,
        held: tuple[float, float, int],
        belief: tuple[Floats32, Floats32],
        now: float,
        meter: str | None,
        expected: float | None = None,
    ) -> Weighed:
        """held: pulse, place of a bar line (in reference beats of period_s), number of the shape; meter: when given.

        expected: a pulse, in reference beats, near which it is likelier, for the tempo was so just before.
        """
        candidates = self.memory.candidates(period_s, held)
        scores, bars = self._scores(self.memory.features(candidates, period_s, *belief, now))
        if meter is not None:
            scores = np.where(FITS[meter][candidates[:, 2].astype(int)], scores, -1e9)
            bars = np.where(FITS[meter][candidates[:, 2].astype(int)], bars, -1e9)
        if expected is not None:
            scores = scores - np.minimum(MOST_LEAP, 0.5 * (np.log(candidates[:, 0] / expected) / LEAP) ** 2)
        p = np.exp(scores - scores.max())
        p /= p.sum()
        phase = np.where(UNEVEN[candidates[:, 2].astype(int)], 0.5, 1.0) * candidates[:, 0]
        key = np.round(candidates[:, 0] * 48) * 1000 + np.round((candidates[:, 1] % phase) * 48) % np.round(phase * 48)
        key += 0.5 * UNEVEN[candidates[:, 2].astype(int)]
        _, group = np.unique(key, return_inverse=True)
        likely = np.full(group.max() + 1, -np.inf)
        np.maximum.at(likely, group, bars)
        within = np.exp(bars - likely[group])
        p = within * (np.bincount(group, p) / np.bincount(group, within))[group]
        pulses = np.bincount(group, p)
        best_group = int(pulses.argmax())
        best = int(np.where(group == best_group, p, -1.0).argmax())
        mine = group == group[0]
        on_held = int(np.where(mine, p, -1.0).argmax())
        pulse, bar = self._reading(candidates, best, float(pulses[best_group]), float(p[best])), on_held
        held_reading = self._reading(candidates, bar, float(pulses[group[0]]), float(p[bar]))
        same = mine & (candidates[:, 2] == candidates[0, 2])
        length = candidates[0, 0] * SHAPES[int(candidates[0, 2])].pulses
        apart = (candidates[:, 1] - candidates[0, 1]) / length
        same &= np.abs(apart - np.round(apart)) * length < 0.05 * candidates[0, 0]
        held_bar, other = float(p[same].sum()), int(np.where(same, -1.0, p).argmax())
        alike = p[other] > ALIKE * held_bar
        rival = self._reading(candidates, other, float(pulses[group[other]]), float(p[other])) if alike else None
        return Weighed(pulse, held_reading, float(pulses[group[0]]), held_bar, rival)

    @staticmethod
    def _reading(candidates: Floats, n: int, pulse_belief: float, bar_belief: float) -> Reading:
        pulse, line, shape = candidates[n]
        return Reading(float(pulse), float(line), SHAPES[int(shape)], pulse_belief, bar_belief)


def _layers(weights: dict[str, Floats]) -> tuple[Floats32, Floats32, Floats32]:
    """Return the first layer with the linear terms, for features as they are, its bias, and the last layer."""
    scale = 1 / weights["deviation"]
    first = np.column_stack([weights[name] for name in ("hidden", "linear", "bar_linear")])
    bias = np.concatenate([weights["hidden_bias"], np.zeros(2)]) - (weights["mean"] * scale) @ first
    last = np.column_stack([weights["out"], weights["bar_out"]])
    return (scale[:, None] * first).astype(np.float32), bias.astype(np.float32), last.astype(np.float32)


NO_LAYERS = np.zeros((SIZE, 2), np.float32), np.zeros(2, np.float32), np.zeros((0, 2), np.float32)
FITS = {str(s.meter): np.array([str(other.meter) == str(s.meter) for other in SHAPES]) for s in SHAPES}
FITS["2/4"] = FITS["4/4"]
SHAPE_OF = {shape.meter: i for i, shape in enumerate(SHAPES)} | {Meter(2, 4): 0, Meter(5, 4, (2, 3)): 2}


@cache
def load(stem: Path = WEIGHTS) -> dict[str, Floats]:
    """Return the reader's weights. Raises ValueError for a foreign or altered file, FileNotFoundError."""
    file = weight_file.read(stem, KIND)
    arrays = {name: np.asarray(value, np.float64) for name, value in arrays_from_bytes(file.data).items()}
    weight_file.require_finite(file.path, arrays)
    if arrays["linear"].shape != (SIZE,):
        raise ValueError(f"{file.path}: weights for {len(arrays['linear'])} features of {SIZE}; {weight_file.RETRAIN}")
    return arrays
