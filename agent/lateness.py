"""How late sleep() wakes up: a histogram of fixed size, its tail and its worst."""

from __future__ import annotations

import time
from bisect import bisect_left
from itertools import accumulate

FIRST_S, RATIO, BINS = 10e-6, 1.25, 64  # 10 us to 12 s


class Lateness:
    """One thread's wakeups."""

    def __init__(self) -> None:
        self._counts = [0] * BINS
        self._upper_s = [FIRST_S * RATIO**i for i in range(BINS)]
        self.max_s = 0.0

    def sleep(self, wait_s: float) -> None:
        """time.sleep, and count by how much it was too long."""
        due_s = time.monotonic() + wait_s
        time.sleep(wait_s)
        self.add(time.monotonic() - due_s)

    def add(self, late_s: float) -> None:
        self._counts[min(bisect_left(self._upper_s, late_s), BINS - 1)] += 1
        self.max_s = max(self.max_s, late_s)

    @property
    def p99_s(self) -> float:
        """99 in 100 were no later than this, to a quarter."""
        upto = list(accumulate(self._counts))
        return self._upper_s[bisect_left(upto, 0.99 * upto[-1])] if upto[-1] else 0.0
