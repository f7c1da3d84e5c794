"""`ActiveEdits` holds the edits in force and folds them into the settings of any bar.

Edits are kept in the order in which they came; `settings` folds those that concern a bar into one frozen Settings.
Undo removes the last group. Beyond ASKED_MAX edits the oldest are dropped; nothing else removes an edit.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from agent.core.messages import ToMind
from agent.directions.apply_edit import ACTS
from agent.directions.bar_settings import Settings
from agent.directions.edit import Edit

ASKED_MAX = 400  # edits in force at once; all of them travel in one message to the mind and stand in its snapshot
EVERYWHERE = (None, "song", "until-told", "now")
BAR = re.compile(r"bar:(\d+)")
RANGE = re.compile(r"bars:(\d+)-(\d+)")
NEXT = re.compile(r"bars:(\d+)")
EVERY = re.compile(r"every:(\d+)")
FROM, UNTIL, LAST = re.compile(r"from:(\d+)"), re.compile(r"until:(\d+)"), re.compile(r"bars:last-(\d+)")
PLANNED = ("on-the-beat", "off-the-beat")  # moves that the song plan makes
PHRASE_BARS = 4  # a phrase ends with every fourth bar and with the form


DENSITY_MOVES: dict[str, dict[float, tuple[str, ...]]] = {  # target -> density from -2 to 2 -> moves
    "drums": {
        -2: ("thin", "sparser"),
        -1: ("sparser",),
        -0.5: ("a-little-sparser",),
        0.5: ("a-little-busier",),
        1: ("busier",),
        2: ("busier", "16th-hats"),
    },
    "hat": {-2: ("hats-on-quarters",), -1: ("thinner-hats",), 1: ("16th-hats",), 2: ("16th-hats",)},
    "ride": {-2: ("ride-on-quarters",), -1: ("thinner-ride",), 1: ("16th-ride",), 2: ("16th-ride",)},
    "snare": {-2: ("no-ghost-notes",), -1: ("no-ghost-notes",), 1: ("ghost-notes",), 2: ("ghost-notes",)},
    "harmony": {-2: ("pads",), -1: ("pads",), 1: ("denser-chords",), 2: ("denser-chords",)},
    "line": {-2: ("sparser-line",), -1: ("sparser-line",), 1: ("denser-line",), 2: ("denser-line",)},
}


@dataclass(frozen=True, slots=True)
class ActiveEdit:
    """An edit in force. group: number of the sentence it came from (one undo step). since: the bar in which it was
    asked for, counted from the start of the session and from 0."""

    edit: Edit
    group: int
    since: int = 0

    def concerns(self, bar: int, bars: int) -> bool:
        """Return whether the edit applies to a bar. bar: counted from the start of the session; bars: of the form."""
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
        if match := FROM.fullmatch(scope or ""):
            return at + 1 >= int(match[1])
        if match := UNTIL.fullmatch(scope or ""):
            return at + 1 < int(match[1])
        if match := LAST.fullmatch(scope or ""):
            return at >= bars - int(match[1])
        if scope == "phrase-ends":
            return at == bars - 1 or at % PHRASE_BARS == PHRASE_BARS - 1
        return True

    def through(self, bar: int, bars: int) -> float:
        """Return how far `bar` lies through the bars of the form that the edit applies to, 0 to 1."""
        mine = [b for b in range(bar - bar % bars, bar - bar % bars + bars) if self.concerns(b, bars)]
        return (mine.index(bar) + 1) / len(mine) if bar in mine else 0.0


@dataclass(frozen=True, slots=True)
class ActiveEdits:
    """All edits in force, in the order asked. Frozen: `ask` returns new ones, agent/directions/undo.py takes back."""

    asked: tuple[ActiveEdit, ...] = ()
    groups: int = 0

    def ask(self, edits: tuple[Edit, ...], since: int = 0) -> ActiveEdits:
        """Return these with one sentence's edits added, as one group. Edits that keep, undo or recall are left out."""
        new = tuple(
            ActiveEdit(edit, self.groups, since) for edit in edits if edit.change not in ("keep", "undo", "recall")
        )
        return ActiveEdits((self.asked + new)[-ASKED_MAX:], self.groups + 1)

    def settings(self, bar: int, bars: int) -> Settings:
        """Return the settings of a bar. bar: counted from the start of the session, from 0; bars: of the form."""
        settings = Settings()
        for one in self.asked:
            if one.concerns(bar, bars):
                act = ACTS.get(one.edit.dimension)
                settings = act(settings, one.edit) if act else settings
                gradual = one.edit.condition == "gradual" or one.edit.value == "build"
                settings = replace(settings, through=one.through(bar, bars)) if gradual else settings
        return settings


def density_moves(settings: Settings, *targets: str) -> tuple[str, ...]:
    """Return the names of the moves that thin or thicken these targets, by their density in `settings`."""
    found: tuple[str, ...] = ()
    for target in targets:
        found += _nearest(DENSITY_MOVES[target], settings.density.get(target, 0.0))
    return found


def _nearest(moves: dict[float, tuple[str, ...]], density: float) -> tuple[str, ...]:
    """Return the moves of the step that a density comes to: its own, else the next one further out."""
    if density == 0:
        return ()
    further = (step for step in moves if step * density > 0 and abs(step) >= abs(density))
    return moves[min(further, key=abs)]


def drum_moves(settings: Settings) -> tuple[str, ...]:
    """Return the names of the moves on the drums, but those that the song plan makes itself by the syncopation dial."""
    own = (move for move in settings.moves if move not in PLANNED)
    return (*density_moves(settings, "drums", "hat", "ride", "snare"), *own)


@dataclass(frozen=True, slots=True)
class SetActiveEdits:
    """Message to the mind (see agent/core/messages.py): from the next bar on, these edits replace those in force.

    hook: (16th, pitch) of the notes that "repeat the hook" plays; empty = those of the player's last bar.
    """

    edits: ActiveEdits
    hook: tuple[tuple[int, int], ...] = ()


MindMessage = ToMind | SetActiveEdits
