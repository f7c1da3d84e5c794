"""Compares a phrase that the band called with what the player played back: notes right, wrong, missed and added.

In mode trade the band's bars have a line; the player plays it in theirs, in any octave.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from agent.core.music_names import PITCH_NAMES
from agent.core.types import DrawnBar
from agent.practice.timing import PLACES

NEAR_TICKS = 1  # 16ths by which a note may lie elsewhere
PER_BEAT = 4


@dataclass(frozen=True, slots=True)
class Mistake:
    """kind: wrong, missed or added. bar: of the phrase, from 1; tick: of that bar; wanted, played: pitch classes."""

    kind: str
    bar: int
    tick: int
    wanted: int | None = None
    played: int | None = None

    def __str__(self) -> str:
        where = f"bar {self.bar}, {self.tick // PER_BEAT + 1}{PLACES[self.tick % PER_BEAT]}"
        names = {one: PITCH_NAMES[one] for one in (self.wanted, self.played) if one is not None}
        match self.kind:
            case "wrong":
                return f"{where}: {names.get(self.played or 0)} for {names.get(self.wanted or 0)}"
            case "missed":
                return f"{where}: {names.get(self.wanted or 0)} missed"
            case _:
                return f"{where}: {names.get(self.played or 0)} too many"


@dataclass(frozen=True, slots=True)
class Copy:
    """A phrase that was played back. right: of `notes` that were called."""

    notes: int
    right: int
    mistakes: tuple[Mistake, ...]

    def __str__(self) -> str:
        said = f"{self.right} of {self.notes} right"
        return said + (": " + "; ".join(map(str, self.mistakes[:4])) if self.mistakes else "")


def called(bars: Sequence[DrawnBar]) -> list[tuple[int, int]]:
    """Return (16th from the phrase's first one, pitch) of the line of some bars."""
    ticks = [tick for bar in bars for tick in bar.ticks]
    return [(at, tick.line[0]) for at, tick in enumerate(ticks) if tick.line]


def answered(bars: Sequence[DrawnBar]) -> list[tuple[int, int]]:
    """Return (16th from the phrase's first one, pitch) of the bass of some bars."""
    ticks = [tick for bar in bars for tick in bar.ticks]
    return [(at, tick.bass[0]) for at, tick in enumerate(ticks) if tick.bass]


def compared(call: Sequence[tuple[int, int]], answer: Sequence[tuple[int, int]], per_bar: int) -> Copy:
    """Return what was right: each called note with the nearest played one within NEAR_TICKS, the right pitch first."""
    left = list(answer)
    mistakes, right = [], 0
    for at, pitch in call:
        near = [one for one in left if abs(one[0] - at) <= NEAR_TICKS]
        best = min(near, key=lambda one: ((one[1] - pitch) % 12 != 0, abs(one[0] - at)), default=None)
        place = at // per_bar + 1, at % per_bar
        if best is None:
            mistakes.append(Mistake("missed", *place, wanted=pitch % 12))
            continue
        left.remove(best)
        if (best[1] - pitch) % 12:
            mistakes.append(Mistake("wrong", *place, wanted=pitch % 12, played=best[1] % 12))
        else:
            right += 1
    mistakes += [Mistake("added", at // per_bar + 1, at % per_bar, played=pitch % 12) for at, pitch in left]
    return Copy(len(call), right, tuple(sorted(mistakes, key=lambda one: (one.bar, one.tick))))
