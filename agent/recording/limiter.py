"""Limits the peaks of recorded mixes, with look-ahead."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from agent.recording.wav_writer import Float32

CEILING = 10 ** (-0.3 / 20)  # -0.3 dBFS: room for the overshoot of later sample-rate conversion


LIMITER_WINDOW_S = 0.03  # longer than a period of E1 (24 ms), so the bass is not bent within its own cycle


class Limiter:
    """A look-ahead peak limiter for stereo: the result never exceeds CEILING, and below it nothing changes.

    The gain each sample needs, its minimum over the window ahead, averaged over the window behind: every
    value in that average covers the sample itself, so the average is never more than what it needs.
    """

    def __init__(self, rate_hz: int) -> None:
        self._window = max(2, int(LIMITER_WINDOW_S * rate_hz))
        self._held = np.zeros((0, 2), np.float32)
        self._gains: NDArray[np.float64] | None = None  # minima of the window behind; None before the first sample

    def step(self, samples: Float32, last: bool = False) -> Float32:
        """Stereo float32 [n, 2] in, what is ready of it out; `last` gives out what was held back."""
        ahead = self._window - 1
        held = np.concatenate([self._held, samples])
        count = len(held) if last else max(0, len(held) - ahead)
        self._held = held[count:]
        if not count:
            return np.zeros((0, 2), np.float32)
        peaks = np.maximum(np.abs(held).max(axis=1), CEILING)
        needed = np.concatenate([CEILING / peaks, np.ones(ahead)])
        return held[:count] * self._smoothed(needed, count)[:, None]

    def _smoothed(self, needed: NDArray[np.float64], count: int) -> Float32:
        window = self._window
        if self._gains is None:  # before the first sample there is nothing to hold back
            self._gains = running_minimum(np.concatenate([np.ones(window - 1), needed]), window)[: window - 1]
        minima = running_minimum(needed, window)[:count]
        gains = np.concatenate([self._gains, minima])
        self._gains = gains[-(window - 1) :]
        if gains.min() == 1.0:
            return np.ones(count, np.float32)
        sums = np.concatenate([[0.0], np.cumsum(gains)])
        means: Float32 = ((sums[window:] - sums[:-window]) / window).astype(np.float32)
        return means


def running_minimum(values: NDArray[np.float64], window: int) -> NDArray[np.float64]:
    """out[i] = min(values[i : i + window]), in three passes whatever the window (van Herk 1992)."""
    if values.min() == 1.0:
        return np.ones(len(values))
    blocks = -(-len(values) // window) + 1
    padded = np.full(blocks * window, np.inf)
    padded[: len(values)] = values
    table = padded.reshape(blocks, window)
    from_start = np.minimum.accumulate(table, axis=1).ravel()
    to_end = np.minimum.accumulate(table[:, ::-1], axis=1)[:, ::-1].ravel()
    last = np.arange(len(values)) + window - 1
    return np.minimum(to_end[: len(values)], from_start[last])
