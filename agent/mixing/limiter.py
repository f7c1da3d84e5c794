"""Limits true peaks with a look-ahead of one block; below the ceiling nothing changes."""

from __future__ import annotations

import sys

import numpy as np
from numpy.typing import NDArray

from agent.mixing.block_filter import BLOCK

CEILING_DB = -1.3  # true peak; a little under the -1 dBTP that is promised
CEILING = 10 ** (CEILING_DB / 20)
HOLD_S = 0.03  # longer than a period of E1 (24 ms), so that the bass is not bent within its own cycle
RELEASE_DB_S = 60.0
PHASES, TAPS = 4, 12  # of the interpolator: BS.1770-4 asks for fourfold
Sound = NDArray[np.float32]


def _interpolator() -> Sound:
    """Return the polyphase filter [taps, phases] that gives the three values between two samples, and the sample."""
    at = (np.arange(PHASES * TAPS) - PHASES * TAPS / 2) / PHASES
    filter_ = np.sinc(at) * np.cos(np.pi * at / TAPS) ** 2
    phases = filter_.reshape(TAPS, PHASES)
    scaled: Sound = (phases / phases.sum(axis=0))[::-1].astype(np.float32)
    return np.ascontiguousarray(scaled)


class TruePeak:
    """Measures the true peak of each block of 64 samples, stereo, with the sound around it as it goes on."""

    def __init__(self) -> None:
        self._filter = _interpolator()
        self._before = np.zeros((TAPS - 1, 2), np.float32)

    def __call__(self, sound: Sound) -> NDArray[np.float32]:
        """Return the peak of each block of float [n, 2], n a multiple of 64; it may lie 6 samples late."""
        whole = np.concatenate([self._before, sound])
        self._before = whole[len(whole) - (TAPS - 1) :].copy()
        peaks: NDArray[np.float32] = np.abs(sound).reshape(-1, 2 * BLOCK).max(axis=1)
        loud = np.flatnonzero(peaks > 0.5 * CEILING)  # between samples hardly more than 6 dB is hidden
        if len(loud):
            windows = np.lib.stride_tricks.sliding_window_view(whole, TAPS, axis=0).reshape(-1, BLOCK, 2, TAPS)
            between = np.abs(windows[loud] @ self._filter).reshape(len(loud), -1).max(axis=1)
            peaks[loud] = np.maximum(peaks[loud], between)
        return peaks


class HeldGain:
    """Follows the gain that is allowed, block by block: down at once, held for HOLD_S, then up by RELEASE_DB_S."""

    def __init__(self, rate_hz: int) -> None:
        self._hold = max(1, round(HOLD_S * rate_hz / BLOCK))
        self._release = 10 ** (RELEASE_DB_S / 20 * BLOCK / rate_hz)
        self._wait = 0  # blocks until it may rise
        self.now = 1.0

    def next(self, allowed: float) -> float:
        """Return the gain at the end of the next block, at most `allowed`."""
        if allowed <= self.now:
            self._wait, self.now = self._hold, allowed
        elif self._wait:
            self._wait -= 1
        else:
            self.now = min(allowed, self.now * self._release)
        return self.now


class Limiter:
    """Limits stereo sound: step() gives what is ready, BLOCK samples later than it came in; flush() the rest.

    A block's gain is what its true peak needs. Where blocks meet it is the lower of both, held for HOLD_S and then
    released; within a block it runs straight, so no sample gets more than its block allows.
    """

    def __init__(self, rate_hz: int, ceiling_db: float = CEILING_DB) -> None:
        self._peak = TruePeak()
        self._ceiling = 10 ** (ceiling_db / 20)
        self._gain = HeldGain(rate_hz)  # now: where the block held back begins
        self._ramp = ((np.arange(BLOCK, dtype=np.float32) + 1) / BLOCK)[:, None]
        self._held = np.zeros((BLOCK, 2), np.float32)
        self._need = 1.0  # what the block held back needs
        self._empty = True

    @property
    def idle(self) -> bool:
        """Return whether nothing is held back and nothing is turned down."""
        return self._empty and self._gain.now == 1.0

    def step(self, sound: Sound) -> Sound:
        """Take float32 [n, 2], n a multiple of 64; return as many samples, those of 64 samples ago first."""
        out = np.concatenate([self._held, sound])
        self._held = out[len(sound) :].copy()
        out = out[: len(sound)]
        peaks = self._peak(sound)
        self._empty = not len(peaks) or (float(peaks[-1]) == 0.0 and len(peaks) > 0)
        if self._gain.now == 1.0 and self._need == 1.0 and not (peaks > self._ceiling).any():
            return out
        needs = np.minimum(1.0, self._ceiling / np.maximum(peaks.astype(np.float64), 1e-9))
        low, i = np.flatnonzero(needs < 1.0), -1
        while (i := self._next(i + 1, low)) < len(peaks):
            need = float(needs[i])
            begin, end = self._gain.now, self._gain.next(min(self._need, need))
            block = out[i * BLOCK : (i + 1) * BLOCK]
            block *= begin + (end - begin) * self._ramp
            self._need = need
        return out

    def _next(self, i: int, low: NDArray[np.int64]) -> int:
        """Return the first block from i on that is turned down. low: those that need it."""
        if self._gain.now < 1.0 or self._need < 1.0:
            return i
        at = int(np.searchsorted(low, i))
        return int(low[at]) if at < len(low) else sys.maxsize

    def flush(self) -> Sound:
        """Return the 64 samples that are held back."""
        return self.step(np.zeros((BLOCK, 2), np.float32))
