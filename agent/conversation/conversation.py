"""`Conversation` talks with the player about music that a `Stage` holds: live, or over a recorded riff.

Greeting, ideas, answers, verdicts, undo, names, taste, memory and phrasing are here once. A sentence is an order, a
verdict, a question or a direction; a direction is done by the stage, and what is said of it is what the stage measured.
Everything said, done and judged goes into the memory at once. Call it from one thread, outside the audio path.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from agent.conversation import phrasing
from agent.conversation.ideas import NO, YES, Answer, Ideas
from agent.conversation.orders import Order, alone_for, order_of
from agent.conversation.player_notes import PlayerNotes
from agent.conversation.stage import NOTHING, Outcome, Stage
from agent.directions.edit import Edit
from agent.directions.exceptions import without_exceptions
from agent.directions.net import net_of
from agent.language.parser import Context, ParseResult, parse
from agent.language.small_talk import COMPARE, MORE_LIKE_IT, NAMED, NO_TO_IT, SPEAK, YES_TO_IT
from agent.memory.session_time import greeting
from agent.memory.taste import Wishes

ALL_STEPS = 1_000_000
HELLO = re.compile(r"(hello|hi|hey|good (morning|evening|afternoon))( there| again)?")
WHY_SILENT = re.compile(
    r"\bwhy\b.*\b(silent|quiet|not play|aren'?t you play|don'?t you play|stopped|no sound|hear nothing|nothing)\b"
    r"|\bwhat are you waiting for\b|\bare you (still )?there\b"
)
MODES = {"loop": "loop", "trade": "trade", "count-in": "count in"}  # pattern that is an order to the band -> the order
NOT_APPLIED = frozenset({"undo", "recall", "keep"})  # changes
NORMAL = frozenset({"mute", "pattern"})  # dimensions of edits that "play normally" takes back


@dataclass(frozen=True, slots=True)
class Asked:
    """A direction. step: of undo; wishes: of the taste before it, to go back to."""

    step: int
    edits: tuple[Edit, ...]
    wishes: Wishes


class Conversation(Ideas):
    """One session of one player.

    hearing: turns a sentence into edits, by the table or a language model (agent/language/llm_parser.py). proposals:
    whether ideas may come unasked.
    """

    def __init__(
        self,
        stage: Stage,
        notes: PlayerNotes,
        proposals: bool = True,
        hearing: Callable[[str, Context], ParseResult] = parse,
    ) -> None:
        super().__init__(stage, notes, proposals)
        self._hear, self._acts = hearing, 0
        self._asked: list[Asked] = []  # and not taken back
        self._offered: tuple[Edit, ...] = ()  # the readings that the last reply asked about

    @property
    def steps(self) -> int:
        """How often something was done: each counts once, the undoing, too."""
        return self._acts

    @property
    def _last(self) -> tuple[Edit, ...]:
        """The edits of the last direction that stands: what is said next may refer to them."""
        return self._asked[-1].edits if self._asked else ()

    def greet(self) -> str:
        """Return the first line, with a note where a damaged memory was set aside."""
        line = greeting(self._now, self.notes.player if self.notes.player_id else "", self.notes.liked())
        return f"{line} ({self.notes.note})" if self.notes.note else line

    def close(self) -> None:
        """End the session."""
        self.ignored()
        self.notes.end()

    # -- a sentence -------------------------------------------------------------------------------------------

    def say(self, sentence: str) -> Answer:
        """Return the answer to a sentence. Never raises, whatever the text."""
        self.notes.trouble = ""
        answer = self._answer(sentence)
        self._acts += answer.changed
        trouble = self.notes.trouble
        return replace(answer, reply=f"{answer.reply} ({trouble})") if trouble else answer

    def _answer(self, sentence: str) -> Answer:
        text = " ".join(sentence.lower().split()).strip(" .!?")
        plain = text.replace(",", "")
        if self._open and (YES_TO_IT.fullmatch(plain) or NO_TO_IT.fullmatch(plain)):
            return self._verdict(YES if YES_TO_IT.fullmatch(plain) else NO, sentence)
        if order := order_of(sentence):
            return self._order(order, sentence)
        if WHY_SILENT.search(text):
            return Answer(phrasing.sentence(self.stage.facts().why_silent) or "I am playing.")
        if HELLO.fullmatch(plain):
            return Answer(self.greet())
        if MORE_LIKE_IT.search(text) and (self._open or self.proposer.said):
            return self._more(sentence)
        if SPEAK.search(text):
            return self.idea()
        if named := NAMED.fullmatch(" ".join(sentence.split()).strip(" .!?")):
            return Answer(self._name(named[1]))
        if COMPARE.fullmatch(text):
            return self._recalled("other")
        facts = self.stage.facts()
        takes = tuple(one for one in facts.takes if one.isdecimal()) or None
        heard = self._hear(sentence, Context(facts.bars, takes, self._last, self._offered))
        if heard.unsure and self._last:  # what was said before may only make it harder to read
            alone = self._hear(sentence, Context(facts.bars, takes))
            heard = alone if alone.edits else heard
        self._offered = heard.unsure
        if heard.edits:
            if waits := self._waits(heard.edits):
                return waits
            if heard.verdict == YES or any(edit.change == "keep" for edit in heard.edits):
                self._judge(YES, sentence)
            return self.direct(sentence, heard.edits)
        if heard.verdict:
            return self._verdict(YES if heard.verdict == YES else NO, sentence)
        if heard.question == "idea":
            return self.idea()
        if heard.question:
            return Answer(phrasing.answer(heard.question, text, facts, self._now, self._liked))
        return Answer(heard.reply)

    # -- directions -------------------------------------------------------------------------------------------

    def _waits(self, edits: Sequence[Edit]) -> Answer | None:
        """Return the answer where music is drawn first for these edits; None where they can be done at once."""
        return None if self.stage.ready(self._possible(edits)) else Answer("Give me a moment.", waits=True)

    def _possible(self, edits: Sequence[Edit]) -> tuple[Edit, ...]:
        """Return those of the edits that the stage will be asked to apply."""
        wished = (edit for edit in map(_played, without_exceptions(tuple(edits))) if edit.value not in MODES)
        return tuple(
            one
            for one in wished
            if one.change not in NOT_APPLIED and one.dimension != "take" and self.stage.can(one) is None
        )

    def direct(self, sentence: str, edits: Sequence[Edit]) -> Answer:
        """Return the answer to edits that a sentence, a key or a command stands for."""
        named = next((edit.value for edit in edits if edit.dimension == "take" and edit.change == "set"), None)
        if named:
            return Answer(self._name(named))
        edits = tuple(map(_played, without_exceptions(edits)))
        back = [edit for edit in edits if edit.change in ("undo", "recall")]
        edits = tuple(edit for edit in edits if edit.change not in ("undo", "recall"))
        if back:
            name = back[0].value or "previous"
            undoes = back[0].change == "undo" or (name == "previous" and not self.stage.facts().takes)
            first = self._undone(1) if undoes else self._recalled(name)
            plain = tuple(edit for edit in edits if edit.change != "keep")
            if not (plain and first.changed):
                return first
            then = self.direct(sentence, plain)
            return replace(then, reply=f"{first.reply} {then.reply}")
        said, edits = self._modes(edits)
        why = {edit: self.stage.can(edit) for edit in edits if edit.change != "keep"}
        plain = tuple(edit for edit, reason in why.items() if reason is None)
        refused = [phrasing.sentence(reason) for reason in why.values() if reason]
        if not plain:
            return Answer(" ".join([*said, *dict.fromkeys(refused)]) or "Kept.")
        if self._open and {edit.short() for edit in plain} <= {edit.short() for edit in self._open.proposal.edits}:
            self._judge(YES, sentence)
            return Answer("That is what this is. Kept.")
        left = self._let_go() if self.stage.trial_bars is None else 0
        row = self.notes.said(sentence, plain)
        wishes = self.notes.taste.wishes()
        self.notes.taste.wish(plain)
        outcome = self.stage.apply(plain, phrasing.described(plain), left)
        self._asked.append(Asked(outcome.step, plain, wishes))
        self._steps.append((outcome.step, (row,)))
        return Answer(" ".join([*said, phrasing.account(outcome, refused)]), outcome)

    def _modes(self, edits: Sequence[Edit]) -> tuple[list[str], tuple[Edit, ...]]:
        """Carry out edits that are orders to the band; return what was done, and the others."""
        said, rest = [], []
        for edit in edits:
            order = MODES.get(edit.value or "") if edit.dimension == "pattern" else None
            done = None
            if order:
                bars = (edit.size or "").split(" ")[0] if (edit.size or "").endswith("bar") else ""
                done = self.stage.order(f"stop {order}" if edit.change == "off" else order, bars)
            said += [phrasing.sentence(done)] if done else []
            rest += [] if done else [edit]
        return said, tuple(rest)

    def _order(self, order: Order, sentence: str) -> Answer:
        match order.name:
            case "undo":
                return self._undone(order.count)
            case "undo all":
                return self._undone(ALL_STEPS)
            case "start over":
                self.stage.order("normal")
                return replace(self._undone(ALL_STEPS), reply="From the top: nothing of what you said stands.")
            case "normal":
                return self._normal()
            case "quiet":
                return self.direct(sentence, (Edit("band", "mute", "on"),))
            case "transpose":
                way, size = "more" if order.count > 0 else "less", f"{abs(order.count)} semitone"
                edits = (Edit("band", "register", way, size=size),)
                return self._waits(edits) or self.direct(sentence, edits)
            case "stands":
                return Answer(phrasing.stands(self.stage.facts()))
            case "sounds":
                return Answer(phrasing.sounds(self.stage.facts()))
            case "me":
                guest = not self.notes.player_id
                return Answer(
                    phrasing.about_you(self.notes.known, self.notes.taste, self.notes.now, self.notes.player, guest)
                )
            case "intro" | "outro":
                return self._edge(order, sentence)
            case "ideas off":
                self.proposer.quiet = True
                return Answer("I keep my ideas to myself until you ask.")
            case _:
                done = self.stage.order(order.name, order.bars)
                return Answer(phrasing.sentence(done) if done else "That I can only do while you play.")

    def _edge(self, order: Order, sentence: str) -> Answer:
        """Have a part play alone before or after the riff; of a band that plays on, from the next bar line on."""
        edits: tuple[Edit, ...] = (Edit(order.alone, "pattern", "set", order.name, f"{order.count} bar"),)
        if order.name == "intro" and self.stage.can(edits[0]) is not None:
            edits = alone_for(order.alone, order.count)
        return self._waits(edits) or self.direct(sentence, edits)

    def _normal(self) -> Answer:
        """Take back what switches parts and patterns, whoever asked for it, and leave the rest as it stands."""
        done = self.stage.order("normal")
        stands = net_of(self.stage.facts().stands)
        back = tuple(
            dict.fromkeys(
                replace(edit, change="off", size=None, scope=None, condition=None)
                for edit in stands
                if edit.dimension in NORMAL and edit.change != "off"
            )
        )
        outcome = NOTHING
        if back:
            self.ignored()
            outcome = self.stage.apply(back, "normally again")
            self._steps.append((outcome.step, ()))
        elif not done:
            return Answer("I play normally already.")
        rest = [edit for edit in stands if edit.dimension not in NORMAL]
        more = f"; what else you asked stands: {phrasing.described(rest)}" if rest else ""
        when = phrasing.WHEN.get(outcome.begins, outcome.begins)
        return Answer(f"{when}: I play normally again{more}.", outcome)

    def _undone(self, count: int) -> Answer:
        newest = self._steps[-count:] if count else []
        if self._open and any(step == self._open.step for step, _ in newest):
            self._judge(NO, "undo")
        outcome = self._take_back(count)
        return Answer(phrasing.undone(outcome, min(count, 99), count == ALL_STEPS), outcome)

    def _take_back(self, count: int) -> Outcome:
        """Take back the newest steps, as many as there are up to `count`."""
        outcome = self.stage.revert(count)
        gone, self._steps = (
            self._steps[-outcome.undone :] if outcome.undone else [],
            self._steps[: -outcome.undone or None],
        )
        taken_back = {step for step, _ in gone}
        if undone := [one for one in self._asked if one.step in taken_back]:
            self.notes.taste.forget_wishes(undone[0].wishes)
        self._asked = [one for one in self._asked if one.step not in taken_back]
        self.notes.revoke([row for _, rows in gone for row in rows])
        return outcome

    def _recalled(self, name: str) -> Answer:
        outcome = self.stage.recall(name)
        if not outcome.step:
            return Answer(outcome.note or "There is nothing to go back to.")
        self._steps.append((outcome.step, ()))
        return Answer(phrasing.sentence(outcome.back_to), outcome)

    def _name(self, name: str) -> str:
        said = self.stage.name(name)
        self.notes.named(name.strip()[:80])
        return said

    # -- from the taste ---------------------------------------------------------------------------------------

    def as_you_like_it(self) -> Answer | None:
        """Play by the player's taste where it is known for sure; return what is said, None where nothing is known."""
        edits, words = phrasing.as_you_like_it(self.notes.taste)
        edits = tuple(edit for edit in edits if self.stage.can(edit) is None)
        if not edits:
            return None
        outcome = self.stage.apply(edits, words)
        self._steps.append((outcome.step, ()))
        return Answer(phrasing.sentence(words), outcome)


def _played(edit: Edit) -> Edit:
    """Return an edit that recalls a pattern as one that sets it, since only takes are recalled."""
    return replace(edit, change="set") if edit.change == "recall" and edit.dimension != "take" and edit.value else edit
