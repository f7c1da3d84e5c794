"""Compile the codec's layers: one frame through the list of layers.py in one call of kernels.py.

A plan has one row per product, which gives the places of its input, output, weights and history.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from listener import machine_code
from models.codec.kernels import (
    ACTIVE,
    ADD,
    CELL,
    CONV,
    FEW_ROWS,
    FIELDS,
    HIDDEN,
    JOIN,
    OPERATION,
    PADDED,
    WINDOWS,
    _product,
    quantise,
    run,
)
from models.codec.layers import LSTM, Conv, Floats, Layer, Residual, history_size

Array = NDArray[np.float32]


@cache
def warm_up() -> None:
    """Compile `run` and `quantise`, or load them; empty arrays suffice, because sizes do not matter."""
    nothing, none, codes = np.zeros(0, np.float32), np.zeros((0, 0, 0), np.float32), np.zeros(0, np.int64)
    run(np.zeros(0, OPERATION), np.zeros(4, np.int64), nothing, nothing, nothing, nothing)
    quantise(nothing, none, none[0:0].reshape(0, 0), nothing, nothing, codes)
    with machine_code.blas():  # not in the stream
        rows = np.zeros(2 * (FEW_ROWS + 1), np.float32)
        _product(rows, rows[:4], rows[:2], rows.copy(), FEW_ROWS + 1)


class Quantiser:
    """Quantises one latent [D] to codes [K], with books [K, bins, D] and norms [K, bins]."""

    def __init__(self, books: Floats, norms: Floats) -> None:
        self._books, self._norms = books, norms
        self._scores, self._residual = np.empty(books.shape[1], np.float32), np.empty(books.shape[2], np.float32)

    def __call__(self, latent: Floats) -> NDArray[np.int64]:
        codes = np.zeros(len(self._books), np.int64)
        quantise(latent, self._books, self._norms, self._scores, self._residual, codes)
        return codes


class CompiledNet:
    """Runs layers compiled into a plan, `rows` rows a step. One caller at a time: every step uses the same scratch
    memory.
    """

    def __init__(self, layers: Sequence[Layer], rows: int) -> None:
        planner = _Planner(rows)
        for layer in layers:
            planner.add(layer)
        self._plan, self._areas, size = planner.finish()
        self._weights: Array = np.concatenate(planner.weights, dtype=np.float32)
        self._scratch: Array = np.zeros(size, np.float32)
        warm_up()
        self._history_size = history_size(layers)
        self._rows_out, self._width = planner.rows, planner.width

    def step(self, x: Floats, history: Floats) -> tuple[Floats, Floats]:
        """Read x [rows, C]; return ([rows', C'], a view that the next step overwrites, and the next history)."""
        if not history.flags.writeable:  # another type to numba: it would compile anew, in the stream
            history = history.copy()
        kept = np.empty(self._history_size, np.float32)
        self._scratch[: x.size] = x.ravel()
        run(self._plan, self._areas, self._weights, history, kept, self._scratch)
        return self._scratch[: self._rows_out * self._width].reshape(self._rows_out, self._width), kept


class _Planner:
    """Walks the layers with the shape of the signal and gives each its places in weights, history and scratch."""

    def __init__(self, rows: int) -> None:
        self.rows, self.width = rows, 1
        self._operations: list[tuple[int, ...]] = []
        self._sizes = [rows, 0, 0, 0]
        self._weight = self._history = 0
        self.weights: list[Floats] = []  # flat, in the order and layout that the plan reads

    def add(self, layer: Layer) -> None:
        if isinstance(layer, Conv):
            self._conv(layer, ACTIVE)
        elif isinstance(layer, Residual):
            self._residual(layer)
        else:
            self._lstm(layer)

    def finish(self) -> tuple[NDArray[Any], NDArray[np.int64], int]:
        """Return (plan, where each area starts, size of scratch)."""
        ends = np.cumsum([-(-size // 16) * 16 for size in self._sizes])
        plan = np.array(self._operations, OPERATION)
        return plan, np.concatenate([[0], ends[:-1]]).astype(np.int64), int(ends[-1])

    def _conv(self, conv: Conv, target: int) -> None:
        rows, width = self.rows // conv.stride, len(conv.bias)
        past = conv.kept * conv.channels
        self._operate(CONV, conv.weight, conv.bias, target=target, history=past, elu=int(conv.elu), rows=self.rows,
                      channels=conv.channels, kernel=conv.kernel, stride=conv.stride, rows_out=rows)  # fmt: skip
        self._need(PADDED, past + self.rows * conv.channels)
        self._need(WINDOWS, rows * conv.kernel * conv.channels)
        self._need(target, rows * width)
        self.rows, self.width = rows * conv.up, width // conv.up

    def _residual(self, layer: Residual) -> None:
        outer = self.width
        self._conv(layer.conv, HIDDEN)
        self._operate(JOIN, layer.weight, layer.bias, rows=self.rows, channels=outer, kernel=self.width)
        self._need(WINDOWS, self.rows * (outer + self.width))
        self.width = outer

    def _lstm(self, layer: LSTM) -> None:
        size = self.width
        if self.rows != 1:
            raise ValueError(f"an LSTM at {self.rows} rows a step: the compiled engine steps one")
        for index, (weight, bias) in enumerate(layer.layers):
            source = HIDDEN if index else ACTIVE
            self._operate(CELL, weight, bias, source=source, history=2 * size, channels=size)
        self._operations.append(_operation(kind=ADD, rows=1, channels=size))
        for area, need in ((HIDDEN, size), (PADDED, 2 * size), (WINDOWS, 4 * size)):
            self._need(area, need)

    def _operate(self, kind: int, weight: Floats, bias: Floats, history: int = 0, **fields: int) -> None:
        one_row = kind == CELL or fields.get("rows_out", self.rows) == 1
        self.weights += [(weight.T if one_row else weight).ravel(), bias]
        places = {"weight": self._weight, "bias": self._weight + weight.size, "history": self._history}
        self._operations.append(_operation(kind=kind, width=len(bias), **places, **fields))
        self._weight += weight.size + len(bias)
        self._history += history

    def _need(self, area: int, size: int) -> None:
        self._sizes[area] = max(self._sizes[area], size)


def _operation(**fields: int) -> tuple[int, ...]:
    return tuple(fields.get(name, 0) for name in FIELDS)
