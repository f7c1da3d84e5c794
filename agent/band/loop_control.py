"""The mind's side of a loop: when the riff begins and ends, and the beat that is the loop's own while it plays.

The samples are agent/engine/looper.py's, in the audio process; here are only times.
"""

from __future__ import annotations

from dataclasses import replace

from agent.core.messages import PlayLoop, StopLoop
from listener.types import Grid

SETTLED_S = 0.2  # after its beginning the bar line of the first beat is known best
SETTLES_S = 0.1  # it moves by less
STEPS_PER_S = 300  # the loop's length is a whole number of samples at 44.1, 48 and 96 kHz, so it never drifts


class Looping:
    """Records from begin() to close(), repeats until stop()."""

    def __init__(self) -> None:
        self._beat, self._beats = 0, 0  # of the grid, at which the riff begins; how many
        self._start_s: float | None = None  # while it is recorded
        self._settled = False
        self._plays = False

    def begin(self, beat: int, beats: int, grid: Grid) -> PlayLoop:
        """The riff begins at beat number `beat` and will be `beats` long; what the audio process needs to record."""
        self._beat, self._beats, self._settled = beat, beats, False
        self._start_s = grid.time_of(beat)
        return PlayLoop(self._start_s, grid.time_of(beat + beats))

    def push(self, grid: Grid | None, time_s: float) -> None:
        """Once a frame: take the first beat's time from when it was just heard."""
        if self._start_s is None or self._settled or grid is None or time_s < self._start_s + SETTLED_S:
            return
        heard_s, self._settled = grid.time_of(self._beat), True
        if abs(heard_s - self._start_s) < SETTLES_S:
            self._start_s = heard_s

    def close(self, beat: int, grid: Grid) -> tuple[PlayLoop, Grid]:
        """The riff ends at beat number `beat`; the beat of the loop from there on."""
        assert self._start_s is not None
        length_s = round((grid.time_of(beat) - self._start_s) * STEPS_PER_S) / STEPS_PER_S
        end_s = self._start_s + length_s
        own = replace(grid, anchor_s=end_s, index=beat, position=1, period_s=length_s / self._beats)
        wish, self._start_s, self._plays = PlayLoop(self._start_s, end_s), None, True
        return wish, own

    def stop(self, at_s: float) -> StopLoop | None:
        """At a bar line; one that is still being recorded is called off."""
        if self._start_s is not None:
            at_s, self._start_s = self._start_s, None
        elif not self._plays:
            return None
        self._plays = False
        return StopLoop(at_s)
