"""`PlayerNotes` reads and writes the memory for one session of one player; for a guest every method is a no-op.

Everything is written at once (agent/memory/store.py). A riff heard before is recognised, with the edits it was left
with.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from agent.conversation.proposals import Proposal
from agent.conversation.session_time import Now
from agent.core.music_names import key_name
from agent.directions.edit import Edit
from agent.language.edit_text import describe_edits
from agent.memory.phrase_search import Recall
from agent.memory.store import Memory, json_of
from agent.memory.taste import DAY_S, Taste
from agent.takes.riff import Riff
from agent.takes.take import Take
from listener.music.motif import Motif

KNOWN = 0.8  # similarity from which a riff is one heard before
LIKED = ("liked", "more")
ASKED_WEIGHT = 0.6  # of an edit that was asked for, beside 1 for one that was praised


class _Plan(msgspec.Struct):
    """What is read of a take's plan. asked: edits as JSON."""

    asked: list[Any] = []
    seed: Annotated[int, Meta(ge=0, le=2**63 - 1)] = 0


@dataclass(frozen=True, slots=True)
class Again:
    """A riff heard before. days: since then; motif: as it was then, in today's key; edits: those in force when the
    session ended; seed: of its takes."""

    days: float
    motif: Motif
    edits: tuple[Edit, ...]
    seed: int = 0


class PlayerNotes:
    """One session's view of the memory. memory: None = a guest, of whom nothing is kept or known."""

    def __init__(
        self, memory: Memory | None, player: str, now_s: float, half_life_days: float = 30.0, folder: str = ""
    ) -> None:
        self._memory = memory
        self.note = memory.note if memory else ""
        self.player_id = memory.player(player) if memory else 0
        self.now = self._since(now_s)
        self.taste = self._tastes(now_s, half_life_days)
        rows = memory.phrases(self.player_id) if memory else []
        self._phrases = {row["id"]: row for row in rows}
        self.recall = Recall([(row["id"], as_motif(row["motif"])) for row in rows])
        self.session = memory.begin(self.player_id, folder) if memory else 0
        self._take = 0  # the last one's row

    # -- what is known ----------------------------------------------------------------------------------------

    def again(self, motif: Motif) -> Again | None:
        """Return the riff of another session that this one repeats, in any key; None where it is new."""
        found = next(iter(self.recall.like(motif, 1)), None)
        row = self._phrases.get(found.key) if found else None
        if found is None or row is None or found.similarity < KNOWN:
            return None
        days = max(self.now.at_s - row["heard_s"], 0.0) / DAY_S
        then = tuple((beat, pitch + found.transposed) for beat, pitch in as_motif(row["motif"]))
        edits, seed = self._left(row["session_id"])
        return Again(days, then, edits, seed)

    def liked(self) -> tuple[str, ...]:
        """Return the kinds of ideas this player praised, in order."""
        if self._memory is None:
            return ()
        kinds = [
            row["kind"] for row in self._memory.verdicts(self.player_id) if row["verdict"] in LIKED and row["kind"]
        ]
        return tuple(dict.fromkeys(kinds))

    def _since(self, now_s: float) -> Now:
        last = self._memory.last(self.player_id, now_s) if self._memory else None
        if last is None:
            return Now(now_s)
        session, gone_s = last
        return Now(now_s, gone_s, 0.0, describe_edits(self._left(session["id"])[0]))

    def _left(self, session_id: int) -> tuple[tuple[Edit, ...], int]:
        """Return the edits in force when a session ended, and its seed; edits that no longer parse are left out."""
        takes = self._memory.rows("takes", session_id) if self._memory else []
        plan: _Plan = json_of(takes[-1]["plan"], _Plan, _Plan()) if takes else _Plan()
        edits = []
        for one in plan.asked:
            with suppress(ValueError):
                edits.append(Edit.from_json(one))
        return tuple(edits), plan.seed

    def _tastes(self, now_s: float, half_life_days: float) -> Taste:
        """Return the player's taste, from verdicts and from what was asked for and not undone."""
        if self._memory is None:
            return Taste()
        taste = Taste.of(self._memory.verdicts(self.player_id), now_s, half_life_days)
        for session in self._memory.sessions(self.player_id):
            for one in self._memory.directions(session["id"]):
                age_days = max(now_s - one.at_s, 0.0) / DAY_S
                taste.wish(one.edits, ASKED_WEIGHT * 0.5 ** (age_days / half_life_days))
        return taste

    # -- what is written --------------------------------------------------------------------------------------

    def heard(self, riff: Riff, motif: Motif) -> None:
        if self._memory:
            facts: dict[str, Any] = {"tempo_bpm": riff.tempo_bpm, "meter": str(riff.meter), "key": key_name(riff.key)}
            key = self._memory.heard(self.session, riff.bars[0].start_s, motif, **facts, behind_s=riff.behind_s)
            self.recall.add(key, motif)

    def record_take(self, take: Take, why: str) -> None:
        if self._memory:
            asked = [one.edit.to_json() for one in take.active_edits.asked]
            plan = {"asked": asked, "why": why, "meters": [str(m) for m in take.meters], "seed": take.seed}
            self._take = self._memory.record_take(self.session, take.number, plan, take.name)

    def named(self, name: str) -> None:
        """Name the last take."""
        if self._memory and self._take:
            self._memory.name_take(self._take, name)

    def said(self, sentence: str, edits: Sequence[Edit]) -> int:
        return self._memory.said(self.session, sentence, edits) if self._memory and edits else 0

    def revoke(self, direction: int) -> None:
        if self._memory and direction:
            self._memory.revoke(direction)

    def proposed(self, proposal: Proposal) -> int:
        if self._memory is None:
            return 0
        return self._memory.proposed(self.session, proposal.idea, proposal.says, proposal.edits)

    def judged(self, subject: str, number: int, verdict: str, sentence: str) -> None:
        if self._memory:
            self._memory.judged(self.session, subject, number, verdict, sentence)

    def seen(self) -> None:
        if self._memory:
            self._memory.seen(self.session)

    def end(self) -> None:
        if self._memory:
            self._memory.end(self.session)


def motif_of(riff: Riff) -> Motif:
    """Return (beat, pitch) of every note of the riff."""
    found, beat = [], 0.0
    for bar in riff.bars:
        found += [(beat + t / 4, b.onset_pitch) for t, b in enumerate(bar.basses) if b.onset_pitch is not None]
        beat += len(bar.basses) / 4
    return tuple(found)


def as_motif(rows: Sequence[Sequence[Any]]) -> Motif:
    """Return the motif of its JSON form."""
    return tuple((float(beat), int(pitch)) for beat, pitch in rows)
