"""Step an LSTM between an embedding of its input and a sum with it, in numpy; embedded_lstm_net.py trains it.

x = relu(W [input, conditioning] + b), then for each layer x = x + LSTM(x): wide inputs cost one product, whatever the
layers (Hochreiter & Schmidhuber 1997; residual stacking as in Wu et al. 2016).
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from models.backbones import lstm

Floats = NDArray[np.float32]


class EmbeddedLSTMStep:
    """Steps a trained network one tick at a time, without torch. State: [layers, 2, H]."""

    def __init__(self, weights: Mapping[str, Floats]) -> None:
        layers = {name.removeprefix("layers."): own for name, own in weights.items() if name.startswith("layers.")}
        self._embed = np.ascontiguousarray(weights["embed.weight"].T)
        self._bias = weights["embed.bias"]
        self._layers = [
            lstm.LSTMStep({f"layers.0.{n.split('.', 1)[1]}": w for n, w in layers.items() if n.startswith(f"{index}.")})
            for index in range(len({name.split(".")[0] for name in layers}))
        ]
        self.hidden = len(self._bias)

    def initial_state(self) -> Floats:
        return np.zeros((len(self._layers), 2, self.hidden), np.float32)

    def step(self, x: Floats, c: Floats, state: Floats) -> tuple[Floats, Floats]:
        """Read x [D] and c [C]; return y [H] and the next state. The given state is not changed."""
        after = np.empty_like(state)
        y = np.maximum(np.concatenate([x, c]) @ self._embed + self._bias, 0)
        none = np.zeros(0, np.float32)
        for index, layer in enumerate(self._layers):
            out, kept = layer.step(y, none, state[index : index + 1])
            after[index], y = kept[0], y + out
        return y, after


def shapes(input_dim: int, cond_dim: int, hidden: int, layers: int) -> dict[str, tuple[int, ...]]:
    """Return the shapes of the arrays that EmbeddedLSTMStep takes."""
    found: dict[str, tuple[int, ...]] = {"embed.weight": (hidden, input_dim + cond_dim), "embed.bias": (hidden,)}
    return found | lstm.shapes(hidden, 0, hidden, layers)
