"""Sends MIDI clock: 24 ticks a quarter, start, stop, continue and song position, from the grid the band plays on."""

from __future__ import annotations

import math
from collections import deque

from agent.core.midi_constants import (
    CLOCK,
    CLOCKS_PER_QUARTER,
    CLOCKS_PER_SIXTEENTH,
    CONTINUE,
    SONG_POSITION,
    START,
    STOP,
)
from agent.core.types import Plan
from listener.types import Grid, Meter

Message = tuple[int, ...]

CLOCKS_PER_WHOLE = 4 * CLOCKS_PER_QUARTER
POSITION_MAX = 1 << 14
GLIDE = 0.08  # a clock interval differs at most so much from the grid's while an error of phase is taken out
START_AHEAD_S = 0.004  # the receiver wants a moment between start and the first clock, which is the beat
REST_BARS = 8  # without a note planned for so long the band has ended
# without a plan for so long, too: the last bar has been repeated often enough (agent/engine/fallback_pattern.py)
ALONE_BARS = 34
STALL_S = 0.1  # clocks later than this are not made up for


def clocks_per_beat(meter: Meter) -> int:
    """Return the clock ticks of one beat, the meter's denominator: 24 in x/4, 12 in x/8."""
    return CLOCKS_PER_WHOLE // meter.denominator


class ClockOut:
    """Makes MIDI clock messages that follow a grid without jumps. One clock tick is a 24th of a quarter.

    A grid that differs is met within GLIDE of its tempo, so that clocks come neither in bursts nor with gaps. One that
    is off by half a beat or more (the player jumped, or another beat is the one) is met with stop, song position and
    continue on its next 16th. Messages leave advance_s early. Times are stream seconds.
    """

    def __init__(self, advance_s: float = 0.0) -> None:
        self.advance_s = advance_s
        self._grid: Grid | None = None
        self._one = 0  # number of a clock that lies on a downbeat
        self._next = 0  # number of the next clock
        self._next_s = math.inf
        self._begin: Message | None = None  # start or continue, still to be sent before the next clock
        self._running = False  # whether start was sent
        self._waiting: deque[Message] = deque()  # leave at once
        self._rest_ends_s = self._ends_s = math.inf

    def push(self, plan: Plan, now_s: float) -> None:
        """Follow the band: from its first note's downbeat until it has lost the beat or rested for REST_BARS."""
        grid, notes = plan.grid, (*plan.committed, *plan.tentative)
        bar_s = grid.period_s * grid.meter.numerator if grid else 0.0
        if notes:
            self._rest_ends_s = max(note.on_s for note in notes) + REST_BARS * bar_s
        if grid is None or (not notes and (self._grid is None or now_s > self._rest_ends_s)):
            return self.follow(None, now_s)
        self._ends_s = now_s + ALONE_BARS * bar_s
        starts_s = now_s if self._grid else min(note.on_s for note in notes) - grid.period_s / 2
        return self.follow(grid, max(now_s, starts_s))

    def follow(self, grid: Grid | None, now_s: float) -> None:
        """Go by this grid from now_s on; starts on its next downbeat. None: stop."""
        if grid is None:
            return self._stop()
        before, self._grid = self._grid, grid
        if before is None:
            self._waiting.append((SONG_POSITION, 0, 0))
            self._start(grid, now_s)
        elif self._begin == (START,):
            self._start(grid, max(now_s, self._next_s - grid.period_s / 2))
        else:
            self._meet(grid, before.meter, now_s)
        return None

    def _stop(self) -> None:
        if self._running:
            self._waiting.append((STOP,))
        self._grid, self._begin, self._running, self._next_s = None, None, False, math.inf
        self._ends_s = math.inf

    def _start(self, grid: Grid, now_s: float) -> None:
        beat = math.ceil(grid.beat_at(now_s + self.advance_s + START_AHEAD_S))
        beat += (1 - grid.position_of(beat)) % grid.meter.numerator
        self._one = self._next = 0
        self._begin, self._next_s = (START,), grid.time_of(beat)

    def _meet(self, grid: Grid, before: Meter, now_s: float) -> None:
        """Keep the number of the next clock unless the grid puts it half a beat or more away."""
        error, per_beat = self._error(grid), clocks_per_beat(grid.meter)
        if grid.meter != before:  # what was counted stays; where the one lies is new
            self._one -= round(error / per_beat) * per_beat
        elif abs(error) > per_beat / 2:
            self._relocate(grid, error, now_s)
        elif self._begin:
            self._next_s -= error * grid.period_s / per_beat

    def _error(self, grid: Grid) -> float:
        """Clocks by which the grid is ahead of our count at the time of the next clock, within half a bar."""
        per_beat = clocks_per_beat(grid.meter)
        per_bar = per_beat * grid.meter.numerator
        beat = grid.beat_at(self._next_s)
        whole = math.floor(beat)
        theirs = (grid.position_of(whole) - 1 + beat - whole) * per_beat
        return (theirs - (self._next - self._one) + per_bar / 2) % per_bar - per_bar / 2

    def _relocate(self, grid: Grid, error: float, now_s: float) -> None:
        """Stop; go on at the first 16th that can still be announced, under the number it has on the grid."""
        clock_s = grid.period_s / clocks_per_beat(grid.meter)
        place = self._next + error + max(0.0, now_s + self.advance_s + START_AHEAD_S - self._next_s) / clock_s
        step = math.ceil(place / CLOCKS_PER_SIXTEENTH)
        self._next_s += (step * CLOCKS_PER_SIXTEENTH - self._next - error) * clock_s
        steps_per_bar = grid.meter.numerator * clocks_per_beat(grid.meter) // CLOCKS_PER_SIXTEENTH
        step += steps_per_bar * max(0, math.ceil(-step / steps_per_bar))
        self._next, position = step * CLOCKS_PER_SIXTEENTH, step % POSITION_MAX
        if self._running:
            self._waiting.append((STOP,))
        self._waiting.append((SONG_POSITION, position & 127, position >> 7))
        self._begin, self._running = (CONTINUE,), False

    def next_send_s(self) -> float:
        """When the next message must leave; infinity while stopped."""
        if self._waiting:
            return -math.inf
        return self._next_s - self.advance_s - (START_AHEAD_S if self._begin else 0.0)

    def due(self, until_s: float) -> list[Message]:
        """Every message that must leave before until_s, in order; after a stall it goes on where the grid is now."""
        if until_s > self._ends_s:
            self._stop()
        if self._grid and self._next_s < until_s + self.advance_s - STALL_S:
            self._relocate(self._grid, self._error(self._grid), until_s)
        messages = list(self._waiting)
        self._waiting.clear()
        while self._grid and self.next_send_s() < until_s:
            messages.append(self._begin or (CLOCK,))
            if self._begin:
                self._begin, self._running = None, True
            elif self._grid:
                self._tick(self._grid)
        return messages

    def _tick(self, grid: Grid) -> None:
        """The next clock: an even step of the grid's tempo, and a part of what is still missing."""
        clock_s = grid.period_s / clocks_per_beat(grid.meter)
        self._next += 1
        self._next_s += clock_s
        error = self._error(grid)
        self._next_s -= clock_s * min(max(error, -GLIDE), GLIDE)
