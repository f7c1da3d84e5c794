"""Step a selective state-space backbone that reads the metre in every layer, in numpy. ssm_net.py trains it.

Mamba-2 / SSD (Dao & Gu 2024, arXiv:2405.21060, sections 5-7), in its letters: head h carries S_t = exp(dt_t A_h) S_t-1
+ dt_t x_t B_t^T and y_t = S_t C_t + D_h x_t, where dt, B and C are functions of the input and A < 0 is one number a
head. Departures: the conditioning c_t (phase and meter) enters every layer's projection, and one group of B and C
serves all heads.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
State = Floats  # [layers, (CONV - 1) * (E + 2N) + N * E]: the last inputs of the convolution, then S
CONV = 4  # taps of the short convolution
EXPAND = 2  # inner width E over hidden
HEAD_DIM = 64  # P at most
STATE_SIZE = 32  # N
EPS = 1e-5


class SSMStep:
    """Steps a trained SSM one tick at a time, without torch; the state is one contiguous float32 array."""

    def __init__(self, weights: Mapping[str, Floats]) -> None:
        self._embed, self._bias = weights["embed.weight"].T.copy(), weights["embed.bias"]
        count = len({name.split(".")[1] for name in weights if name.startswith("layers.")})
        self._layers = [_folded(_of_layer(weights, index)) for index in range(count)]
        self._norm = weights["norm.weight"]
        self.hidden = len(self._norm)

    def initial_state(self) -> State:
        layer = self._layers[0]
        window, inner = (CONV - 1) * layer.taps.shape[1], len(layer.project_out)
        return np.zeros((len(self._layers), window + inner * layer.state_size), np.float32)

    def step(self, x: Floats, c: Floats, state: State) -> tuple[Floats, State]:
        """Read x [D] and c [C]; return y [H] and the next state. The given state is not changed."""
        after = np.empty_like(state)
        x = np.concatenate([x, c]) @ self._embed + self._bias
        for index, layer in enumerate(self._layers):
            x = x + _block(layer, x, c, state[index], after[index])
        return _normed(x) * self._norm, after


class _Layer(NamedTuple):
    """The numbers of one Mamba2 block: norms' gains folded into the projections, the heads' numbers spread over E."""

    project_in: Floats  # [H + C, 2E + 2N + heads]
    taps: Floats  # [CONV, E + 2N]
    conv_bias: Floats
    dt_bias: Floats
    a: Floats  # [heads], negative
    skip: Floats  # [E]
    project_out: Floats  # [E, H]
    state_size: int


def _block(layer: _Layer, x: Floats, c: Floats, state: Floats, after: Floats) -> Floats:
    """Run one layer's tick and write its next state into `after`."""
    inner, size, heads = len(layer.skip), layer.state_size, len(layer.a)
    projected = np.concatenate([_normed(x), c]) @ layer.project_in
    mixed = _convolved(layer, projected[inner:-heads], state, after)
    x, b, c = mixed[:inner], mixed[inner : inner + size], mixed[inner + size :]
    dt = np.logaddexp(projected[-heads:] + layer.dt_bias, np.float32(0))
    spread = inner // heads
    s = after[-size * inner :].reshape(size, inner)
    np.multiply(state[-size * inner :].reshape(size, inner), np.repeat(np.exp(dt * layer.a), spread), out=s)
    s += b[:, None] * (np.repeat(dt, spread) * x)
    y = (c @ s + layer.skip * x) * _silu(projected[:inner])
    return _normed(y) @ layer.project_out


def _convolved(layer: _Layer, mixed: Floats, state: Floats, after: Floats) -> Floats:
    width = len(mixed)
    window = after[: (CONV - 1) * width].reshape(CONV - 1, width)
    past = state[: (CONV - 1) * width].reshape(CONV - 1, width)
    window[:-1], window[-1] = past[1:], mixed
    return _silu((layer.taps[1:] * window).sum(0) + layer.taps[0] * past[0] + layer.conv_bias)


def _normed(x: Floats) -> Floats:
    return x * np.float32(1.0 / math.sqrt(float(x @ x) / len(x) + EPS))


def _silu(x: Floats) -> Floats:
    gate: Floats = np.tanh(np.float32(0.5) * x)
    gate += np.float32(1)
    gate *= np.float32(0.5)
    gate *= x
    return gate


def heads_of(inner: int) -> int:
    """Return into how many heads the inner width E is cut."""
    head_dim = next(size for size in range(min(HEAD_DIM, inner), 0, -1) if inner % size == 0)
    return inner // head_dim


def shapes(
    input_dim: int, cond_dim: int, hidden: int, layers: int, state_size: int = STATE_SIZE
) -> dict[str, tuple[int, ...]]:
    """Return the shapes of the arrays that SSMStep takes."""
    inner, heads = EXPAND * hidden, heads_of(EXPAND * hidden)
    mixed = inner + 2 * state_size
    one = {
        "norm_in.weight": (hidden,),
        "project_in.weight": (inner + mixed + heads, hidden + cond_dim),
        "taps": (CONV, mixed),
        "conv_bias": (mixed,),
        "dt_bias": (heads,),
        "log_a": (heads,),
        "skip": (heads,),
        "norm_out.weight": (inner,),
        "project_out.weight": (hidden, inner),
    }
    outer = {"embed.weight": (hidden, input_dim + cond_dim), "embed.bias": (hidden,), "norm.weight": (hidden,)}
    return outer | {f"layers.{index}.{name}": shape for index in range(layers) for name, shape in one.items()}


def _folded(w: Mapping[str, Floats]) -> _Layer:
    """w: the arrays of one layer."""
    project_in = w["project_in.weight"].T.copy()
    project_in[: len(w["norm_in.weight"])] *= w["norm_in.weight"][:, None]
    inner, mixed = len(w["norm_out.weight"]), w["taps"].shape[1]
    return _Layer(
        project_in=project_in,
        taps=w["taps"],
        conv_bias=w["conv_bias"],
        dt_bias=w["dt_bias"],
        a=-np.exp(w["log_a"]),
        skip=np.repeat(w["skip"], inner // len(w["skip"])),
        project_out=w["project_out.weight"].T * w["norm_out.weight"][:, None],
        state_size=(mixed - inner) // 2,
    )


def _of_layer(weights: Mapping[str, Floats], index: int) -> dict[str, Floats]:
    prefix = f"layers.{index}."
    return {name.removeprefix(prefix): array for name, array in weights.items() if name.startswith(prefix)}
