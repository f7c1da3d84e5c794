"""Decides when nothing is worth recording: nobody plays and the band is silent. Samples in, what to do with them out.

A daemon that waits for its player would write gigabytes of a room's noise an hour. What came PREROLL_S before the first
sound is kept.
"""

from __future__ import annotations

from collections import deque

import numpy as np
from numpy.typing import NDArray

REST_S = 30.0  # without a note or a sound of the band, after which recording pauses
PREROLL_S = 2.0  # of the bass that are kept from before
LOUD = 8.0  # times the room's noise: something happens, whether it is a note or not
LEAST = 0.003  # of full scale, below which nothing is loud
SILENCE = 1e-5  # -100 dB: what is left of a reverb
FALL_S = 10.0  # over which the room's noise is measured

Float32 = NDArray[np.float32]


class RestGate:
    """Says of each piece of the bass what is to be written: pieces, and how many samples are left out before them."""

    def __init__(self, rate_hz: int) -> None:
        self._rate_hz = rate_hz
        self._quiet = 0  # samples since something happened
        self._noise = 0.0  # the room's peak, falling and rising slowly
        self._held: deque[Float32] = deque()
        self._held_count = 0
        self.closed = False
        self.left_out = 0  # samples of this rest

    def happened(self) -> None:
        """Note that something was heard, or that the band sounds."""
        self._quiet = 0

    def bass(self, samples: Float32) -> tuple[int, list[Float32]]:
        """Return (samples to leave out, pieces to write after them)."""
        peak = float(np.abs(samples).max(initial=0.0))
        if peak > max(LOUD * self._noise, LEAST) and self._noise > 0.0:
            self.happened()
        share = min(len(samples) / (FALL_S * self._rate_hz), 1.0)
        self._noise += share * (peak - self._noise) if self._noise else peak
        self._quiet += len(samples)
        if self._quiet >= REST_S * self._rate_hz:
            self.closed = True
        elif self.closed:
            self.closed, self.left_out = False, 0
            pieces = [*self._held, samples]
            self._held.clear()
            self._held_count = 0
            return 0, pieces
        if not self.closed:
            return 0, [samples]
        self._held.append(samples)
        self._held_count += len(samples)
        left_out = 0
        while self._held_count - len(self._held[0]) >= PREROLL_S * self._rate_hz:
            oldest = len(self._held.popleft())
            self._held_count -= oldest
            left_out += oldest
        self.left_out += left_out
        return left_out, []

    def held(self) -> list[Float32]:
        """Return what is held back, at the end of a session."""
        return list(self._held)


def is_silent(stems: Float32) -> bool:
    return not stems.size or float(np.abs(stems).max()) < SILENCE
