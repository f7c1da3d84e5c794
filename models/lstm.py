"""An LSTM that hears the metre in every layer: forward(sequence) in torch, step(x, state) in numpy, the same numbers.

Hochreiter & Schmidhuber 1997 in PyTorch's gate order (input, forget, cell, output). Every layer also gets the
conditioning c_t (phase and meter), the "silent metronome" of streaming accompaniment.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

Floats = NDArray[np.float32]
State = Floats  # [layers, 2, H]: h and c of every layer


class LSTM(nn.Module):
    """The training side: layers of nn.LSTM over x [B, T, D] and conditioning c [B, T, C] -> y [B, T, H]."""

    def __init__(self, input_dim: int, cond_dim: int, hidden: int, layers: int, dropout: float = 0.0) -> None:
        super().__init__()
        dims = [input_dim] + [hidden] * (layers - 1)
        self.layers = nn.ModuleList(nn.LSTM(dim + cond_dim, hidden, batch_first=True) for dim in dims)
        self.dropout = nn.Dropout(dropout)

    def forward(
        self, x: Tensor, c: Tensor, state: list[tuple[Tensor, Tensor]] | None = None
    ) -> tuple[Tensor, list[tuple[Tensor, Tensor]]]:
        """state: per layer (h, c), each [1, B, H]; None is silence."""
        after = []
        for index, layer in enumerate(self.layers):
            x, kept = layer(torch.cat([self.dropout(x) if index else x, c], -1), state[index] if state else None)
            after.append(kept)
        return self.dropout(x), after


class LSTMStep:
    """The playing side of a trained LSTM: one time step, no torch."""

    def __init__(self, lstm: LSTM) -> None:
        self._weights = [_folded(layer) for layer in lstm.layers]
        self.hidden = len(self._weights[0][1]) // 4

    def initial_state(self) -> State:
        return np.zeros((len(self._weights), 2, self.hidden), np.float32)

    def step(self, x: Floats, c: Floats, state: State) -> tuple[Floats, State]:
        """x [D], c [C] -> y [H] and the next state; the given one is left as it is."""
        after = np.empty_like(state)
        for index, (weight, bias) in enumerate(self._weights):
            h, cell = state[index]
            x, after[index, 1] = _cell(np.concatenate([x, c, h]) @ weight + bias, cell)
            after[index, 0] = x
        return x, after


def _cell(gates: Floats, cell: Floats) -> tuple[Floats, Floats]:
    size = len(cell)
    i, f, o = (0.5 + 0.5 * np.tanh(0.5 * gates[k * size : (k + 1) * size]) for k in (0, 1, 3))
    cell = f * cell + i * np.tanh(gates[2 * size : 3 * size])
    return o * np.tanh(cell), cell


def _folded(layer: nn.Module) -> tuple[Floats, Floats]:
    """(weight [D + C + H, 4H], bias [4H]) of one nn.LSTM layer."""
    parts = {name: value.detach().cpu().numpy().astype(np.float32) for name, value in layer.named_parameters()}
    weight = np.concatenate([parts["weight_ih_l0"], parts["weight_hh_l0"]], axis=1).T
    return np.ascontiguousarray(weight), parts["bias_ih_l0"] + parts["bias_hh_l0"]
