"""What has been asked of the band and still stands -> how every bar is to be played.

Edits are kept as they came, in order; `settings` folds those that concern a bar into one frozen Settings. Undo takes
the last group away; nothing else forgets.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from agent.directions.apply_edit import ACTS
from agent.directions.bar_settings import Settings
from agent.directions.edit import Edit

ASKED_MAX = 400  # that stand at once; of more the oldest go: all of it is one message to the mind, and in its snapshot
EVERYWHERE = (None, "song", "until-told", "now")
BAR = re.compile(r"bar:(\d+)")
RANGE = re.compile(r"bars:(\d+)-(\d+)")
NEXT = re.compile(r"bars:(\d+)")
EVERY = re.compile(r"every:(\d+)")


DENSITY_MOVES: dict[str, dict[int, tuple[str, ...]]] = {  # target -> density -2, -1, 1, 2 -> moves
    "drums": {-2: ("thin", "sparser"), -1: ("sparser",), 1: ("busier",), 2: ("busier", "16th-hats")},
    "hat": {-2: ("quarter-hats",), -1: ("quarter-hats",), 1: ("16th-hats",), 2: ("16th-hats",)},
    "snare": {-2: ("no-ghost-notes",), -1: ("no-ghost-notes",), 1: ("ghost-notes",), 2: ("ghost-notes",)},
    "harmony": {-2: ("pads",), -1: ("pads",), 1: ("denser-chords",), 2: ("denser-chords",)},
    "line": {-2: ("sparser-line",), -1: ("sparser-line",), 1: ("denser-line",), 2: ("denser-line",)},
}


@dataclass(frozen=True, slots=True)
class ActiveEdit:
    """An edit that stands. group: one sentence's, one undo step. since: the bar it was asked in, counted for ever."""

    edit: Edit
    group: int
    since: int = 0

    def concerns(self, bar: int, bars: int) -> bool:
        """Whether it concerns a bar counted for ever, in a form of so many bars."""
        scope, at = self.edit.scope, bar % bars
        if scope in EVERYWHERE:
            return True
        if scope == "bar:last":
            return at == bars - 1
        if match := BAR.fullmatch(scope or ""):
            return at == int(match[1]) - 1
        if match := RANGE.fullmatch(scope or ""):
            return int(match[1]) - 1 <= at <= int(match[2]) - 1
        if match := NEXT.fullmatch(scope or ""):
            return self.since <= bar < self.since + int(match[1])
        if match := EVERY.fullmatch(scope or ""):
            return at % int(match[1]) == int(match[1]) - 1
        return True

    def through(self, bar: int, bars: int) -> float:
        """How far through the bars it concerns this bar lies, 0-1."""
        mine = [b for b in range(bar - bar % bars, bar - bar % bars + bars) if self.concerns(b, bars)]
        return (mine.index(bar) + 1) / len(mine) if bar in mine else 0.0


@dataclass(frozen=True, slots=True)
class ActiveEdits:
    """Everything asked for. Frozen: asking and undoing give a new one."""

    asked: tuple[ActiveEdit, ...] = ()
    groups: int = 0

    def ask(self, edits: tuple[Edit, ...], since: int = 0) -> ActiveEdits:
        """One sentence's edits. What switches something off takes away what had switched it on."""
        new = tuple(
            ActiveEdit(edit, self.groups, since) for edit in edits if edit.change not in ("keep", "undo", "recall")
        )
        return ActiveEdits((self.asked + new)[-ASKED_MAX:], self.groups + 1)

    def undo(self) -> ActiveEdits:
        """Without the last group that is still there; the same where there is none."""
        last = max((one.group for one in self.asked), default=None)
        return replace(self, asked=tuple(one for one in self.asked if one.group != last))

    def settings(self, bar: int, bars: int) -> Settings:
        """How to play this bar (counted for ever, from 0) of a form of `bars` bars."""
        settings = Settings()
        for one in self.asked:
            if one.concerns(bar, bars):
                act = ACTS.get(one.edit.dimension)
                settings = act(settings, one.edit) if act else settings
                gradual = one.edit.condition == "gradual" or one.edit.value == "build"
                settings = replace(settings, through=one.through(bar, bars)) if gradual else settings
        return settings


def density_moves(settings: Settings, *targets: str) -> tuple[str, ...]:
    """The moves that thin or thicken these targets."""
    found: tuple[str, ...] = ()
    for target in targets:
        found += DENSITY_MOVES[target].get(round(settings.density.get(target, 0.0)), ())
    return found


@dataclass(frozen=True, slots=True)
class SetActiveEdits:
    """To the mind, like those of agent/core/messages.py: what stands, from the next bar on, in place of what stood."""

    standing: ActiveEdits
