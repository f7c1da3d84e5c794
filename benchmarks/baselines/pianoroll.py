"""Frame-level models of polyphony: a backbone over 88-key frames, and how likely the keys of the next frame are.

The task of Boulanger-Lewandowski et al. 2012 (arXiv:1206.6392) and Bai et al. 2018 (arXiv:1803.01271). Two outputs:
keys independent given the past (Bernoulli), and NADE (Larochelle & Murray 2011), where each key also sees the lower
ones. Beside the frames the network sees only their number: sin and cos of the frame's place in cycles of 2 to 32
frames.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from models.backbones import registry

KEYS = 88
PERIODS = (2, 3, 4, 6, 8, 12, 16, 24, 32, 64)  # frames
NADE_HIDDEN = 96
NEAR = (1, 2)  # frames back from the one predicted, seen with an octave of keys around each key
FAR = (4, 6, 8, 12, 16, 24, 32, 48, 64)  # seen at the key itself: was it so a bar or a phrase ago?
OCTAVE = 12  # keys
CHANNELS = 16


class PianoRoll(nn.Module):
    """frames [B, T, 88] of 0 and 1 -> nats [B, T - 1] of every frame but the first, given those before it."""

    def __init__(self, backbone: str, hidden: int, layers: int, dropout: float, output: str = "bernoulli") -> None:
        super().__init__()
        if output not in OUTPUTS:
            raise ValueError(f"output {output!r} is not known; choose one of {', '.join(sorted(OUTPUTS))}")
        self.dropout = nn.Dropout(dropout / 2)
        self.backbone = registry.build(backbone, KEYS, 2 * len(PERIODS), hidden, layers, dropout)
        self.around = Around(hidden)
        self.output = OUTPUTS[output](hidden + KEYS)

    def forward(self, frames: Tensor) -> Tensor:
        past = frames[:, :-1]
        y, _ = self.backbone(self.dropout(past), phases(past))
        nats: Tensor = self.output(torch.cat([y, past], -1), frames[:, 1:], self.around(past, y))
        return nats


class Around(nn.Module):
    """What one rule, the same for all keys, makes of the past around each key: past [B, T, 88], y [B, T, H] -> [B, T,
    88].

    Transposing the music transposes it: what was learned in one key of the circle holds in all.
    """

    def __init__(self, features: int) -> None:
        super().__init__()
        self.near = nn.Conv1d(len(NEAR), CHANNELS, 2 * OCTAVE + 1, padding=OCTAVE)
        self.far = nn.Conv1d(len(FAR), CHANNELS, 1, bias=False)
        self.context = nn.Linear(features, CHANNELS, bias=False)
        self.mixed = nn.Conv1d(CHANNELS, CHANNELS, 1)
        self.logit = nn.Conv1d(CHANNELS, 1, 1)

    def forward(self, past: Tensor, y: Tensor) -> Tensor:
        near, far = (torch.stack([_back(past, lag - 1) for lag in lags], 2).flatten(0, 1) for lags in (NEAR, FAR))
        hidden = F.relu(self.near(near) + self.far(far) + self.context(y).flatten(0, 1)[..., None])
        logits: Tensor = self.logit(F.relu(self.mixed(hidden)))
        return logits.view_as(past)


def _back(frames: Tensor, lag: int) -> Tensor:
    """frames [B, T, 88] of lag frames ago, silence before the first."""
    return F.pad(frames, (0, 0, lag, 0))[:, : frames.shape[1]]


class Bernoulli(nn.Module):
    """Keys independent given the past: features [..., D], keys and logits [..., 88] -> nats [...]."""

    def __init__(self, features: int) -> None:
        super().__init__()
        self.logits = nn.Linear(features, KEYS)
        nn.init.constant_(self.logits.bias, -3.0)

    def forward(self, features: Tensor, keys: Tensor, logits: Tensor) -> Tensor:
        return F.binary_cross_entropy_with_logits(logits + self.logits(features), keys, reduction="none").sum(-1)


class NADE(nn.Module):
    """Key k given the past and keys < k: logit_k = b_k + V_k relu(a + sum over sounding j < k of W_j); b, a from the
    past.

    Between two sounding keys the hidden layer stays the same, so it is computed once per sounding key, not 88 times.
    """

    def __init__(self, features: int, hidden: int = NADE_HIDDEN) -> None:
        super().__init__()
        self.start = nn.Linear(features, hidden)
        self.bias = nn.Linear(features, KEYS)
        self.seen = nn.Linear(KEYS, hidden, bias=False)
        self.logits = nn.Linear(hidden, KEYS, bias=False)
        nn.init.constant_(self.bias.bias, -3.0)

    def forward(self, features: Tensor, keys: Tensor, logits: Tensor) -> Tensor:
        below = keys.cumsum(-1) - keys  # sounding keys under each
        counts = torch.arange(int(keys.sum(-1).max()) + 1, device=keys.device)
        seen = keys[..., None, :] * (below[..., None, :] < counts[:, None])  # [..., S, 88]: the s lowest of them
        hidden = F.relu(self.start(features)[..., None, :] + self.seen(seen))
        each = self.logits(hidden).gather(-2, below.long()[..., None, :])[..., 0, :]
        return F.binary_cross_entropy_with_logits(logits + self.bias(features) + each, keys, reduction="none").sum(-1)


OUTPUTS: dict[str, type[nn.Module]] = {"bernoulli": Bernoulli, "nade": NADE}


def phases(frames: Tensor) -> Tensor:
    """[B, T, ...] -> sin and cos of where frame t stands in each cycle of PERIODS [B, T, 2 * len(PERIODS)]."""
    t = torch.arange(frames.shape[1], device=frames.device)[:, None]
    angle = 2 * math.pi * (t % torch.tensor(PERIODS).to(t)) / torch.tensor(PERIODS).to(t)
    return torch.cat([angle.sin(), angle.cos()], -1).expand(len(frames), -1, -1)


def sized(backbone: str, parameters: int, layers: int, dropout: float, output: str = "bernoulli") -> PianoRoll:
    """A network whose backbone has about that many parameters."""
    hidden = registry.sized_hidden(backbone, KEYS, 2 * len(PERIODS), layers, parameters)
    return PianoRoll(backbone, hidden, layers, dropout, output)
