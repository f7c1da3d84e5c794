"""The mind's side of a loop: when the riff begins and ends, and the beat that is the loop's own while it plays.

The samples are agent/looper.py's, in the audio process; here are only times.
"""

from __future__ import annotations

from dataclasses import replace

from agent.messages import PlayLoop, StopLoop
from listener.types import Grid

SETTLED_S = 0.2  # after its beginning the bar line of the first beat is known best
STEPS_PER_S = 300  # the loop's length is a whole number of samples at 44.1, 48 and 96 kHz, so it never drifts


class Looping:
    """`grid` replaces the heard one while a loop plays, and after it until the player's own beat is clear."""

    def __init__(self) -> None:
        self._beat = 0  # of the grid, at which the riff begins
        self._start_s: float | None = None  # while it is recorded
        self._settled = False
        self._locked: Grid | None = None
        self._leaving = False

    @property
    def locked(self) -> Grid | None:
        """The loop's own beat."""
        return self._locked

    def begin(self, beat: int, beats: int, grid: Grid) -> PlayLoop:
        """The riff begins at beat number `beat` and will be `beats` long; what the audio process needs to record."""
        self._beat, self._settled = beat, False
        self._start_s = grid.time_of(beat)
        return PlayLoop(self._start_s, grid.time_of(beat + beats))

    def hear(self, grid: Grid | None, time_s: float) -> None:
        """Once a frame: take the first beat's time from when it was just heard."""
        if self._start_s is None or self._settled or grid is None or time_s < self._start_s + SETTLED_S:
            return
        self._start_s, self._settled = grid.time_of(self._beat), True

    def close(self, beat: int, grid: Grid) -> PlayLoop:
        """The riff ends at beat number `beat`, and the grid is the loop's from now on."""
        assert self._start_s is not None
        beats = beat - self._beat
        length_s = round((grid.time_of(beat) - self._start_s) * STEPS_PER_S) / STEPS_PER_S
        end_s = self._start_s + length_s
        self._locked = replace(
            grid,
            anchor_s=end_s,
            index=beat,
            position=1,
            period_s=length_s / beats,
            confidence=1.0,
            meter_confidence=1.0,
        )
        self._leaving = False
        wish, self._start_s = PlayLoop(self._start_s, end_s), None
        return wish

    def stop(self, at_s: float) -> StopLoop | None:
        """At a bar line; one that is still being recorded is called off."""
        if self._start_s is not None:
            at_s, self._start_s = self._start_s, None
        elif self._locked is None or self._leaving:
            return None
        self._leaving = self._locked is not None
        return StopLoop(at_s)

    def grid(self, heard: Grid | None, enough: float) -> Grid | None:
        """The grid that counts. enough: confidence from which the player's own is trusted again."""
        if self._locked is None:
            return heard
        if self._leaving and heard is not None and heard.confidence >= enough:
            self._locked = None
            return heard
        return self._locked

    def forget(self) -> None:
        """The band has stopped: only what is heard counts."""
        self._locked, self._leaving = None, False
