"""Puts the main loop to sleep, measures how late it wakes up, in a histogram of fixed size, and how long it renders."""

from __future__ import annotations

import time
from bisect import bisect_left
from itertools import accumulate

POLL_S = (0.001, 0.005)  # shortest and longest sleep while no MIDI is due
REST_S, REST_AHEAD_S = 0.010, 0.060  # the same while nothing sounds, nor will for so long
SPIN_S = 0.0003  # the last stretch before a MIDI message is due is waited for awake
FIRST_S, RATIO, BINS = 10e-6, 1.25, 64  # 10 us to 12 s


class Wakes:
    """One thread's wakeups. poll_s: how long it may sleep without the loudspeaker running out of sound."""

    def __init__(self, poll_s: float) -> None:
        self._poll_s = min(max(poll_s, POLL_S[0]), POLL_S[1])
        self._counts = [0] * BINS
        self._upper_s = [FIRST_S * RATIO**i for i in range(BINS)]
        self.max_s = 0.0

    def sleep(self, due_s: float, rests: bool) -> None:
        """Until something may have to be done; not beyond the moment due_s (monotonic). rests: nothing sounds."""
        now_s = time.monotonic()
        wait_s = min(REST_S if rests else self._poll_s, due_s - now_s - SPIN_S)
        if wait_s > 0:
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


PIECES = (64, 128, 256, 512)  # samples that are rendered before the MIDI port is looked at again
FIRST_PIECE_S, LONGEST_WAIT_S = 0.0004, 0.0012  # of a piece, until it was measured; that is waited awake for a message
FADES = 0.99  # of the slowest time, piece by piece


class RenderTimes:
    """How long pieces take to render: the slowest lately, by size."""

    def __init__(self) -> None:
        self._slowest_s = dict.fromkeys(PIECES, FIRST_PIECE_S)

    def add(self, samples: int, took_s: float) -> None:
        size = _size_of(samples)
        self._slowest_s[size] = max(took_s, FADES * self._slowest_s[size])

    def that_fits(self, left_s: float, samples: int) -> int:
        """Return how many of these samples are rendered within left_s, as a piece; 0 where too little time is left."""
        sizes = [size for size in PIECES if size <= _size_of(samples)]
        fits = max((size for size in sizes if self._slowest_s[size] < left_s), default=0)
        return fits or (sizes[0] if left_s > LONGEST_WAIT_S else 0)


def _size_of(samples: int) -> int:
    return next((one for one in PIECES if one >= samples), PIECES[-1])
