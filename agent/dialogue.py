"""The conversation over a riff: you say, it answers in words and plays the revision; it proposes, you judge.

Everything said, done and judged goes into the memory at once. One thread; not for the audio path.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from agent.conversation import Context, hear
from agent.edits import Edit
from agent.material import Riff
from agent.memory import Memory
from agent.names import key_name
from agent.proposer import Proposal, Proposer, heard_of
from agent.recall import Recall
from agent.replies import said as in_words
from agent.sketch import Sketcher, Take
from agent.standing import Standing
from agent.taste import Taste
from agent.timesense import DAY_S, Now, greeting
from listener.motif import Motif

QUIET = (
    "keep quiet",
    "no ideas",
    "no more ideas",
    "stop suggesting",
    "no suggestions",
    "don't suggest",
    "stop proposing",
)
SPEAK = ("any ideas", "what do you think", "surprise me", "suggest something", "got an idea", "what else", "propose")
YES, NO, MORE = ("liked", "disliked", "more")
KNOWN = 0.8  # similarity from which a riff is one heard before
ASKED_FOR_MORE = ("more like that", "another one like that", "more of those")


@dataclass(frozen=True, slots=True)
class Answer:
    """reply: one line. take: what is played from the next bar line on. before: what it is compared with. changed:
    whether the take is a new one."""

    reply: str
    take: Take
    before: Take
    changed: bool = False
    proposal: Proposal | None = None


class Dialogue:
    """One session of one player. remember=None: a guest, who leaves no trace."""

    def __init__(self, sketcher: Sketcher, memory: Memory | None, player: str = "player", now_s: float = 0.0) -> None:
        self._sketcher, self._memory, self._player_name = sketcher, memory, player
        self._player = memory.player(player) if memory else 0
        self._now = self._remember(now_s)
        self._session = memory.begin(self._player) if memory else 0
        self._began_s = now_s
        taste = Taste.of(memory.verdicts(self._player), now_s) if memory else Taste()
        self.proposer = Proposer(sketcher, taste, seed=self._session)
        self._recall = (
            Recall([(r["id"], _motif(r["motif"])) for r in memory.phrases(self._player)]) if memory else Recall()
        )
        self._known = {r["id"]: r["heard_s"] for r in memory.phrases(self._player)} if memory else {}
        self._undo: list[tuple[int, Take]] = []  # direction and the take before it
        self._open: tuple[int, Proposal] | None = None
        self._last: tuple[Edit, ...] = ()
        self.take: Take | None = None

    # -- begin ------------------------------------------------------------------------------------------------

    def greet(self) -> str:
        """The first line."""
        return greeting(self._now, self._player_name)

    def listen(self, riff: Riff, seed: int = 0) -> Answer:
        """A riff: its first take, played with what is known of this player's taste, and an idea if one is worth it."""
        motif = motif_of(riff)
        known = next(iter(self._recall.like(motif, 1)), None)
        days = None
        if known and known.similarity >= KNOWN:
            days = max((self._now.at_s - self._known.get(known.key, self._now.at_s)) / DAY_S, 0.0)
        self._note(riff, motif)
        self.take = self._sketcher.begin(riff, Standing().ask(self._from_taste()), seed)
        self._keep(self.take, "the riff")
        proposal = self.proposer.propose(heard_of(self.take, riff.behind_s, days), self.take, tired=self._now.tired)
        return self._proposed(proposal, self.take)

    def _from_taste(self) -> tuple[Edit, ...]:
        """What this player likes without being asked again, out of earlier sessions' liked directions."""
        if self._memory is None:
            return ()
        sure = self.proposer.taste.preferred()
        names = {"tension": "harmony.dissonance", "resolution": "harmony.resolution"}
        edits = []
        for dial, value in sure.items():
            if abs(value - 0.5) > 0.1:
                target = names.get(dial, f"band.{dial}" if dial in ("density", "intensity") else f"feel.{dial}")
                edits.append(Edit.read(f"{target} {'more' if value > 0.5 else 'less'} ~small"))
        return tuple(edits)

    # -- a sentence -------------------------------------------------------------------------------------------

    def say(self, sentence: str) -> Answer:
        """What the player said; its answer. Never raises for any text."""
        assert self.take, "listen to a riff first"
        text = " ".join(sentence.lower().split())
        before = self.take
        if any(phrase in text for phrase in QUIET):
            self.proposer.quiet = True
            return Answer("I keep my ideas to myself until you ask.", before, before)
        if any(phrase in text for phrase in ASKED_FOR_MORE) and self._open:
            self._judge(MORE, sentence)
            return self._propose(before)
        heard = hear(
            sentence, Context(len(before.riff.bars), tuple(str(t.number) for t in self._sketcher.takes), self._last)
        )
        if heard.verdict and not heard.edits:
            return self._verdict(YES if heard.verdict == YES else NO, sentence, before)
        if heard.edits:
            if heard.verdict == YES:
                self._judge(YES, sentence)
            return self._direct(sentence, heard.edits, before)
        if heard.question == "idea":
            return self._propose(before, asked=True)
        return Answer(self._told(heard.question) if heard.question else heard.reply, before, before)

    def _direct(self, sentence: str, edits: tuple[Edit, ...], before: Take) -> Answer:
        plain = tuple(edit for edit in edits if edit.change not in ("undo", "recall", "keep"))
        for edit in edits:
            if edit.change == "undo":
                return self._undone(before)
            if edit.change == "recall":
                return self._recalled(edit, before)
        kept = self._memory.said(self._session, sentence, edits) if self._memory and plain else 0
        if not plain:
            return Answer("Kept.", before, before)
        self._undo.append((kept, before))
        self.proposer.taste.wish(plain)
        self._last = plain
        self.take = self._sketcher.revise(before, plain, "; ".join(map(in_words, plain)))
        self._keep(self.take, sentence)
        return Answer(f"Done: {self.take.says}.", self.take, before, changed=True)

    def _undone(self, before: Take) -> Answer:
        if not self._undo:
            return Answer("There is nothing left to undo.", before, before)
        direction, earlier = self._undo.pop()
        if self._memory and direction:
            self._memory.revoke(direction)
        self.take = replace(earlier, number=before.number + 1)
        self._sketcher.takes.append(self.take)
        return Answer(f"Undone: back to {earlier.says or 'where we were'}.", self.take, before, changed=True)

    def _recalled(self, edit: Edit, before: Take) -> Answer:
        takes = self._sketcher.takes
        wanted = (edit.value or "").lower()
        names = {"first": takes[0], "last": before, "previous": takes[-2] if len(takes) > 1 else before}
        names |= {str(t.number): t for t in takes} | {t.name.lower(): t for t in takes if t.name}
        found = names.get(wanted) or names["previous"]
        self._undo.append((0, before))
        self.take = replace(found, number=len(takes) + 1, says=f"take {found.number} again")
        takes.append(self.take)
        return Answer(f"Take {found.number} again.", self.take, before, changed=True)

    def name(self, name: str) -> Answer:
        """Give the take a name it can be recalled by."""
        assert self.take
        self.take = replace(self.take, name=name)
        self._sketcher.takes[-1] = self.take
        return Answer(f"This is {name!r} from now on.", self.take, self.take)

    # -- proposals and verdicts -------------------------------------------------------------------------------

    def _propose(self, before: Take, asked: bool = True) -> Answer:
        idle = self.proposer.propose(heard_of(before), before, asked, self._now.tired)
        return self._proposed(idle, before)

    def _proposed(self, proposal: Proposal | None, before: Take) -> Answer:
        if proposal is None:
            return Answer("Nothing to add: I am with you.", before, before)
        kept = self._memory.proposed(self._session, proposal.idea, proposal.says, proposal.edits) if self._memory else 0
        self._open = (kept, proposal)
        self._undo.append((0, before))
        self.take = self._sketcher.revise(before, proposal.edits, proposal.idea)
        self._keep(self.take, proposal.says)
        return Answer(proposal.says, self.take, before, True, proposal)

    def _verdict(self, verdict: str, sentence: str, before: Take) -> Answer:
        if self._open and verdict == NO:
            _, proposal = self._open
            self._judge(verdict, sentence)
            answer = self._undone(before)
            return replace(answer, reply=f"Without the {proposal.idea}, then.")
        self._judge(verdict, sentence)
        return Answer("Kept." if verdict == YES else "Noted. What should I change?", before, before)

    def _judge(self, verdict: str, sentence: str) -> None:
        subject, number, kind = ("take", self.take.number if self.take else 0, "")
        if self._open:
            subject, number, kind = "proposal", self._open[0], self._open[1].idea
            if verdict == YES:
                self.proposer.taste.wish(self._open[1].edits)
            self._open = None
        self.proposer.taste.judge(kind, verdict)
        if self._memory:
            self._memory.judged(self._session, subject, number, verdict, sentence)

    def ignored(self) -> None:
        """The player went on without a word: a verdict too."""
        if self._open:
            self._judge("ignored", "")

    # -- memory -----------------------------------------------------------------------------------------------

    def _remember(self, now_s: float) -> Now:
        if self._memory is None:
            return Now(now_s)
        last = next(iter(self._memory.sessions(self._player)), None)
        if last is None:
            return Now(now_s)
        left = tuple(one.sentence for one in self._memory.directions(last["id"]))
        return Now(now_s, max(now_s - (last["ended_s"] or last["seen_s"]), 0.0), 0.0, left)

    def tick(self, now_s: float) -> None:
        """How late it is now."""
        self._now = replace(self._now, at_s=now_s, running_s=now_s - self._began_s)
        if self._memory:
            self._memory.seen(self._session)

    def _note(self, riff: Riff, motif: Motif) -> None:
        if self._memory:
            facts: dict[str, Any] = {"tempo_bpm": riff.tempo_bpm, "meter": str(riff.meter), "key": key_name(riff.key)}
            key = self._memory.heard(self._session, riff.bars[0].start_s, motif, **facts, behind_s=riff.behind_s)
            self._recall.add(key, motif)

    def _keep(self, take: Take, why: str) -> None:
        if self._memory:
            asked = [one.edit.to_json() for one in take.standing.asked]
            plan = {"asked": asked, "why": why, "meters": [str(m) for m in take.meters], "seed": take.seed}
            self._memory.took(self._session, take.number, plan, take.name)

    def standing(self) -> tuple[str, ...]:
        """Everything asked for that still stands, in words."""
        return tuple(in_words(one.edit) for one in self.take.standing.asked) if self.take else ()

    def close(self) -> None:
        self.ignored()
        if self._memory:
            self._memory.end(self._session)

    def _told(self, question: str) -> str:
        """Answers from what is known."""
        assert self.take
        riff, stands = self.take.riff, self.standing()
        facts = {
            "key": f"We are in {key_name(riff.key)}.",
            "tempo": f"{riff.tempo_bpm:.0f} beats a minute.",
            "meter": " | ".join(str(m) for m in self.take.meters[: len(riff.bars)]),
            "changes": f"Last: {self.take.says}." if self.take.says else "Nothing yet.",
            "take": f"Take {self.take.number} of {len(self._sketcher.takes)}.",
            "bar": f"The form has {len(riff.bars)} bars.",
            "feel": f"You play {1000 * riff.behind_s:+.0f} ms from the beat; swing {riff.swing:.2f}.",
            "time": f"We have played for {self._now.running_s / 60:.0f} minutes.",
        }
        return facts.get(question, f"What stands: {'; '.join(stands) or 'nothing asked yet'}.")


def motif_of(riff: Riff) -> Motif:
    """(beat, pitch) of every note of the riff."""
    found, beat = [], 0.0
    for bar in riff.bars:
        found += [(beat + t / 4, b.onset_pitch) for t, b in enumerate(bar.basses) if b.onset_pitch is not None]
        beat += len(bar.basses) / 4
    return tuple(found)


def _motif(rows: list[list[Any]]) -> Motif:
    return tuple((float(beat), int(pitch)) for beat, pitch in rows)
