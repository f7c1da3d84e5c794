"""The ear network as torch trains it: features [B, T, SIZE] -> logits of onset age [B, T, AGES + 1] and of pitch
[B, T, PITCHES + 1]. `listener.earnet` runs the same weights step by step."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import nn

from listener.frontend import HIGHEST, LOWEST, SIZE
from models.ears_corpus import AGES

PITCHES = HIGHEST - LOWEST + 1


@dataclass(frozen=True, slots=True)
class EarConfig:
    features: int = SIZE
    dense: int = 160
    hidden: int = 192
    head: int = 96
    ages: int = AGES  # and one class more: no onset so lately
    pitches: int = PITCHES  # and class 0: no pitch
    lowest: int = LOWEST


class EarNet(nn.Module):
    def __init__(self, config: EarConfig) -> None:
        super().__init__()
        self.dense = nn.Linear(config.features, config.dense)
        self.gru = nn.GRU(config.dense, config.hidden, batch_first=True)
        self.head = nn.Linear(config.hidden + config.dense, config.head)
        self.age = nn.Linear(config.head, config.ages + 1)
        self.pitch = nn.Linear(config.head, config.pitches + 1)

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        seen = torch.relu(self.dense(x))
        remembered, _ = self.gru(seen)
        head = torch.relu(self.head(torch.cat([remembered, seen], -1)))
        return self.age(head), self.pitch(head)


@torch.no_grad()
def widened(narrow: dict[str, torch.Tensor], config: EarConfig) -> EarNet:
    """A wider net that begins as the narrow one: new units listen, nobody listens to them yet (after Net2Net, Chen et
    al. 2016; theirs splits units, ours adds). narrow: its state dict."""
    net = EarNet(config)
    dense, hidden = len(narrow["dense.bias"]), narrow["gru.weight_hh_l0"].shape[1]
    out = net.state_dict()
    for name in ("age.weight", "age.bias", "pitch.weight", "pitch.bias", "head.bias"):
        out[name] = narrow[name].clone()
    out["dense.weight"][:dense], out["dense.bias"][:dense] = narrow["dense.weight"], narrow["dense.bias"]
    out["head.weight"].zero_()
    out["head.weight"][:, :hidden] = narrow["head.weight"][:, :hidden]
    out["head.weight"][:, config.hidden : config.hidden + dense] = narrow["head.weight"][:, hidden:]
    for gate in range(3):
        new = slice(gate * config.hidden, gate * config.hidden + hidden)
        old = slice(gate * hidden, (gate + 1) * hidden)
        for name, width in (("gru.weight_ih_l0", dense), ("gru.weight_hh_l0", hidden)):
            out[name][new] = 0
            out[name][new, :width] = narrow[name][old]
        for name in ("gru.bias_ih_l0", "gru.bias_hh_l0"):
            out[name][new] = narrow[name][old]
    net.load_state_dict(out)
    return net
