"""A player with a place for a dial in mind, who says "more" or "less" where it is too far off; and ways to learn it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from rich.table import Table

from agent.directions.edit import Edit
from agent.memory.taste import DIAL_PRIOR, Taste

Learned = tuple[list[float], list[int]]
TOLERANCE, LAPSE, MOOD = 0.1, 0.1, 0.12  # a player's; mood: deviation of the place from day to day
STEP, WORDS = 0.2, 2  # how far the band moves; words a session at most
AFTER = (1, 2, 4, 8, 16)


@dataclass
class Dial:
    """One way to learn a dial: told(way, where it stood), left(where it stood) at the end, and `begins`."""

    taste: Taste = field(default_factory=Taste)
    knows_where: bool = True
    learns_left: bool = True

    @property
    def begins(self) -> float:
        return self.taste.preferred().get("density", DIAL_PRIOR)

    def told(self, way: int, stood: float) -> None:
        edit = Edit.read(f"band.density {'more' if way > 0 else 'less'}")
        self.taste.wish([edit], stood={"density": stood} if self.knows_where else None)

    def left(self, stood: float) -> None:
        if self.learns_left:
            self.taste.left({"density": stood})


@dataclass
class FixedWish:
    """What was there before: every wish is a value a quarter from the middle, averaged."""

    mean: float = DIAL_PRIOR
    precision: float = 1 / 0.28**2

    @property
    def begins(self) -> float:
        return self.mean if self.precision > 1 / 0.17**2 else DIAL_PRIOR

    def told(self, way: int, stood: float) -> None:
        noise = 1 / 0.2**2
        self.mean = (self.precision * self.mean + noise * (DIAL_PRIOR + way * 0.25)) / (self.precision + noise)
        self.precision += noise

    def left(self, stood: float) -> None:
        pass


@dataclass
class LastTime:
    """Begins as it ended."""

    begins: float = DIAL_PRIOR

    def told(self, way: int, stood: float) -> None:
        pass

    def left(self, stood: float) -> None:
        self.begins = stood


@dataclass
class Never(LastTime):
    """Begins in the middle every time."""

    def left(self, stood: float) -> None:
        pass


DIALS: dict[str, Callable[[], Any]] = {
    "ours": Dial,
    "ours, not told where it stood": lambda: Dial(knows_where=False, learns_left=False),
    "fixed wish (0.6.0)": FixedWish,
    "as it ended last time": LastTime,
    "the middle": Never,
}


def dial_errors(make: Callable[[], Any], seed: int) -> tuple[list[float], list[int]]:
    """After each of max(AFTER) sessions: how far from the player's place the next would begin,
    and words needed in it.
    """
    rng, dial, errors, words = np.random.default_rng(seed), make(), [], []
    place = float(rng.uniform(0.05, 0.95))
    for _ in range(max(AFTER) + 1):
        stands, said = dial.begins, 0
        errors.append(abs(stands - place))
        today = place + MOOD * rng.standard_normal()
        for _ in range(WORDS):
            if abs(today - stands) > TOLERANCE and rng.random() > LAPSE:
                way = 1 if today > stands else -1
                dial.told(way, stands)
                stands, said = min(max(stands + way * STEP, 0.0), 1.0), said + 1
        dial.left(stands)
        words.append(said)
    return errors, words


def dial_table(learned: Mapping[str, Sequence[Learned]]) -> Table:
    out = Table(
        title="Distance of the dial from the player's place when a session begins, after n sessions (0-1);"
        " words said in it"
    )
    for name in ("", *(str(n) for n in AFTER)):
        out.add_column(name, justify="right" if name else "left")
    for name, runs in learned.items():
        errors, words = np.mean([e for e, _ in runs], 0), np.mean([w for _, w in runs], 0)
        out.add_row(name, *(f"{errors[n]:.3f} ({words[n]:.2f})" for n in AFTER))
    return out
