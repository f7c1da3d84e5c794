"""How late sleep() wakes up: a histogram of fixed size, its tail and its worst."""

from __future__ import annotations

import time

import numpy as np

FIRST_S, RATIO, BINS = 10e-6, 1.25, 64  # 10 us to 12 s


class Lateness:
    """One thread's wakeups."""

    def __init__(self) -> None:
        self._counts = np.zeros(BINS, np.int64)
        self._upper_s = FIRST_S * RATIO ** np.arange(BINS)
        self.max_s = 0.0

    def sleep(self, wait_s: float) -> None:
        """time.sleep, and count by how much it was too long."""
        due_s = time.monotonic() + wait_s
        time.sleep(wait_s)
        self.add(time.monotonic() - due_s)

    def add(self, late_s: float) -> None:
        self._counts[min(int(self._upper_s.searchsorted(late_s)), BINS - 1)] += 1
        self.max_s = max(self.max_s, late_s)

    @property
    def p99_s(self) -> float:
        """99 in 100 were no later than this, to a quarter."""
        total = int(self._counts.sum())
        if not total:
            return 0.0
        return float(self._upper_s[int(np.cumsum(self._counts).searchsorted(0.99 * total))])
