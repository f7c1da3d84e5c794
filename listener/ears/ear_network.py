"""Run the ear network, hop by hop: step(features [F]) -> probabilities of onset age, pitch and drum age.

The network is a dense layer, a GRU (Cho et al. 2014, in PyTorch's form) and three softmaxes, in numpy;
models/training/ears.py trains it. Age class a: the bass's newest onset lies a hops back; the last class: longer ago.
Pitch class 0: none; class c: MIDI pitch lowest + c - 1. Drum age: as age, of the newest hit of a drum.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load as arrays_from_bytes

from listener import paths, weight_file
from listener.kernel import kernel

WEIGHTS = paths.WEIGHTS / "ears"
KIND = "ears"
OUTPUTS = ("age", "pitch", "drum")

Floats = NDArray[np.float32]


@kernel()
def _gate(inner: Floats, outer: Floats, h: Floats) -> None:
    """Change the state by one step of a GRU. r, z, n of the input (inner) and of the state (outer), [3H] each; h [H] is
    changed in place."""
    size = len(h)
    for i in range(size):
        r = 1 / (1 + np.exp(-(inner[i] + outer[i])))
        z = 1 / (1 + np.exp(-(inner[size + i] + outer[size + i])))
        n = np.tanh(inner[2 * size + i] + r * outer[2 * size + i])
        h[i] = n + z * (h[i] - n)


@kernel()
def _softmax(x: Floats) -> Floats:
    e: Floats = np.exp(x - x.max())
    e /= e.sum()
    return e


class EarNet:
    """Runs one stream through the ear network. Streams and copies share the weights; each has a state of its own."""

    def __init__(self, tensors: dict[str, Floats], config: dict[str, Any]) -> None:
        self._w = tensors
        self.lowest = int(config["lowest"])
        self._h: Floats = np.zeros(int(config["hidden"]), np.float32)
        self._stem: Path | None = None  # where the weights came from: a pickle names them

    def __reduce__(self) -> str | tuple[Any, ...]:
        if self._stem is None:
            return super().__reduce__()
        return _again, (self._stem, self._h)

    def __deepcopy__(self, memo: dict[int, Any]) -> EarNet:
        twin = object.__new__(EarNet)
        twin._w, twin.lowest, twin._h, twin._stem = self._w, self.lowest, self._h.copy(), self._stem
        return twin

    def step(self, features: Floats) -> tuple[Floats, Floats, Floats]:
        """Read features float32 [F]; return probabilities float32 [A + 1], [P + 1] and [A + 1], each summing to 1."""
        w = self._w
        seen = np.maximum(w["dense.weight"] @ features + w["dense.bias"], 0)
        inner = w["gru.weight_ih_l0"] @ seen + w["gru.bias_ih_l0"]
        outer = w["gru.weight_hh_l0"] @ self._h + w["gru.bias_hh_l0"]
        _gate(inner, outer, self._h)
        head = np.maximum(w["head.weight"] @ np.concatenate([self._h, seen]) + w["head.bias"], 0)
        ages, pitches, drums = (_softmax(w[f"{name}.weight"] @ head + w[f"{name}.bias"]) for name in OUTPUTS)
        return ages, pitches, drums


@cache
def _read(stem: Path) -> tuple[dict[str, Floats], dict[str, Any]]:
    file = weight_file.read(stem, KIND)
    try:
        tensors = arrays_from_bytes(file.data)
    except SafetensorError as error:
        raise ValueError(f"{file.path}: not a safetensors file ({error}); {weight_file.RETRAIN}") from None
    weight_file.require_finite(file.path, tensors)
    return tensors, file.config


def load(stem: Path = WEIGHTS) -> EarNet:
    """Load the network that ships. FileNotFoundError: no such weights. ValueError: damaged or foreign ones."""
    net = EarNet(*_read(stem))
    net._stem = stem
    return net


def _again(stem: Path, h: Floats) -> EarNet:
    net = load(stem)
    net._h = h
    return net
