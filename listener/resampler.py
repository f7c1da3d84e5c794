"""Resamples any rate to 24 kHz, bit for bit the same at any block size (which python-soxr is not)."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from listener.types import Samples

RATES = (1_000, 384_000)  # Hz, what the resampler takes


ZERO_CROSSINGS = 16  # of the resampling filter, each side: 0.67 ms at 24 kHz


KAISER_BETA = 8.0  # about 80 dB of stop band


class Resampler:
    """Resamples a mono stream with a polyphase windowed sinc (Crochiere & Rabiner 1983, ch. 3), linear phase.

    Output sample k lies at k / rate_out seconds of the input and is available delay_s later. Output comes in units of
    `unit` samples, each computed in the same way whatever the size of the input blocks, so that the result does not
    depend on block size.
    """

    def __init__(self, rate_in: int, rate_out: int, unit: int) -> None:
        common = math.gcd(rate_in, rate_out)
        self.up, self.down, self.unit = rate_out // common, rate_in // common, unit
        low = min(rate_in, rate_out)
        self.half = 0 if self.up == self.down else math.ceil(ZERO_CROSSINGS * rate_in / low)
        self.delay_s = self.half / rate_in
        self._bank = _filter_bank(self.up, self.half, low / rate_in)
        self._one_filter = np.broadcast_to(self._bank[0], (unit, 2 * self.half))
        self._buffer: Samples = np.zeros(self.half, np.float32)  # from input sample _start on
        self._start, self._next = -self.half, 0

    def push(self, samples: Samples) -> list[Samples]:
        """Take mono input [n] and return every whole unit [unit] that can now be computed."""
        self._buffer = np.concatenate([self._buffer, samples.astype(np.float32, copy=False)])
        units = []
        while self._last_needed() < self._start + len(self._buffer):
            units.append(self._unit())
        return units

    @property
    def wants(self) -> int:
        """Return how many input samples are needed for the next unit."""
        return self._last_needed() + 1 - self._start - len(self._buffer)

    def _last_needed(self) -> int:
        return (self._next + self.unit - 1) * self.down // self.up + self.half

    def _unit(self) -> Samples:
        k = self._next + np.arange(self.unit)
        centre = k * self.down // self.up
        if self.half == 0:
            out = self._buffer[centre - self._start].copy()
        else:
            filters = self._bank[k * self.down % self.up] if self.up > 1 else self._one_filter
            out = np.einsum("kt,kt->k", self._windows(centre), filters)
        self._next += self.unit
        keep_from = max(self._next * self.down // self.up - self.half, self._start)
        self._buffer, self._start = self._buffer[keep_from - self._start :], keep_from
        return out

    def _windows(self, centre: NDArray[np.int64]) -> NDArray[np.float32]:
        """Return what each output sample is made of, [unit, 2 * half]."""
        first = int(centre[0]) - self.half + 1 - self._start
        if self.up == 1:  # they lie evenly
            size = self._buffer.itemsize
            shape, strides = (self.unit, 2 * self.half), (self.down * size, size)
            return np.ndarray(shape, np.float32, self._buffer, first * size, strides)
        window = (centre - centre[0] + first)[:, None] + np.arange(2 * self.half)
        return np.asarray(self._buffer[window])


def _filter_bank(up: int, half: int, cutoff: float) -> NDArray[np.float32]:
    """Return a windowed sinc for each of `up` fractional positions, [up, 2 * half]; cutoff is relative to the input's
    rate.
    """
    if half == 0:
        return np.zeros((1, 0), np.float32)
    fraction = np.arange(up)[:, None] / up
    t = np.arange(-half + 1, half + 1)[None, :] - fraction
    window = np.i0(KAISER_BETA * np.sqrt(np.maximum(0, 1 - (t / half) ** 2))) / np.i0(KAISER_BETA)
    bank = 0.92 * cutoff * np.sinc(0.92 * cutoff * t) * window
    bank32: NDArray[np.float32] = (bank / bank.sum(axis=1, keepdims=True)).astype(np.float32)
    return bank32
