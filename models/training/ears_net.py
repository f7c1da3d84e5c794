"""Define the ear network in torch: features [B, T, SIZE] -> logits of onset age [B, T, AGES + 1] and of pitch.

Pitch logits are [B, T, PITCHES + 1]. `listener/ears/ear_network.py` runs the same weights step by step.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import nn

from listener.ears.frontend import HIGHEST, LOWEST, SIZE
from models.sounds.ears_corpus import AGES

PITCHES = HIGHEST - LOWEST + 1


@dataclass(frozen=True, slots=True)
class EarConfig:
    """Sizes of the ear network."""

    features: int = SIZE
    dense: int = 128
    hidden: int = 128
    head: int = 96
    ages: int = AGES  # and one class more: no onset so lately
    pitches: int = PITCHES  # and class 0: no pitch
    lowest: int = LOWEST


class EarNet(nn.Module):
    """The ear network, for training."""

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
