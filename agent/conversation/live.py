"""`Talk` is the conversation with a playing band: a sentence becomes directions that count from the next bar on.

It proposes at most one idea per phrase, plays it at once and reverts it after EVERY_BARS bars without approval. It runs
in the parent process and never blocks its loop. Edits that need a recorded riff (another meter or tempo, a longer form,
the mix) are refused with the reason.
"""

from __future__ import annotations

import logging
import re
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from agent.conversation.band_lead import LED, Leads, LedFacts
from agent.core.os_process import set_nice
from agent.core.paths import data_folder
from agent.core.settings import Config
from agent.directions.active import PHRASE_BARS, ActiveEdits
from agent.directions.bar_settings import INSTRUMENTS
from agent.directions.edit import Edit
from agent.sounds.instruments import OWN

if TYPE_CHECKING:
    from agent.conversation.live_session import LiveConversation
    from agent.core.types import Decision

log = logging.getLogger(__name__)

LOADS_S = 0.2  # how long `say` waits for the language tables; a sentence said before is answered later
EARLY_MAX = 8
CLOSES_S = 3.0
NICE = 10  # of the thread that loads: the workers start meanwhile
FIRST = "less snare"  # parsed once beforehand, since the first sentence builds the language tables
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
        "brightness",
        "sound",
        "reverb",
        "pan",
        "width",
    }
)
SWITCHES = {target: INSTRUMENTS[target] for target in ("drums", "harmony", "line", "band")}  # -> the parts it switches
YOURS = {"tempo": "the tempo is yours: play it and I follow", "swing": "the swing is yours: play it and I follow"}
WHY_SILENT = re.compile(
    r"\bwhy\b.*\b(silent|quiet|not play|aren'?t you play|don'?t you play|stopped|no sound|hear nothing|nothing)\b"
    r"|\bwhat are you waiting for\b|\bare you (still )?there\b"
)
MODE_PATTERNS = {"loop": "mode loop", "trade": "mode trade"}


@dataclass(slots=True)
class Trial:
    """An idea that is being played. row: its number in the memory; since: the bar it began in; before: the edits that
    were in force."""

    kind: str
    row: list[int]
    since: int
    before: Any
    edits: tuple[Edit, ...]


class Talk:
    """The live conversation. Call it from the parent's loop only.

    send: sends a message to the mind; command: carries out a line of agent/control/commands.py.
    """

    def __init__(
        self, config: Config, send: Callable[[Any], object], command: Callable[[str], object], folder: str = ""
    ) -> None:
        self._config, self._send, self._command, self._folder = config, send, command, folder
        self._session: LiveConversation | None = None
        self._leads = Leads(command)
        self._trial: Trial | None = None
        self.why: Callable[[], str] = lambda: ""  # says why the band is silent; "" while it plays
        self._bar, self._last_idea = 0, -EVERY_BARS
        self._facts: Any = None
        self._saw_s = 0.0
        self._early: list[str] = []  # said before the language tables were loaded
        self._loading = threading.Thread(target=self._load, name="words", daemon=True)
        self._loading.start()

    def _load(self) -> None:
        """Load the language tables and the memory in a thread, since they take two seconds."""
        conversation = self._config.conversation
        set_nice(NICE)
        try:
            from agent.conversation.live_session import LiveConversation

            session = LiveConversation(data_folder(), conversation.player, conversation.half_life_days, self._folder)
            session.push(FIRST)
        except Exception:  # the band plays all the same
            log.exception("conversation: not available in this session; commands and keys still work")
            return
        if session.note:
            log.warning("%s", session.note)
        self._session = session

    # -- what is said -----------------------------------------------------------------------------------------

    def say(self, sentence: str) -> str:
        """Return the answer to a sentence in one line. Never raises, whatever the text."""
        self._loading.join(LOADS_S)
        session = self._session
        if session is None:
            return self._later(sentence)
        if WHY_SILENT.search(sentence.lower()):
            return _spoken(self.why()) or "I am playing."
        if (reply := session.small_talk(sentence)) is not None:
            return reply
        if session.asks_for_idea(sentence):
            return self._idea(asked=True) or "Nothing to add: I am with you."
        heard = session.push(sentence)
        if heard.verdict and not heard.edits:
            return self._verdict(heard.verdict, sentence)
        if heard.edits:
            return self._direct(sentence, heard.edits)
        return session.answer(heard.question, self._facts) if heard.question else heard.reply

    def _later(self, sentence: str) -> str:
        if not self._loading.is_alive():
            return "I cannot understand sentences in this session; the log says why."
        self._early = [*self._early, sentence][-EARLY_MAX:]
        return "Give me a moment, I am still loading; I will come to it."

    def _direct(self, sentence: str, edits: tuple[Edit, ...]) -> str:
        session = self._session
        assert session
        if any(edit.change == "undo" for edit in edits):
            undone, then = self._undo(), tuple(edit for edit in edits if edit.change != "undo")
            return f"{undone} {self._direct(sentence, then)}" if then else undone
        edits = session.possible(edits)
        led = tuple(edit for edit in edits if self._is_led(edit))
        if led:
            said = self._leads.lead(led, 0, self._now)
            unled = tuple(edit for edit in edits if edit not in led)
            return f"{said}. {self._direct(sentence, unled)}" if unled else f"{said}."
        modes = [edit for edit in edits if edit.dimension == "pattern" and edit.value in MODE_PATTERNS]
        for edit in modes:
            self._command(MODE_PATTERNS[str(edit.value)])
        rest = [edit for edit in edits if edit not in modes]
        live = tuple(edit for edit in rest if edit.dimension in LIVE and edit.target != "bass" and session.can(edit))
        others = [edit for edit in rest if edit not in live]
        others_said = [YOURS.get(edit.dimension, "") or session.not_live(edit) for edit in others]
        if live:
            self._trial = None  # a direction given now accepts the idea that is being tried
            unkept = session.said(sentence, live)
            others_said = [*others_said, unkept] if unkept else others_said
            session.active_edits = session.active_edits.ask(live, self._bar)
            self._tell()
            self._unmute(live)
        if modes and not rest:
            return f"{MODE_PATTERNS[str(modes[-1].value)].capitalize()}, from the next bar on."
        return session.account(live, others_said)

    def standing(self) -> tuple[dict[str, Any], ...]:
        """Return the directions in force, as they are kept with a section."""
        return tuple(one.edit.to_json() for one in self._session.active_edits.asked) if self._session else ()

    def stand(self, edits: tuple[dict[str, Any], ...]) -> None:
        """Put the directions of a section in force, in place of those that stand."""
        if self._session:
            self._session.active_edits = ActiveEdits().ask(tuple(map(Edit.from_json, edits)), self._bar)
            self._tell()

    def _is_led(self, edit: Edit) -> bool:
        led = edit.dimension in LED or edit.value == "count-in"
        return led and self._leads.can(edit, self._now) is None

    @property
    def _now(self) -> LedFacts:
        grid = self._facts.grid if self._facts else None
        return LedFacts(60 / grid.period_s, str(grid.meter)) if grid else LedFacts()

    def _unmute(self, edits: Iterable[Edit]) -> None:
        """What words bring back comes back, whoever muted it: words, keys, pedals and commands are one switch."""
        for edit in edits:
            if edit.dimension == "mute" and edit.change == "off" and edit.target in SWITCHES:
                for part in SWITCHES[edit.target]:
                    self._command(f"unmute {part}")

    @property
    def mutes(self) -> frozenset[str]:
        """The parts that words have muted in this bar."""
        session = self._session
        return session.active_edits.settings(self._bar, PHRASE_BARS).muted if session else frozenset()

    def unmuted(self, part: str) -> None:
        """A command, key or pedal brought a part back: what words said against it no longer counts."""
        if self._session and part in self.mutes:
            target = next(target for target, parts in SWITCHES.items() if parts == (part,))
            edit = Edit(target, "mute", "off")
            self._session.active_edits = self._session.active_edits.ask((edit,), self._bar)
            self._tell()

    def _undo(self) -> str:
        session = self._session
        assert session
        before, unkept = session.active_edits, ""
        if self._trial:
            session.active_edits = self._trial.before
            self._trial = None
        else:
            unkept = session.undo()
        if session.active_edits.asked == before.asked:
            return "There is nothing left to undo."
        self._tell()
        return _with("Undone, from the next bar on.", unkept)

    def _tell(self) -> None:
        assert self._session
        self._send(self._session.message())

    @property
    def wants_own_sound(self) -> bool:
        """Whether something is to be played in the player's own sound."""
        asked = self._session.active_edits.asked if self._session else ()
        return any(one.edit.dimension == "sound" and one.edit.value == OWN for one in asked)

    def again(self) -> list[Any]:
        """Return the messages that a mind without a snapshot needs."""
        return [self._session.message()] if self._session and self._session.active_edits.asked else []

    # -- what it says by itself -------------------------------------------------------------------------------

    def push(self, decision: Decision) -> str:
        """Take a frame's decision; return a line when the band has something to say, else ""."""
        session, self._bar = self._session, decision.bar
        if session is None or decision.state != "playing":
            return ""
        self._facts = decision.analysis if decision.analysis.grid else self._facts
        if decision.analysis.hook:
            session.hook = True
        if self._trial and self._bar - self._trial.since >= EVERY_BARS:
            return self._verdict("ignored", "")
        phrase = decision.analysis.phrase
        if phrase is None or phrase.end_s is None:
            return ""
        session.phrase(phrase, decision.analysis)
        ready = self._config.conversation.proposals and self._bar - self._last_idea >= EVERY_BARS
        return self._idea(asked=False) if ready and self._trial is None else ""

    def _idea(self, asked: bool) -> str:
        session = self._session
        assert session
        found = session.idea(self._facts, asked, LIVE)
        if found is None:
            return ""
        idea, edits, line = found
        self._last_idea = self._bar
        self._trial = Trial(idea, session.proposed(idea, line, edits), self._bar, session.active_edits, edits)
        session.active_edits = session.active_edits.ask(edits, self._bar)
        self._tell()
        return line

    def _verdict(self, verdict: str, sentence: str) -> str:
        """Record a verdict on the idea that is being tried, else on the whole; return the reply."""
        session, trial = self._session, self._trial
        assert session
        unkept = session.judged(verdict, sentence, trial.kind if trial else "", trial.row if trial else [])
        if trial is None:
            return _with("Thank you." if verdict == "liked" else "Noted. What should I change?", unkept)
        self._trial = None
        if verdict == "liked":
            session.taste.wish(trial.edits)
            return _with(f"Then the {trial.kind} stays.", unkept)
        session.active_edits = trial.before
        self._tell()
        line = f"Without the {trial.kind}, then." if verdict == "disliked" else f"I let the {trial.kind} go."
        return _with(line, unkept)

    def poll(self) -> None:
        """Answer what was said too early, and note in the memory that the session runs. Call once a loop."""
        if self._early and self._session:
            early, self._early = self._early[0], self._early[1:]
            self.say(early)
        if self._session and time.monotonic() - self._saw_s > 10:
            self._saw_s = time.monotonic()
            self._session.seen()

    def close(self) -> None:
        self._loading.join(CLOSES_S)
        if self._session:
            self._session.close()


def _spoken(line: str) -> str:
    return f"{line[:1].upper()}{line[1:]}." if line else ""


def _with(line: str, unkept: str) -> str:
    return f"{line} ({unkept})" if unkept else line
