"""Train the LSTM of lstm.py, in torch."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class LSTM(nn.Module):
    """Layers of nn.LSTM over x [B, T, D] and conditioning c [B, T, C] -> y [B, T, H], for training."""

    def __init__(self, input_dim: int, cond_dim: int, hidden: int, layers: int, dropout: float = 0.0) -> None:
        super().__init__()
        dims = [input_dim] + [hidden] * (layers - 1)
        self.layers = nn.ModuleList(nn.LSTM(dim + cond_dim, hidden, batch_first=True) for dim in dims)
        self.dropout = nn.Dropout(dropout)

    def forward(
        self, x: Tensor, c: Tensor, state: list[tuple[Tensor, Tensor]] | None = None
    ) -> tuple[Tensor, list[tuple[Tensor, Tensor]]]:
        """Return y and the state after it. state: per layer (h, c), each [1, B, H]; None starts anew."""
        after = []
        for index, layer in enumerate(self.layers):
            x, kept = layer(torch.cat([self.dropout(x) if index else x, c], -1), state[index] if state else None)
            after.append(kept)
        return self.dropout(x), after
