"""Step an LSTM that reads the metre in every layer, in numpy: step(x, state). lstm_net.py trains it with the same
numbers.

Hochreiter & Schmidhuber 1997 in PyTorch's gate order (input, forget, cell, output). Every layer also gets the
conditioning c_t (phase and meter), the "silent metronome" of streaming accompaniment.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
State = Floats  # [layers, 2, H]: h and c of every layer


class LSTMStep:
    """Steps a trained LSTM one tick at a time, without torch."""

    def __init__(self, weights: Mapping[str, Floats]) -> None:
        layers = len({name.split(".")[1] for name in weights})
        self._weights = [_folded(weights, f"layers.{index}.") for index in range(layers)]
        self.hidden = len(self._weights[0][1]) // 4

    def initial_state(self) -> State:
        return np.zeros((len(self._weights), 2, self.hidden), np.float32)

    def step(self, x: Floats, c: Floats, state: State) -> tuple[Floats, State]:
        """Read x [D] and c [C]; return y [H] and the next state. The given state is not changed."""
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


def shapes(input_dim: int, cond_dim: int, hidden: int, layers: int) -> dict[str, tuple[int, ...]]:
    """Return the shapes of the arrays that LSTMStep takes."""
    found: dict[str, tuple[int, ...]] = {}
    for index in range(layers):
        name, width = f"layers.{index}.", (hidden if index else input_dim) + cond_dim
        found |= {f"{name}weight_ih_l0": (4 * hidden, width), f"{name}weight_hh_l0": (4 * hidden, hidden)}
        found |= {f"{name}bias_ih_l0": (4 * hidden,), f"{name}bias_hh_l0": (4 * hidden,)}
    return found


def _folded(weights: Mapping[str, Floats], layer: str) -> tuple[Floats, Floats]:
    """Return (weight [D + C + H, 4H], bias [4H]) of one layer."""
    weight = np.concatenate([weights[f"{layer}weight_ih_l0"], weights[f"{layer}weight_hh_l0"]], axis=1).T
    return np.ascontiguousarray(weight), weights[f"{layer}bias_ih_l0"] + weights[f"{layer}bias_hh_l0"]
