"""Provides notes when no plan comes: the rest of the tentative plan, then the last bar again and again."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, replace

from agent.core.types import Plan, PlannedNote
from listener.types import Grid

TICKS_PER_WHOLE = 16
FULL_BARS = 28  # bars of the whole pattern before it thins out
THIN_BARS = 4  # then so many bars with the drums alone, then one stroke on beat one
THIN_GAIN = 0.8
ON_THE_ONE_BEATS = 0.2
ALONE_S = 1.0  # without a plan for so long the pattern takes over
PATIENCE_BARS = 8  # bars a freshly restarted mind may stay silent before the fallback pattern ends
PLAYED_MAX = 256  # notes remembered; a bar of a busy band has about 60


@dataclass(frozen=True, slots=True)
class Stroke:
    """One note of a bar. place: beats after the downbeat; length: beats; both on the grid it was planned on."""

    place: float
    length: float
    note: PlannedNote


@dataclass(frozen=True, slots=True)
class Spare:
    """A note that no plan committed. stale_ticks: 16ths past the newest plan's end; patterned: from the last bar."""

    note: PlannedNote
    stale_ticks: float
    patterned: bool


def stroke_of(note: PlannedNote, grid: Grid) -> Stroke:
    beat = grid.beat_at(note.on_s)
    whole = math.floor(beat)
    place = grid.position_of(whole) - 1 + beat - whole
    return Stroke(place, (note.off_s - note.on_s) / grid.period_s, note)


def bar_s(grid: Grid) -> float:
    return grid.period_s * grid.meter.numerator


def tick_s(grid: Grid) -> float:
    """Length of a 16th in seconds."""
    return grid.period_s * grid.meter.denominator / TICKS_PER_WHOLE


def last_bar(played: Iterable[Stroke], grid: Grid, until_s: float) -> tuple[Stroke, ...]:
    """Return the strokes of the one-bar span that ends with the stroke at until_s, sorted by place; empty without one.

    Wherever in its bar the music broke off, each place holds what was last played there.
    """
    margin_s = tick_s(grid) / 2
    from_s = until_s - bar_s(grid) + margin_s
    fits = [s for s in played if from_s < s.note.on_s <= until_s + margin_s and s.place < grid.meter.numerator]
    return tuple(sorted(fits, key=lambda s: (s.place, s.note.part, s.note.pitch)))


def first_downbeat(grid: Grid, time_s: float) -> int:
    """Number of the last downbeat at or before time_s."""
    beat = math.floor(grid.beat_at(time_s))
    return beat - (grid.position_of(beat) - 1)


def repeated(bar: Iterable[Stroke], grid: Grid, downbeat: int) -> list[PlannedNote]:
    """The bar's notes in the bar that begins at beat number `downbeat`."""
    return [_moved(stroke, grid, grid.time_of(downbeat + stroke.place)) for stroke in bar]


def _moved(stroke: Stroke, grid: Grid, on_s: float) -> PlannedNote:
    note = stroke.note
    bars = round((on_s - note.on_s) / bar_s(grid))
    ticks = bars * grid.meter.numerator * TICKS_PER_WHOLE // grid.meter.denominator
    return replace(note, on_s=on_s, off_s=on_s + stroke.length * grid.period_s, tick=note.tick + ticks)


def is_ending(bar: tuple[Stroke, ...]) -> bool:
    """Return whether a bar holds a stroke on beat one and nothing else: the band's ending, which is not repeated."""
    return all(stroke.place < ON_THE_ONE_BEATS for stroke in bar)


def faded(bar: tuple[Stroke, ...], n: int) -> tuple[Stroke, ...]:
    """Thin out the n-th bar without a plan: all of it, then softer drums, then a stroke on beat one, then nothing."""
    if n < FULL_BARS:
        return bar
    if n < FULL_BARS + THIN_BARS:
        drums = tuple(s for s in bar if s.note.part == "drums")
        return tuple(replace(s, note=replace(s.note, velocity=_softer(s.note.velocity))) for s in drums or bar)
    on_one = n == FULL_BARS + THIN_BARS
    return tuple(s for s in bar if on_one and s.place < ON_THE_ONE_BEATS)


def _softer(velocity: int) -> int:
    return max(1, round(THIN_GAIN * velocity))


class FallbackPattern:
    """Gives out the notes to fall back on, one bar at a time, until a plan replaces them. Memory is bounded.

    A plan with no notes ahead means that the band is silent. Only a mind restarted without its snapshot may send such
    plans for PATIENCE_BARS before they end the pattern. A plan without a grid ends the pattern at once.
    """

    def __init__(self) -> None:
        self._played: deque[Stroke] = deque(maxlen=PLAYED_MAX)
        self._plan: Plan | None = None
        self._bar: tuple[Stroke, ...] = ()
        self._ends_s = 0.0  # where the newest plan's look-ahead ends
        self._bars = 0  # of the pattern, given out
        self._patience_ends_s: float | None = None

    def played(self, note: PlannedNote) -> None:
        """Remember a note that is played, so that its bar can be repeated."""
        if self._plan and self._plan.grid:
            self._played.append(stroke_of(note, self._plan.grid))

    def accept(self, plan: Plan, now_s: float) -> list[Spare] | None:
        """Take a plan; its tentative notes, or None where what was in reserve goes on."""
        if self._waits_for(plan, now_s):
            return None
        self._plan, self._bar, self._bars, self._patience_ends_s = plan, (), 0, None
        self._ends_s = max((n.on_s for n in plan.tentative), default=plan.committed_until_s)
        return [_spare(note, plan, False) for note in plan.tentative]

    def _waits_for(self, plan: Plan, now_s: float) -> bool:
        before = self._plan
        if plan.committed or plan.tentative or not plan.grid or not before or not before.grid or not before.tentative:
            return False
        if self._patience_ends_s is None:
            if not self._bar and now_s < before.created_s + ALONE_S:
                return False
            self._patience_ends_s = now_s + PATIENCE_BARS * bar_s(before.grid)
        return now_s < self._patience_ends_s

    def next_bar(self) -> list[Spare]:
        """One more bar of the pattern after all that was given out; empty when there is nothing to go on with."""
        plan = self._plan
        if not plan or not plan.grid or not plan.tentative:
            return []
        grid = plan.grid
        if not self._bars:
            bar = last_bar(self._played, grid, self._ends_s)
            self._bar = () if is_ending(bar) else bar
        downbeat = first_downbeat(grid, self._ends_s) + self._bars * grid.meter.numerator
        self._bars += 1
        after_s = self._ends_s + tick_s(grid) / 2
        notes = repeated(faded(self._bar, self._bars - 1), grid, downbeat)
        return [_spare(note, plan, True) for note in notes if note.on_s > after_s]

    @property
    def exhausted(self) -> bool:
        """Whether next_bar() has nothing more to give."""
        plan = self._plan
        over = self._bars > FULL_BARS + THIN_BARS or (self._bars > 0 and not self._bar)
        return over or not plan or not plan.grid or not plan.tentative

    def forget(self) -> None:
        """Give out nothing more until a plan comes: the music is over."""
        self._plan, self._bar, self._bars = None, (), 0
        self._played.clear()


def _spare(note: PlannedNote, plan: Plan, patterned: bool) -> Spare:
    beyond_s = note.on_s - plan.committed_until_s
    return Spare(note, max(0.0, beyond_s / tick_s(plan.grid)) if plan.grid else 0.0, patterned)
