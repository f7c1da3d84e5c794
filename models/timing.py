"""Micro-timing and velocity of drum hits, drawn hit by hit: a GRU over hits with a mixture density for the offset.

Offset = lateness asked for + swing asked for + what is drawn; the network hears which of the two are known. `rows` makes
the features of a whole take for training, `Timing.step` those of one tick for playing; a test holds them equal.
Mixture density networks: Bishop 1994. The task is the humanisation of Gillick et al. 2019 (arXiv 1905.06118), made causal.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from functools import lru_cache
from math import log, log2, pi
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from listener.types import Meter
from models import checkpoint, features, tokens
from models.dials import STYLES
from models.groove import Take, swing_shift
from models.tokens import LEVEL_STARTS, LEVELS, PIECES, DrumHit, Position

Floats = NDArray[np.float32]

WEIGHTS = Path(__file__).parent / "weights" / "timing"
VELOCITIES = 127
OFFSET_SCALE_MS = 20.0
FLOOR_MS = 1.0  # narrowest component: the recordings' own clock ticks about once a millisecond
CENTRES = (0.0, 0.0, 0.0, 0.0, 0.0, 1 / 3, -1 / 3, 2 / 3)  # of the components, in ticks: the 16th and the triplets
EARLIEST, LATEST = -0.49, 0.75  # ticks; what is drawn stays inside
SWING_RANGE = (0.5, 0.75)
LATE_LIMIT_MS = 100.0
BLOCKS = {
    "piece": len(PIECES),
    "level": LEVELS - 1,
    "struck": len(PIECES),
    "position": features.POSITION_DIM,
    "tempo": 2,
    "style": len(STYLES) + 1,
    "feel": 4,
    "last": 4,
    "own": 4,
}
INPUT_DIM = sum(BLOCKS.values())
BEGIN = {name: sum(list(BLOCKS.values())[:index]) for index, name in enumerate(BLOCKS)}
LEVEL_MASK = np.stack([np.searchsorted(LEVEL_STARTS, np.arange(1, 128), "right") == k for k in range(1, LEVELS)])


@dataclass(frozen=True, slots=True)
class Feel:
    """The bassist's: swing 0.5-0.75, ms behind the beat; None: unknown. ValueError outside."""

    swing: float | None = None
    late_ms: float | None = None

    def __post_init__(self) -> None:
        low, high = SWING_RANGE
        if self.swing is not None and not low <= self.swing <= high:
            raise ValueError(f"swing {self.swing}: from {low} (straight) to {high}; leave it out when unknown")
        if self.late_ms is not None and not abs(self.late_ms) <= LATE_LIMIT_MS:
            raise ValueError(
                f"late_ms {self.late_ms}: at most {LATE_LIMIT_MS:.0f} ms either way; leave it out when unknown"
            )

    def expected_ms(self, tick: Any, meter: Meter, tick_ms: float) -> Any:
        """What swing and lateness alone say of a hit in that tick of the bar; only quarters swing."""
        shift = swing_shift(tick, self.swing) * tick_ms if self.swing and meter.denominator == 4 else 0.0
        return shift + (self.late_ms or 0.0)

    def numbers(self) -> list[float]:
        swing, late = self.swing, self.late_ms
        return [swing is not None, ((swing or 0.5) - 0.5) * 4, late is not None, (late or 0.0) / OFFSET_SCALE_MS]


UNKNOWN = Feel()


@lru_cache(maxsize=64)
def _constant(tempo_bpm: float, style: str | None, feel: Feel) -> Floats:
    """The features that stay through a take: tempo, style, feel."""
    if style is not None and style not in STYLES:
        raise ValueError(f"style {style!r}: allowed are {', '.join(STYLES)}")
    if not 20 <= tempo_bpm <= 400:
        raise ValueError(f"tempo {tempo_bpm} bpm: 20 to 400 quarters per minute")
    styles = [float(name == style) for name in (*STYLES, None)]
    return np.array([log2(tempo_bpm / 120), 120 / tempo_bpm, *styles, *feel.numbers()], np.float32)


def _scaled(residual_ms: Any) -> Any:
    return np.clip(residual_ms / OFFSET_SCALE_MS, -4, 4)


def rows(take: Take, residual_ms: NDArray[np.float64], style: str | None, feel: Feel) -> Floats:
    """[N, INPUT_DIM]: what the network reads before each hit, given all hits before it. residual_ms [N]: what was drawn."""
    count, b = len(take), BEGIN
    out = np.zeros((count, INPUT_DIM), np.float32)
    at, levels = np.arange(count), np.searchsorted(LEVEL_STARTS, take.velocity, "right")
    out[at, b["piece"] + take.piece] = 1
    out[at, b["level"] + levels - 1] = 1
    new = np.diff(take.tick, prepend=-1) > 0
    of_tick = np.cumsum(new) - 1
    struck = np.zeros((count, len(PIECES)), np.float32)
    struck[of_tick, take.piece] = levels / (LEVELS - 1)
    out[:, b["struck"] : b["position"]] = struck[of_tick]
    bar = take.meter.numerator * tokens.ticks_per_beat(take.meter)
    out[:, b["position"] : b["tempo"]] = [features.position_features(t % bar, t // bar, take.meter) for t in take.tick]
    out[:, b["tempo"] : b["last"]] = _constant(take.tempo_bpm, style, feel)
    scaled = _scaled(residual_ms)
    out[1:, b["last"] : b["last"] + 3] = np.stack(
        [np.ones(count - 1), scaled[:-1], np.log1p(np.diff(take.tick)) / 3], 1
    )
    out[:, b["last"] + 3] = new
    for piece in np.unique(take.piece):
        own = np.flatnonzero(take.piece == piece)
        before, gap = own[:-1], np.diff(take.tick[own])
        out[own[1:], b["own"] :] = np.stack(
            [np.ones(len(gap)), scaled[before], take.velocity[before] / 127, np.log1p(gap) / 3], 1
        )
    return out


@dataclass(frozen=True, slots=True)
class TimingConfig:
    hidden: int = 64
    head: int = 64
    dropout: float = 0.1


class TimingNet(nn.Module):
    """rows [B, N, INPUT_DIM] -> mixture (log-weights, means in ms, scales in ms) [B, N, K] and velocity logits."""

    def __init__(self, config: TimingConfig) -> None:
        super().__init__()
        self.config = config
        self.gru = nn.GRU(INPUT_DIM, config.hidden, batch_first=True)
        self.mix = nn.Sequential(nn.Linear(config.hidden + INPUT_DIM, config.head), nn.ReLU())
        self.offset = nn.Linear(config.head, 3 * len(CENTRES))
        self.velocity = nn.Linear(config.head, VELOCITIES)
        self.offset_to_velocity = nn.Linear(2, VELOCITIES, bias=False)
        self.dropout = nn.Dropout(config.dropout)

    def forward(self, x: Tensor, residual_ms: Tensor, tick_ms: Tensor) -> tuple[Tensor, Tensor]:
        """Nats of the offsets (density per ms) and of the velocities given level and offset, each [B, N]."""
        hidden = self.dropout(self.mix(torch.cat([self.dropout(self.gru(x)[0]), x], -1)))
        weight, mean, spread = self.offset(hidden).chunk(3, -1)
        mean = mean * OFFSET_SCALE_MS + tick_ms[..., None] * torch.tensor(CENTRES)
        scale = FLOOR_MS + OFFSET_SCALE_MS * torch.exp(spread.clamp(-6, 3))
        log_p = -0.5 * ((residual_ms[..., None] - mean) / scale) ** 2 - torch.log(scale) - 0.5 * log(2 * pi)
        offset_nats = -torch.logsumexp(log_p + torch.log_softmax(weight, -1), -1)
        scaled = (residual_ms / OFFSET_SCALE_MS).clamp(-4, 4)
        logits = self.velocity(hidden) + self.offset_to_velocity(torch.stack([scaled, scaled.abs()], -1))
        return offset_nats, logits

    @staticmethod
    def velocity_nats(logits: Tensor, velocity: Tensor, level: Tensor) -> Tensor:
        """Only the velocities of the hit's level (1-4) can be drawn."""
        allowed = torch.from_numpy(LEVEL_MASK)[level - 1]
        logits = logits.masked_fill(~allowed, -1e9)
        nats: Tensor = nn.functional.cross_entropy(logits.flatten(0, -2), velocity.flatten() - 1, reduction="none")
        return nats.view_as(velocity)


@dataclass(frozen=True, slots=True)
class TimingState:
    """hidden [H]. tick: steps made. last: (tick, scaled residual). own: piece -> (tick, scaled residual, velocity)."""

    hidden: Floats
    tick: int = 0
    last: tuple[int, float] | None = None
    own: dict[int, tuple[int, float, int]] = field(default_factory=dict)

    def copy(self) -> TimingState:
        return TimingState(self.hidden.copy(), self.tick, self.last, dict(self.own))


@dataclass(frozen=True, slots=True)
class Mixture:
    """Density of one hit's offset before swing and lateness: weight, mean_ms, scale_ms, each [K]."""

    weight: Floats
    mean_ms: Floats
    scale_ms: Floats

    def draw(self, rng: np.random.Generator, tick_ms: float) -> float:
        one = min(int(np.searchsorted(np.cumsum(self.weight), rng.random())), len(self.weight) - 1)
        drawn = rng.normal(self.mean_ms[one], self.scale_ms[one])
        return float(min(max(drawn, EARLIEST * tick_ms), LATEST * tick_ms))


class Timing:
    """Draws when and how hard each hit of a tick is struck. The state given is left as it is."""

    def __init__(self, net: TimingNet) -> None:
        self.net = net.eval()
        w = {name: value.detach().numpy().astype(np.float32) for name, value in net.named_parameters()}
        self._w = {name: np.ascontiguousarray(value.T) for name, value in w.items()}

    @classmethod
    def load(cls, path: str | Path = WEIGHTS) -> Timing:
        """The weights of a checkpoint stem; FileNotFoundError or ValueError when they are not there or not these."""
        saved = checkpoint.load(path, "timing")
        try:
            net = TimingNet(TimingConfig(**saved.config["net"]))
            net.load_state_dict(saved.tensors)
        except (KeyError, TypeError, RuntimeError) as error:
            reason = str(error).splitlines()[-1].strip()
            raise ValueError(f"{path}: weights do not fit their config ({reason}); {checkpoint.RETRAIN}") from None
        return cls(net)

    @classmethod
    def untrained(cls, seed: int = 0) -> Timing:
        """Random weights: for tests of what surrounds the model."""
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            return cls(TimingNet(TimingConfig()))

    def initial_state(self) -> TimingState:
        return TimingState(np.zeros(self.net.config.hidden, np.float32))

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
    ) -> tuple[list[tuple[float, int]], TimingState]:
        """(offset_ms from the straight tick, velocity 1-127) of each hit, in the order given, and the next state.

        Step once per tick, hits or none. A hit's own velocity says its level; tempo in quarters per minute.
        """
        if any(not 1 <= hit.velocity <= 127 for hit in hits):
            raise ValueError(
                f"velocities {[hit.velocity for hit in hits]}: a hit has 1 to 127; leave silent pieces out"
            )
        feel, levels = Feel(swing, late_ms), np.array(tokens.drum_levels(hits))
        constant, tick_ms = _constant(tempo_bpm, style, feel), 60_000 / tempo_bpm / 4
        place = features.position_features(position.tick, position.bar, position.meter)
        expected = float(feel.expected_ms(position.tick, position.meter, tick_ms))
        base = np.concatenate([levels / np.float32(LEVELS - 1), place, constant]).astype(np.float32)
        state, drawn = TimingState(state.hidden, state.tick, state.last, dict(state.own)), {}
        for index, piece in enumerate(np.flatnonzero(levels).tolist()):
            level = int(levels[piece])
            mixture, hidden, head = self._read(self._row(piece, level, base, state, index == 0), state.hidden, tick_ms)
            residual = mixture.draw(rng, tick_ms)
            velocity = self._velocity(head, residual, level, rng)
            scaled = float(_scaled(residual))
            own = state.own | {piece: (state.tick, scaled, velocity)}
            state = TimingState(hidden, state.tick, (state.tick, scaled), own)
            drawn[PIECES[piece]] = residual + expected, velocity
        return [drawn[hit.piece] for hit in hits], TimingState(state.hidden, state.tick + 1, state.last, state.own)

    def _row(self, piece: int, level: int, base: Floats, state: TimingState, first: bool) -> Floats:
        row = np.zeros(INPUT_DIM, np.float32)
        row[piece] = row[BEGIN["level"] + level - 1] = 1
        row[BEGIN["struck"] : BEGIN["last"]] = base
        if state.last:
            row[BEGIN["last"] : BEGIN["last"] + 3] = 1, state.last[1], log(1 + state.tick - state.last[0]) / 3
        row[BEGIN["last"] + 3] = first
        if piece in state.own:
            tick, scaled, velocity = state.own[piece]
            row[BEGIN["own"] :] = 1, scaled, velocity / 127, log(1 + state.tick - tick) / 3
        return row

    def _read(self, row: Floats, hidden: Floats, tick_ms: float) -> tuple[Mixture, Floats, Floats]:
        """One hit's features -> its mixture, the next hidden state and what the velocity is drawn from."""
        w, size = self._w, len(hidden)
        gates, back = (
            row @ w["gru.weight_ih_l0"] + w["gru.bias_ih_l0"],
            hidden @ w["gru.weight_hh_l0"] + w["gru.bias_hh_l0"],
        )
        reset, keep = np.split(0.5 + 0.5 * np.tanh(0.5 * (gates[: 2 * size] + back[: 2 * size])), 2)
        hidden = (1 - keep) * np.tanh(gates[2 * size :] + reset * back[2 * size :]) + keep * hidden
        head = np.maximum(np.concatenate([hidden, row]) @ w["mix.0.weight"] + w["mix.0.bias"], 0)
        weight, mean, spread = np.split(head @ w["offset.weight"] + w["offset.bias"], 3)
        weight = np.exp(weight - weight.max())
        scale = FLOOR_MS + OFFSET_SCALE_MS * np.exp(np.clip(spread, -6, 3))
        return Mixture(weight / weight.sum(), mean * OFFSET_SCALE_MS + tick_ms * _CENTRES, scale), hidden, head

    def _velocity(self, head: Floats, residual_ms: float, level: int, rng: np.random.Generator) -> int:
        scaled = float(_scaled(residual_ms))
        offset = np.array([scaled, abs(scaled)], np.float32) @ self._w["offset_to_velocity.weight"]
        allowed = _ALLOWED[level]
        logits = (head @ self._w["velocity.weight"] + self._w["velocity.bias"] + offset)[allowed]
        mass = np.cumsum(np.exp(logits - logits.max()))
        return allowed.start + 1 + min(int(np.searchsorted(mass, rng.random() * mass[-1])), len(mass) - 1)


_CENTRES = np.array(CENTRES, np.float32)
_ALLOWED = {k + 1: slice(int(m.argmax()), int(m.argmax() + m.sum())) for k, m in enumerate(LEVEL_MASK)}


def save(stem: str | Path, net: TimingNet, about: dict[str, Any], card: str) -> str:
    """Write the checkpoint Timing.load reads; returns the SHA-256 of the weights."""
    return checkpoint.save(stem, net.state_dict(), {"net": asdict(net.config), **about}, card, "timing")
