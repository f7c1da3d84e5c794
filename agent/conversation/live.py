"""The conversation with a band that plays: sentences become directions from the next bar on; after a phrase at most one
idea, tried out at once and dropped again when nobody speaks for it. In the parent; never in the way of a turn.

What only a recorded riff can have (a bar in another meter, another tempo, a longer form, the mix) is said to be so.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from agent.core.os_process import set_nice
from agent.core.paths import data_folder
from agent.core.settings import Config

if TYPE_CHECKING:
    from agent.conversation.live_session import LiveConversation
    from agent.core.types import Decision
    from agent.directions.edit import Edit

log = logging.getLogger(__name__)

LOADS_S = 0.2  # a turn waits so long for the words to be loaded; what is said before is heard then
EARLY_MAX = 8
CLOSES_S = 3.0
NICE = 10  # of the thread that loads: the workers start meanwhile
FIRST = "less snare"  # heard once beforehand: the tables of words are made with the first sentence
EVERY_BARS = 8  # between two ideas, and how long one is tried
LIVE = frozenset(  # what a playing band can do
    {
        "level",
        "density",
        "register",
        "dissonance",
        "resolution",
        "timing",
        "syncopation",
        "intensity",
        "mute",
        "pattern",
    }
)
YOURS = {"tempo": "the tempo is yours: play it and I follow", "swing": "the swing is yours: play it and I follow"}
MODE_PATTERNS = {"loop": "mode loop", "trade": "mode trade"}


@dataclass(slots=True)
class Trial:
    """An idea that is being played. since: the bar it began in; standing: what stood before it."""

    kind: str
    row: list[int]
    since: int
    before: Any
    edits: tuple[Edit, ...]


class Talk:
    """send: to the mind. command: carries out a line of agent/control/commands.py. One thread, the parent's."""

    def __init__(
        self, config: Config, send: Callable[[Any], object], command: Callable[[str], object], folder: str = ""
    ) -> None:
        self._config, self._send, self._command, self._folder = config, send, command, folder
        self._room: LiveConversation | None = None
        self._trial: Trial | None = None
        self._bar, self._last_idea = 0, -EVERY_BARS
        self._facts: Any = None
        self._saw_s = 0.0
        self._early: list[str] = []  # said before there were words
        self._loading = threading.Thread(target=self._load, name="words", daemon=True)
        self._loading.start()

    def _load(self) -> None:
        """The words and the memory take two seconds to load: not in a turn."""
        conversation = self._config.conversation
        set_nice(NICE)
        try:
            from agent.conversation.live_session import LiveConversation

            room = LiveConversation(data_folder(), conversation.player, conversation.half_life_days, self._folder)
            room.push(FIRST)
        except Exception:  # the band plays all the same
            log.exception("this session cannot be spoken to")
            return
        if room.note:
            log.warning("%s", room.note)
        self._room = room

    # -- what is said -----------------------------------------------------------------------------------------

    def say(self, sentence: str) -> str:
        """The answer in one line; never raises for any text."""
        self._loading.join(LOADS_S)
        room = self._room
        if room is None:
            return self._later(sentence)
        if (told := room.small_talk(sentence)) is not None:
            return told
        if room.asks_for_idea(sentence):
            return self._idea(asked=True) or "Nothing to add: I am with you."
        heard = room.push(sentence)
        if heard.verdict and not heard.edits:
            return self._verdict(heard.verdict, sentence)
        if heard.edits:
            return self._direct(sentence, heard.edits)
        return room.answer(heard.question, self._facts) if heard.question else heard.reply

    def _later(self, sentence: str) -> str:
        if not self._loading.is_alive():
            return "I have no words in this session; the log says why."
        self._early = [*self._early, sentence][-EARLY_MAX:]
        return "Give me a moment, I am still finding my words; I will come to it."

    def _direct(self, sentence: str, edits: tuple[Edit, ...]) -> str:
        room = self._room
        assert room
        if any(edit.change == "undo" for edit in edits):
            return self._undo()
        modes = [edit for edit in edits if edit.dimension == "pattern" and edit.value in MODE_PATTERNS]
        for edit in modes:
            self._command(MODE_PATTERNS[str(edit.value)])
        rest = [edit for edit in edits if edit not in modes]
        live = tuple(edit for edit in rest if edit.dimension in LIVE and edit.target != "bass")
        others = [edit for edit in rest if edit not in live]
        others_said = [YOURS.get(edit.dimension, "") or room.not_live(edit) for edit in others]
        if live:
            self._trial = None  # what the player asks for now is his, the idea stays in it
            unkept = room.said(sentence, live)
            others_said = [*others_said, unkept] if unkept else others_said
            room.standing = room.standing.ask(live, self._bar)
            self._tell()
        if modes and not rest:
            return f"{MODE_PATTERNS[str(modes[-1].value)].capitalize()}, from the next bar on."
        return room.account(live, others_said)

    def _undo(self) -> str:
        room = self._room
        assert room
        before, unkept = room.standing, ""
        if self._trial:
            room.standing = self._trial.before
            self._trial = None
        else:
            unkept = room.undo()
        if room.standing.asked == before.asked:
            return "There is nothing left to undo."
        self._tell()
        return _with("Undone, from the next bar on.", unkept)

    def _tell(self) -> None:
        assert self._room
        self._send(self._room.message())

    def again(self) -> list[Any]:
        """What a mind without memory must be told."""
        return [self._room.message()] if self._room and self._room.standing.asked else []

    # -- what it says by itself -------------------------------------------------------------------------------

    def push(self, thought: Decision) -> str:
        """A frame's thought; a line when the band has something to say."""
        room, self._bar = self._room, thought.bar
        if room is None or thought.state != "playing":
            return ""
        self._facts = thought.analysis if thought.analysis.grid else self._facts
        if thought.analysis.hook:
            room.hook = True
        if self._trial and self._bar - self._trial.since >= EVERY_BARS:
            return self._verdict("ignored", "")
        phrase = thought.analysis.phrase
        if phrase is None or phrase.end_s is None:
            return ""
        room.phrase(phrase, thought.analysis)
        ready = self._config.conversation.proposals and self._bar - self._last_idea >= EVERY_BARS
        return self._idea(asked=False) if ready and self._trial is None else ""

    def _idea(self, asked: bool) -> str:
        room = self._room
        assert room
        found = room.idea(self._facts, asked, LIVE)
        if found is None:
            return ""
        idea, edits, line = found
        self._last_idea = self._bar
        self._trial = Trial(idea, room.proposed(idea, line, edits), self._bar, room.standing, edits)
        room.standing = room.standing.ask(edits, self._bar)
        self._tell()
        return line

    def _verdict(self, verdict: str, sentence: str) -> str:
        """On the idea that is being tried, else on the whole."""
        room, trial = self._room, self._trial
        assert room
        unkept = room.judged(verdict, sentence, trial.kind if trial else "", trial.row if trial else [])
        if trial is None:
            return _with("Thank you." if verdict == "liked" else "Noted. What should I change?", unkept)
        self._trial = None
        if verdict == "liked":
            room.taste.wish(trial.edits)
            return _with(f"Then the {trial.kind} stays.", unkept)
        room.standing = trial.before
        self._tell()
        line = f"Without the {trial.kind}, then." if verdict == "disliked" else f"I let the {trial.kind} go."
        return _with(line, unkept)

    def poll(self) -> None:
        """Once a turn: the session goes on, and what was said too early is heard."""
        if self._early and self._room:
            early, self._early = self._early[0], self._early[1:]
            self.say(early)
        if self._room and time.monotonic() - self._saw_s > 10:
            self._saw_s = time.monotonic()
            self._room.seen()

    def close(self) -> None:
        self._loading.join(CLOSES_S)
        if self._room:
            self._room.close()


def _with(line: str, unkept: str) -> str:
    return f"{line} ({unkept})" if unkept else line
