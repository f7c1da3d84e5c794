"""`Ideas` proposes, tries and judges: at most one idea waits for a verdict; what is judged goes into memory and taste.

It is what `Conversation` (agent/conversation/conversation.py) is built on, and knows no sentence.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from agent.conversation.player_notes import PlayerNotes, Row
from agent.conversation.proposals import Proposal, Proposer
from agent.conversation.stage import NOTHING, Outcome, Stage

YES, NO, MORE, IGNORED = "liked", "disliked", "more", "ignored"


@dataclass(frozen=True, slots=True)
class Answer:
    """What a sentence led to. reply: one line; outcome: what was done; proposal: the idea that was proposed.

    waits: nothing was done yet, since music is drawn first: say it again.
    """

    reply: str
    outcome: Outcome = NOTHING
    proposal: Proposal | None = None
    waits: bool = False

    @property
    def changed(self) -> bool:
        """Whether there is other music to be played than before."""
        return bool(self.outcome.step or self.outcome.undone)


@dataclass(frozen=True, slots=True)
class Open:
    """An idea that waits for a verdict. row: its number in the memory; step: to withdraw it by; since: the bar it is
    heard from."""

    proposal: Proposal
    row: Row
    step: int
    since: int


class Ideas:
    """One session of one player. proposals: whether ideas may come unasked."""

    def __init__(self, stage: Stage, notes: PlayerNotes, proposals: bool = True) -> None:
        self.stage, self.notes = stage, notes
        self._now, self._began_s = notes.now, notes.now.at_s
        self.proposer = Proposer(stage, notes.taste, seed=notes.session, quiet=not proposals)
        self._steps: list[tuple[int, tuple[Row, ...]]] = []  # step of the stage, and the directions it came from
        self._open: Open | None = None
        self._liked: tuple[str, ...] = ()

    @property
    def tired(self) -> bool:
        return self._now.tired

    @property
    def waiting(self) -> Open | None:
        """The idea that waits for a verdict."""
        return self._open

    def tick(self, now_s: float) -> None:
        """Take the wall-clock time, in seconds."""
        self._now = replace(self._now, at_s=now_s, running_s=now_s - self._began_s)
        self.notes.seen()

    def idea(self, like: str = "") -> Answer:
        """Propose an idea because one was asked for."""
        heard = self.stage.facts().heard
        if heard is None:
            return Answer("Play me a few bars first; then I have ideas.")
        left = self._let_go()
        found = self.proposer.choose(heard, True, self.tired, like)
        return self.propose(found, left) if found else Answer("I am with you: nothing to add.")

    def propose(self, proposal: Proposal, instead_of: int = 0) -> Answer:
        """Play an idea that was chosen; it waits for a verdict from now on."""
        self.proposer.take(proposal)
        row = self.notes.proposed(proposal.idea, proposal.says, proposal.edits)
        outcome = self.stage.apply(proposal.edits, proposal.idea, instead_of)
        self._steps.append((outcome.step, ()))
        self._open = Open(proposal, row, outcome.step, self.stage.facts().bar + 1)
        return Answer(proposal.says, outcome, proposal)

    def trial_over(self, bar: int) -> Answer | None:
        """Return what is said when an idea has been tried for as long as the stage allows, and let it go; else None."""
        if self._open is None or self.stage.trial_bars is None or bar - self._open.since < self.stage.trial_bars:
            return None
        kind = self._open.proposal.idea
        outcome = self.stage.withdraw(self._let_go())
        return Answer(f"I let the {kind} go.", outcome)

    def _more(self, sentence: str) -> Answer:
        """Propose another idea of the last one's kind."""
        if self._open:
            self._judge(MORE, sentence)
        return self.idea(self.proposer.said[-1])

    def _verdict(self, verdict: str, sentence: str) -> Answer:
        waiting = self._open
        self._judge(verdict, sentence)
        if waiting is None:
            return Answer("Kept." if verdict == YES else "Noted. What should I change?")
        if verdict == YES:
            return Answer(f"Then the {waiting.proposal.idea} stays.")
        return Answer(f"Without the {waiting.proposal.idea}, then.", self._withdraw(waiting.step))

    def _withdraw(self, step: int) -> Outcome:
        self._steps = [one for one in self._steps if one[0] != step]
        return self.stage.withdraw(step)

    def _judge(self, verdict: str, sentence: str) -> None:
        takes = [one for one in self.stage.facts().takes if one.isdecimal()]
        subject, row, kind = "take", [int(takes[-1])] if takes else [], ""
        if self._open:
            subject, row, kind = "proposal", self._open.row, self._open.proposal.idea
            if verdict in (YES, MORE):
                self.proposer.taste.wish(self._open.proposal.edits)
            self._open = None
        if verdict in (YES, MORE):
            self._liked = (*self._liked, f"the {kind}" if kind else f"take {row[0]}" if row else "what we played")
        self.proposer.judge(kind, verdict)
        self.notes.judged(subject, row, verdict, sentence)

    def _let_go(self) -> int:
        """Count an open idea as ignored; return the step by which it is withdrawn, 0 where there is none."""
        step = self._open.step if self._open else 0
        self.ignored()
        self._steps = [one for one in self._steps if one[0] != step]
        return step

    def ignored(self) -> None:
        """Count an open idea as ignored, since the player went on without a word."""
        if self._open:
            self._judge(IGNORED, "")
