"""Carry sound from the audio callback to its readers: one writer, any number of readers, none can stall it.

The writer copies a block and bumps one counter: no lock, no allocation. Each reader keeps its own place; one that falls
more than the capacity behind loses the oldest samples, learns how many, and reads on (the idea of magenta-realtime's
ring_buffer.h, with counts instead of back-pressure).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from listener.shared_memory import numbers, shared_zeros

Block = NDArray[np.float32]


class Ring:
    """A ring of float32 [capacity, channels] in memory that spawned processes share when the ring is passed to them.

    shared=False: in this process's own memory, where no other needs it.
    """

    def __init__(self, capacity: int, channels: int, shared: bool = True) -> None:
        if not shared:
            self._memory: tuple[Any, Any] | None = None
            self._setup(np.zeros(capacity * channels, np.float32), np.zeros(2, np.int64), capacity, channels)
            return
        size, memory = capacity * channels, (shared_zeros("f4", capacity * channels), shared_zeros("i8", 2))
        self._memory = memory
        self._setup(numbers(memory[0], "f4")[:size], numbers(memory[1], "i8"), capacity, channels)

    def _setup(self, samples: Any, counter: Any, capacity: int, channels: int) -> None:
        self.capacity, self.channels = capacity, channels
        self._samples: Block = samples.reshape(capacity, channels)
        self._counter: NDArray[np.int64] = counter

    def __getstate__(self) -> tuple[Any, ...]:
        if self._memory is None:
            raise TypeError("a ring in this process's own memory cannot be passed to another")
        return (*self._memory, self.capacity, self.channels)

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        samples, counter, capacity, channels = state
        self._memory = samples, counter
        self._setup(numbers(samples, "f4")[: capacity * channels], numbers(counter, "i8"), capacity, channels)

    @property
    def addresses(self) -> tuple[int, int]:
        """Return where its samples and its counter lie in this process's memory, for a writer or reader in C."""
        return self._samples.ctypes.data, self._counter.ctypes.data

    @property
    def written(self) -> int:
        """Return the samples written since the start. Any thread or process."""
        return int(self._counter[0])

    @property
    def ended(self) -> bool:
        """Return whether the writer has called `end`. Any thread or process."""
        return bool(self._counter[1])

    def end(self) -> None:
        """Mark the end: nothing more will be written. The writer's thread only."""
        self._counter[1] = 1

    def write(self, block: Block) -> None:
        """Append block [n, channels], n <= capacity. The writer's thread only (the audio callback)."""
        start = self._counter[0] % self.capacity
        first = min(len(block), self.capacity - start)
        self._samples[start : start + first] = block[:first]
        if first < len(block):
            self._samples[: len(block) - first] = block[first:]
        self._counter[0] += len(block)

    def silence(self, until: int) -> None:
        """Write zeros up to sample `until`, at the cost of one capacity at most. The writer's thread only."""
        n = until - self.written
        if n <= 0:
            return
        start, shown = until % self.capacity, min(n, self.capacity)
        first = min(shown, start)
        self._samples[start - first : start] = 0.0
        self._samples[self.capacity - (shown - first) :] = 0.0
        self._counter[0] += n

    def begin_at(self, sample: int) -> None:
        """Count from `sample` on. The writer's thread only, and only without readers."""
        self._counter[0] = sample

    def reader(self) -> Reader:
        """Return a reader that starts at what is written next."""
        return Reader(self, self.written)


class Reader:
    """Reads a ring from a place of its own; used by one thread. dropped: samples lost to the writer so far."""

    def __init__(self, ring: Ring, position: int = 0) -> None:
        self.ring, self.position, self.dropped = ring, position, 0

    @property
    def available(self) -> int:
        return self.ring.written - self.position

    @property
    def at_end(self) -> bool:
        return self.ring.ended and self.available == 0

    def skip_to_multiple(self, samples: int) -> None:
        """Go on from the next position that is a multiple of `samples`."""
        self.position = -(-self.position // samples) * samples

    def read(self, n: int) -> Block:
        """Return a copy of the next n samples [n, channels], fewer if fewer are there. Lost samples are zeros."""
        n = max(min(n, self.available), 0)
        out = self._copy(n)
        # what the writer may have overwritten before or during the copy is not what was played
        lost = min(max(self.ring.written - self.ring.capacity - self.position, 0), n)
        out[:lost] = 0.0
        self.dropped += lost
        self.position += n
        return out

    def _copy(self, n: int) -> Block:
        start = self.position % self.ring.capacity
        if start + n <= self.ring.capacity:
            return self.ring._samples[start : start + n].copy()
        index = (self.position + np.arange(n)) % self.ring.capacity
        return self.ring._samples[index]

    def read_into(self, out: Block) -> int:
        """Fill out [n, channels] without allocating; missing samples become zeros. Returns how many were missing."""
        n = min(len(out), max(self.available, 0))
        start = self.position % self.ring.capacity
        first = min(n, self.ring.capacity - start)
        out[:first] = self.ring._samples[start : start + first]
        out[first:n] = self.ring._samples[: n - first]
        out[n:] = 0.0
        self.position += n
        return len(out) - n
