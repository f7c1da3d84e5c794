"""`PlayerNotes` reads and writes the memory for one session of one player; for a guest every method is a no-op.

Everything is written at once, in the caller's thread or beside it (agent/memory/background_writer.py). A riff heard
before is recognised, with the edits it was left with.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta

from agent.core.music_names import key_name
from agent.core.stored import Json
from agent.directions.edit import Edit
from agent.directions.net import net_of
from agent.language.edit_text import describe_edits
from agent.memory.background_writer import DirectWriter, Writer
from agent.memory.phrase_search import Recall
from agent.memory.session_time import Now
from agent.memory.store import KeptPhrase, Memory, json_of
from agent.memory.taste import DAY_S, Taste, taste_of
from agent.takes.riff import Riff
from agent.takes.take import Take
from listener.music.motif import Motif
from listener.types import Analysis, Phrase

KNOWN = 0.8  # similarity from which a riff is one heard before
KNOWN_NOTES = 5  # of a phrase that can be known again
TODAY_DAYS = 0.5
LIKED = ("liked", "more")
PHRASES_MAX = 10_000  # of a player that are known again

Row = list[int]  # the number of a row of the memory, empty until it is written


class _Plan(msgspec.Struct):
    """What is read of a take's plan. asked: edits, which may be of another version."""

    asked: list[msgspec.Raw] = []
    seed: Annotated[int, Meta(ge=0, le=2**63 - 1)] = 0


@dataclass(frozen=True, slots=True)
class Again:
    """Music heard before. days: since then; motif: as it was then, in today's key; edits: those in force when the
    session ended; seed: of its takes."""

    days: float
    motif: Motif
    edits: tuple[Edit, ...] = ()
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of a player: sessions and phrases so far, ideas they liked and did not."""

    sessions: int = 0
    phrases: int = 0
    liked: tuple[str, ...] = ()
    disliked: tuple[str, ...] = ()


class PlayerNotes:
    """One session's view of the memory. memory: None = a guest, of whom nothing is kept or known.

    writer: who writes, given the memory; it may be another thread: the memory is then read no more.
    """

    def __init__(
        self,
        memory: Memory | None,
        player: str,
        now_s: float,
        half_life_days: float = 30.0,
        folder: str = "",
        writer: Callable[[Memory], Writer] = DirectWriter,
    ) -> None:
        self.player = player
        self.note = memory.note if memory else ""
        self.player_id = memory.player(player) if memory else 0
        self._left: dict[int, tuple[tuple[Edit, ...], int]] = {}  # by session
        self.now = self._since(memory, now_s)
        self.taste = taste_of(memory, self.player_id, now_s, half_life_days) if memory else Taste()
        rows = memory.phrases(self.player_id, PHRASES_MAX) if memory else []
        self._phrases = {row["id"]: row for row in rows}
        self.recall = Recall([(row["id"], as_motif(row["motif"])) for row in rows])
        self.known = self._of(memory, len(rows))
        self.session = memory.begin(self.player_id, folder) if memory else 0
        self._memory = memory
        self._writer = writer(memory) if memory else None
        self._take: Row = []  # the last one's
        self.trouble = ""  # why the last write is not on the disk

    # -- what is known ----------------------------------------------------------------------------------------

    def again(self, motif: Motif) -> Again | None:
        """Return the riff of another session that this one repeats, in any key; None where it is new."""
        found = self._like(motif)
        if found is None:
            return None
        again, row = found
        edits, seed = self._left_of(self._memory, row["session_id"])
        return replace(again, edits=edits, seed=seed)

    def phrase_again(self, motif: Motif) -> Again | None:
        """Return the phrase of an earlier day that a played one repeats; None where it is new. It reads no file."""
        found = self._like(motif) if len(motif) >= KNOWN_NOTES else None
        return found[0] if found and found[0].days >= TODAY_DAYS else None

    def _like(self, motif: Motif) -> tuple[Again, KeptPhrase] | None:
        """Return the kept phrase that is most like one, moved to its key, and its row; None where none is like it."""
        found = next(iter(self.recall.like(motif, 1)), None)
        row = self._phrases.get(found.key) if found else None
        if found is None or row is None or found.similarity < KNOWN:
            return None
        days = max(self.now.at_s - row["heard_s"], 0.0) / DAY_S
        then = tuple((beat, pitch + found.transposed) for beat, pitch in as_motif(row["motif"]))
        return Again(days, then), row

    def _of(self, memory: Memory | None, phrases: int) -> Known:
        if memory is None:
            return Known()
        kinds: dict[str, float] = {}
        for row in memory.verdicts(self.player_id):
            if row["kind"] and row["verdict"] != "ignored":
                kinds[row["kind"]] = kinds.get(row["kind"], 0.0) + (1 if row["verdict"] in LIKED else -1)
        liked, not_liked = ([kind for kind, sum_ in kinds.items() if way * sum_ > 0] for way in (1, -1))
        return Known(len(memory.sessions(self.player_id)), phrases, tuple(liked), tuple(not_liked))

    def liked(self) -> tuple[str, ...]:
        """Return the kinds of ideas this player praised, in order."""
        return self.known.liked

    def _since(self, memory: Memory | None, now_s: float) -> Now:
        last = memory.last(self.player_id, now_s) if memory else None
        if memory is None or last is None:
            return Now(now_s)
        session, gone_s = last
        left = self._left_of(memory, session["id"])[0]
        if not left:  # of a session that made no takes: what was asked and not undone
            left = tuple(edit for one in memory.directions(session["id"]) for edit in one.edits)
        return Now(now_s, gone_s, 0.0, describe_edits(net_of(left)))

    def _left_of(self, memory: Memory | None, session_id: int) -> tuple[tuple[Edit, ...], int]:
        """Return the edits in force when a session ended, and its seed; edits that no longer parse are left out."""
        takes = memory.rows("takes", session_id) if memory else []
        plan = json_of(takes[-1]["plan"], _Plan, _Plan()) if takes else _Plan()
        edits = []
        for one in plan.asked:
            with suppress(ValueError):
                edits.append(Edit.from_json(msgspec.json.decode(bytes(one))))
        return tuple(edits), plan.seed

    # -- what is written --------------------------------------------------------------------------------------

    def _kept(self, act: Callable[[Memory], object]) -> None:
        """Write what the player must be able to rely on; `trouble` says why it is not on the disk."""
        self.trouble = self._writer.kept(act) if self._writer else ""

    def _do(self, act: Callable[[Memory], object]) -> None:
        if self._writer:
            self._writer.do(act)

    def heard(self, riff: Riff, motif: Motif) -> None:
        """Keep a riff that a session is about."""
        facts: dict[str, Json] = {"tempo_bpm": riff.tempo_bpm, "meter": str(riff.meter), "key": key_name(riff.key)}
        session, start_s = self.session, riff.bars[0].start_s

        def act(memory: Memory) -> None:
            key = memory.heard(session, start_s, motif, **facts, behind_s=riff.behind_s)
            self.recall.add(key, motif)

        self._do(act)

    def phrase(self, phrase: Phrase, motif: Motif, facts: Analysis) -> None:
        """Keep a phrase that was played and has ended."""
        meter = str(phrase.meter) if phrase.meter else None
        behind_s = facts.feel.behind_s if facts.feel else None
        key = key_name(facts.key) if facts.key else None
        more = {"tempo_bpm": phrase.tempo_bpm, "meter": meter, "key": key, "behind_s": behind_s}
        session, start_s = self.session, phrase.start_s
        self._do(lambda memory: memory.heard(session, start_s, motif, **more))

    def record_take(self, take: Take, why: str) -> None:
        asked = [one.edit.to_json() for one in take.active_edits.asked]
        plan: dict[str, Json] = {"asked": asked, "why": why, "meters": [str(m) for m in take.meters], "seed": take.seed}
        session, row = self.session, Row()
        self._do(lambda memory: row.append(memory.record_take(session, take.number, plan, take.name)))
        self._take = row

    def named(self, name: str) -> None:
        """Name the last take."""
        row = self._take
        self._do(lambda memory: memory.name_take(row[0], name) if row else None)

    def said(self, sentence: str, edits: Sequence[Edit]) -> Row:
        session, row = self.session, Row()
        if edits:
            self._kept(lambda memory: row.append(memory.said(session, sentence, edits)))
        return row

    def revoke(self, rows: Sequence[Row]) -> None:
        def act(memory: Memory) -> None:
            for row in filter(None, rows):
                memory.revoke(row[0])

        if rows:
            self._kept(act)

    def proposed(self, kind: str, line: str, edits: Sequence[Edit]) -> Row:
        session, row = self.session, Row()
        self._do(lambda memory: row.append(memory.proposed(session, kind, line, edits)))
        return row

    def judged(self, subject: str, row: Row, verdict: str, sentence: str) -> None:
        """subject: proposal or take; row: its number, of a take its place in the session."""
        session = self.session
        self._kept(lambda memory: memory.judged(session, subject, row[0] if row else None, verdict, sentence))

    def judged_groove(self, name: str, pattern: str, verdict: str) -> Row:
        session, row = self.session, Row()
        self._kept(lambda memory: row.append(memory.judged_groove(session, name, pattern, verdict)))
        return row

    def forget_groove(self, row: Row) -> None:
        """Forget a verdict on a groove that was taken back."""
        self._kept(lambda memory: memory.forget_groove(row[0]) if row else None)

    def with_memory(self, act: Callable[[Memory], object]) -> None:
        """Have something else done with the memory, after all that was written before."""
        self._do(act)

    def seen(self) -> None:
        session = self.session
        self._do(lambda memory: memory.seen(session))

    def end(self) -> None:
        session = self.session
        self._do(lambda memory: memory.end(session))

    def close(self) -> None:
        """End the session and the writer."""
        self.end()
        if self._writer:
            self._writer.close()


def opened(
    folder: Path,
    player: str,
    now_s: float,
    half_life_days: float,
    session_folder: str,
    writer: Callable[[Memory], Writer],
) -> PlayerNotes:
    """Return the notes on a player in the memory of this folder. Raises UserError where it cannot be used."""
    return PlayerNotes(Memory(folder), player, now_s, half_life_days, session_folder, writer)


def motif_of(riff: Riff) -> Motif:
    """Return (beat, pitch) of every note of the riff."""
    found, beat = [], 0.0
    for bar in riff.bars:
        found += [(beat + t / 4, b.onset_pitch) for t, b in enumerate(bar.basses) if b.onset_pitch is not None]
        beat += len(bar.basses) / 4
    return tuple(found)


def as_motif(rows: Sequence[tuple[float, int]]) -> Motif:
    """Return the motif of its JSON form."""
    return tuple((float(beat), int(pitch)) for beat, pitch in rows)
