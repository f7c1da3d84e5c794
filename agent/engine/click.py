"""`Click` is the click that a player asks for: on the band's beat, in the loudspeaker alone, in no recording.

Before there is a beat it clicks at a tempo that was given; where the beat is lost it goes on as it was.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from agent.core.messages import SetClick
from listener.types import Grid, Meter

ONE_HZ, BEAT_HZ = 1_760.0, 1_174.7  # of the one, and of the other beats
ONE, BEAT = 0.25, 0.16  # of full scale
LENGTH_S, FALLS_S = 0.045, 0.009
LATE_S = 0.04
APART = 0.55  # of a beat: nearer clicks are the same beat on a grid that was mended

Block = NDArray[np.float32]


@dataclass(slots=True)
class Sounding:
    """A click that sounds. at: sample at which it is heard first."""

    sound: Block
    at: int


class Click:
    """One thread calls it; mix_into() may be called for any blocks in a row. delay: samples from render to heard."""

    def __init__(self, rate: int) -> None:
        self._rate, self.delay, self.on = rate, 0, False
        self._grid: Grid | None = None
        self._last_s = -math.inf  # of the beat that clicked last
        self._sounds = [_sound(rate, *one) for one in ((ONE_HZ, ONE), (BEAT_HZ, BEAT))]
        self._sounding: Sounding | None = None

    def obey(self, wish: SetClick) -> None:
        """Begin or end. Where a tempo is given and no beat is known, it counts from wish.at_s on."""
        self.on = wish.on
        if wish.on and wish.period_s and self._grid is None:
            self._grid = Grid(wish.at_s, 0, 1, wish.period_s, Meter(wish.beats, 4), 1.0, 1.0)

    def follow(self, grid: Grid | None) -> None:
        """Take the band's beat, as its plans have it; None = there is none any more."""
        self._grid = grid or self._grid

    def mix_into(self, mix: Block, start: int) -> None:
        """Add to mix [n, 2], which is rendered as sample `start` of the stream and on."""
        at, until = start + self.delay, start + self.delay + len(mix)
        if self.on and self._grid is not None:
            self._begin(self._grid, at, until)
        if self._sounding:
            begin = max(self._sounding.at, at)
            piece = self._sounding.sound[begin - self._sounding.at : until - self._sounding.at]
            mix[begin - at : begin - at + len(piece)] += piece[:, None]
            if until >= self._sounding.at + len(self._sounding.sound):
                self._sounding = None

    def _begin(self, grid: Grid, at: int, until: int) -> None:
        """Begin the click of the beat that falls into these samples, or lies just behind on a grid that was mended."""
        beat = math.floor(grid.beat_at((until - 1) / self._rate))
        beat_s = grid.time_of(beat)
        sample = round(beat_s * self._rate)
        if sample > at - LATE_S * self._rate and beat_s - self._last_s > APART * grid.period_s:
            self._last_s = beat_s
            self._sounding = Sounding(self._sounds[grid.position_of(beat) != 1], max(sample, at))


def _sound(rate: int, hz: float, peak: float) -> Block:
    time_s = np.arange(round(LENGTH_S * rate)) / rate
    return (peak * np.sin(2 * np.pi * hz * time_s) * np.exp(-time_s / FALLS_S)).astype(np.float32)
