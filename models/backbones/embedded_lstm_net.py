"""Train the network of embedded_lstm.py, in torch."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class EmbeddedLSTM(nn.Module):
    """relu(embedding), then layers of nn.LSTM added to it; x [B, T, D], conditioning c [B, T, C] -> y [B, T, H]."""

    def __init__(self, input_dim: int, cond_dim: int, hidden: int, layers: int, dropout: float = 0.0) -> None:
        super().__init__()
        self.embed = nn.Linear(input_dim + cond_dim, hidden)
        self.layers = nn.ModuleList(nn.LSTM(hidden, hidden, batch_first=True) for _ in range(layers))
        self.dropout = nn.Dropout(dropout)

    def forward(
        self, x: Tensor, c: Tensor, state: list[tuple[Tensor, Tensor]] | None = None
    ) -> tuple[Tensor, list[tuple[Tensor, Tensor]]]:
        """Return y and the state after it. state: per layer (h, c), each [1, B, H]; None starts anew."""
        y, after = torch.relu(self.embed(torch.cat([x, c], -1))), []
        for index, layer in enumerate(self.layers):
            out, kept = layer(self.dropout(y), state[index] if state else None)
            y = y + self.dropout(out)
            after.append(kept)
        return y, after
