"""Puts the main loop to sleep and measures how late it wakes up, in a histogram of fixed size."""

from __future__ import annotations

import select
import time
from bisect import bisect_left
from collections.abc import Sequence
from itertools import accumulate
from typing import Protocol

POLL_S = (0.001, 0.005)  # shortest and longest sleep while no MIDI is due
REST_S, REST_AHEAD_S = 0.030, 0.080  # the same while nothing sounds, nor will for so long; a message ends it
SPIN_S = 0.0003  # the last stretch before a MIDI message is due is waited for awake
FIRST_S, RATIO, BINS = 10e-6, 1.25, 64  # 10 us to 12 s


class HasFileNo(Protocol):
    """A channel, as far as it is waited for."""

    def fileno(self) -> int: ...


class Wakes:
    """One thread's wakeups. poll_s: how long it may sleep without the loudspeaker running out of sound."""

    def __init__(self, poll_s: float) -> None:
        self._poll_s = min(max(poll_s, POLL_S[0]), POLL_S[1])
        self._counts = [0] * BINS
        self._upper_s = [FIRST_S * RATIO**i for i in range(BINS)]
        self.max_s = 0.0

    def sleep(self, due_s: float, rests: bool, messages: Sequence[HasFileNo] = ()) -> None:
        """Until something may have to be done; not beyond the moment due_s (monotonic). rests: nothing sounds.

        messages: channels whose next message ends a rest at once.
        """
        now_s = time.monotonic()
        wait_s = min(REST_S if rests else self._poll_s, due_s - now_s - SPIN_S)
        if wait_s <= 0:
            return
        if rests and messages:
            if select.select(messages, [], [], wait_s)[0]:
                return
        else:
            time.sleep(wait_s)
        self.add(time.monotonic() - now_s - wait_s)

    def add(self, late_s: float) -> None:
        self._counts[min(bisect_left(self._upper_s, late_s), BINS - 1)] += 1
        self.max_s = max(self.max_s, late_s)

    @property
    def p99_s(self) -> float:
        """99 in 100 were no later than this, to a quarter."""
        upto = list(accumulate(self._counts))
        return self._upper_s[bisect_left(upto, 0.99 * upto[-1])] if upto[-1] else 0.0
