"""Converts between samples of the capture stream and monotonic seconds.

It uses CLOCK_MONOTONIC only, so changes of the time of day do not matter.
"""

from __future__ import annotations

import math
from ctypes import Array, c_double
from multiprocessing import get_context

import numpy as np
from numpy.typing import NDArray

JUMP_S = 0.5  # a pair this far from where the loop expects it is not jitter: the loop restarts from it


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
        """Take one pair; pairs may be skipped. After a gap longer than 0.5 s or a jump the loop restarts, the
        period it had found kept."""
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
        self._samples = samples
        if abs(e) > JUMP_S:
            self._time_s = monotonic_s
            return
        self._time_s = predicted_s + b * e
        self._period_s += c * e / n

    def resume(self, pair: tuple[int, float, float]) -> None:
        """Go on from (samples, monotonic seconds, seconds a sample) of an earlier loop; it need not be recent."""
        self._samples, self._time_s, self._period_s = pair

    def coast(self, monotonic_s: float) -> None:
        """Go on to this moment without a pair: nothing changes but where the next one is expected from."""
        samples = max(self.sample_at(monotonic_s), self.pair[0])
        self._samples, self._time_s = samples, self.monotonic_of(samples / self.rate)

    def pause(self, seconds: float) -> None:
        """The stream stood still for so long: what comes next follows what came last."""
        self._time_s += seconds

    @property
    def pair(self) -> tuple[int, float, float]:
        """(samples, monotonic seconds, seconds a sample) of the last update, smoothed: what `resume` takes."""
        if self._samples is None:
            raise RuntimeError("the stream has not started: no block has been counted yet")
        return self._samples, self._time_s, self._period_s

    @property
    def running(self) -> bool:
        return self._samples is not None

    def monotonic_of(self, stream_s: float) -> float:
        """Monotonic seconds at which the stream reaches stream_s."""
        samples, time_s, period_s = self.pair
        return time_s + (stream_s * self.rate - samples) * period_s

    def stream_of(self, monotonic_s: float) -> float:
        """Stream seconds at a monotonic moment."""
        samples, time_s, period_s = self.pair
        return (samples + (monotonic_s - time_s) / period_s) / self.rate

    def sample_at(self, monotonic_s: float) -> int:
        """The stream's sample at a monotonic moment."""
        return round(self.stream_of(monotonic_s) * self.rate)


class SharedStamp:
    """Keeps the clock's last pair in memory that outlives the audio process, so that the next process goes on from it.

    One writer at a time (the audio process's main loop), any number of readers.
    """

    def __init__(self) -> None:
        self._setup(get_context("spawn").RawArray("d", 4))  # how often written, then the pair

    def _setup(self, raw: Array[c_double]) -> None:
        self._raw = raw
        self._values: NDArray[np.float64] = np.frombuffer(memoryview(raw), np.float64)

    def __getstate__(self) -> Array[c_double]:
        return self._raw

    def __setstate__(self, raw: Array[c_double]) -> None:
        self._setup(raw)

    def write(self, pair: tuple[int, float, float]) -> None:
        values = self._values
        values[0] = int(values[0]) | 1  # odd: being written
        values[1:] = pair
        values[0] += 1

    def read(self) -> tuple[int, float, float] | None:
        """(samples, monotonic seconds, seconds a sample); None before the stream has started."""
        for _ in range(100):
            count = self._values[0]
            samples, time_s, period_s = self._values[1:].tolist()
            if count == self._values[0] and count % 2 == 0:
                return (int(samples), time_s, period_s) if count else None
        # its writer died in the middle: what stands there is whole but for one of three neighbouring numbers
        return (int(samples), time_s, period_s) if period_s > 0 else None
