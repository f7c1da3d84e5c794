"""The critic's networks in torch: convolutions over the ticks of bass and partner together, pooled to one logit."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from models.critic.shape import KERNEL, CriticConfig
from models.critic.windows import CONTEXT_DIM, PART_DIM

NORM_EPSILON = 1e-5  # torch's own


class PairNet(nn.Module):
    """One part's critic: context [N, T, F] and partner [N, T, P] -> logit [N]; larger: they belong together.

    norm: learn with batch normalisation (Ioffe & Szegedy 2015); `fold` takes it out again.
    """

    def __init__(self, config: CriticConfig, context: int, part: int, dropout: float, norm: bool = False) -> None:
        super().__init__()
        wide = config.channels
        self.context = nn.Linear(context, wide)
        self.part = nn.Linear(part, wide, bias=False)
        self.convs = nn.ModuleList(
            nn.Conv1d(wide, wide, KERNEL, padding=dilation, dilation=dilation) for dilation in config.dilations
        )
        self.embed, self.out = nn.Linear(2 * wide + part, config.embed), nn.Linear(config.embed, 1)
        self.dropout = nn.Dropout(dropout)
        sizes = [wide] * (1 + len(config.dilations)) + [2 * wide + part]
        self.norms = nn.ModuleList(nn.BatchNorm1d(size) if norm else nn.Identity() for size in sizes)

    def forward(self, context: Tensor, part: Tensor, mask: Tensor) -> Tensor:
        """mask [N, T]: 0 where padded."""
        inside = mask[:, None].float()
        first, *norms, last = self.norms
        hidden = torch.relu(first((self.context(context) + self.part(part)).transpose(1, 2))) * inside
        for conv, norm in zip(self.convs, norms, strict=True):
            hidden = (hidden + torch.relu(norm(conv(self.dropout(hidden))))) * inside
        length = inside.sum(2).clamp(min=1)
        plain = (part * mask[..., None]).sum(1) / length
        # hidden is never negative: padding is never the largest
        pooled = last(torch.cat([hidden.sum(2) / length, hidden.amax(2), plain], 1))
        logits: Tensor = self.out(self.dropout(torch.relu(self.embed(pooled))))[:, 0]
        return logits


def fold(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Turn a PairNet's state with batch normalisation -> the state of one without that gives the same."""
    found = {name: value.clone() for name, value in weights.items() if not name.startswith("norms.")}
    last = max(int(name.split(".")[1]) for name in weights if name.startswith("norms."))
    for index in range(last + 1):
        gain, offset, mean, variance = (
            weights[f"norms.{index}.{name}"] for name in ("weight", "bias", "running_mean", "running_var")
        )
        scale = gain / torch.sqrt(variance + NORM_EPSILON)
        if index == last:  # before the embedding, not after it
            found["embed.bias"] += found["embed.weight"] @ (offset - mean * scale)
            found["embed.weight"] *= scale
            continue
        name = "context" if index == 0 else f"convs.{index - 1}"
        found[f"{name}.bias"] = (found[f"{name}.bias"] - mean) * scale + offset
        for own in ("context.weight", "part.weight") if index == 0 else (f"{name}.weight",):
            found[own] *= scale.view(-1, *[1] * (found[own].ndim - 1))
    return found


class CriticNet(nn.Module):
    """A PairNet for each of windows.PARTS."""

    def __init__(self, config: CriticConfig, norm: bool = False) -> None:
        super().__init__()
        self.config = config
        for part, size in PART_DIM.items():
            dropout = config.drums_dropout if part == "drums" else config.dropout
            self.add_module(part, PairNet(config, CONTEXT_DIM[part], size, dropout, norm))

    def forward(self, name: str, context: Tensor, part: Tensor, mask: Tensor) -> Tensor:
        logits: Tensor = self.get_submodule(name)(context, part, mask)
        return logits


def folded(config: CriticConfig, weights: Mapping[str, Tensor]) -> CriticNet:
    """Return the network without batch normalisation that does what one with it and these weights does in eval mode."""
    net = CriticNet(config)
    for part in PART_DIM:
        own = {name.removeprefix(f"{part}."): value for name, value in weights.items() if name.startswith(f"{part}.")}
        net.get_submodule(part).load_state_dict(fold(own))
    return net.eval()
