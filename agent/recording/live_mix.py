"""Mixes what is recorded: the bass through its strip and the band, limited, in steps of fixed size."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from agent.mixing.bass_strip import BassStrip
from agent.mixing.block_filter import BLOCK
from agent.mixing.limiter import Limiter

Float32 = NDArray[np.float32]

LOOK_S = 2.0  # how long before it is mixed the bass is measured
MIX_STEP_S = 0.5  # the mix is made in steps of fixed size, so that it does not depend on how the sound arrives
MAX_LAG_S = 12.0  # how long the mix waits for the slower side before it takes silence instead
DIES_AWAY_STEPS = 8  # of silence, after which nothing is left in strip and limiter


class Mix:
    """Mixes bass and band sample by sample, limited, in steps of fixed size.

    Calls write(float32 [n, 2]) with the mix, and write_bass(float32 [n, 2]) with the bass as it is in it: through its
    strip, and what a loop plays with it. The strip hears the bass LOOK_S before it is mixed. skip(count) instead of
    both where nothing was recorded and everything has died away.
    """

    def __init__(
        self,
        rate_hz: int,
        write: Callable[[Float32], None],
        write_bass: Callable[[Float32], None],
        skip: Callable[[int], None] | None = None,
    ) -> None:
        self._write, self._write_bass, self._skip = write, write_bass, skip
        self._quiet = 0  # steps in a row in which nothing was recorded
        self._limiter, self._strip = Limiter(rate_hz), BassStrip(rate_hz)
        self._step = max(int(MIX_STEP_S * rate_hz) // BLOCK, 1) * BLOCK
        self._max_lag = int(MAX_LAG_S * rate_hz)
        self._bass, self._band = _Lane(1), _Lane(3)
        self._steps: deque[tuple[Float32, Float32] | None] = deque()  # (bass, band) that the strip has heard; a skip
        self._ahead = max(round(LOOK_S * rate_hz / self._step), 1)
        self._taken, self._given = 0, -BLOCK  # samples in and out; the limiter gives out BLOCK of silence first

    def add_bass(self, samples: Float32) -> None:
        """Append the bass, [n]."""
        self._bass.add(samples[:, None])
        self._advance()

    def add_band(self, samples: Float32, loop: Float32 | None = None) -> None:
        """Append what the band sounded, [n, 2], and the loop beside it, [n, 2]."""
        mono = np.zeros(len(samples), np.float32) if loop is None else loop.mean(axis=1)
        self._band.add(np.column_stack([samples, mono]))
        self._advance()

    def skip_bass(self, count: int) -> None:
        """Append silence of the bass that was not recorded."""
        self._bass.skip(count)
        self._advance()

    def skip_band(self, count: int) -> None:
        """Append silence of the band that was not recorded."""
        self._band.skip(count)
        self._advance()

    def finish(self) -> None:
        """Mix and write everything that has come."""
        while (count := max(self._bass.count, self._band.count)) > 0:
            self._hear(min(self._step, count))
        while self._steps:
            self._mix_step()
        self._put(self._limiter.flush())

    def _advance(self) -> None:
        low, high = sorted((self._bass.count, self._band.count))
        while low >= self._step or high >= self._max_lag:
            self._hear(self._step)
            low, high = low - self._step, high - self._step
            if len(self._steps) > self._ahead:
                self._mix_step()

    def _hear(self, count: int) -> None:
        """Take in a step; the last one is filled up with silence to whole blocks."""
        is_skip = count == self._step and self._bass.skips(count) and self._band.skips(count)
        self._quiet = self._quiet + 1 if is_skip else 0
        if self._skip and self._quiet > DIES_AWAY_STEPS:
            self._bass.take(count)
            self._band.take(count)
            self._steps.append(None)
            self._taken += count
            return
        whole = -(-count // BLOCK) * BLOCK
        bass, band = np.zeros(whole, np.float32), np.zeros((whole, 3), np.float32)
        bass[:count], band[:count] = self._bass.take(count)[:, 0], self._band.take(count)
        np.nan_to_num(bass, copy=False, posinf=0.0, neginf=0.0)
        np.clip(bass, -1.0, 1.0, out=bass)
        bass += band[:, 2]
        np.nan_to_num(band, copy=False, posinf=0.0, neginf=0.0)
        self._strip.observe(bass)
        self._steps.append((bass, band[:, :2]))
        self._taken += count

    def _mix_step(self) -> None:
        step = self._steps.popleft()
        if step is None:
            if self._skip:
                self._skip(self._step)
            self._given += self._step
            return
        bass, band = step
        treated = np.repeat(self._strip.process(bass)[:, None], 2, axis=1)
        self._write_bass(treated[: self._taken - self._given - BLOCK])
        self._put(self._limiter.step(treated + band))

    def _put(self, mixed: Float32) -> None:
        """Write what the limiter gave, without the silence before the beginning and what fills the last block."""
        self._write(mixed[max(-self._given, 0) : self._taken - self._given])
        self._given += len(mixed)


class _Lane:
    """Holds sound until the other side has come. Sound taken too early is silence, and skipped when it comes."""

    def __init__(self, channels: int) -> None:
        self._channels = channels
        self._chunks: deque[Float32 | int] = deque()  # a number: so many samples of silence
        self.count = 0  # samples waiting; negative: that many were taken as silence already

    def add(self, samples: Float32) -> None:
        fresh = samples[max(0, -self.count) :]
        self.count += len(samples)
        if len(fresh):
            self._chunks.append(fresh)

    def skip(self, count: int) -> None:
        """Append silence."""
        fresh = count - max(0, -self.count)
        self.count += count
        if fresh > 0:
            last = self._chunks[-1] if self._chunks else None
            if isinstance(last, int):
                self._chunks[-1] = last + fresh
            else:
                self._chunks.append(fresh)

    def skips(self, count: int) -> bool:
        """Return whether the next `count` samples are silence that was not recorded."""
        head = self._chunks[0] if self._chunks else 0
        return isinstance(head, int) and head >= count

    def take(self, count: int) -> Float32:
        """Return float32 [count, channels], filled with zeros where nothing has come yet."""
        taken = np.zeros((count, self._channels), np.float32)
        done = 0
        while done < count and self._chunks:
            chunk = self._chunks.popleft()
            if isinstance(chunk, int):
                used = min(chunk, count - done)
                done += used
                if used < chunk:
                    self._chunks.appendleft(chunk - used)
                continue
            piece = chunk[: count - done]
            taken[done : done + len(piece)] = piece
            done += len(piece)
            if len(piece) < len(chunk):
                self._chunks.appendleft(chunk[len(piece) :])
        self.count -= count
        return taken
