"""`Talk` is the conversation with a playing band, as the parent's loop has it: it never blocks and never raises.

It loads words and memory in a thread, answers what was said too early, proposes at most one idea after a phrase, and
says what comes unasked. What it says and does is `Conversation`'s (agent/conversation/conversation.py) over a
`LiveStage`.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from agent.core.errors import UserError
from agent.core.os_process import set_nice
from agent.core.paths import GUEST, data_folder
from agent.core.settings import Config
from agent.sounds.instruments import OWN

if TYPE_CHECKING:
    from agent.conversation.live_stage import LiveStage
    from agent.conversation.live_talk import LiveTalk
    from agent.conversation.loop_stage import LoopStage
    from agent.conversation.proposals import Proposal
    from agent.core.types import Decision
    from agent.takes.captured import Captured
    from models.responder.responder import Responder

log = logging.getLogger(__name__)

LOADS_S = 0.2  # how long `say` waits for the language tables; a sentence said before is answered later
EARLY_MAX = 8
CLOSES_S = 3.0
NICE = 10  # of the threads that load and think: the workers have the processor first
FIRST = "less snare"  # parsed once beforehand, since the first sentence builds the language tables
EVERY_BARS = 8  # between two ideas
SEEN_S = 10.0


class Talk:
    """The live conversation. Call it from the parent's loop only.

    send: sends a message to the mind; command: carries out a line of agent/control/commands.py.
    """

    def __init__(
        self,
        config: Config,
        send: Callable[[Any], object],
        command: Callable[[str], object],
        folder: str = "",
    ) -> None:
        self._config, self._send, self._command, self._folder = config, send, command, folder
        self._talk: LiveTalk | None = None
        self._stage: LoopStage | None = None
        self.why: Callable[[], str] = lambda: ""  # says why the band is silent; "" while it plays
        self.names: Callable[[], tuple[str, ...]] = tuple  # of the sections that can be gone to
        self.looped: Callable[[], tuple[Any, ...] | None] = lambda: None  # Songbook.looped
        self._last_idea = -EVERY_BARS
        self._saw_s = 0.0
        self._early: list[str] = []  # said before the language tables were loaded
        self._begun = False  # whether the player's taste has been taken up
        self._thought_at = 0  # steps of the conversation when it began to think
        self._thought: list[Proposal | None] = []  # what a thread has come to
        self._thinking: threading.Thread | None = None
        self._loading = threading.Thread(target=self._load, name="words", daemon=True)
        self._loading.start()

    def _load(self) -> None:
        """Load the language tables and the memory in a thread, since they take two seconds."""
        set_nice(NICE)
        try:
            from agent.conversation.band_lead import Leads
            from agent.conversation.live_opening import open_conversation
            from agent.language.parser import parse

            opened = open_conversation(
                self._config.conversation, data_folder(), self._folder, self._send, self._command, lambda: self.why()
            )
            opened.stage.lead = Leads(self._command, lambda: self.names())
            opened.stage.captured = self._captured
            opened.stage.responder_of = self._responder
            parse(FIRST)
        except Exception:  # the band plays all the same
            log.exception("conversation: not available in this session; commands and keys still work")
            return
        if opened.talk.notes.note:
            log.warning("%s", opened.talk.notes.note)
        self._stage, self._talk = opened.stage, opened.talk

    def _captured(self) -> Captured | None:
        from agent.takes.captured import Captured

        found = self.looped()
        if found is None:
            return None
        kept, path, sound, began = found
        return Captured(kept, str(path), sound.seconds, sound.before_s, began)

    def _responder(self) -> Responder:
        from models.responder.responder import Responder, named

        models = self._config.models
        return Responder.load(named(models.responder), models.adapter)

    # -- what is said -----------------------------------------------------------------------------------------

    def say(self, sentence: str) -> str:
        """Return the answer to a sentence in one line. Never raises, whatever the text."""
        self._loading.join(LOADS_S)
        if self._talk is None:
            return self._later(sentence)
        try:
            return self._talk.say(sentence).reply
        except UserError as cause:  # of a command that the sentence stands for
            return str(cause)
        except Exception:
            log.exception("conversation: %r could not be answered", sentence[:80])
            return "I stumbled over that one; the log says why. The music goes on."

    def over_loop(self, message: Any) -> str | None:
        """Do to the riff that loops what a band would lead; return the answer, None where no riff loops."""
        if self._talk is None or self._stage is None or not self._stage.works:
            return None
        from agent.conversation.band_lead import edit_of

        edit = edit_of(message)
        return self._talk.direct(edit.short(), (edit,)).reply if edit else None

    def _later(self, sentence: str) -> str:
        if not self._loading.is_alive():
            return "I cannot understand sentences in this session; the log says why."
        self._early = [*self._early, sentence][-EARLY_MAX:]
        return "Give me a moment, I am still loading; I will come to it."

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

    def standing(self) -> tuple[dict[str, Any], ...]:
        """Return the directions in force, as they are kept with a section."""
        return tuple(one.edit.to_json() for one in self._stage.active.asked) if self._stage else ()

    def stand(self, edits: tuple[dict[str, Any], ...]) -> None:
        """Put the directions of a section in force, in place of those that stand."""
        if self._stage:
            self._stage.stand(edits)

    @property
    def wants_own_sound(self) -> bool:
        """Whether something is to be played in the player's own sound."""
        asked = self._stage.active.asked if self._stage else ()
        return any(one.edit.dimension == "sound" and one.edit.value == OWN for one in asked)

    def again(self) -> list[Any]:
        """Return the messages that a mind without a snapshot needs."""
        return [self._stage.message()] if self._stage and self._stage.active.asked else []

    # -- what it says by itself -------------------------------------------------------------------------------

    def push(self, decision: Decision) -> str:
        """Take a frame's decision; return a line when the band has something to say, else ""."""
        talk, stage = self._talk, self._stage
        if talk is None or stage is None:
            return ""
        line = stage.push(decision)
        if decision.state != "playing":
            return line
        if not self._begun:
            self._begun = True
            liked = talk.as_you_like_it() if self._config.conversation.player != GUEST else None
            line = liked.reply if liked else line
        if over := talk.trial_over(decision.bar):
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
        if self._config.conversation.proposals and not talk.proposer.quiet and ready:
            self._last_idea, self._thought_at = decision.bar, talk.steps
            self._thinking = threading.Thread(target=self._think, args=(talk, stage), name="ideas", daemon=True)
            self._thinking.start()

    def _think(self, talk: LiveTalk, stage: LiveStage) -> None:
        """Choose an idea, beside the loop: the responder weighs four of them in half a second."""
        set_nice(NICE)
        try:
            weighing = stage.weighing(self._responder())
            heard = weighing.facts().heard
            chooses = replace(talk.proposer, stage=weighing)
            self._thought.append(chooses.choose(heard, tired=talk.tired) if heard else None)
        except Exception:
            log.exception("conversation: no idea came of this phrase")
            self._thought.append(None)

    def _thought_of(self, talk: LiveTalk) -> str:
        """Return the line of an idea that has been thought of, which is played from now on; "" for none."""
        if not self._thought:
            return ""
        found, self._thinking = self._thought.pop(), None
        if talk.steps != self._thought_at:  # something was asked meanwhile: it may be this
            return ""
        return talk.propose(found).reply if found and talk.waiting is None and not talk.proposer.quiet else ""

    def poll(self) -> None:
        """Answer what was said too early, and note in the memory that the session runs. Call once a loop."""
        if self._early and self._talk:
            early, self._early = self._early[0], self._early[1:]
            self.say(early)
        if self._talk and time.monotonic() - self._saw_s > SEEN_S:
            self._saw_s = time.monotonic()
            self._talk.tick(time.time())

    def close(self) -> None:
        self._loading.join(CLOSES_S)
        if self._talk and self._stage:
            self._stage.close()
            self._talk.close()
            self._talk.notes.close()
