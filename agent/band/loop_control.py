"""Holds what the band knows of a loop: `Looping` times it in the mind, when the riff begins and ends, and the grid that
holds while it plays; `LoopedTake` is a take of a riff as the band plays it over the loop, bar by bar.

Times only: the samples are recorded and played by agent/engine/looper.py in the audio process.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from agent.core.messages import PlayLoop, StopLoop, TakeNumber
from agent.directions.bar_settings import Settings
from listener.types import Grid, Meter
from models.music.tokens import BassTick, Reply

SETTLED_S = 0.2  # the time of the first bar line is taken again so long after it
SETTLES_S = 0.1  # and corrected where it moved by less
STEPS_PER_S = 300  # the loop's length is a whole number of samples at 44.1, 48 and 96 kHz, so it never drifts


@dataclass(frozen=True, slots=True)
class LoopedBar:
    """One bar. basses, replies: one a 16th, the replies as the directions have shaped them; settings: of the bar."""

    meter: Meter
    seconds: float
    basses: tuple[BassTick, ...]
    replies: tuple[Reply, ...]
    settings: Settings


@dataclass(frozen=True, slots=True)
class LoopedTake(TakeNumber):
    """A take. swing: as in listener/types.py's `Grid`; intro: how many of the bars are played once, before the form."""

    bars: tuple[LoopedBar, ...]
    swing: float = 0.5
    intro: int = 0


class Looping:
    """One loop at a time: recorded from begin() to close(), repeated until stop()."""

    def __init__(self) -> None:
        self._beat, self._beats = 0, 0  # of the grid, at which the riff begins; how many
        self._start_s: float | None = None  # while it is recorded
        self._settled = False
        self._plays = False

    def begin(self, beat: int, beats: int, grid: Grid) -> PlayLoop:
        """Begin the riff at beat number `beat`, `beats` long; return the message that tells the audio process."""
        self._beat, self._beats, self._settled = beat, beats, False
        self._start_s = grid.time_of(beat)
        return PlayLoop(self._start_s, grid.time_of(beat + beats))

    def push(self, grid: Grid | None, time_s: float) -> None:
        """Correct the time of the first beat once it has been heard. Call once a frame."""
        if self._start_s is None or self._settled or grid is None or time_s < self._start_s + SETTLED_S:
            return
        heard_s, self._settled = grid.time_of(self._beat), True
        if abs(heard_s - self._start_s) < SETTLES_S:
            self._start_s = heard_s

    def close(self, beat: int, grid: Grid) -> tuple[PlayLoop, Grid]:
        """End the riff at beat number `beat`; return the message for the audio process and the grid to play on."""
        assert self._start_s is not None
        length_s = round((grid.time_of(beat) - self._start_s) * STEPS_PER_S) / STEPS_PER_S
        end_s = self._start_s + length_s
        own = replace(grid, anchor_s=end_s, index=beat, position=1, period_s=length_s / self._beats)
        message, self._start_s, self._plays = PlayLoop(self._start_s, end_s), None, True
        return message, own

    def take(self) -> None:
        """Play a riff that was kept before."""
        self._start_s, self._plays = None, True

    def stop(self, at_s: float) -> StopLoop | None:
        """End the loop at a bar line, or cancel one that is being recorded; return None where there is none."""
        if self._start_s is not None:
            at_s, self._start_s = self._start_s, None
        elif not self._plays:
            return None
        self._plays = False
        return StopLoop(at_s)
