"""`Talk` is the conversation with a playing band, as the parent's loop has it: it never blocks and never raises.

It loads words and memory in a thread, answers what was said too early, proposes at most one idea after a phrase, and
says what comes unasked. What it says and does is `Conversation`'s (agent/conversation/conversation.py) over a
`LiveStage`.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol

from agent.core.errors import UserError
from agent.core.os_process import give_back_memory, set_nice_beside
from agent.core.paths import GUEST, data_folder
from agent.core.settings import Config
from agent.sounds.instruments import OWN

if TYPE_CHECKING:
    from pathlib import Path

    from agent.conversation.live_stage import LiveStage
    from agent.conversation.live_talk import LiveTalk
    from agent.conversation.loop_stage import LoopStage
    from agent.conversation.proposals import Proposal
    from agent.core.messages import Lead
    from agent.core.types import Decision
    from agent.directions.active import MindMessage
    from agent.directions.edit import Edit, EditJson
    from agent.song.kept import KeptSection
    from agent.takes.captured import Captured
    from models.responder.responder import Responder

log = logging.getLogger(__name__)

LOADS_S = 0.2  # how long `say` waits for the language tables; a sentence said before is answered later
EARLY_MAX = 8  # sentences that wait
NO_WORDS = "I cannot understand sentences in this session; the log says why."
CLOSES_S = 3.0
NICE = 10  # of the threads that load and think: the workers have the processor first
FIRST = "less snare"  # parsed once beforehand, since the first sentence builds the language tables
EVERY_BARS = 8  # between two ideas
SEEN_S = 10.0


@dataclass(slots=True, eq=False)
class Waiting:
    """A sentence, or the edit that a command stands for, and its answer once it is there."""

    sentence: str
    edit: Edit | None = None
    reply: str | None = None


class LoopedSound(Protocol):
    """The sound of a riff that loops. seconds: of the riff; before_s: what lies before it."""

    @property
    def seconds(self) -> float: ...
    @property
    def before_s(self) -> float: ...


@dataclass(frozen=True, slots=True)
class Around:
    """What the conversation asks of the session around it.

    why: says why the band is silent, "" while it plays. names: of the sections that can be gone to. practises: whether
    the player does: no idea comes unasked. looped: as of agent/songbook/book.py's Songbook.
    """

    why: Callable[[], str] = str
    names: Callable[[], tuple[str, ...]] = tuple
    practises: Callable[[], bool] = bool
    looped: Callable[[], tuple[KeptSection, Path, LoopedSound, int] | None] = lambda: None


ALONE = Around()


class Talk:
    """The live conversation. Call it from the parent's loop only.

    send: sends a message to the mind; command: carries out a line of agent/control/commands.py.
    """

    def __init__(
        self,
        config: Config,
        send: Callable[[MindMessage], object],
        command: Callable[[str], object],
        folder: str = "",
        around: Around = ALONE,
    ) -> None:
        self._config, self._send, self._command, self._folder = config, send, command, folder
        self._around = around
        self._talk: LiveTalk | None = None
        self._stage: LoopStage | None = None
        self._last_idea = -EVERY_BARS
        self._saw_s = 0.0
        self._waiting: deque[Waiting] = deque()  # said while words are loaded, or a take is drawn for the first of them
        self._answered: deque[str] = deque(maxlen=EARLY_MAX)  # answers that came later, to be shown
        self._later_one: Callable[[], str | None] | None = None  # gives the answer that the last sentence is owed
        self._begun = False  # whether the player's taste has been taken up
        self._told_taste = False  # whether the mind knows which grooves the player likes
        self._asked = False  # whether the player asked for the idea that is thought of
        self._thought_at = 0  # steps of the conversation when it began to think
        self._thought: list[Proposal | None] = []  # what a thread has come to
        self._thinking: threading.Thread | None = None
        self._loading = threading.Thread(target=self._load, name="words", daemon=True)
        self._loading.start()

    def _load(self) -> None:
        """Load the language tables and the memory in a thread, since they take two seconds."""
        set_nice_beside(NICE)
        try:
            from agent.conversation.live_talk import open_conversation
            from agent.language.parser import parse

            opened = open_conversation(
                self._config.conversation,
                data_folder(),
                self._folder,
                self._send,
                self._command,
                self._around.why,
                self._around.names,
                self._captured,
                self._responder,
            )
            parse(FIRST)
            give_back_memory()
        except Exception:  # the band plays all the same
            log.exception("conversation: not available in this session; commands and keys still work")
            return
        if opened.talk.notes.note:
            log.warning("%s", opened.talk.notes.note)
        self._stage, self._talk = opened.stage, opened.talk

    def _captured(self) -> Captured | None:
        from agent.takes.captured import Captured

        found = self._around.looped()
        if found is None:
            return None
        kept, path, sound, began = found
        return Captured(kept, str(path), sound.seconds, sound.before_s, began)

    def _responder(self) -> Responder:
        from models.responder.responder import Responder, named

        models = self._config.models
        return Responder.load(named(models.responder), models.adapter)

    @property
    def loads(self) -> bool:
        """Whether words and memory are still being loaded; what is said meanwhile is answered later."""
        return self._loading.is_alive()

    @property
    def thinks(self) -> bool:
        """Whether an idea is being thought of, beside the music."""
        return self._thinking is not None and self._thinking.is_alive()

    # -- what is said -----------------------------------------------------------------------------------------

    def say(self, sentence: str) -> str:
        """Return the answer to a sentence in one line. Never raises, whatever the text."""
        self._loading.join(LOADS_S)
        return self._in_turn(Waiting(sentence)) if self._talk else self._later(sentence)

    def over_loop(self, message: Lead) -> str | None:
        """Do to the riff that loops what a band would lead; return the answer, None where no riff loops."""
        if self._talk is None or self._stage is None or not self._stage.works:
            return None
        from agent.conversation.band_lead import edit_of
        from agent.language.edit_text import describe_edit

        edit = edit_of(message)
        return self._in_turn(Waiting(describe_edit(edit), edit)) if edit else None

    def _in_turn(self, said: Waiting) -> str:
        """Return the answer; where a take is drawn first, that comes later, and so does whatever is said meanwhile."""
        if len(self._waiting) >= EARLY_MAX:
            return "One thing at a time: I am still at what you said before."
        if not self._waiting and (reply := self._answer(said)) is not None:
            return reply
        self._wait(said)
        return "Give me a moment."

    def _answer(self, said: Waiting) -> str | None:
        """Return the answer; None where a take is being drawn for it."""
        talk, stage = self._talk, self._stage
        assert talk and stage
        if said.edit is None and stage.works and self._asks_for_idea(said.sentence):
            return "Let me think: it comes in a moment."
        try:
            if said.edit is None:
                answer = talk.say(said.sentence)
            elif stage.can(said.edit) is None and not stage.ready((said.edit,)):
                return None
            else:
                answer = talk.direct(said.sentence, (said.edit,))
            return None if answer.waits else answer.reply
        except UserError as cause:  # of a command that the sentence stands for
            return str(cause)
        except Exception:
            log.exception("conversation: %r could not be answered", said.sentence[:80])
            return "I stumbled over that one; the log says why. The music goes on."

    def _asks_for_idea(self, sentence: str) -> bool:
        """Return whether a sentence asks for an idea, which over a loop is thought of beside it: takes are drawn."""
        from agent.language.small_talk import SPEAK

        if not SPEAK.search(sentence.lower()) or self._talk is None or self._stage is None or self._thinking:
            return False
        self._think_of(self._talk, self._stage, True)
        return True

    def _later(self, sentence: str) -> str:
        if not self._loading.is_alive():
            return NO_WORDS
        if len(self._waiting) >= EARLY_MAX:
            return "I am still loading, and have enough to come to."
        self._wait(Waiting(sentence))
        return "Give me a moment, I am still loading; I will come to it."

    def _wait(self, said: Waiting) -> None:
        self._waiting.append(said)
        self._later_one = lambda: said.reply

    def take_later(self) -> Callable[[], str | None] | None:
        """Return what gives the answer that the last sentence is owed, None until it is there; None if none is owed."""
        later, self._later_one = self._later_one, None
        return later

    @property
    def mutes(self) -> frozenset[str]:
        """The parts that words have muted in this bar."""
        return self._stage.mutes if self._stage else frozenset()

    def switched(self, part: str, on: bool) -> None:
        """A command, key or pedal switched a part: it is one switch with what words say."""
        if self._stage:
            self._stage.switched_off = self._stage.switched_off - {part} if on else self._stage.switched_off | {part}
            if on:
                self._stage.unmuted(part)

    def standing(self) -> tuple[EditJson, ...]:
        """Return the directions in force, as they are kept with a section."""
        return tuple(one.edit.to_json() for one in self._stage.active.asked) if self._stage else ()

    def stand(self, edits: tuple[EditJson, ...]) -> None:
        """Put the directions of a section in force, in place of those that stand."""
        if self._stage:
            self._stage.stand(edits)

    @property
    def wants_own_sound(self) -> bool:
        """Whether something is to be played in the player's own sound."""
        asked = self._stage.asked if self._stage else ()
        return any(edit.dimension == "sound" and edit.value == OWN for edit in asked)

    def again(self) -> list[MindMessage]:
        """Return the messages that a mind without a snapshot needs."""
        return self._stage.again() if self._stage else []

    # -- what it says by itself -------------------------------------------------------------------------------

    def push(self, decision: Decision) -> str:
        """Take a frame's decision; return a line when the band has something to say, else ""."""
        talk, stage = self._talk, self._stage
        if talk is None or stage is None:
            return ""
        if not self._told_taste:
            self._told_taste = True
            talk.play_liked_grooves()
        line = stage.push(decision)
        line = self._answered.popleft() if self._answered else line
        if decision.state != "playing":
            return line
        if not self._begun:
            self._begun = True
            liked = talk.as_you_like_it() if self._config.conversation.player != GUEST else None
            line = liked.reply if liked else line
        if not self._waiting and (over := talk.trial_over(decision.bar)):
            return over.reply
        phrase = decision.analysis.phrase
        if phrase is not None and phrase.end_s is not None:
            self._on_phrase(decision)
        return self._thought_of(talk) or line or next(iter(stage.lead.lines()), "")

    def _on_phrase(self, decision: Decision) -> None:
        """A phrase has ended: it is kept, and an idea may come."""
        talk, stage = self._talk, self._stage
        assert talk and stage
        phrase = decision.analysis.phrase
        assert phrase
        talk.phrase(phrase, decision.analysis)
        ready = decision.bar - self._last_idea >= EVERY_BARS and talk.waiting is None and self._thinking is None
        if self._config.conversation.proposals and ready and self._may_propose(talk):
            self._think_of(talk, stage, False)

    def _may_propose(self, talk: LiveTalk) -> bool:
        return not (talk.proposer.quiet or self._around.practises())

    def _think_of(self, talk: LiveTalk, stage: LiveStage, asked: bool) -> None:
        self._last_idea, self._thought_at, self._asked = stage.bar, talk.steps, asked
        self._thinking = threading.Thread(target=self._think, args=(talk, stage, asked), name="ideas", daemon=True)
        self._thinking.start()

    def _think(self, talk: LiveTalk, stage: LiveStage, asked: bool) -> None:
        """Choose an idea, beside the loop: the responder weighs four of them in half a second."""
        if not asked:
            set_nice_beside(NICE)
        try:
            weighing = stage.weighing(self._responder())
            heard = weighing.facts().heard
            chooses = replace(talk.proposer, stage=weighing)
            self._thought.append(chooses.choose(heard, asked, talk.tired) if heard else None)
        except Exception:
            log.exception("conversation: no idea came of this phrase")
            self._thought.append(None)

    def _thought_of(self, talk: LiveTalk) -> str:
        """Return the line of an idea that has been thought of, which is played from now on; "" for none."""
        if not self._thought:
            return ""
        if self._thought[0] and self._stage and not self._stage.ready(self._thought[0].edits):
            return ""  # its take is drawn first
        found, self._thinking = self._thought.pop(), None
        if talk.steps != self._thought_at and not self._asked:  # something was asked meanwhile: it may be this
            return ""
        if self._asked and found is None:
            return "I am with you: nothing to add."
        free = self._asked or (talk.waiting is None and self._may_propose(talk))
        return talk.propose(found).reply if found and free else ""

    def poll(self) -> None:
        """Answer what was said too early, and note in the memory that the session runs. Call once a loop."""
        if self._waiting and not self._loading.is_alive() and not (self._stage and self._stage.draws):
            reply = self._answer(self._waiting[0]) if self._talk else NO_WORDS
            if reply is not None:
                self._waiting.popleft().reply = reply
                self._answered.append(reply)
        if self._talk and time.monotonic() - self._saw_s > SEEN_S:
            self._saw_s = time.monotonic()
            self._talk.tick(time.time())

    def close(self) -> None:
        self._loading.join(CLOSES_S)
        if self._talk and self._stage:
            self._stage.close()
            self._talk.close()
            self._talk.notes.close()
