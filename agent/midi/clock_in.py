"""Follows incoming MIDI clock: 24 ticks a quarter, start, stop, continue and song position become a beat grid.

The ticks run through a delay-locked loop (Adriaensen, "Using a DLL to filter time", LAC 2005) whose coefficients
begin as a least-squares line through the first ticks (the alpha-beta filter of growing memory) and settle at
MEMORY_TICKS; when the errors show that the tempo moves, the loop forgets it and learns it again.
"""

from __future__ import annotations

import math
from collections import deque
from itertools import pairwise
from statistics import fmean

from agent.core.midi_constants import (
    CLOCKS_PER_QUARTER,
    CLOCKS_PER_SIXTEENTH,
)
from listener.types import Grid, Meter

MEMORY_TICKS = 48  # two beats: +-3 ms of jitter become less than 1 ms
FRESH_TICKS = 8  # what is kept of the memory when the tempo moves
SURE_TICKS = 24  # before so many no hole is taken for lost ticks: the first moments of a port may be late by 20 ms
LOST_SIGMAS = 3.0  # a tick later than so much jitter may be the one after
BIAS_TICKS = 12  # over so many the mean error is watched
BIAS_SIGMAS, LEAST_JITTER_S, FIRST_JITTER_S = 4.5, 0.0003, 0.002
GONE_S = 1.0  # a clock silent for so long has gone; a shorter hole is a hole
JUMP_GAPS = 6  # so many gaps that fit no tick are a new tempo, not ticks lost
TEMPO_BPM = (20.0, 400.0)  # quarters; gaps outside these are no tempo


class TickLoop:
    """Predicts when tick number n was or will be from the times of the ticks so far. Lost ticks are counted."""

    def __init__(self) -> None:
        self.number = -1  # of the last tick, those lost counted too
        self.lost = 0
        self._time_s, self._period_s = 0.0, 0.0
        self._memory = self._age = self._missed = 0
        self._bias_s, self._jitter_s, self._last_e = 0.0, FIRST_JITTER_S, 0.0
        self._ticks: deque[tuple[float, int]] = deque(maxlen=JUMP_GAPS + 1)  # (when, how many ticks after the last)

    @property
    def locked(self) -> bool:
        return self._memory >= FRESH_TICKS

    @property
    def period_s(self) -> float:
        return self._period_s

    def time_of(self, number: float) -> float:
        return self._time_s + (number - self.number) * self._period_s

    def push(self, at_s: float) -> None:
        """Take one more tick, at at_s seconds.

        After GONE_S of silence (a cable was pulled) the tempo is learned again, and the count goes on as if the ticks
        had kept coming.
        """
        gap_s = at_s - self._ticks[-1][0] if self._ticks else GONE_S
        if gap_s >= GONE_S:
            self._begin(at_s, max(1, round(gap_s / self._period_s)) if self.locked else 1)
        elif self._memory == 1:
            self._second(at_s, gap_s)
        else:
            self._filter(at_s, self._steps(at_s, gap_s))
            if self._jumped():
                self._relock()

    def _begin(self, at_s: float, steps: int) -> None:
        self.number += steps
        self._time_s, self._memory, self._age = at_s, 1, 1
        self._bias_s, self._last_e, self._missed = 0.0, 0.0, 0
        self._ticks.clear()
        self._ticks.append((at_s, 1))

    def _second(self, at_s: float, gap_s: float) -> None:
        slowest_s, fastest_s = (60 / bpm / CLOCKS_PER_QUARTER for bpm in TEMPO_BPM)
        self.number += 1
        self._time_s, self._memory = at_s, 2
        self._period_s = min(max(gap_s, fastest_s), slowest_s)
        self._ticks.append((at_s, 1))

    def _steps(self, at_s: float, gap_s: float) -> int:
        """Ticks from the last one to this one. More than one only where both the loop and the ear miss some, and by
        more than the jitter explains; none where those that seemed lost come after all, in a bunch."""
        late_s = at_s - self._time_s - self._period_s
        if self._age < SURE_TICKS:
            return 1
        if self._missed and gap_s < 0.75 * self._period_s:
            comes_after_all = late_s < -self._period_s / 2
            self._missed -= comes_after_all
            return 0 if comes_after_all else 1
        self._missed = 0
        if late_s > LOST_SIGMAS * self._jitter_s * math.sqrt(1 + 4 / self._memory):
            self._missed = max(0, min(round(late_s / self._period_s), round(gap_s / self._period_s) - 1))
        return 1 + self._missed

    def _filter(self, at_s: float, steps: int) -> None:
        n = self._memory = min(self._memory + steps, MEMORY_TICKS)
        b, c = 2 * (2 * n - 1) / (n * (n + 1)), 6 / (n * (n + 1))
        self._time_s += steps * self._period_s
        if steps == 1:  # one that closes a hole says how many were due, hardly when
            e = at_s - self._time_s
            self._time_s += b * e
            self._period_s += c * e
            self._watch(e)
        self.number += steps
        self.lost += steps - 1
        self._age += 1
        self._ticks.append((at_s, steps))

    def _watch(self, e: float) -> None:
        """Errors that lie on one side for long mean that the tempo moves."""
        share = 2 / (BIAS_TICKS + 1)
        self._bias_s += share * (e - self._bias_s)
        # from one error to the next the tempo hardly moves: what differs is jitter
        self._jitter_s += 0.05 * (max(0.9 * abs(e - self._last_e), LEAST_JITTER_S) - self._jitter_s)
        self._last_e = e
        limit_s = BIAS_SIGMAS * self._jitter_s * math.sqrt(share / (2 - share))
        if abs(self._bias_s) > limit_s and self._memory > FRESH_TICKS:
            self._memory, self._bias_s = FRESH_TICKS, 0.0

    def _jumped(self) -> bool:
        """Whether the last gaps, as a whole and each by itself, are far from the tempo that was: lost ticks make
        some gaps long, a new tempo all of them."""
        if len(self._ticks) <= JUMP_GAPS:
            return False
        gaps_s = [b - a for (a, _), (b, _) in pairwise(self._ticks)]
        limit_s = 0.25 * self._period_s + 4 * math.sqrt(2) * self._jitter_s / JUMP_GAPS
        mean_s = fmean(gaps_s) - self._period_s
        nearest_s = (min(gaps_s) if mean_s > 0 else max(gaps_s)) - self._period_s
        return abs(mean_s) > limit_s and abs(nearest_s) > limit_s / 2 and mean_s * nearest_s > 0

    def _relock(self) -> None:
        """A new tempo, from a line through the last ticks; what was taken for lost ticks in them was none."""
        times = [at_s for at_s, _ in self._ticks]
        skipped = sum(steps - 1 for _, steps in list(self._ticks)[1:])
        self.number -= skipped
        self.lost -= skipped
        self._period_s = (times[-1] - times[0]) / JUMP_GAPS
        self._time_s = sum(times) / len(times) + JUMP_GAPS / 2 * self._period_s
        self._memory, self._bias_s, self._last_e = FRESH_TICKS, 0.0, 0.0
        self._ticks = deque([(at_s, 1) for at_s in times], self._ticks.maxlen)


class MidiClock:
    """Turns MIDI clock messages with their times into a beat grid; all times are in those messages' seconds.

    There is a beat from the first ticks after a start or continue until stop, or until the clock falls silent.
    The first tick after start is the first downbeat; song position counts sixteenths from it. A beat is one
    denominator unit of `meter`.
    """

    def __init__(self, meter: Meter) -> None:
        self._meter, self._loop = meter, TickLoop()
        self._ticks_per_beat = 4 * CLOCKS_PER_QUARTER // meter.denominator
        self._song_tick = 0  # where continue goes on
        self._origin: int | None = None  # loop's number of the song's tick 0
        self._waiting = False  # started, and the first tick has not come
        self._last_s = float("-inf")

    @property
    def lost(self) -> int:
        """Ticks that were counted but did not arrive."""
        return self._loop.lost

    def push(self, at_s: float, message: bytes) -> None:
        """Take one message; those that are not clock messages are ignored."""
        match message[0]:
            case 0xF8:
                self._tick(at_s)
            case 0xFA:
                self._go(0)
            case 0xFB:
                self._go(self._song_tick)
            case 0xFC:
                self._stop()
            case 0xF2 if len(message) == 3:
                self._song_tick = (message[1] | message[2] << 7) * CLOCKS_PER_SIXTEENTH

    def _go(self, song_tick: int) -> None:
        self._song_tick, self._origin, self._waiting = song_tick, None, True

    def _stop(self) -> None:
        if self._origin is not None:
            self._song_tick = self._loop.number + 1 - self._origin
        self._origin, self._waiting = None, False

    def _tick(self, at_s: float) -> None:
        self._loop.push(at_s)
        self._last_s = at_s
        if self._waiting:
            self._origin, self._waiting = self._loop.number - self._song_tick, False

    def here(self, now_s: float) -> bool:
        """Return whether clock ticks are coming in."""
        return now_s - self._last_s < GONE_S

    def grid(self, now_s: float) -> Grid | None:
        """Return the beat as estimated now, anchored at the last beat that has come; None while there is none."""
        if self._origin is None or not self._loop.locked or not self.here(now_s):
            return None
        beat = (self._loop.number - self._origin) // self._ticks_per_beat
        anchor_s = self._loop.time_of(self._origin + beat * self._ticks_per_beat)
        period_s = self._loop.period_s * self._ticks_per_beat
        return Grid(anchor_s, beat, beat % self._meter.numerator + 1, period_s, self._meter, 1.0, 1.0)
