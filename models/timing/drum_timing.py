"""Draw micro-timing and velocity of drum hits, hit by hit as they are played. numpy only, no torch.

`rows` of net.py makes the features of a whole take for training, `Timing.step` those of one tick for playing; a test
holds them equal.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from math import erf, log, sqrt
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from models import checkpoint, paths
from models.music import features, tokens
from models.music.tokens import LEVELS, PIECES, DrumHit, Position
from models.timing.shape import (
    BEGIN,
    CENTRES,
    FLOOR_MS,
    INPUT_DIM,
    LEVEL_MASK,
    OFFSET_SCALE_MS,
    Feel,
    TimingConfig,
    constant_features,
)

if TYPE_CHECKING:
    from models.timing.net import TimingNet

Floats = NDArray[np.float32]

WEIGHTS = paths.WEIGHTS / "timing"
EARLIEST, LATEST = -0.49, 0.75  # ticks; what is drawn stays inside
DRIFT_HITS = (12, 48)  # hits over which the model's own feel is taken out when one is asked for: at first, at most
ON_BEAT, OFF_BEAT = 0, 1
VELOCITY_OF_LEVEL = {k + 1: slice(int(m.argmax()), int(m.argmax() + m.sum())) for k, m in enumerate(LEVEL_MASK)}


@dataclass(frozen=True, slots=True)
class TimingState:
    """The timing's state after a tick.

    hidden: [H]. tick: steps made. last: (tick, scaled residual). own: piece -> (tick, scaled residual, velocity).
    drift_ms: running means of the residuals (off-beats apart), hits: how many; a feel asked for comes without them.
    """

    hidden: Floats
    tick: int = 0
    last: tuple[int, float] | None = None
    own: dict[int, tuple[int, float, int]] = field(default_factory=dict)
    drift_ms: tuple[float, float] = (0.0, 0.0)
    hits: tuple[int, int] = (0, 0)

    def copy(self) -> TimingState:
        return replace(self, hidden=self.hidden.copy(), own=dict(self.own))

    def after(self, hidden: Floats, piece: int, residual_ms: float, velocity: int, place: int) -> TimingState:
        """Return the state after a hit. place: ON_BEAT or OFF_BEAT."""
        scaled = scaled_one(residual_ms)
        own = self.own | {piece: (self.tick, scaled, velocity)}
        drift, hits = list(self.drift_ms), list(self.hits)
        drift[place] += (residual_ms - drift[place]) / min(DRIFT_HITS[0] + hits[place], DRIFT_HITS[1])
        hits[place] += 1
        return TimingState(hidden, self.tick, (self.tick, scaled), own, (drift[0], drift[1]), (hits[0], hits[1]))

    def excess_ms(self, feel: Feel, place: int) -> float:
        """Return what the residuals have lately added to the feel asked for; nothing for what was not asked for."""
        late = 0.0 if feel.late_ms is None else self.drift_ms[ON_BEAT]
        swing = 0.0 if feel.swing is None else self.drift_ms[place] - self.drift_ms[ON_BEAT]
        return late + swing


def scaled_one(residual_ms: float) -> float:
    """Return `scaled_residual` (net.py) of one number."""
    return min(max(residual_ms / OFFSET_SCALE_MS, -4.0), 4.0)


class Luck(Protocol):
    """What a hit's offset is drawn with, as numpy.random.Generator draws."""

    def random(self) -> float:
        """Return a number that is uniform from 0 to 1."""
        ...

    def standard_normal(self) -> float:
        """Return a number that is normal with mean 0 and variance 1."""
        ...


@dataclass(frozen=True, slots=True)
class Habit:
    """Luck that comes again: one share of its variance is drawn from `own`, the same each time, the rest anew.

    The joint distribution is a Gaussian copula: each draw alone is as of a Generator.
    """

    own: np.random.Generator
    fresh: np.random.Generator
    share: float

    def random(self) -> float:
        return 0.5 * (1 + erf(self.standard_normal() / sqrt(2)))

    def standard_normal(self) -> float:
        own, fresh = float(self.own.standard_normal()), float(self.fresh.standard_normal())
        return sqrt(self.share) * own + sqrt(1 - self.share) * fresh


@dataclass(frozen=True, slots=True)
class Mixture:
    """Density of one hit's residual: log-weight up to a constant, mean_ms, scale_ms, each [K]."""

    log_weight: Floats
    mean_ms: Floats
    scale_ms: Floats

    def on_tick(self) -> Mixture:
        """Return the density without its components about the triplets beside the tick."""
        return Mixture(self.log_weight[_ON_TICK], self.mean_ms[_ON_TICK], self.scale_ms[_ON_TICK])

    def draw(self, luck: Luck, tick_ms: float) -> float:
        one = pick(self.log_weight, luck)
        drawn = float(self.mean_ms[one]) + luck.standard_normal() * float(self.scale_ms[one])
        return min(max(drawn, EARLIEST * tick_ms), LATEST * tick_ms)


def pick(logits: Floats, luck: Luck) -> int:
    """Draw an index with probability softmax(logits)."""
    mass = np.exp(logits - logits.max()).cumsum()
    return min(int(mass.searchsorted(luck.random() * mass[-1])), len(mass) - 1)


class Timing:
    """Draws when and how hard each hit of a tick is struck. The given state is not changed."""

    def __init__(self, config: TimingConfig, weights: Mapping[str, Floats]) -> None:
        """Make a timing of weights: arrays of config.shapes, by name."""
        self.config = config
        w = {name: value.T for name, value in weights.items()}
        self._w = {name: np.ascontiguousarray(value) for name, value in w.items()}
        rows = np.concatenate([w["velocity.weight"], w["offset_to_velocity.weight"], w["velocity.bias"][None]])
        self._velocities = {level: np.ascontiguousarray(rows[:, part]) for level, part in VELOCITY_OF_LEVEL.items()}
        self._net: TimingNet | None = None
        self._stem: str | Path | None = None

    @classmethod
    def of(cls, net: TimingNet) -> Timing:
        """Make the timing of a network in torch."""
        weights = {name: value.detach().numpy().astype(np.float32) for name, value in net.named_parameters()}
        made = cls(net.config, weights)
        made._net = net.eval()
        return made

    @property
    def net(self) -> TimingNet:
        """Return the network in torch, for training and measuring; loaded when first asked for."""
        if self._net is None:
            from models.timing.net import TimingNet

            if self._stem is None:
                raise ValueError("a timing model made of arrays alone has no checkpoint to read a network from")
            self._net = checkpoint.load_net(self._stem, "timing", lambda net: TimingNet(TimingConfig(**net))).eval()
        return self._net

    @classmethod
    def load(cls, path: str | Path = WEIGHTS) -> Timing:
        """Load the weights of a checkpoint stem; FileNotFoundError or ValueError when they are missing or something
        else.
        """
        saved = checkpoint.load_arrays(path, "timing")
        try:
            config = TimingConfig(**saved.config["net"])
            checkpoint.require_shapes(path, saved.arrays, config.shapes)
        except (KeyError, TypeError) as error:
            raise ValueError(f"{path}: weights do not fit their config ({error}); {checkpoint.RETRAIN}") from None
        made = cls(config, saved.arrays)
        made._stem = path
        return made

    @classmethod
    def untrained(cls, seed: int = 0) -> Timing:
        """Make a timing with random weights, for tests of what surrounds the model."""
        import torch

        from models.timing.net import TimingNet

        with torch.random.fork_rng():
            torch.manual_seed(seed)
            return cls.of(TimingNet(TimingConfig()))

    def initial_state(self) -> TimingState:
        return TimingState(np.zeros(self.config.hidden, np.float32))

    def step(
        self,
        hits: tuple[DrumHit, ...],
        position: Position,
        tempo_bpm: float,
        state: TimingState,
        rng: np.random.Generator,
        swing: float | None = None,
        late_ms: float | None = None,
        style: str | None = None,
        luck: Callable[[int], Luck] | None = None,
        on_tick: bool = False,
    ) -> tuple[list[tuple[float, int]], TimingState]:
        """Return (offset_ms from the straight tick, velocity 1-127) of each hit, in the order given, and the next
        state.

        Step once per tick, hits or none. A hit's own velocity gives its level; tempo in quarters per minute. luck:
        number of a piece -> what its offset is drawn with, None = rng. on_tick: no hit is meant for a triplet near it.
        """
        if any(not 1 <= hit.velocity <= 127 for hit in hits):
            raise ValueError(
                f"velocities {[hit.velocity for hit in hits]}: a hit has 1 to 127; leave silent pieces out"
            )
        feel, tick_ms = Feel(swing, late_ms), 15_000 / tempo_bpm if tempo_bpm else 0.0
        constant, levels = constant_features(tempo_bpm, style, feel), tokens.drum_levels(hits)
        struck = np.array(levels, np.float32) / (LEVELS - 1)
        place = features.position_features(position.tick, position.bar, position.meter)
        base = np.concatenate([struck, place, constant])
        off = OFF_BEAT if position.meter.denominator == 4 and position.tick % 4 == 2 else ON_BEAT
        expected = float(feel.expected_ms(position.tick, position.meter, tick_ms))
        drawn: dict[str, tuple[float, int]] = {}
        for piece in (piece for piece, level in enumerate(levels) if level):
            row = self._row(piece, levels[piece], base, state, not drawn)
            mixture, hidden, head = self._read(row, state.hidden, tick_ms)
            mixture = mixture.on_tick() if on_tick else mixture
            residual = mixture.draw(luck(piece) if luck else rng, tick_ms)
            velocity = self._velocity(head, residual, levels[piece], rng)
            drawn[PIECES[piece]] = residual - state.excess_ms(feel, off) + expected, velocity
            state = state.after(hidden, piece, residual, velocity, off)
        return [drawn[hit.piece] for hit in hits], replace(state, tick=state.tick + 1)

    def _row(self, piece: int, level: int, base: Floats, state: TimingState, first: bool) -> Floats:
        row, last, own = np.zeros(INPUT_DIM, np.float32), BEGIN["last"], BEGIN["own"]
        row[piece] = row[BEGIN["level"] + level - 1] = 1
        row[BEGIN["struck"] : last] = base
        if state.last:
            row[last : last + 3] = 1, state.last[1], log(1 + state.tick - state.last[0]) / 3
        row[last + 3] = first
        if piece in state.own:
            tick, scaled, velocity = state.own[piece]
            row[own:] = 1, scaled, velocity / 127, log(1 + state.tick - tick) / 3
        return row

    def _read(self, row: Floats, hidden: Floats, tick_ms: float) -> tuple[Mixture, Floats, Floats]:
        """Read one hit's features; return its mixture, the next hidden state and what the velocity is drawn from."""
        w, size, kinds = self._w, len(hidden), len(CENTRES)
        gates = row @ w["gru.weight_ih_l0"] + w["gru.bias_ih_l0"]
        back = hidden @ w["gru.weight_hh_l0"] + w["gru.bias_hh_l0"]
        both = 0.5 + 0.5 * np.tanh(0.5 * (gates[: 2 * size] + back[: 2 * size]))
        new = np.tanh(gates[2 * size :] + both[:size] * back[2 * size :])
        hidden = new + both[size:] * (hidden - new)
        head = np.maximum(np.concatenate([hidden, row]) @ w["mix.0.weight"] + w["mix.0.bias"], 0)
        out = head @ w["offset.weight"] + w["offset.bias"]
        scale = FLOOR_MS + OFFSET_SCALE_MS * np.exp(np.minimum(np.maximum(out[2 * kinds :], -6), 3))
        mean = out[kinds : 2 * kinds] * OFFSET_SCALE_MS + tick_ms * _CENTRES
        return Mixture(out[:kinds], mean, scale), hidden, head

    def _velocity(self, head: Floats, residual_ms: float, level: int, rng: np.random.Generator) -> int:
        scaled = scaled_one(residual_ms)
        read = np.concatenate([head, np.array([scaled, abs(scaled), 1.0], np.float32)])
        return VELOCITY_OF_LEVEL[level].start + 1 + pick(read @ self._velocities[level], rng)


_CENTRES = np.array(CENTRES, np.float32)
_ON_TICK = np.flatnonzero(_CENTRES == 0)


def save(stem: str | Path, net: TimingNet, about: dict[str, Any], card: str) -> str:
    """Write the checkpoint that Timing.load reads; return the SHA-256 of the weights."""
    return checkpoint.save(stem, net.state_dict(), {"net": asdict(net.config), **about}, card, "timing")
