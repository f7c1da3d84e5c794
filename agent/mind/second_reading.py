"""`SecondReading` weighs the ears' second reading of the same notes against the one that they hold.

The ears leave a reading late, for a listener who wavers is worse than one who is wrong. A band that was never sure of
its bars need not wait for that: where another reading has been the likelier one for bars, the band goes over to it.
"""

from __future__ import annotations

import math
from dataclasses import replace

from agent.band.bar_reading import DOUBTED
from agent.band.held_bars import is_other
from listener.types import Grid

BARS, SECONDS, NOTES = 2.0, 3.0, 8  # for so long, and over so many notes, it has to have been the likelier one
CLEARER = 0.1  # by so much in its bars
MOVED_BARS, MOVED_NOTES, MOVED_CLEARER = 4.0, 16, 0.3  # likewise, where its bars are as long and begin elsewhere
SAME_TEMPO, SAME_LINE = 0.08, 0.08  # log period, share of a bar
SAME_LENGTH = 0.1  # octaves: bars as long, or half or twice as long, are other bars only where they begin elsewhere
GONE_S = 2.5  # without a word of it, after which it is no reading any more


class SecondReading:
    """Call of(held, rival, notes, now_s) once a frame. taken: the second reading is followed."""

    def __init__(self) -> None:
        self._grid: Grid | None = None  # the second reading, its beats counted on
        self._since_s = self._told_s = 0.0  # since when it is the likelier one; when it was told last
        self._notes = 0
        self._moved = False  # its bars are as long as those held, and begin elsewhere
        self.taken = False

    def of(self, held: Grid | None, rival: Grid | None, notes: int, now_s: float) -> Grid | None:
        """Return the reading to follow. notes: new in this frame."""
        if held is None or (self._grid is not None and now_s - self._told_s > GONE_S):
            self._grid, self.taken = None, False
        if held is None:
            return None
        if rival is not None:
            self._hear(held, rival, now_s)
        if self._grid is None:
            return held
        self._notes += notes
        bar_s = self._grid.period_s * self._grid.meter.numerator
        bars, least = (MOVED_BARS, MOVED_NOTES) if self._moved else (BARS, NOTES)
        self.taken |= self._notes >= least and now_s - self._since_s > max(SECONDS, bars * bar_s)
        return self._grid if self.taken else held

    def _hear(self, held: Grid, rival: Grid, now_s: float) -> None:
        self._moved = _is_octave(held, rival)
        wanted = 0.0 if self.taken else MOVED_CLEARER if self._moved else CLEARER
        clearer = rival.meter_confidence - held.meter_confidence >= wanted
        likelier = rival.confidence >= held.confidence and clearer
        if not likelier or held.meter_confidence >= DOUBTED or not is_other(rival, held):
            self._grid, self.taken = None, False
            return
        same = self._grid is not None and _same_bars(self._grid, rival)
        index = round(self._grid.beat_at(rival.anchor_s)) if self._grid is not None and same else 0
        if not same:
            self._since_s, self._notes, self.taken = now_s, 0, False
        self._grid, self._told_s = replace(rival, index=index), now_s


def _is_octave(held: Grid, rival: Grid) -> bool:
    """Return whether bars are as long, or half or twice as long."""
    bars = abs(math.log2(rival.period_s * rival.meter.numerator / (held.period_s * held.meter.numerator)))
    return min(bars, abs(bars - 1)) < SAME_LENGTH


def _same_bars(one: Grid, other: Grid) -> bool:
    bars = (one.beat_at(other.anchor_s) - one.index) / one.meter.numerator
    near = abs(math.log(one.period_s / other.period_s)) < SAME_TEMPO
    return one.meter == other.meter and near and abs(bars - round(bars)) < SAME_LINE
