"""`LiveConversation` holds the state of a live conversation: edits in force, the player's taste, and the memory.

agent/conversation/live.py loads it in a thread.
"""

from __future__ import annotations

import re
import sqlite3
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from agent.conversation.idea_catalogue import IDEAS, Idea, RiffFacts
from agent.conversation.proposals import cheap_scores, sentence
from agent.conversation.riff_dialogue import QUIET, SPEAK
from agent.conversation.session_time import TIRED_S, Now, greeting
from agent.core.errors import UserError
from agent.core.music_names import chord_name, key_name
from agent.directions.active import ActiveEdits, SetActiveEdits
from agent.directions.edit import Edit
from agent.directions.exceptions import without_exceptions
from agent.directions.undo import undo
from agent.language import feasibility
from agent.language.edit_text import describe_edit
from agent.language.parser import Context, ParseResult, parse
from agent.memory.background_writer import BackgroundWriter
from agent.memory.player_profile import GUEST
from agent.memory.store import Memory
from agent.memory.taste import Taste
from listener.music.motif import motif_of_gaps
from listener.types import Analysis, Phrase

MIXED = frozenset({"level", "reverb", "brightness", "pan", "width", "sound"})  # what the mix does, from the next beat
WORTH = 1.3  # fit + taste + novelty from which an idea is proposed
PHRASE_BARS = 4
HELLO = re.compile(r"\b(hello|hi|hey|good (morning|evening))\b")


Row = list[int]  # the number of a row of the memory, empty until it is written


class LiveConversation:
    """One session's conversation. player: "guest" = nothing is kept."""

    def __init__(self, folder: Path, player: str, half_life_days: float, session_folder: str = "") -> None:
        self.active_edits, self.hook, self.note = ActiveEdits(), False, ""
        self._guest = player == GUEST
        self._said: list[str] = []  # ideas
        self._began_s = time.time()
        self._now, self.taste, self._session = Now(self._began_s), Taste(), 0
        self._writer = self._remember(folder, player, half_life_days, session_folder)
        self._rows: list[Row] = []  # directions, the newest at the end
        self._last: tuple[Edit, ...] = ()
        self._offered: tuple[Edit, ...] = ()  # the readings that the last reply asked about
        self._quiet = False
        self._name = player

    def _remember(
        self, folder: Path, player: str, half_life_days: float, session_folder: str
    ) -> BackgroundWriter | None:
        """Load what is known of the player; return the memory's writer, None (and a note) where nothing can be kept."""
        if self._guest:
            return None
        try:
            memory = Memory(folder)
            known, self.note = memory.player(player), memory.note
            self._now = self._remembered(memory, known)
            self.taste = Taste.of(memory.verdicts(known), self._began_s, half_life_days)
            self._session = memory.begin(known, session_folder)
        except (UserError, sqlite3.Error) as cause:
            self.note = f"nothing is remembered: {cause}"
            return None
        return BackgroundWriter(memory)

    def _remembered(self, memory: Memory, player: int) -> Now:
        last = memory.last(player, self._began_s)
        if last is None:
            return Now(self._began_s)
        session, gone_s = last
        left = tuple(describe_edit(edit) for one in memory.directions(session["id"]) for edit in one.edits)
        return Now(self._began_s, gone_s, 0.0, left)

    # -- words ------------------------------------------------------------------------------------------------

    def small_talk(self, text: str) -> str | None:
        if QUIET.search(text.lower()):
            self._quiet = True
            return "I keep my ideas to myself until you ask."
        return greeting(self._now, self._name) if HELLO.fullmatch(text.lower().strip(" !.")) else None

    def asks_for_idea(self, text: str) -> bool:
        return bool(SPEAK.search(text.lower()))

    def push(self, text: str) -> ParseResult:
        heard = parse(text, Context(PHRASE_BARS, None, self._last, self._offered))
        self._offered = heard.unsure
        return heard

    def can(self, edit: Edit) -> bool:
        """Return whether the band can do an edit that it understands."""
        return not feasibility.not_yet(edit)

    def possible(self, edits: tuple[Edit, ...]) -> tuple[Edit, ...]:
        """Return edits with their exceptions taken out."""
        return without_exceptions(edits)

    def answer(self, question: str, facts: Analysis | None) -> str:
        """Return the answer to a question, from what is heard now."""
        grid = facts.grid if facts else None
        known = {
            "key": f"We are in {key_name(facts.key)}." if facts and facts.key else "",
            "tempo": f"{60 / grid.period_s:.0f} beats a minute." if grid else "",
            "meter": f"{grid.meter}." if grid else "",
            "chord": f"{chord_name(facts.chord)}." if facts and facts.chord else "",
            "feel": f"You play {facts.feel}." if facts and facts.feel else "",
            "time": f"We have played for {(time.time() - self._began_s) / 60:.0f} minutes.",
        }
        stands = "; ".join(describe_edit(one.edit) for one in self.active_edits.asked) or "nothing asked yet"
        return known.get(question) or f"What stands: {stands}."

    def account(self, done: Sequence[Edit], others: Sequence[str]) -> str:
        """Return a line on what was done, and what was not."""
        when = "beat" if all(edit.dimension in MIXED for edit in done) else "bar"
        did = f"From the next {when} on: {'; '.join(map(describe_edit, done))}." if done else ""
        not_done = f"{'; '.join(dict.fromkeys(others))}.".capitalize() if others else ""
        return " ".join(part for part in (did, not_done) if part) or "Kept."

    def not_live(self, edit: Edit) -> str:
        if why := feasibility.not_yet(edit):
            return why[0].lower() + why[1:] if why[:2] != "I " else why
        if edit.dimension == "lead":
            return "you lead, I follow"
        if edit.target == "bass":
            return "the bass is yours"
        if edit.change in ("keep", "recall"):
            return "kept"
        return f"{edit.dimension}: only over a recorded riff (antiphon workshop)"

    # -- edits in force ---------------------------------------------------------------------------------------

    def undo(self) -> str:
        """Undo the last direction; return "", or why the memory has not saved that."""
        self.active_edits = undo(self.active_edits)
        if not (self._rows and self._writer):
            return ""
        row = self._rows.pop()
        return self._writer.kept(lambda memory: memory.revoke(row[0]) if row else None)

    def message(self) -> SetActiveEdits:
        return SetActiveEdits(self.active_edits)

    # -- ideas ------------------------------------------------------------------------------------------------

    def idea(
        self, facts: Analysis | None, asked: bool, live: frozenset[str]
    ) -> tuple[str, tuple[Edit, ...], str] | None:
        """Return (name, edits, sentence) of the best idea that a playing band can try; None when none is worth it."""
        if facts is None or facts.grid is None or (self._quiet and not asked):
            return None
        impression = self._impression(facts)
        can = [i for i in IDEAS if all(e.dimension in live for e in i.made(impression))]
        welcome = self.taste.draw([i.name for i in can], np.random.default_rng((self._session, len(self._said))))
        tired = time.time() - self._began_s > TIRED_S

        def score(i: Idea) -> float:
            times = self._said.count(i.name)
            return sum(cheap_scores(i, impression, self.active_edits, welcome[i.name], times, tired).values())

        best = max(can, key=score)
        if score(best) < WORTH and not asked:
            return None
        self._said.append(best.name)
        return best.name, best.made(impression), sentence(best, impression)

    def _impression(self, facts: Analysis) -> RiffFacts:
        grid = facts.grid
        assert grid
        behind_s = facts.feel.behind_s if facts.feel and facts.feel.behind_s else 0.0
        return RiffFacts(PHRASE_BARS, grid.meter, 60 / grid.period_s, behind_s=behind_s, hook=self.hook)

    # -- the memory -------------------------------------------------------------------------------------------

    def said(self, sentence: str, edits: Sequence[Edit]) -> str:
        """Record a direction; return "", or why the memory has not saved it."""
        self._last = tuple(edits)
        self.taste.wish(edits)
        if not self._writer:
            return ""
        session, row = self._session, Row()
        self._rows.append(row)
        return self._writer.kept(lambda memory: row.append(memory.said(session, sentence, edits)))

    def proposed(self, kind: str, line: str, edits: Sequence[Edit]) -> Row:
        session, row = self._session, Row()
        if self._writer:
            self._writer.do(lambda memory: row.append(memory.proposed(session, kind, line, edits)))
        return row

    def judged(self, verdict: str, sentence: str, kind: str, row: Row) -> str:
        """Record a verdict; return "", or why the memory has not saved it."""
        self.taste.judge(kind, verdict)
        if not self._writer:
            return ""
        session, on = self._session, "proposal" if kind else "take"
        return self._writer.kept(lambda memory: memory.judged(session, on, row[0] if row else None, verdict, sentence))

    def phrase(self, phrase: Phrase, facts: Analysis) -> None:
        """Keep a phrase that has ended."""
        motif = motif_of_gaps(phrase.notes)
        if self._writer and len(motif) >= 3:
            meter = str(phrase.meter) if phrase.meter else None
            behind_s = facts.feel.behind_s if facts.feel else None
            key = key_name(facts.key) if facts.key else None
            more = {"tempo_bpm": phrase.tempo_bpm, "meter": meter, "key": key, "behind_s": behind_s}
            session, start_s = self._session, phrase.start_s
            self._writer.do(lambda memory: memory.heard(session, start_s, motif, **more))

    def seen(self) -> None:
        session = self._session
        if self._writer:
            self._writer.do(lambda memory: memory.seen(session))

    def close(self) -> None:
        session = self._session
        if self._writer:
            self._writer.do(lambda memory: memory.end(session))
            self._writer.close()
