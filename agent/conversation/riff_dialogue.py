"""`Dialogue` is the conversation over a recorded riff: it answers a sentence in words and with a revised take.

It also proposes ideas, which the player judges. Everything said, done and judged goes into the memory at once. Call it
from one thread, outside the audio path.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from agent.conversation import answers
from agent.conversation.player_notes import Again, PlayerNotes, motif_of
from agent.conversation.proposals import Proposal, Proposer, heard_of
from agent.conversation.session_time import gap, greeting
from agent.directions.active import ActiveEdits
from agent.directions.edit import Edit
from agent.directions.exceptions import without_exceptions
from agent.language import feasibility
from agent.language.edit_text import describe_edits
from agent.language.parser import Context, ParseResult, parse
from agent.language.small_talk import COMPARE, MORE_LIKE_IT, NAMED, NO_TO_IT, YES_TO_IT
from agent.language.small_talk import QUIET as QUIET
from agent.language.small_talk import SPEAK as SPEAK
from agent.memory.store import Memory
from agent.takes.riff import Riff
from agent.takes.sketcher import Sketcher
from agent.takes.take import Take

YES, NO, MORE, IGNORED = "liked", "disliked", "more", "ignored"
TODAY_DAYS = 0.5


@dataclass(frozen=True, slots=True)
class Answer:
    """What a sentence led to. reply: one line; take: played from the next bar line on; before: the take it is compared
    with; changed: whether the take is a new one."""

    reply: str
    take: Take
    before: Take
    changed: bool = False
    proposal: Proposal | None = None


class Dialogue:
    """One session of one player. memory: None = a guest, of whom nothing is kept; folder: where its takes are kept.

    hearing: turns a sentence into edits, by the table or a language model (agent/language/llm_parser.py).
    """

    def __init__(
        self,
        sketcher: Sketcher,
        memory: Memory | None,
        player: str = "player",
        now_s: float = 0.0,
        half_life_days: float = 30.0,
        proposals: bool = True,
        folder: str = "",
        hearing: Callable[[str, Context], ParseResult] = parse,
    ) -> None:
        self.sketcher, self._player_name, self._hear = sketcher, player, hearing
        self.notes = PlayerNotes(memory, player, now_s, half_life_days, folder)
        self._now, self._began_s = self.notes.now, now_s
        self.proposer = Proposer(sketcher, self.notes.taste, seed=self.notes.session, quiet=not proposals)
        self._undo: list[tuple[int, Take]] = []  # direction and the take before it
        self._open: tuple[int, Proposal] | None = None
        self._last: tuple[Edit, ...] = ()
        self._offered: tuple[Edit, ...] = ()  # the readings that the last reply asked about
        self._liked: tuple[str, ...] = ()
        self.take: Take | None = None

    @property
    def takes(self) -> tuple[Take, ...]:
        """Every take of this session, take 1 first."""
        return tuple(self.sketcher.takes)

    # -- begin ------------------------------------------------------------------------------------------------

    def greet(self) -> str:
        """Return the first line, with a note where a damaged memory was set aside."""
        line = greeting(self._now, self._player_name, self.notes.liked())
        return f"{line} ({self.notes.note})" if self.notes.note else line

    def listen(self, riff: Riff, seed: int = 0) -> Answer:
        """Take a riff and return its first take, made by the player's taste.

        A riff of another day goes on with the edits it was left with; for a new one an idea is proposed if it is worth
        it.
        """
        motif = motif_of(riff)
        again = self.notes.again(motif)
        if again:
            riff = replace(riff, hook=again.motif)
        self.notes.heard(riff, motif)
        resumes = again is not None and again.days >= TODAY_DAYS and bool(again.edits)
        taste = () if resumes else self._from_taste()  # it is in what was left
        self.take = self.sketcher.begin(riff, ActiveEdits().ask(taste), again.seed if again and resumes else seed)
        self.notes.record_take(self.take, "the riff")
        if again and resumes:
            return self._resumed(again, self.take)
        heard = heard_of(self.take, riff.behind_s, again.days if again else None)
        proposal = self.proposer.propose(heard, self.take, tired=self._now.tired)
        return self._proposed(proposal, self.take)

    def _resumed(self, again: Again, before: Take) -> Answer:
        """Return a take with the edits that the riff was left with, as one step that can be undone."""
        direction = self.notes.said("(as we left it)", again.edits)
        self._revised(again.edits, direction, before, "as we left it", "as we left it")
        assert self.take
        what = "; ".join(describe_edits(again.edits))
        ago = gap(again.days * 86_400)
        return Answer(f"I know that one, from {ago} ago. As we left it: {what}.", self.take, before, True)

    def _from_taste(self) -> tuple[Edit, ...]:
        """Return edits for the dials whose place is known from earlier sessions."""
        names = {"tension": "harmony.dissonance", "resolution": "harmony.resolution", "register": "line.register"}
        edits = []
        for dial, value in self.notes.taste.preferred().items():
            if abs(value - 0.5) > 0.1:
                target = names.get(dial, f"band.{dial}" if dial in ("density", "intensity") else f"feel.{dial}")
                edits.append(Edit.read(f"{target} {'more' if value > 0.5 else 'less'} ~small"))
        return tuple(edits)

    # -- a sentence -------------------------------------------------------------------------------------------

    def say(self, sentence: str) -> Answer:
        """Return the answer to a sentence. Never raises, whatever the text."""
        assert self.take, "listen to a riff first"
        text, before = " ".join(sentence.lower().split()).strip(" .!?"), self.take
        if QUIET.search(text):
            self.proposer.quiet = True
            return Answer("I keep my ideas to myself until you ask.", before, before)
        plain = text.replace(",", "")
        if self._open and (YES_TO_IT.fullmatch(plain) or NO_TO_IT.fullmatch(plain)):
            return self._verdict(YES if YES_TO_IT.fullmatch(plain) else NO, sentence, before)
        if MORE_LIKE_IT.search(text) and (self._open or self.proposer.said):
            return self._more(sentence, before)
        if SPEAK.search(text):
            return self._asked(before)
        if named := NAMED.fullmatch(" ".join(sentence.split()).strip(" .!?")):
            return self.name(named[1])
        if COMPARE.fullmatch(text):
            return self._back_and_forth(before)
        takes = tuple(str(take.number) for take in self.sketcher.takes)
        heard = self._hear(sentence, Context(len(before.riff.bars), takes, self._last, self._offered))
        self._offered = heard.unsure
        if heard.edits:
            if heard.verdict == YES or any(edit.change == "keep" for edit in heard.edits):
                self._judge(YES, sentence)
            return self._direct(sentence, heard.edits, before)
        if heard.verdict:
            return self._verdict(YES if heard.verdict == YES else NO, sentence, before)
        if heard.question == "idea":
            return self._asked(before)
        if heard.question:
            facts = answers.SessionFacts(before, len(self.sketcher.takes), self._now, self._liked)
            return Answer(answers.answer(heard.question, text, facts), before, before)
        return Answer(heard.reply, before, before)

    def _direct(self, sentence: str, edits: tuple[Edit, ...], before: Take) -> Answer:
        named = next((edit.value for edit in edits if edit.dimension == "take" and edit.change == "set"), None)
        if named:
            return self.name(named)
        edits = tuple(_played(edit) for edit in without_exceptions(edits))
        cannot = tuple(dict.fromkeys(filter(None, map(feasibility.not_yet, edits))))
        edits = tuple(edit for edit in edits if not feasibility.not_yet(edit))
        plain = tuple(
            edit for edit in edits if edit.change not in ("undo", "recall", "keep") and edit.dimension != "lead"
        )
        back = [edit for edit in edits if edit.change in ("undo", "recall")]
        if back:
            first = self._undone(before) if back[0].change == "undo" else self._recalled(back[0], before)
            if not (plain and first.changed):
                return first
            then = self._direct(sentence, plain, first.take)
            return replace(then, before=before, reply=f"{first.reply} {then.reply}")
        if not plain:
            return Answer(
                f"{cannot[0]}." if cannot else "You lead; I follow." if _leads(edits) else "Kept.", before, before
            )
        if self._open and {edit.short() for edit in plain} <= {edit.short() for edit in self._open[1].edits}:
            self._judge(YES, sentence)
            return Answer("That is what this is. Kept.", before, before)
        self.ignored()
        direction = self.notes.said(sentence, plain)
        self.proposer.taste.wish(plain)
        self._last = plain
        what = "; ".join(describe_edits(plain))
        take = self._revised(plain, direction, before, what, sentence)
        same = (take.settings, take.bars, take.drawn) == (before.settings, before.bars, before.drawn)
        reply = f"I keep to it, but nothing in this take changes by it: {what}." if same else f"Done: {what}."
        reply = " ".join((reply, *(f"{why}." for why in cannot)))
        return Answer(reply, take, before, changed=True)

    def _revised(self, edits: tuple[Edit, ...], direction: int, before: Take, says: str, why: str) -> Take:
        self._undo.append((direction, before))
        self.take = self.sketcher.revise(before, edits, says)
        self.notes.record_take(self.take, why)
        return self.take

    def _undone(self, before: Take) -> Answer:
        if not self._undo:
            return Answer("There is nothing left to undo.", before, before)
        if self._open:
            self._judge(NO, "undo")
        direction, earlier = self._undo.pop()
        self.notes.revoke(direction)
        take = self._played_again(earlier, f"back to take {earlier.number}", "undo")
        return Answer(f"Undone: back to {earlier.says or 'where we were'}.", take, before, changed=True)

    def _recalled(self, edit: Edit, before: Take) -> Answer:
        takes = self.sketcher.takes
        names = {"first": takes[0], "last": before, "previous": takes[-2] if len(takes) > 1 else before}
        names |= {str(t.number): t for t in takes} | {t.name.lower(): t for t in takes if t.name}
        return self._again(names.get((edit.value or "").lower()) or names["previous"], before)

    def _back_and_forth(self, before: Take) -> Answer:
        """Return to the other of the last two takes that differ."""
        if not self._undo:
            return Answer("There is one take so far: nothing to compare.", before, before)
        return self._again(self._undo[-1][1], before)

    def _again(self, found: Take, before: Take) -> Answer:
        self._undo.append((0, before))
        take = self._played_again(found, f"take {found.number} again", "recall")
        return Answer(f"Take {found.number} again{f', {found.name!r}' if found.name else ''}.", take, before, True)

    def _played_again(self, take: Take, says: str, why: str) -> Take:
        self.take = replace(take, number=len(self.sketcher.takes) + 1, says=says)
        self.sketcher.takes.append(self.take)
        self.notes.record_take(self.take, why)
        return self.take

    def name(self, name: str) -> Answer:
        """Give the take a name it can be recalled by."""
        assert self.take
        self.take = replace(self.take, name=name.strip()[:80])
        self.sketcher.takes[-1] = self.take
        self.notes.named(self.take.name)
        return Answer(f"This is {self.take.name!r} from now on.", self.take, self.take)

    # -- proposals and verdicts -------------------------------------------------------------------------------

    def _asked(self, before: Take) -> Answer:
        self.ignored()
        heard = heard_of(before, before.riff.behind_s)
        return self._proposed(self.proposer.propose(heard, before, True, self._now.tired), before)

    def _more(self, sentence: str, before: Take) -> Answer:
        """Propose another idea of the last one's kind."""
        if self._open:
            self._judge(MORE, sentence)
        heard = heard_of(before, before.riff.behind_s)
        like = self.proposer.said[-1]
        return self._proposed(self.proposer.propose(heard, before, True, self._now.tired, like), before)

    def _proposed(self, proposal: Proposal | None, before: Take) -> Answer:
        if proposal is None:
            return Answer("I am with you.", before, before)
        self._open = (self.notes.proposed(proposal), proposal)
        take = self._revised(proposal.edits, 0, before, proposal.idea, proposal.says)
        return Answer(proposal.says, take, before, True, proposal)

    def _verdict(self, verdict: str, sentence: str, before: Take) -> Answer:
        if self._open and verdict == NO:
            _, proposal = self._open
            return replace(self._rejected(sentence, before), reply=f"Without the {proposal.idea}, then.")
        self._judge(verdict, sentence)
        return Answer("Kept." if verdict == YES else "Noted. What should I change?", before, before)

    def _rejected(self, sentence: str, before: Take) -> Answer:
        self._judge(NO, sentence)
        return self._undone(before)

    def _judge(self, verdict: str, sentence: str) -> None:
        subject, number, kind = ("take", self.take.number if self.take else 0, "")
        if self._open:
            subject, number, kind = "proposal", self._open[0], self._open[1].idea
            if verdict in (YES, MORE):
                self.proposer.taste.wish(self._open[1].edits)
            self._open = None
        if verdict in (YES, MORE):
            self._liked = (*self._liked, f"the {kind}" if kind else f"take {number}")
        self.proposer.judge(kind, verdict)
        self.notes.judged(subject, number, verdict, sentence)

    def ignored(self) -> None:
        """Count an open proposal as ignored, since the player went on without a word."""
        if self._open:
            self._judge(IGNORED, "")

    # -- time -------------------------------------------------------------------------------------------------

    def tick(self, now_s: float) -> None:
        """Take the wall-clock time, in seconds."""
        self._now = replace(self._now, at_s=now_s, running_s=now_s - self._began_s)
        self.notes.seen()

    def active_edits(self) -> tuple[str, ...]:
        """Return the edits in force, as a musician would say them."""
        return answers.active_edits(self.take)

    def close(self) -> None:
        """End the session."""
        self.ignored()
        self.notes.end()


def _leads(edits: tuple[Edit, ...]) -> bool:
    return any(edit.dimension == "lead" for edit in edits)


def _played(edit: Edit) -> Edit:
    """Return an edit that recalls a pattern as one that sets it, since only takes are recalled."""
    return replace(edit, change="set") if edit.change == "recall" and edit.dimension != "take" and edit.value else edit
