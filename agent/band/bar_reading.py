"""`BarReading` says where the bars begin while the ears are not sure: with the first note that the player played.

Most lines begin on a one. As soon as the ears are sure of meter and downbeat, theirs count; a wrong reading is not
defended.
"""

from __future__ import annotations

import math
from dataclasses import replace

from agent.band.held_bars import ReadingAge
from agent.band.riff_cycle import RiffCycle
from listener.types import Analysis, Grid

PAUSE_S = 8.0  # silence after which the next note is a first one
ON_A_BEAT = 0.25  # of a beat; a first note further from one is no downbeat
SAME_TEMPO = 0.06
UNSURE = 0.8  # of the confidence wanted: enough of it where the band has waited long enough for the meter
FAINT = 0.25  # confidence of a beat that the band joins when it has waited twice as long
EARLY_BARS = 0.25  # a bar line so much before the wait is over counts
LEAST_BAR_S = 1.4  # a shorter bar is likely half of one: the wait is counted in bars of this length
DOUBTED = 0.3  # confidence in meter and downbeat below which the bars may be others
DOUBTED_BAR_S = 2.0  # likewise, for bars in doubt
SHORT_BAR_S = 1.6
SHORT_BAR_BEATS, LEAST_TWO_S = 3, 2.4  # likewise of so few beats
MANY_NOTES, WHOLE_BAR, LIKELY = 6, 0.9, 0.35  # in so much of a bar, read with so much confidence: enough to count the
# wait in bars of LEAST_BAR_S, however long
STANDS_BARS = 1.0  # of a reading before the band joins it unsure
STANDS_WITH_FIRST, ON_THE_FIRST = 0.45, 0.1  # where a bar of it began with the first note, to so much of a bar


class BarReading:
    """Call read(analysis, grid) once a frame. began_s: when the player's line began, seconds; inf before it has."""

    def __init__(self, enough: float, wait_bars: float = 2) -> None:
        self.enough = enough  # confidence from which the ears' bars count
        self._wait_bars = wait_bars  # from the line's beginning until the band comes in all the same
        self.began_s = math.inf
        self._heard_s = -math.inf
        self._notes = 0  # since then
        self._period_s = 0.0  # of the beat that is read
        self._one: int | None = None  # beat number of a downbeat, None = the ears know better
        self._cycle = RiffCycle()
        self.age = ReadingAge()  # of the grid as it is read

    def read(self, analysis: Analysis, grid: Grid | None) -> Grid | None:
        """Return the grid with its bars as they are read."""
        read = self._read(analysis, grid)
        self.age.push(read, analysis.time_s)
        return read

    def _read(self, analysis: Analysis, grid: Grid | None) -> Grid | None:
        for note in analysis.notes:
            if note.articulation == "ghost":
                continue
            if note.onset_s - self._heard_s > PAUSE_S:
                self.began_s, self._period_s, self._notes = note.onset_s, 0.0, 0
                self._cycle.forget()
            self._heard_s = note.onset_s
            self._notes += 1
        self._cycle.push(analysis.notes, grid)
        if grid is None or math.isinf(self.began_s):
            return grid
        if not self._period_s or abs(math.log(grid.period_s / self._period_s)) > SAME_TEMPO:
            self._begin(grid)
        if grid.meter_confidence >= self.enough:
            self._one = None
        if self._one is None:
            return grid
        if beats := self._cycle.beats_in_bar(grid):
            grid = replace(grid, meter=replace(grid.meter, numerator=beats, grouping=()))
        return replace(grid, position=(grid.index - self._one) % grid.meter.numerator + 1)

    def may_enter(self, grid: Grid, at_s: float) -> bool:
        """Return whether to come in at a bar line: the ears are sure, or the player has waited long enough.

        Two short bars may be one: the band comes in an even number of them after the player.
        """
        bar_s = grid.period_s * grid.meter.numerator
        few = grid.meter.numerator <= SHORT_BAR_BEATS and bar_s < LEAST_TWO_S and not self._cycle.is_bars(grid)
        short = bar_s < SHORT_BAR_S or few
        if short and math.isfinite(self.began_s) and round((at_s - self.began_s) / bar_s) % 2:
            return False
        if min(grid.confidence, grid.meter_confidence) >= self.enough:
            return True
        whole = abs((at_s - self.began_s) / bar_s % 1 - 0.5) > 0.5 - ON_THE_FIRST  # the line began on such a bar line
        stood = (at_s - self.age.since_s) / bar_s + EARLY_BARS
        counted_s = max(bar_s, DOUBTED_BAR_S if grid.meter_confidence < DOUBTED else LEAST_BAR_S)
        many = self._notes >= MANY_NOTES and at_s - self.began_s > WHOLE_BAR * bar_s
        if many and grid.meter_confidence >= LIKELY:
            counted_s = LEAST_BAR_S
        bars = (at_s - self.began_s) / counted_s + EARLY_BARS
        stands = stood >= (STANDS_WITH_FIRST if whole else STANDS_BARS)
        clear = grid.confidence >= UNSURE * self.enough and bars >= self._wait_bars and stands
        return clear or (grid.confidence >= FAINT and bars >= (1.5 if stands else 2) * self._wait_bars)

    def _begin(self, grid: Grid) -> None:
        """Read another beat."""
        beat = grid.beat_at(self.began_s)
        self._period_s = grid.period_s
        self._one = round(beat) if abs(beat - round(beat)) < ON_A_BEAT else None
