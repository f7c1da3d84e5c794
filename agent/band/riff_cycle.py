"""`RiffCycle` finds how many 16ths the player's riff takes to come again, whatever the bar line is thought to be."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

from listener.types import Grid, Note
from models.music.tokens import ticks_per_beat

KEPT_NOTES = 64
SHORTEST, LONGEST = 6, 64  # ticks
WINDOW = 16  # ticks that are compared at least
LEAST_NOTES, FEW_NOTES = 4, 3  # in them: of a cycle, of equal notes
SAME_FROM, AS_GOOD = 0.85, 0.03  # share of the notes of two cycles that agree; a shorter cycle may be worse by
KEPT_FROM = 0.9  # likewise of their onsets: a riff that comes again on other roots keeps the cycle it was known to have
METERS = {2: 2, 3: 3, 4: 4, 5: 5, 6: 3, 7: 7, 8: 4, 9: 3, 10: 5, 12: 3, 14: 7, 16: 4}  # beats of a cycle -> of its bars


class RiffCycle:
    """Call push(notes, grid) once a frame; ticks: of the cycle on that grid, 0 = none was heard twice."""

    def __init__(self) -> None:
        self.ticks = 0
        self._notes: deque[Note] = deque(maxlen=KEPT_NOTES)

    def forget(self) -> None:
        """Begin anew: a line begins."""
        self.ticks = 0
        self._notes.clear()

    def push(self, notes: Sequence[Note], grid: Grid | None) -> None:
        """Take the notes of a frame, and look for the cycle on the grid as it is now."""
        self._notes.extend(note for note in notes if note.articulation != "ghost")
        if not notes or grid is None:
            return
        per_beat = ticks_per_beat(grid.meter)
        heard = [(round(grid.beat_at(note.onset_s) * per_beat), note.pitch) for note in self._notes]
        self.ticks = cycle_in(heard) or (self.ticks if _shares(_rhythm(heard)).get(self.ticks, 0.0) >= KEPT_FROM else 0)

    def beats_in_bar(self, grid: Grid) -> int:
        """Return how many beats a bar of the riff has; 0 where the riff says nothing else than the grid's meter."""
        per_beat = ticks_per_beat(grid.meter)
        beats, rest = divmod(self.ticks, per_beat)
        quarter = 2 if grid.meter.denominator == 8 and beats % 2 == 0 else 1  # of a cycle in eighths, counted in two
        bar = METERS.get(beats // quarter, 0) * quarter if not rest else 0
        agrees = not bar or not beats % grid.meter.numerator or not grid.meter.numerator % beats
        return 0 if agrees else bar

    def is_bars(self, grid: Grid) -> bool:
        """Return whether the riff comes again after one bar, or three: two bars are not one."""
        bar = ticks_per_beat(grid.meter) * grid.meter.numerator
        return bool(self.ticks) and self.ticks % bar == 0 and self.ticks // bar % 2 == 1


def cycle_in(notes: Sequence[tuple[int, int]]) -> int:
    """Return the shortest lag, in ticks, at which the last two cycles of (tick, pitch) agree; 0 for none.

    What comes again sooner than SHORTEST, as equal notes do, says nothing of a cycle.
    """
    shares = _shares(notes)
    best = max(shares.values(), default=0.0)
    if best < SAME_FROM:
        return 0
    lag = next(lag for lag, share in shares.items() if share >= best - AS_GOOD)
    return lag if lag >= SHORTEST else 0


def _rhythm(notes: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    return [(tick, 0) for tick, _ in notes]


def _shares(notes: Sequence[tuple[int, int]]) -> dict[int, float]:
    """Return for each lag, in ticks, the share of the notes of the last two cycles that agree."""
    if not notes:
        return {}
    last, first, heard = notes[-1][0], notes[0][0], set(notes)
    shares: dict[int, float] = {}
    for lag in range(1, LONGEST + 1):
        window = max(min(lag, last - first + 1 - lag), WINDOW)
        if last - first + 1 - lag < max(window - 1, lag // 2):
            break
        new = {(tick, pitch) for tick, pitch in heard if tick > last - window}
        old = {(tick + lag, pitch) for tick, pitch in heard if last - window - lag < tick <= last - lag}
        if min(len(new), len(old)) >= (LEAST_NOTES if lag >= SHORTEST else FEW_NOTES):
            shares[lag] = 2 * len(new & old) / (len(new) + len(old))
    return shares
