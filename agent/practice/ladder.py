"""`Ladder` goes up with the tempo while a player plays cleanly, stays while they do not, and goes back after two."""

from __future__ import annotations

from dataclasses import dataclass, replace

from agent.leading.led_grid import LedGrid, Span
from agent.practice.timing import Clean
from listener.types import Grid

BACK_AFTER = 2  # stretches in a row that were not clean
BPM = (30.0, 300.0)


@dataclass(frozen=True, slots=True)
class Ladder:
    """step: in beats a minute; bars: of a stretch; bpm: of the present one; best: the fastest that was clean; unclean:
    stretches in a row."""

    step: float
    bars: int
    bpm: float
    best: float = 0.0
    unclean: int = 0

    def after(self, heard: Clean) -> tuple[Ladder, str]:
        """Return the ladder after a stretch, and what there is to say of it."""
        if heard.clean:
            up = min(self.bpm + self.step, BPM[1])
            said = f"{self.bpm:g}: {heard}; on to {up:g}"
            return replace(self, bpm=up, best=max(self.best, self.bpm), unclean=0), said
        unclean = self.unclean + 1
        if unclean < BACK_AFTER:
            return replace(self, unclean=unclean), f"{self.bpm:g}: {heard}; once more"
        down = max(self.bpm - self.step, BPM[0])
        return replace(self, bpm=down, unclean=0), f"{self.bpm:g}: {heard}; back to {down:g}"


def steady(grid: Grid, bpm: float) -> Grid:
    """Return a beat as a metronome has it, from the grid's last beat on, at so many beats a minute."""
    return Grid(grid.anchor_s, grid.index, grid.position, 60 / bpm, grid.meter, 1.0, 1.0, grid.swing)


def at_next_line(grid: Grid, now_s: float, bpm: float) -> LedGrid:
    """Return the beat with another tempo from the next bar line on."""
    beat = int(grid.beat_at(now_s)) + 1
    while grid.position_of(beat) != 1:
        beat += 1
    plain = grid.spans[-1].grid(grid, now_s) if isinstance(grid, LedGrid) and grid.spans else grid
    base = LedGrid(plain.anchor_s, plain.index, plain.position, plain.period_s, plain.meter, 1.0, 1.0, grid.swing)
    return replace(base, spans=(Span(beat, plain.time_of(beat), 60 / bpm, plain.meter),))
