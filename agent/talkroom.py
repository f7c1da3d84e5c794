"""What the live conversation knows: the words, what stands, the player's taste and the memory. Loaded aside (agent/talk.py)."""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from agent.conversation import Context, Heard, hear
from agent.dialogue import QUIET, SPEAK
from agent.edits import Edit
from agent.errors import UserError
from agent.ideas import IDEAS
from agent.ideas import Heard as Impression
from agent.memory import Memory
from agent.names import chord_name, key_name
from agent.proposer import COMPLEX, TIRED, sentence
from agent.replies import said as in_words
from agent.standing import SetStanding, Standing
from agent.taste import Taste
from agent.timesense import TIRED_S, Now, greeting
from listener.motif import motif_of_gaps
from listener.types import Analysis, Phrase

GUEST = "guest"
WORTH = 1.3  # fit + taste + novelty from which an idea is worth a word
NOVELTY = 0.5
PHRASE_BARS = 4
HELLO = re.compile(r"\b(hello|hi|hey|good (morning|evening))\b")


class Room:
    """One session's. player "guest": nothing is kept."""

    def __init__(self, folder: Path, player: str, half_life_days: float, session_folder: str = "") -> None:
        self.standing, self.hook, self.note = Standing(), False, ""
        self._guest = player == GUEST
        self._said: list[str] = []  # ideas
        self._began_s = time.time()
        self._memory = self._open(folder)
        self._player = self._memory.player(player) if self._memory else 0
        now_s = time.time()
        self._now = self._remembered(now_s)
        self.taste = Taste.of(self._memory.verdicts(self._player), now_s, half_life_days) if self._memory else Taste()
        self._session = self._memory.begin(self._player, session_folder) if self._memory else 0
        self._rows: list[int] = []  # directions, the newest at the end
        self._last: tuple[Edit, ...] = ()
        self._quiet = False
        self._name = player

    def _open(self, folder: Path) -> Memory | None:
        if self._guest:
            return None
        try:
            memory = Memory(folder)
        except UserError as cause:
            self.note = str(cause)
            return None
        self.note = memory.note
        return memory

    def _remembered(self, now_s: float) -> Now:
        last = next(iter(self._memory.sessions(self._player)), None) if self._memory else None
        if last is None or self._memory is None:
            return Now(now_s)
        left = tuple(in_words(edit) for one in self._memory.directions(last["id"]) for edit in one.edits)
        return Now(now_s, max(now_s - (last["ended_s"] or last["seen_s"]), 0.0), 0.0, left)

    # -- words ------------------------------------------------------------------------------------------------

    def small_talk(self, text: str) -> str | None:
        if QUIET.search(text.lower()):
            self._quiet = True
            return "I keep my ideas to myself until you ask."
        return greeting(self._now, self._name) if HELLO.fullmatch(text.lower().strip(" !.")) else None

    def asks_for_idea(self, text: str) -> bool:
        return bool(SPEAK.search(text.lower()))

    def hear(self, text: str) -> Heard:
        return hear(text, Context(PHRASE_BARS, None, self._last))

    def answer(self, question: str, facts: Analysis | None) -> str:
        """Out of what is heard now."""
        grid = facts.grid if facts else None
        known = {
            "key": f"We are in {key_name(facts.key)}." if facts and facts.key else "",
            "tempo": f"{60 / grid.period_s:.0f} beats a minute." if grid else "",
            "meter": f"{grid.meter}." if grid else "",
            "chord": f"{chord_name(facts.chord)}." if facts and facts.chord else "",
            "feel": f"You play {facts.feel}." if facts and facts.feel else "",
            "time": f"We have played for {(time.time() - self._began_s) / 60:.0f} minutes.",
        }
        stands = "; ".join(in_words(one.edit) for one in self.standing.asked) or "nothing asked yet"
        return known.get(question) or f"What stands: {stands}."

    def account(self, done: Sequence[Edit], others: Sequence[str]) -> str:
        """What was done, and what was not, in a line."""
        did = f"From the next bar on: {'; '.join(map(in_words, done))}." if done else ""
        not_done = f"{'; '.join(dict.fromkeys(others))}.".capitalize() if others else ""
        return " ".join(part for part in (did, not_done) if part) or "Kept."

    def not_live(self, edit: Edit) -> str:
        if edit.target == "bass":
            return "the bass is yours"
        if edit.change in ("keep", "recall"):
            return "kept"
        return f"{edit.dimension}: only over a recorded riff (antiphon workshop)"

    # -- what stands ------------------------------------------------------------------------------------------

    def stand(self, standing: Standing) -> None:
        self.standing = standing

    def undo(self) -> None:
        self.standing = self.standing.undo()
        if self._rows and self._memory:
            self._memory.revoke(self._rows.pop())

    def message(self) -> SetStanding:
        return SetStanding(self.standing)

    # -- ideas ------------------------------------------------------------------------------------------------

    def idea(
        self, facts: Analysis | None, asked: bool, live: frozenset[str]
    ) -> tuple[str, tuple[Edit, ...], str] | None:
        """(name, edits, what to say) of the best idea a playing band can try; None when none is worth it."""
        if facts is None or facts.grid is None or (self._quiet and not asked):
            return None
        impression = self._impression(facts)
        can = [i for i in IDEAS if all(e.dimension in live for e in i.made(impression))]
        welcome = self.taste.draw([i.name for i in can], np.random.default_rng((self._session, len(self._said))))
        tired = time.time() - self._began_s > TIRED_S
        stands = {(one.edit.dimension, one.edit.value) for one in self.standing.asked}

        def score(i: Any) -> float:
            again = any((e.dimension, e.value) in stands for e in i.made(impression))
            novelty = NOVELTY ** self._said.count(i.name)
            return float(
                i.fits(impression) + welcome[i.name] + novelty - 2 * again - TIRED * (tired and i.name in COMPLEX)
            )

        best = max(can, key=score)
        if score(best) < WORTH and not asked:
            return None
        self._said.append(best.name)
        return best.name, best.made(impression), sentence(best, impression)

    def _impression(self, facts: Analysis) -> Impression:
        grid = facts.grid
        assert grid
        behind_s = facts.feel.behind_s if facts.feel and facts.feel.behind_s else 0.0
        return Impression(PHRASE_BARS, grid.meter, 60 / grid.period_s, behind_s=behind_s, hook=self.hook)

    # -- the memory -------------------------------------------------------------------------------------------

    def said(self, sentence: str, edits: Sequence[Edit]) -> None:
        self._last = tuple(edits)
        self.taste.wish(edits)
        if self._memory:
            self._rows.append(self._memory.said(self._session, sentence, edits))

    def proposed(self, kind: str, line: str, edits: Sequence[Edit]) -> int:
        return self._memory.proposed(self._session, kind, line, edits) if self._memory else 0

    def judged(self, verdict: str, sentence: str, kind: str, row: int | None) -> None:
        self.taste.judge(kind, verdict)
        if self._memory:
            self._memory.judged(self._session, "proposal" if kind else "take", row, verdict, sentence)

    def wish(self, edits: Sequence[Edit]) -> None:
        self.taste.wish(edits)

    def phrase(self, phrase: Phrase, facts: Analysis) -> None:
        """Keep a phrase that has ended."""
        motif = motif_of_gaps(phrase.notes)
        if self._memory and len(motif) >= 3:
            meter = str(phrase.meter) if phrase.meter else None
            behind_s = facts.feel.behind_s if facts.feel else None
            key = key_name(facts.key) if facts.key else None
            more = {"tempo_bpm": phrase.tempo_bpm, "meter": meter, "key": key, "behind_s": behind_s}
            self._memory.heard(self._session, phrase.start_s, motif, **more)

    def greet(self) -> str:
        return greeting(self._now, self._name)

    def seen(self) -> None:
        if self._memory:
            self._memory.seen(self._session)

    def close(self) -> None:
        if self._memory:
            self._memory.end(self._session)
            self._memory.close()
