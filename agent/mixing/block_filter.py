"""Filters sound in blocks of 64 samples, any number of channels at once, by one matrix product a block.

A filter is written as a state space: y = D x + C s, s' = B x + A s, with x and y whole blocks. So IIR filters cost a
small matrix product in place of a loop over samples (block state space, e.g. Barnes & Shinnaka 1980).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

BLOCK = 64  # samples; as FluidSynth's
TINY = 1e-10  # a state below it is silence; smaller numbers would slow every product down
Float = NDArray[np.float32]
Section = tuple[float, float, float, float, float]  # b0, b1, b2, a1, a2 of a second-order section; a0 = 1


def state_space(sections: Sequence[Section]) -> NDArray[np.float64]:
    """Return the matrix [64 + n, 64 + n] that maps (block, state) to (filtered block, next state), as row vectors."""
    order = 2 * len(sections)
    matrix = np.zeros((BLOCK + order, BLOCK + order))
    for row in range(BLOCK + order):  # the answer to each unit of the block and of the state
        block, state = np.zeros(BLOCK), np.zeros(order)
        (block if row < BLOCK else state)[row if row < BLOCK else row - BLOCK] = 1.0
        for i, (b0, b1, b2, a1, a2) in enumerate(sections):
            first, second = state[2 * i], state[2 * i + 1]
            for k in range(BLOCK):  # transposed direct form II
                x = block[k]
                block[k] = y = b0 * x + first
                first, second = b1 * x - a1 * y + second, b2 * x - a2 * y
            state[2 * i : 2 * i + 2] = first, second
        matrix[row] = np.concatenate([block, state])
    return matrix


class BlockFilter:
    """Filters blocks [channels, 64] one after another; holds each channel's state."""

    def __init__(self, sections: Sequence[Section], channels: int, dtype: type = np.float32) -> None:
        exact = state_space(sections)
        self._matrix: NDArray[np.floating] = exact.astype(dtype)
        self._step = exact[BLOCK:, BLOCK:]  # of the states, whose powers want all digits
        self._in: NDArray[np.floating] = np.zeros((channels, len(self._matrix)), dtype)

    @property
    def states(self) -> NDArray[np.floating]:
        """Return each channel's state [channels, n], to be moved on by whoever filters otherwise."""
        return self._in[:, BLOCK:]

    def __call__(self, block: NDArray[np.floating]) -> NDArray[np.floating]:
        """Return the filtered block [channels, 64], in the filter's dtype."""
        self._in[:, :BLOCK] = block
        out: NDArray[np.floating] = self._in @ self._matrix
        state = out[:, BLOCK:]
        state[np.abs(state) < TINY] = 0.0
        self._in[:, BLOCK:] = state
        return out[:, :BLOCK]

    def whole(self, sound: NDArray[np.floating]) -> NDArray[np.floating]:
        """Return the filtered sound [channels, n], n a multiple of 64: what block after block would give, at once.

        The states s' = B x + A s of all blocks are summed by doubling (Hillis & Steele, "Data parallel algorithms",
        1986).
        """
        channels, count = len(sound), sound.shape[1] // BLOCK
        blocks = sound.reshape(channels, count, BLOCK).astype(self._matrix.dtype)
        if not count:
            return blocks.reshape(channels, 0)
        answers = blocks @ self._matrix[:BLOCK]
        states, step = answers[:, :, BLOCK:].astype(np.float64), self._step
        states[:, 0] += self._in[:, BLOCK:] @ step
        reach = 1
        while reach < count:
            states[:, reach:] += states[:, :-reach] @ step
            step, reach = step @ step, 2 * reach
        before = np.concatenate([self._in[:, None, BLOCK:], states[:, :-1]], axis=1).astype(self._matrix.dtype)
        out: NDArray[np.floating] = answers[:, :, :BLOCK] + before @ self._matrix[BLOCK:, :BLOCK]
        self._in[:, BLOCK:] = states[:, -1]
        return out.reshape(channels, -1)

    def reset(self) -> None:
        """Forget what was heard."""
        self._in[:] = 0.0


def one_pole(corner_hz: float, rate_hz: float) -> float:
    """Return the pole of a first-order low-pass filter y = pole y + (1 - pole) x."""
    return float(np.exp(-2 * np.pi * corner_hz / rate_hz))


def high_pass(corner_hz: float, rate_hz: float, q: float = 0.7071) -> Section:
    """Return a second-order high-pass filter (Butterworth by default; bilinear transform)."""
    k = np.tan(np.pi * corner_hz / rate_hz)
    a0 = 1 + k / q + k * k
    return 1 / a0, -2 / a0, 1 / a0, 2 * (k * k - 1) / a0, (1 - k / q + k * k) / a0
