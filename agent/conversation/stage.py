"""`Stage` is the music that a conversation is about: a running session (`LiveStage`) or a recorded riff (`RiffStage`).

`Conversation` talks with the player and knows no more of the music than what stands here: it asks a stage what the
facts are, whether an edit can be done, and to do it, and says what came of it. A stage says nothing itself and keeps no
memory. What the band does to odd bars, tempo, form, sections and captured riffs while the player plays on is behind one
further protocol, `BandLead`, to which a live stage hands those edits.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from agent.conversation.idea_catalogue import RiffFacts
from agent.directions.edit import Edit
from listener.types import Key, Meter

LED = frozenset({"tempo", "meter", "length", "section", "lead"})
"""Dimensions of edits for which the band has to lead while the player plays on: those of `BandLead`."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of the music now; None and "" where it is not.

    tempo_bpm: beats of the meter a minute. chords: as they come, from now on. bar: the one that sounds, from 0, counted
    from the beginning; bars: of the form, after which "bar three" comes round again. section: the one that is played;
    sections: the names that can be gone to. sounds: parts that are heard now; muted: parts that are switched off, by
    whatever means. mode: of the band; turn: whose bars these are. stands: the edits in force in the order asked;
    takes: names and numbers that `recall` knows, the oldest first; last: what was done last, in words. why_silent: one
    line, "" while something of the band sounds. heard: what ideas are chosen from; None while too little is known.
    """

    tempo_bpm: float | None = None
    meter: Meter | None = None
    meters: tuple[Meter, ...] = ()
    key: Key | None = None
    chords: tuple[str, ...] = ()
    feel: str = ""
    bar: int = 0
    bars: int = 4
    section: str = ""
    sections: tuple[str, ...] = ()
    sounds: tuple[str, ...] = ()
    muted: tuple[str, ...] = ()
    mode: str = ""
    turn: str = ""
    stands: tuple[Edit, ...] = ()
    takes: tuple[str, ...] = ()
    last: str = ""
    why_silent: str = ""
    heard: RiffFacts | None = None


@dataclass(frozen=True, slots=True)
class Done:
    """One edit and what came of it. shown: whether what will be played differs by it where it was asked for; None =
    that can only be told later. why: one line where it does not show. figures: what moved, such as "snare -4.0 dB"."""

    edit: Edit
    shown: bool | None
    why: str = ""
    figures: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Outcome:
    """What an act did to the music, as measured on what will be played.

    step: number of the undo step, 0 = nothing was done. done: edit by edit; besides: what else moved though nobody
    asked ("chords +2 onsets a bar"). begins: when it is heard: "beat", "bar", "take" or a phrase such as "the next time
    round". changed: whether anything that is played differs. undone: how many steps were taken back; back_to: where
    that leads, in words. note: one line that the player should hear, "" for none.
    """

    step: int = 0
    done: tuple[Done, ...] = ()
    besides: tuple[str, ...] = ()
    begins: str = "bar"
    changed: bool = False
    undone: int = 0
    back_to: str = ""
    note: str = ""


NOTHING = Outcome()


@dataclass(frozen=True, slots=True)
class Tried:
    """What an idea would sound like. share: of what is played that differs; bits: more information a tick than now, by
    the responder, None where it is not at hand."""

    share: float
    bits: float | None = None


class Stage(Protocol):
    """The music a conversation is about. Call from one thread; no method raises, whatever is asked.

    trial_bars: bars for which an idea is tried before it leaves unless it is accepted; None = until the next take.
    """

    trial_bars: int | None

    def facts(self) -> Facts:
        """Return what is known now."""

    def can(self, edit: Edit) -> str | None:
        """Return None where an edit can be done, else the reason in one line, in lower case and without a full stop."""

    def ready(self, edits: Sequence[Edit]) -> bool:
        """Return whether edits can be done at once; where they cannot, begin to draw what they need: ask again."""

    def apply(self, edits: Sequence[Edit], says: str = "", instead_of: int = 0) -> Outcome:
        """Do edits, of which `can` said None, as one step of undo, from the next bar line (the mix: beat; a riff: take)
        on; says: in words. instead_of: a step that is withdrawn in the same breath (an idea nobody accepted)."""

    def revert(self, count: int = 1) -> Outcome:
        """Take back the newest steps, as many as there are up to `count`."""

    def withdraw(self, step: int) -> Outcome:
        """Take back one step, wherever it stands; what was asked after it stays."""

    def recall(self, name: str) -> Outcome:
        """Go back to a take, section or riff of `Facts.takes` or `Facts.sections`; "previous" is the one before.

        A name that is not known changes nothing and gives a note with the nearest ones.
        """

    def imagine(self, edits: Sequence[Edit]) -> Tried:
        """Return how edits would change what is played, without doing them."""

    def order(self, order: str, value: str = "") -> str | None:
        """Carry out an order to the band as a whole: "quiet", "play", "normal", "loop", "stop loop", "trade" (value:
        bars each), "stop trade", "accompany". Return what was done in one line; None where this stage has no such."""

    def name(self, name: str) -> str:
        """Give what stands now a name that `recall` knows; return what was done in one line."""


class BandLead(Protocol):
    """What the band leads while the player plays on: odd bars, ramps of tempo, form, sections, captured riffs.

    A live stage hands it the edits of `LED` and what captures, loops and recalls; `NoLead` is a band that only follows.
    Implementations send their messages to the mind themselves and are called from the parent's loop only.
    """

    def can(self, edit: Edit, facts: Facts) -> str | None:
        """Return None where the band can lead this edit now, else why not, in one line."""

    def lead(self, edits: Sequence[Edit], step: int, facts: Facts) -> str:
        """Begin to lead; step: under which `release` takes it back. Return when it is heard, such as "from bar 3 of the
        next round on"."""

    def release(self, step: int) -> None:
        """Take back what `lead` began under this number; unknown numbers are ignored."""

    def order(self, order: str, value: str = "") -> str | None:
        """As `Stage.order`, for orders of its own ("take that", "loop", "count in"); None = not one of them."""

    def names(self) -> tuple[str, ...]:
        """Return the names of sections, captured riffs and songs that `recall` knows."""

    def recall(self, name: str) -> str | None:
        """Go to a section or riff of this name, on the next one; return what is done, None where it is unknown."""

    def lines(self) -> list[str]:
        """Return what there is to say unasked, each once: "you stayed in four, so I am back in four"."""


@dataclass(slots=True)
class NoLead:
    """A band that only follows: over what it would have to lead it says where that is possible."""

    sections: tuple[str, ...] = field(default=())

    def can(self, edit: Edit, facts: Facts) -> str | None:
        if edit.dimension == "lead":
            return "you lead, I follow"
        if edit.dimension == "tempo":
            return "the tempo is yours: play it and I follow"
        if edit.dimension == "section":
            return "I know no sections by name yet, so I stay in this one"
        what = "the number of bars" if edit.dimension == "length" else f"the {edit.dimension}"
        return f"{what} is yours while you play; over a recorded riff I can change it (antiphon workshop)"

    def lead(self, edits: Sequence[Edit], step: int, facts: Facts) -> str:
        return ""

    def release(self, step: int) -> None:
        pass

    def order(self, order: str, value: str = "") -> str | None:
        return None

    def names(self) -> tuple[str, ...]:
        return self.sections

    def recall(self, name: str) -> str | None:
        return None

    def lines(self) -> list[str]:
        return []
