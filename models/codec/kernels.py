"""Compute the products of the compiled codec: a plan (see compiled.py), walked in one call that allocates nothing.

Everything lies in flat float32 arrays: weights, the history before and after, and scratch, which is cut into areas: the
activations, a residual block's hidden ones, the padded input and its windows.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from listener.kernel import kernel

CONV, JOIN, CELL, ADD = range(4)
FIELDS = (
    "kind", "source", "target", "history", "weight", "bias", "elu",
    "rows", "channels", "kernel", "stride", "rows_out", "width",
)  # fmt: skip
OPERATION = np.dtype([(name, np.int64) for name in FIELDS])
ACTIVE, HIDDEN, PADDED, WINDOWS = range(4)  # the areas of scratch
FEW_ROWS = 16
HALVINGS = 6  # e^x - 1 from e^(x / 64) - 1
LOWEST = -18.0  # e^x is nothing beside 1 from here down, in float32

Floats = NDArray[np.float32]
Ints = NDArray[np.int64]


class Operation(Protocol):
    """A row of OPERATION."""

    kind: int
    source: int
    target: int
    history: int
    weight: int
    bias: int
    elu: int
    rows: int
    channels: int
    kernel: int
    stride: int
    rows_out: int
    width: int


fast = kernel(fastmath={"contract", "reassoc", "nsz"}, error_model="numpy")


@fast
def _expm1(x: np.float32) -> np.float32:
    """Return e^x - 1 for x <= 0, to a few units in the last place; in products and sums, so that loops vectorise."""
    one, two = np.float32(1), np.float32(2)
    r = max(x, np.float32(LOWEST)) * np.float32(1 / (1 << HALVINGS))
    p = one + r * (np.float32(1 / 5) * (one + r * (np.float32(1 / 6) * (one + r * np.float32(1 / 7)))))
    p = r * (one + r * (np.float32(1 / 2) * (one + r * (np.float32(1 / 3) * (one + r * (np.float32(1 / 4) * p))))))
    for _ in range(HALVINGS):
        p = p * (p + two)
    return p


@fast
def _elu(x: Floats, out: Floats) -> None:
    zero = np.float32(0)
    for i in range(len(out)):
        out[i] = max(x[i], zero) + _expm1(min(x[i], zero))


@fast
def _copy(x: Floats, out: Floats) -> None:
    for i in range(len(out)):
        out[i] = x[i]


@fast
def _sigmoid(x: np.float32) -> np.float32:
    one, e = np.float32(1), _expm1(-abs(x))
    small = (one + e) / (np.float32(2) + e)
    return small if x < 0 else one - small


@fast
def _tanh(x: np.float32) -> np.float32:
    e = _expm1(np.float32(-2) * abs(x))
    size = -e / (np.float32(2) + e)
    return -size if x < 0 else size


@fast
def _product(x: Floats, weight: Floats, bias: Floats, out: Floats, rows: int) -> None:
    """Compute out [rows, width] = x [rows, n] @ weight [n, width] + bias, all flat; for one row the weight lies
    transposed."""
    width, n = len(bias), len(x) // rows
    if rows == 1:
        _one_row(x, weight.reshape(width, n), out)
    elif rows <= FEW_ROWS:
        out[:] = 0
        _few_rows(x, weight, out, n, width)
    else:
        np.dot(x.reshape(rows, n), weight.reshape(n, width), out.reshape(rows, width))
    for t in range(rows):
        row = out[t * width : (t + 1) * width]
        for i in range(width):
            row[i] += bias[i]


@fast
def _one_row(x: Floats, weight: Floats, out: Floats) -> None:
    """Compute out = weight @ x, read as four long streams: weights that no cache holds come in twice as fast as with
    BLAS."""
    zero, quarter = np.float32(0), len(out) // 4
    for i in range(quarter):
        w0, w1, w2, w3 = weight[i], weight[i + quarter], weight[i + 2 * quarter], weight[i + 3 * quarter]
        s0, s1, s2, s3 = zero, zero, zero, zero
        for j in range(len(x)):
            s0 += w0[j] * x[j]
            s1 += w1[j] * x[j]
            s2 += w2[j] * x[j]
            s3 += w3[j] * x[j]
        out[i], out[i + quarter], out[i + 2 * quarter], out[i + 3 * quarter] = s0, s1, s2, s3
    for i in range(4 * quarter, len(out)):
        w0, s0 = weight[i], zero
        for j in range(len(x)):
            s0 += w0[j] * x[j]
        out[i] = s0


@fast
def _few_rows(x: Floats, weight: Floats, out: Floats, n: int, width: int) -> None:
    """Compute out += x @ weight: BLAS would copy the weights first, which for so few rows takes longer than the
    product."""
    for j in range(0, n - n % 8, 8):
        w = weight[j * width : (j + 8) * width].reshape(8, width)
        w0, w1, w2, w3, w4, w5, w6, w7 = w[0], w[1], w[2], w[3], w[4], w[5], w[6], w[7]
        for t in range(len(out) // width):
            a, row = x[t * n + j : t * n + j + 8], out[t * width : (t + 1) * width]
            a0, a1, a2, a3, a4, a5, a6, a7 = a[0], a[1], a[2], a[3], a[4], a[5], a[6], a[7]
            for i in range(width):
                near = a0 * w0[i] + a1 * w1[i] + a2 * w2[i] + a3 * w3[i]
                row[i] += near + a4 * w4[i] + a5 * w5[i] + a6 * w6[i] + a7 * w7[i]
    for j in range(n - n % 8, n):
        w0 = weight[j * width : (j + 1) * width]
        for t in range(len(out) // width):
            row = out[t * width : (t + 1) * width]
            for i in range(width):
                row[i] += x[t * n + j] * w0[i]


@fast
def _conv(op: Operation, areas: Ints, weights: Floats, history: Floats, kept: Floats, scratch: Floats) -> None:
    channels, n = op.channels, op.kernel * op.channels
    past, fresh = (op.kernel - op.stride) * channels, op.rows * channels
    padded = scratch[areas[PADDED] : areas[PADDED] + past + fresh]
    padded[:past] = history[op.history : op.history + past]
    x = scratch[areas[op.source] : areas[op.source] + fresh]
    if op.elu:
        _elu(x, padded[past:])
    else:
        padded[past:] = x
    kept[op.history : op.history + past] = padded[fresh:]
    windows, hop = padded, op.stride * channels
    if op.rows_out > 1 and op.kernel > 1:
        windows = scratch[areas[WINDOWS] : areas[WINDOWS] + op.rows_out * n]
        for t in range(op.rows_out):
            _copy(padded[t * hop :], windows[t * n : (t + 1) * n])
    out = scratch[areas[op.target] : areas[op.target] + op.rows_out * op.width]
    weight = weights[op.weight : op.weight + n * op.width]
    _product(windows, weight, weights[op.bias : op.bias + op.width], out, op.rows_out)


@fast
def _join(op: Operation, areas: Ints, weights: Floats, scratch: Floats) -> None:
    """Finish a residual block: [x, ELU(hidden)] @ weight; channels of x, kernel channels of the hidden."""
    n = op.channels + op.kernel
    x, hidden = scratch[areas[ACTIVE] :], scratch[areas[HIDDEN] :]
    windows = scratch[areas[WINDOWS] : areas[WINDOWS] + op.rows * n]
    for t in range(op.rows):
        _copy(x[t * op.channels :], windows[t * n : t * n + op.channels])
        _elu(hidden[t * op.kernel :], windows[t * n + op.channels : (t + 1) * n])
    weight = weights[op.weight : op.weight + n * op.width]
    _product(windows, weight, weights[op.bias : op.bias + op.width], x[: op.rows * op.width], op.rows)


@fast
def _cell(op: Operation, areas: Ints, weights: Floats, history: Floats, kept: Floats, scratch: Floats) -> None:
    """Run one step of an LSTM layer; the gates in PyTorch's order: input, forget, cell, output."""
    size = op.channels
    row, gates = scratch[areas[PADDED] :][: 2 * size], scratch[areas[WINDOWS] :][: 4 * size]
    row[:size] = scratch[areas[op.source] : areas[op.source] + size]
    row[size:] = history[op.history : op.history + size]
    weight = weights[op.weight : op.weight + 8 * size * size]
    _product(row, weight, weights[op.bias : op.bias + 4 * size], gates, 1)
    h, c = kept[op.history : op.history + size], kept[op.history + size : op.history + 2 * size]
    before, out = history[op.history + size : op.history + 2 * size], scratch[areas[HIDDEN] :]
    enter, stay, new, leave = gates[:size], gates[size:], gates[2 * size :], gates[3 * size :]
    for i in range(size):
        cell = _sigmoid(stay[i]) * before[i] + _sigmoid(enter[i]) * _tanh(new[i])
        c[i] = cell
        h[i] = _sigmoid(leave[i]) * _tanh(cell)
        out[i] = h[i]


@fast
def run(plan: NDArray[np.void], areas: Ints, weights: Floats, history: Floats, kept: Floats, scratch: Floats) -> None:
    """Run one step of the whole net; its input lies at areas[ACTIVE] of scratch, and so does then its output."""
    for i in range(len(plan)):
        op = plan[i]
        if op.kind == CONV:
            _conv(op, areas, weights, history, kept, scratch)
        elif op.kind == JOIN:
            _join(op, areas, weights, scratch)
        elif op.kind == CELL:
            _cell(op, areas, weights, history, kept, scratch)
        else:
            active, hidden = scratch[areas[ACTIVE] :], scratch[areas[HIDDEN] :]
            for j in range(op.rows * op.channels):
                active[j] += hidden[j]


@fast
def quantise(latent: Floats, books: Floats, norms: Floats, scores: Floats, residual: Floats, codes: Ints) -> None:
    """Quantise latent [D] -> codes [K], the nearest of each book [bins, D] to what the books before it left."""
    residual[:] = latent
    for k in range(len(codes)):
        _one_row(residual, books[k], scores)
        square = np.float32(0)
        for d in range(len(residual)):
            square += residual[d] * residual[d]
        best = np.float32(np.inf)
        for b in range(len(scores)):
            distance = (square - np.float32(2) * scores[b]) + norms[k, b]
            if distance < best:
                best, codes[k] = distance, b
        for d in range(len(residual)):
            residual[d] -= books[k, codes[k], d]
