"""Name the recurrent backbones: name -> (step for playing, module for training), and build one of a given size.

A step is made of named arrays and needs no torch; a module is imported only where one is built.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from models.backbones import embedded_lstm, lstm, ssm

if TYPE_CHECKING:
    from torch import nn

Floats = NDArray[np.float32]
BACKBONES: dict[str, Any] = {"lstm": lstm.LSTMStep, "ssm": ssm.SSMStep, "elstm": embedded_lstm.EmbeddedLSTMStep}
SHAPES: dict[str, Any] = {"lstm": lstm.shapes, "ssm": ssm.shapes, "elstm": embedded_lstm.shapes}
MODULES = {
    "lstm": ("models.backbones.lstm_net", "LSTM"),
    "ssm": ("models.backbones.ssm_net", "SSM"),
    "elstm": ("models.backbones.embedded_lstm_net", "EmbeddedLSTM"),
}
WIDTH_STEP = 8  # SIMD width of the steps


class Step(Protocol):
    """One tick of a trained backbone, without torch. A state is one contiguous float32 array; .copy() forks it."""

    hidden: int

    def initial_state(self) -> Floats: ...

    def step(self, x: Floats, c: Floats, state: Floats) -> tuple[Floats, Floats]:
        """Read x [D] and c [C]; return y [H] and the next state. The given state is not changed."""
        ...


def build(name: str, input_dim: int, cond_dim: int, hidden: int, layers: int, dropout: float = 0.0) -> nn.Module:
    """Build the named backbone: forward(x [B, T, D], c [B, T, C], state=None) -> (y [B, T, H], state).

    Raises ValueError for an unknown name.
    """
    place, kind = _of(MODULES, name)
    module: nn.Module = getattr(import_module(place), kind)(input_dim, cond_dim, hidden, layers, dropout)
    return module


def step_of(name: str, weights: Mapping[str, Floats]) -> Step:
    """Build the named backbone's step from arrays of `shapes`. Raises ValueError for an unknown name."""
    step: Step = _of(BACKBONES, name)(weights)
    return step


def shapes(name: str, input_dim: int, cond_dim: int, hidden: int, layers: int) -> dict[str, tuple[int, ...]]:
    """Return the shapes of the named backbone's arrays. Raises ValueError for an unknown name."""
    found: dict[str, tuple[int, ...]] = _of(SHAPES, name)(input_dim, cond_dim, hidden, layers)
    return found


def stepper(name: str, module: nn.Module) -> Step:
    """Return the step of a module that build(name, ...) gave."""
    weights = {key: np.array(value.detach().cpu().numpy(), np.float32) for key, value in module.named_parameters()}
    return step_of(name, weights)


def parameters(module: nn.Module) -> int:
    return sum(p.numel() for p in module.parameters())


def sized_hidden(name: str, input_dim: int, cond_dim: int, layers: int, wanted: int) -> int:
    """Return the hidden width (a multiple of 8) whose backbone comes nearest to the wanted number of parameters."""
    widths = range(WIDTH_STEP, 2048, WIDTH_STEP)
    return min(widths, key=lambda hidden: abs(_count(name, input_dim, cond_dim, hidden, layers) - wanted))


def _count(name: str, input_dim: int, cond_dim: int, hidden: int, layers: int) -> int:
    return sum(int(np.prod(shape)) for shape in shapes(name, input_dim, cond_dim, hidden, layers).values())


def _of(table: Mapping[str, Any], name: str) -> Any:
    if name not in table:
        raise ValueError(f"backbone {name!r} is not known; choose one of {', '.join(sorted(table))}")
    return table[name]
