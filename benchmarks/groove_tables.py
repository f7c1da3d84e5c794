"""Simple answers to when and how hard a drum is struck: on the grid, or drawn from counted tables.
For benchmarks/groove.py.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.music.features import Ints
from models.music.tokens import LEVEL_STARTS, LEVEL_VELOCITY, LEVELS, PIECES
from models.timing.groove_dataset import Take
from models.timing.net import UNKNOWN, Feel
from models.training.timing import feel_of, residual_ms

Floats = NDArray[np.float64]
Played = tuple[Floats, Ints]  # offset_ms [N], velocity [N] of a take's hits
Column = tuple[Ints, int]  # a key of every hit [N] and how many values it can have
Keys = Callable[[Take], list[Column]]
BIN_MS, RANGE_MS = 4.0, 320.0
BINS = int(2 * RANGE_MS / BIN_MS)
ALPHAS = (3.0, 30.0, 300.0)


def level_of(take: Take) -> Ints:
    return np.asarray(np.searchsorted(LEVEL_STARTS, take.velocity, "right"))


def by_piece(take: Take) -> list[Column]:
    return [(take.piece, len(PIECES))]


def by_piece_and_tick(take: Take) -> list[Column]:
    return [*by_piece(take), (take.tick % 4, 4)]


def with_level(take: Take, keys: Keys) -> list[Column]:
    return [(level_of(take), LEVELS), *keys(take)]


def context_of(columns: list[Column]) -> Ints:
    """One number per hit for all its keys together."""
    out = np.zeros(len(columns[0][0]), np.int64)
    for column, size in columns:
        out = out * size + column
    return out


class Table:
    """Counts of `bins` values given the first key, the first two ...;
    each backs off to the one before by alpha counts.
    """

    def __init__(self, values: list[Ints], columns: list[list[Column]], bins: int, alpha: float) -> None:
        sizes = [size for _, size in columns[0]]
        flat, p = np.concatenate(values), np.full((1, bins), 1 / bins)
        for used in range(len(sizes) + 1):
            size = sizes[used - 1] if used else 1
            context = np.concatenate([context_of(own[:used]) for own in columns]) if used else np.zeros(len(flat), int)
            counts = np.bincount(context * bins + flat, minlength=len(p) * size * bins).reshape(-1, bins)
            p = (counts + alpha * np.repeat(p, size, 0)) / (counts.sum(1, keepdims=True) + alpha)
        self.p = p

    def draw(self, context: Ints, rng: np.random.Generator) -> Ints:
        mass = np.cumsum(self.p[context], 1)
        return np.asarray((mass < rng.random(len(context))[:, None] * mass[:, -1:]).sum(1))


@dataclass(frozen=True, slots=True)
class Drawn:
    """Independent draws given the keys; velocities given the level too. told: swing and lateness of the take are."""

    keys: Keys
    offsets: Table
    velocities: Table
    told: bool

    @classmethod
    def fit(cls, takes: list[Take], keys: Keys, told: bool, alpha: float) -> Drawn:
        bins = [bin_of(residual(t, told)) for t in takes]
        offsets = Table(bins, [keys(t) for t in takes], BINS, alpha)
        leveled = [with_level(t, keys) for t in takes]
        return cls(keys, offsets, Table([t.velocity - 1 for t in takes], leveled, 127, alpha), told)

    def nats(self, take: Take) -> tuple[Floats, Floats]:
        p = self.offsets.p[context_of(self.keys(take)), bin_of(residual(take, self.told))] / BIN_MS
        table = self.velocities.p[context_of(with_level(take, self.keys))] * allowed(take)
        return -np.log(p), -np.log(table[np.arange(len(take)), take.velocity - 1] / table.sum(1))

    def play(self, take: Take, rng: np.random.Generator) -> Played:
        bins = self.offsets.draw(context_of(self.keys(take)), rng)
        offset = (bins + rng.random(len(take))) * BIN_MS - RANGE_MS
        velocity = 1 + self.velocities.draw(context_of(with_level(take, self.keys)), rng)
        return offset + take.offset_ms - residual(take, self.told), velocity


@dataclass(frozen=True, slots=True)
class Quantised:
    """Every hit on its tick, at its level's one velocity; its likelihood is that of one Laplace density around 0."""

    scale_ms: float

    def nats(self, take: Take) -> tuple[Floats, Floats]:
        return np.log(2 * self.scale_ms) + np.abs(take.offset_ms) / self.scale_ms, np.log(allowed(take).sum(1))

    def play(self, take: Take, rng: np.random.Generator) -> Played:
        return np.zeros(len(take)), np.array(LEVEL_VELOCITY)[level_of(take)]


def feel_told(take: Take, told: bool) -> Feel:
    return feel_of(take) if told else UNKNOWN


def residual(take: Take, told: bool) -> Floats:
    return residual_ms(take, feel_told(take, told))


def bin_of(offset_ms: Floats) -> Ints:
    return np.asarray(np.clip(((offset_ms + RANGE_MS) // BIN_MS).astype(int), 0, BINS - 1))


def allowed(take: Take) -> NDArray[np.bool_]:
    """[N, 127]: the velocities of each hit's level."""
    of_velocity = np.searchsorted(LEVEL_STARTS, np.arange(1, 128), "right")
    return np.asarray(of_velocity[None] == level_of(take)[:, None])


def tuned(keys: Keys, told: bool, takes: list[Take]) -> Drawn:
    """The smoothing with the best offset likelihood on validation."""
    train, valid = ([t for t in takes if t.split == split] for split in ("train", "valid"))
    fitted = [Drawn.fit(train, keys, told, alpha) for alpha in ALPHAS]
    return min(fitted, key=lambda d: float(np.concatenate([d.nats(t)[0] for t in valid]).sum()))
