"""The recurrent backbones one can choose: name -> (module for training, step for playing), and one of a given size."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from torch import nn

from models.lstm import LSTM, LSTMStep
from models.ssm import SSM, SSMStep

Floats = NDArray[np.float32]
BACKBONES: dict[str, tuple[type[nn.Module], Any]] = {"lstm": (LSTM, LSTMStep), "ssm": (SSM, SSMStep)}
WIDTH_STEP = 8  # SIMD width of the steps


class Step(Protocol):
    """One tick of a trained backbone without torch; a state is one contiguous float32 array, .copy() forks it."""

    hidden: int

    def initial_state(self) -> Floats: ...

    def step(self, x: Floats, c: Floats, state: Floats) -> tuple[Floats, Floats]:
        """x [D], c [C] -> y [H] and the next state; the given one is left as it is."""
        ...


def build(name: str, input_dim: int, cond_dim: int, hidden: int, layers: int, dropout: float = 0.0) -> nn.Module:
    """The named backbone: forward(x [B, T, D], c [B, T, C], state=None) -> (y [B, T, H], state). Unknown: ValueError."""
    return _entry(name)[0](input_dim, cond_dim, hidden, layers, dropout)


def stepper(name: str, module: nn.Module) -> Step:
    """The playing side of a module that build(name, ...) gave."""
    step: Step = _entry(name)[1](module)
    return step


def parameters(module: nn.Module) -> int:
    return sum(p.numel() for p in module.parameters())


def sized_hidden(name: str, input_dim: int, cond_dim: int, layers: int, wanted: int) -> int:
    """The hidden width (a multiple of 8) whose backbone comes nearest to the wanted number of parameters."""
    widths = range(WIDTH_STEP, 2048, WIDTH_STEP)
    return min(widths, key=lambda hidden: abs(_count(name, input_dim, cond_dim, hidden, layers) - wanted))


def _count(name: str, input_dim: int, cond_dim: int, hidden: int, layers: int) -> int:
    import torch

    with torch.device("meta"):
        return parameters(build(name, input_dim, cond_dim, hidden, layers))


def _entry(name: str) -> tuple[type[nn.Module], Any]:
    if name not in BACKBONES:
        raise ValueError(f"backbone {name!r} is not known; choose one of {', '.join(sorted(BACKBONES))}")
    return BACKBONES[name]
