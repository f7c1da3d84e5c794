"""Define the timing network: a GRU over drum hits with a mixture density for the offset, and what it reads.

Offset = lateness asked for + swing asked for + what is drawn (the residual); the network is given which of the two are
known. Mixture density networks: Bishop 1994. The task is the humanisation of Gillick et al. 2019 (arXiv 1905.06118),
made causal.
"""

from __future__ import annotations

from math import log, pi
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from models.music import features, tokens
from models.music.tokens import LEVEL_STARTS, LEVELS, PIECES
from models.timing.groove_dataset import Take
from models.timing.shape import (
    BEGIN,
    CENTRES,
    FLOOR_MS,
    INPUT_DIM,
    LEVEL_MASK,
    OFFSET_SCALE_MS,
    VELOCITIES,
    constant_features,
)
from models.timing.shape import LATE_LIMIT_MS as LATE_LIMIT_MS
from models.timing.shape import SWING_RANGE as SWING_RANGE
from models.timing.shape import UNKNOWN as UNKNOWN
from models.timing.shape import Feel as Feel
from models.timing.shape import TimingConfig as TimingConfig

Floats = NDArray[np.float32]


def scaled_residual(residual_ms: Any) -> Any:
    return np.clip(residual_ms / OFFSET_SCALE_MS, -4, 4)


def rows(take: Take, residual_ms: NDArray[np.float64], style: str | None, feel: Feel) -> Floats:
    """Return what the network reads before each hit, given all hits before it, [N, INPUT_DIM]. residual_ms [N]: what
    was drawn.
    """
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


class TimingNet(nn.Module):
    """Maps rows [B, N, INPUT_DIM] to a mixture (log-weights, means, scales in ms) [B, N, K] and velocity logits."""

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
        """Return nats of the offsets (density per ms), [B, N], and logits of the velocities given level and offset."""
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
        """Return the velocities' nats; only the velocities of the hit's level (1-4) can be drawn."""
        allowed = torch.from_numpy(LEVEL_MASK)[level - 1]
        logits = logits.masked_fill(~allowed, -1e9)
        nats: Tensor = nn.functional.cross_entropy(logits.flatten(0, -2), velocity.flatten() - 1, reduction="none")
        return nats.view_as(velocity)
