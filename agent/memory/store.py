"""What is remembered across sessions, in one SQLite file on this machine: players, sessions, phrases, takes, directions,
proposals, verdicts. Nothing leaves it.

A write is on the disk when the call returns (WAL, synchronous=FULL): a kill -9 after it loses nothing. One thread at a time.
"""

from __future__ import annotations

import json
import shutil
import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agent.core.errors import UserError
from agent.directions.edit import Edit
from agent.memory.schema import MIGRATIONS, TABLES, VERSION

FILE = "memory.sqlite"
BUSY_S = 5.0
Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Direction:
    """A direction that stands or was revoked. at_s: wall-clock seconds."""

    id: int
    session_id: int
    at_s: float
    sentence: str
    edits: tuple[Edit, ...]
    revoked: bool


class Memory:
    """Open at most one for each file and process. now_s: the wall clock, given for tests.

    note: what was set aside when the file could not be read, or "".
    """

    def __init__(self, folder: Path, now_s: Callable[[], float] = time.time) -> None:
        """Raises UserError when the folder cannot be written."""
        self.path, self._now_s, self.note = folder / FILE, now_s, ""
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._db = self._open()
        except (OSError, sqlite3.Error) as cause:
            raise UserError(f"{self.path}: the memory cannot be opened ({cause}); is the folder writable?") from None

    def close(self) -> None:
        self._db.close()

    # -- players and sessions ---------------------------------------------------------------------------------

    def player(self, name: str) -> int:
        """The player of this name, made if there is none."""
        name = " ".join(name.split())[:80] or "player"
        with self._write() as db:
            db.execute("INSERT OR IGNORE INTO players(name, made_s) VALUES (?, ?)", (name, self._now_s()))
        return int(self._one("SELECT id FROM players WHERE name = ?", name)["id"])

    def begin(self, player_id: int, folder: str = "") -> int:
        """A new session."""
        now_s = self._now_s()
        return self._insert("sessions", player_id=player_id, folder=folder, started_s=now_s, seen_s=now_s)

    def seen(self, session_id: int) -> None:
        """The session goes on: what is known of its length after a crash."""
        self._do("UPDATE sessions SET seen_s = ? WHERE id = ?", self._now_s(), session_id)

    def end(self, session_id: int) -> None:
        self._do("UPDATE sessions SET ended_s = ?, seen_s = ? WHERE id = ?", self._now_s(), self._now_s(), session_id)

    def sessions(self, player_id: int | None = None) -> list[Row]:
        """The newest first, each with counts of what it holds."""
        counts = ", ".join(f"(SELECT COUNT(*) FROM {t} WHERE session_id = s.id) AS {t}" for t in TABLES[2:7])
        where = "WHERE player_id = ?" if player_id is not None else ""
        given = () if player_id is None else (player_id,)
        query = f"SELECT s.*, p.name AS player, {counts} FROM sessions s JOIN players p ON p.id = player_id {where}"
        return self._rows(f"{query} ORDER BY started_s DESC, s.id DESC", *given)

    def last(self, player_id: int, now_s: float) -> tuple[Row, float] | None:
        """The newest session and the seconds since it ended; None where there is none."""
        found = next(iter(self.sessions(player_id)), None)
        return (found, max(now_s - (found["ended_s"] or found["seen_s"]), 0.0)) if found else None

    def forget(self, session_id: int) -> None:
        """A session and all that was remembered of it. Raises UserError where there is none."""
        if not self._do("DELETE FROM sessions WHERE id = ?", session_id):
            raise UserError(f"session {session_id}: there is none; `antiphon sessions list` shows them")

    # -- what happens in a session ----------------------------------------------------------------------------

    def heard(self, session_id: int, start_s: float, motif: Sequence[tuple[float, int]], **facts: Any) -> int:
        """A phrase. motif: (beat, MIDI pitch); facts: notes, tempo, meter, key, feel, codes by reference."""
        return self._insert(
            "phrases",
            session_id=session_id,
            heard_s=self._now_s(),
            start_s=start_s,
            motif=json.dumps(motif),
            facts=json.dumps(facts),
        )

    def record_take(self, session_id: int, number: int, plan: Row, name: str = "") -> int:
        return self._insert(
            "takes", session_id=session_id, made_s=self._now_s(), number=number, name=name, plan=json.dumps(plan)
        )

    def name_take(self, take_id: int, name: str) -> None:
        self._do("UPDATE takes SET name = ? WHERE id = ?", name[:80], take_id)

    def said(self, session_id: int, sentence: str, edits: Sequence[Edit]) -> int:
        """A direction. When this returns it is kept whatever happens."""
        text = json.dumps([edit.to_json() for edit in edits])
        return self._insert("directions", session_id=session_id, said_s=self._now_s(), sentence=sentence, edits=text)

    def revoke(self, direction_id: int) -> None:
        self._do("UPDATE directions SET revoked_s = ? WHERE id = ?", self._now_s(), direction_id)

    def proposed(self, session_id: int, kind: str, sentence: str, edits: Sequence[Edit]) -> int:
        text = json.dumps([edit.to_json() for edit in edits])
        return self._insert(
            "proposals", session_id=session_id, made_s=self._now_s(), kind=kind, sentence=sentence, edits=text
        )

    def judged(self, session_id: int, subject: str, subject_id: int | None, verdict: str, sentence: str = "") -> int:
        """verdict: liked, disliked, more, ignored. subject: proposal, take or direction."""
        values = {"subject": subject, "subject_id": subject_id, "verdict": verdict, "sentence": sentence}
        return self._insert("verdicts", session_id=session_id, given_s=self._now_s(), **values)

    # -- what is remembered -----------------------------------------------------------------------------------

    def directions(self, session_id: int, standing: bool = True) -> list[Direction]:
        """In the order they were given; standing: without those revoked."""
        rows = self._rows("SELECT * FROM directions WHERE session_id = ? ORDER BY id", session_id)
        found = [
            Direction(
                r["id"], r["session_id"], r["said_s"], r["sentence"], _edits(r["edits"]), r["revoked_s"] is not None
            )
            for r in rows
        ]
        return [one for one in found if not (standing and one.revoked)]

    def verdicts(self, player_id: int) -> list[Row]:
        """Every verdict of a player, the oldest first, with the kind and edits of the proposal it was on."""
        return self._rows(
            "SELECT v.*, p.kind, p.edits FROM verdicts v JOIN sessions s ON s.id = v.session_id "
            "LEFT JOIN proposals p ON v.subject = 'proposal' AND p.id = v.subject_id WHERE s.player_id = ? ORDER BY v.id",
            player_id,
        )

    def phrases(self, player_id: int, limit: int = 10_000) -> list[Row]:
        """The newest of a player, motif and facts read."""
        rows = self._rows(
            "SELECT f.* FROM phrases f JOIN sessions s ON s.id = f.session_id WHERE s.player_id = ? "
            "ORDER BY f.id DESC LIMIT ?",
            player_id,
            limit,
        )
        return [r | {"motif": json.loads(r["motif"]), "facts": json.loads(r["facts"])} for r in rows]

    def rows(self, table: str, session_id: int) -> list[Row]:
        """All of one table (of TABLES) that belongs to a session."""
        assert table in TABLES[2:7], table
        return self._rows(f"SELECT * FROM {table} WHERE session_id = ? ORDER BY id", session_id)

    def everything(self) -> dict[str, list[Row]]:
        """Every row of every table: what `antiphon memory export` writes."""
        return {table: self._rows(f"SELECT * FROM {table} ORDER BY id") for table in TABLES}

    # -- adapters ---------------------------------------------------------------------------------------------

    def adapted(self, player_id: int, path: str, scores: Row) -> int:
        """A new version of a player's adapter, in use from now on."""
        last = self._one("SELECT COALESCE(MAX(version), 0) AS n FROM adapters WHERE player_id = ?", player_id)["n"]
        with self._write() as db:
            db.execute("UPDATE adapters SET active = 0 WHERE player_id = ?", (player_id,))
            db.execute(
                "INSERT INTO adapters(player_id, made_s, version, path, scores, active) VALUES (?, ?, ?, ?, ?, 1)",
                (player_id, self._now_s(), last + 1, path, json.dumps(scores)),
            )
        return int(last) + 1

    def adapter(self, player_id: int) -> Row | None:
        """The version in use."""
        found = self._rows("SELECT * FROM adapters WHERE player_id = ? AND active = 1", player_id)
        return found[0] if found else None

    def roll_back(self, player_id: int, version: int | None = None) -> int:
        """Use an earlier version again (default: the one before; 0: none). The version now in use."""
        now = self.adapter(player_id)
        wanted = version if version is not None else (now["version"] - 1 if now else 0)
        there = {r["version"] for r in self._rows("SELECT version FROM adapters WHERE player_id = ?", player_id)}
        if wanted != 0 and wanted not in there:
            raise UserError(f"adapter {wanted}: there is none; versions {sorted(there) or 'none'} and 0 are")
        with self._write() as db:
            db.execute("UPDATE adapters SET active = (version = ?) WHERE player_id = ?", (wanted, player_id))
        return wanted

    # -- the file ---------------------------------------------------------------------------------------------

    def _open(self) -> sqlite3.Connection:
        try:
            return self._connect()
        except _NotOurs as why:
            aside = _set_aside(self.path)
            self.note = f"{self.path} {why}; it was kept as {aside.name}, a new memory begins"
            return self._connect()

    def _connect(self) -> sqlite3.Connection:
        db = sqlite3.connect(self.path, timeout=BUSY_S, isolation_level=None, check_same_thread=False)
        db.row_factory = sqlite3.Row
        try:
            version = int(db.execute("PRAGMA user_version").fetchone()[0])
            if version > VERSION:
                raise _NotOurs(f"is of a newer Antiphon (version {version}, this one knows {VERSION})")
            if version and db.execute("PRAGMA quick_check").fetchone()[0] != "ok":
                raise _NotOurs("is damaged")
            for pragma in ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON"):
                db.execute(f"PRAGMA {pragma}")
            _migrate(db, version)
        except sqlite3.DatabaseError as cause:
            db.close()
            if isinstance(cause, sqlite3.OperationalError):
                raise
            raise _NotOurs(f"is damaged ({cause})") from None
        except _NotOurs:
            db.close()
            raise
        return db

    @contextmanager
    def _write(self) -> Iterator[sqlite3.Connection]:
        """Raises UserError where it could not be kept: all of it, and the next one may be."""
        try:
            self._db.execute("BEGIN IMMEDIATE")
            yield self._db
            self._db.execute("COMMIT")
        except BaseException as cause:
            if self._db.in_transaction:  # some failures have ended it already
                self._db.execute("ROLLBACK")
            if isinstance(cause, sqlite3.Error):
                raise UserError(
                    f"{self.path}: not kept ({cause}); is the disk full, or another program at it?"
                ) from None
            raise

    def _insert(self, table: str, **values: Any) -> int:
        names, marks = ", ".join(values), ", ".join("?" * len(values))
        with self._write() as db:
            done = db.execute(f"INSERT INTO {table}({names}) VALUES ({marks})", tuple(values.values()))
            return int(done.lastrowid or 0)

    def _do(self, query: str, *values: Any) -> int:
        with self._write() as db:
            return int(db.execute(query, values).rowcount)

    def _rows(self, query: str, *values: Any) -> list[Row]:
        return [dict(row) for row in self._db.execute(query, values)]

    def _one(self, query: str, *values: Any) -> Row:
        return self._rows(query, *values)[0]


class _NotOurs(Exception):
    """The file is no memory that this program can read."""


def _migrate(db: sqlite3.Connection, version: int) -> None:
    """Bring the database up from `version`, each step whole or not at all."""
    for number, step in enumerate(MIGRATIONS[version:], version + 1):
        db.execute("BEGIN IMMEDIATE")
        for statement in step:
            db.execute(statement)
        db.execute(f"PRAGMA user_version = {number}")
        db.execute("COMMIT")


def _set_aside(path: Path) -> Path:
    """Move the file, and what belongs to it, to a name that is free; never over anything."""
    number = next(n for n in range(1, 10_000) if not path.with_name(f"{path.name}.aside-{n}").exists())
    aside = path.with_name(f"{path.name}.aside-{number}")
    for suffix in ("", "-wal", "-shm"):
        part = path.with_name(path.name + suffix)
        if part.exists():
            shutil.move(part, aside.with_name(aside.name + suffix))
    return aside


def _edits(text: str) -> tuple[Edit, ...]:
    return tuple(Edit.from_json(one) for one in json.loads(text))
