"""`RiffTalk` is a conversation over a recorded riff: it begins with the riff, and with what is known of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from agent.conversation import phrasing
from agent.conversation.conversation import Conversation
from agent.conversation.ideas import Answer
from agent.conversation.player_notes import TODAY_DAYS, Again, PlayerNotes, motif_of
from agent.conversation.riff_stage import RiffStage
from agent.directions.active import ActiveEdits
from agent.language.parser import Context, ParseResult, parse
from agent.memory.session_time import gap
from agent.memory.taste import DAY_S
from agent.takes.riff import Riff
from agent.takes.sketcher import Sketcher
from agent.takes.take import Take

LEFT = "as we left it"


class RiffTalk(Conversation):
    """A `Conversation` whose stage is a riff. `listen` first; proposals: whether ideas may come unasked."""

    stage: RiffStage

    def __init__(
        self,
        sketcher: Sketcher,
        notes: PlayerNotes,
        proposals: bool = True,
        hearing: Callable[[str, Context], ParseResult] = parse,
    ) -> None:
        super().__init__(RiffStage(sketcher, notes.record_take), notes, proposals, hearing)

    @property
    def take(self) -> Take:
        """The take that is played."""
        return self.stage.take

    @property
    def takes(self) -> tuple[Take, ...]:
        """Every take of this session, take 1 first."""
        return self.stage.takes

    def listen(self, riff: Riff, seed: int = 0) -> Answer:
        """Take a riff and make its first take, by the player's taste.

        A riff of another day goes on with the edits it was left with; for a new one an idea is proposed if it is worth
        it.
        """
        motif = motif_of(riff)
        again = self.notes.again(motif)
        if again:
            riff = replace(riff, hook=again.motif)
        self.notes.heard(riff, motif)
        resumes = again is not None and again.days >= TODAY_DAYS and bool(again.edits)
        taste, words = ((), "") if resumes else phrasing.as_you_like_it(self.notes.taste)  # it is in what was left
        self.stage.returns_days = again.days if again else None
        self.stage.begin(riff, ActiveEdits().ask(taste), again.seed if again and resumes else seed)
        if again and resumes:
            return self._resumed(again)
        liked = phrasing.sentence(words)
        heard = self.stage.facts().heard
        proposal = self.proposer.choose(heard, tired=self.tired) if heard else None
        if proposal is None:
            return Answer(liked or "I am with you.")
        answer = self.propose(proposal)
        return replace(answer, reply=f"{liked} {answer.reply}".strip())

    def _resumed(self, again: Again) -> Answer:
        """Return a take with the edits that the riff was left with, as one step that can be undone."""
        row = self.notes.said(f"({LEFT})", again.edits)
        outcome = self.stage.apply(again.edits, LEFT)
        self._steps.append((outcome.step, (row,)))
        ago = gap(again.days * DAY_S)
        return Answer(f"I know that one, from {ago} ago. As we left it: {phrasing.described(again.edits)}.", outcome)
