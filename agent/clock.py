"""Samples <-> seconds: which monotonic moment a sample of the capture stream belongs to."""

from __future__ import annotations

import math


class StreamClock:
    """A delay-locked loop over (sample count, monotonic seconds) pairs; smooths the callback's jitter.

    F. Adriaensen, "Using a DLL to filter time", LAC 2005; its letters: b, c the loop's coefficients, e its error.
    `samples` is the count after the block whose arrival was at `monotonic_s`.
    """

    def __init__(self, rate: int, bandwidth_hz: float = 0.2) -> None:
        self.rate, self.bandwidth_hz = rate, bandwidth_hz
        self._samples: int | None = None
        self._time_s = 0.0
        self._period_s = 1.0 / rate

    def update(self, samples: int, monotonic_s: float) -> None:
        """Take one pair; pairs may be skipped. After a gap longer than 0.5 s the loop starts anew."""
        if self._samples is None or samples - self._samples > self.rate // 2:
            self._samples, self._time_s = samples, monotonic_s
            return
        n = samples - self._samples
        if n <= 0:
            return
        omega = min(2 * math.pi * self.bandwidth_hz * n / self.rate, 0.5)
        b, c = math.sqrt(2) * omega, omega * omega
        predicted_s = self._time_s + n * self._period_s
        e = monotonic_s - predicted_s
        self._time_s = predicted_s + b * e
        self._period_s += c * e / n
        self._samples = samples

    @property
    def running(self) -> bool:
        return self._samples is not None

    def monotonic_of(self, stream_s: float) -> float:
        """Monotonic seconds at which the stream reaches stream_s."""
        if self._samples is None:
            raise RuntimeError("the stream has not started: no block has been counted yet")
        return self._time_s + (stream_s * self.rate - self._samples) * self._period_s

    def stream_of(self, monotonic_s: float) -> float:
        """Stream seconds at a monotonic moment."""
        if self._samples is None:
            raise RuntimeError("the stream has not started: no block has been counted yet")
        return (self._samples + (monotonic_s - self._time_s) / self._period_s) / self.rate
