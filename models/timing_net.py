"""The network behind models.timing: a GRU over drum hits with a mixture density for the offset, and what it reads.

Offset = lateness asked for + swing asked for + what is drawn (the residual); the network hears which of the two are known.
Mixture density networks: Bishop 1994. The task is the humanisation of Gillick et al. 2019 (arXiv 1905.06118), made causal.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from math import log, log2, pi
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from listener.types import Meter
from models import features, tokens
from models.dials import STYLES
from models.groove import Take, swing_shift
from models.tokens import LEVEL_STARTS, LEVELS, PIECES

Floats = NDArray[np.float32]

VELOCITIES = 127
OFFSET_SCALE_MS = 20.0
FLOOR_MS = 1.0  # narrowest component: the recordings' own clock ticks about once a millisecond
CENTRES = (0.0, 0.0, 0.0, 0.0, 0.0, 1 / 3, -1 / 3, 2 / 3)  # of the components, in ticks: the 16th and the triplets
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
def constant_features(tempo_bpm: float, style: str | None, feel: Feel) -> Floats:
    """The features that stay through a take: tempo, style, feel."""
    if style is not None and style not in STYLES:
        raise ValueError(f"style {style!r}: allowed are {', '.join(STYLES)}")
    if not 20 <= tempo_bpm <= 400:
        raise ValueError(f"tempo {tempo_bpm} bpm: 20 to 400 quarters per minute")
    styles = [float(name == style) for name in (*STYLES, None)]
    return np.array([log2(tempo_bpm / 120), 120 / tempo_bpm, *styles, *feel.numbers()], np.float32)


def scaled_residual(residual_ms: Any) -> Any:
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
    out[:, b["tempo"] : b["last"]] = constant_features(take.tempo_bpm, style, feel)
    scaled = scaled_residual(residual_ms)
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
