"""`Memory` keeps players, sessions, phrases, takes, directions, proposals and verdicts in one local SQLite file.

A write is on the disk when the call returns (WAL, synchronous=FULL): a kill -9 after it loses nothing. Use it from one
thread at a time.
"""

from __future__ import annotations

import json
import shutil
import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, TypedDict, TypeVar

from msgspec import Meta

from agent.core import stored
from agent.core.errors import UserError
from agent.core.stored import Json
from agent.directions.edit import Edit
from agent.memory.schema import (
    MIGRATIONS,
    SESSION_TABLES,
    TABLES,
    VERSION,
    AdapterRow,
    CountedSession,
    DirectionRow,
    GrooveRow,
    JudgedRow,
    PhraseRow,
    PlayerRow,
    Row,
    Value,
    is_sound,
)

FILE = "memory.sqlite"
BUSY_S = 5.0
Beat = Annotated[float, Meta(ge=-1e6, le=1e6)]
Motif = list[tuple[Beat, stored.Pitch]]
MOTIF_MAX = 10_000  # notes
T = TypeVar("T")
U = TypeVar("U")


class Id(TypedDict):
    """The number of a row."""

    id: int


class KeptPhrase(Id):
    """A phrase that was heard. motif: (beat, MIDI pitch); facts: tempo, meter, key, feel ..."""

    session_id: int
    heard_s: float
    start_s: float
    motif: Motif
    facts: dict[str, Json]


@dataclass(frozen=True, slots=True)
class Direction:
    """A direction as it was given. at_s: wall-clock seconds; revoked: whether it was undone."""

    id: int
    session_id: int
    at_s: float
    sentence: str
    edits: tuple[Edit, ...]
    revoked: bool


class Memory:
    """The store. Open at most one for each file and process. now_s: the wall clock, replaceable for tests.

    note: says where a file that could not be read was moved to, or "".
    """

    def __init__(self, folder: Path, now_s: Callable[[], float] = time.time) -> None:
        """Raises UserError when the folder cannot be written."""
        self.path, self._now_s, self.note = folder / FILE, now_s, ""
        self.skipped = 0  # damaged rows that were left out
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._db = self._open()
        except (OSError, sqlite3.Error) as cause:
            raise UserError(f"{self.path}: the memory cannot be opened ({cause}); is the folder writable?") from None

    def close(self) -> None:
        self._db.close()

    # -- players and sessions ---------------------------------------------------------------------------------

    def player(self, name: str) -> int:
        """Return the id of the player of this name; add one if there is none."""
        name = " ".join(name.split())[:80] or "player"
        with self._write() as db:
            db.execute("INSERT OR IGNORE INTO players(name, made_s) VALUES (?, ?)", (name, self._now_s()))
        return self._one(Id, "SELECT id FROM players WHERE name = ?", name)["id"]

    def players(self) -> list[PlayerRow]:
        return self._rows(PlayerRow, "SELECT * FROM players ORDER BY id")

    def begin(self, player_id: int, folder: str = "") -> int:
        """Start a session and return its id. folder: where its files are kept."""
        now_s = self._now_s()
        return self._insert("sessions", player_id=player_id, folder=folder, started_s=now_s, seen_s=now_s)

    def seen(self, session_id: int) -> None:
        """Note that the session still runs, so that its length is known after a crash."""
        self._do("UPDATE sessions SET seen_s = ? WHERE id = ?", self._now_s(), session_id)

    def end(self, session_id: int) -> None:
        self._do("UPDATE sessions SET ended_s = ?, seen_s = ? WHERE id = ?", self._now_s(), self._now_s(), session_id)

    def sessions(self, player_id: int | None = None) -> list[CountedSession]:
        """Return the sessions, the newest first, each with counts of what it holds."""
        counts = ", ".join(f"(SELECT COUNT(*) FROM {t} WHERE session_id = s.id) AS {t}" for t in SESSION_TABLES)
        where = "WHERE player_id = ?" if player_id is not None else ""
        given = () if player_id is None else (player_id,)
        query = f"SELECT s.*, p.name AS player, {counts} FROM sessions s JOIN players p ON p.id = player_id {where}"
        return self._rows(CountedSession, f"{query} ORDER BY started_s DESC, s.id DESC", *given)

    def last(self, player_id: int, now_s: float) -> tuple[CountedSession, float] | None:
        """Return the player's newest session and the seconds since it ended; None where there is none."""
        found = next(iter(self.sessions(player_id)), None)
        return (found, max(now_s - (found["ended_s"] or found["seen_s"]), 0.0)) if found else None

    def forget(self, session_id: int) -> None:
        """Delete a session and all that was remembered of it. Raises UserError where there is none."""
        if not self._do("DELETE FROM sessions WHERE id = ?", session_id):
            raise UserError(f"session {session_id}: there is none; `antiphon sessions list` shows them")

    # -- what happens in a session ----------------------------------------------------------------------------

    def heard(self, session_id: int, start_s: float, motif: Sequence[tuple[float, int]], **facts: Json) -> int:
        """Store a phrase and return its id. motif: (beat, MIDI pitch); facts: tempo, meter, key, feel ..., as JSON."""
        return self._insert(
            "phrases",
            session_id=session_id,
            heard_s=self._now_s(),
            start_s=start_s,
            motif=json.dumps(motif),
            facts=json.dumps(facts),
        )

    def record_take(self, session_id: int, number: int, plan: Mapping[str, Json], name: str = "") -> int:
        return self._insert(
            "takes", session_id=session_id, made_s=self._now_s(), number=number, name=name, plan=json.dumps(plan)
        )

    def name_take(self, take_id: int, name: str) -> None:
        self._do("UPDATE takes SET name = ? WHERE id = ?", name[:80], take_id)

    def said(self, session_id: int, sentence: str, edits: Sequence[Edit]) -> int:
        """Store a direction and return its id. It is on the disk when this returns."""
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
        """Store a verdict and return its id. verdict: liked, disliked, more, ignored; subject: proposal or take."""
        values = {"subject": subject, "subject_id": subject_id, "verdict": verdict, "sentence": sentence}
        return self._insert("verdicts", session_id=session_id, given_s=self._now_s(), **values)

    def judged_groove(self, session_id: int, name: str, pattern: str, verdict: str) -> int:
        """Store a verdict, liked or disliked, on a groove that was played, and return its id.

        pattern: its kicks and snares (agent/parts/groove_traits.py `text_of`).
        """
        values = {"name": name, "pattern": pattern, "verdict": verdict}
        return self._insert("grooves", session_id=session_id, given_s=self._now_s(), **values)

    def forget_groove(self, verdict_id: int) -> None:
        """Delete a verdict on a groove, since the player took it back."""
        self._do("DELETE FROM grooves WHERE id = ?", verdict_id)

    # -- what is remembered -----------------------------------------------------------------------------------

    def directions(self, session_id: int, active_only: bool = True) -> list[Direction]:
        """Return a session's directions in the order given. active_only: without those revoked."""
        rows = self._rows(DirectionRow, "SELECT * FROM directions WHERE session_id = ? ORDER BY id", session_id)
        found = [
            Direction(
                r["id"], r["session_id"], r["said_s"], r["sentence"], edits_of(r["edits"]), r["revoked_s"] is not None
            )
            for r in rows
        ]
        return [one for one in found if not (active_only and one.revoked)]

    def verdicts(self, player_id: int) -> list[JudgedRow]:
        """Return a player's verdicts, the oldest first, with the kind and edits of the proposal each was on."""
        return self._rows(
            JudgedRow,
            "SELECT v.*, p.kind, p.edits FROM verdicts v JOIN sessions s ON s.id = v.session_id "
            "LEFT JOIN proposals p ON v.subject = 'proposal' AND p.id = v.subject_id "
            "WHERE s.player_id = ? ORDER BY v.id",
            player_id,
        )

    def grooves(self, player_id: int) -> list[GrooveRow]:
        """Return a player's verdicts on grooves, the oldest first."""
        return self._rows(
            GrooveRow,
            "SELECT g.* FROM grooves g JOIN sessions s ON s.id = g.session_id WHERE s.player_id = ? ORDER BY g.id",
            player_id,
        )

    def phrases(self, player_id: int, limit: int = 10_000) -> list[KeptPhrase]:
        """Return a player's phrases, the newest first, with motif and facts parsed; damaged ones are left out."""
        rows = self._rows(
            PhraseRow,
            "SELECT f.* FROM phrases f JOIN sessions s ON s.id = f.session_id WHERE s.player_id = ? "
            "ORDER BY f.id DESC LIMIT ?",
            player_id,
            limit,
        )
        found = [(r, json_of(r["motif"], Motif, None), json_of(r["facts"], dict, None)) for r in rows]
        return [
            {**r, "motif": motif, "facts": facts}
            for r, motif, facts in found
            if motif is not None and len(motif) <= MOTIF_MAX and facts is not None
        ]

    def rows(self, table: str, session_id: int) -> list[Row]:
        """Return the rows of one table (of SESSION_TABLES) that belong to a session."""
        assert table in SESSION_TABLES, table
        return self._raw(table, "WHERE session_id = ?", session_id)

    def everything(self) -> dict[str, list[Row]]:
        """Return every row of every table, which `antiphon memory export` writes."""
        return {table: self._raw(table) for table in TABLES}

    # -- adapters ---------------------------------------------------------------------------------------------

    def adapted(self, player_id: int, path: str, scores: Mapping[str, Json]) -> int:
        """Put a new version of a player's adapter into use and return its number."""
        last = max(self.versions(player_id), default=0)
        with self._write() as db:
            db.execute("UPDATE adapters SET active = 0 WHERE player_id = ?", (player_id,))
            db.execute(
                "INSERT INTO adapters(player_id, made_s, version, path, scores, active) VALUES (?, ?, ?, ?, ?, 1)",
                (player_id, self._now_s(), last + 1, path, json.dumps(scores)),
            )
        return last + 1

    def adapters(self) -> list[AdapterRow]:
        """Return the adapters of all players."""
        return self._rows(AdapterRow, "SELECT * FROM adapters ORDER BY id")

    def adapter(self, player_id: int) -> AdapterRow | None:
        """Return the row of the adapter in use; None where there is none."""
        found = self._rows(AdapterRow, "SELECT * FROM adapters WHERE player_id = ? AND active = 1", player_id)
        return found[0] if found else None

    def roll_back(self, player_id: int, version: int | None = None) -> int:
        """Use an earlier adapter again and return its version. version: None = the one before; 0 = play without."""
        now = self.adapter(player_id)
        wanted = version if version is not None else (now["version"] - 1 if now else 0)
        there = self.versions(player_id)
        if wanted != 0 and wanted not in there:
            allowed = ", ".join(map(str, [0, *sorted(there)]))
            raise UserError(f"adapter {wanted}: there is none; allowed: {allowed} (0 plays without one)")
        with self._write() as db:
            db.execute("UPDATE adapters SET active = (version = ?) WHERE player_id = ?", (wanted, player_id))
        return wanted

    def versions(self, player_id: int) -> set[int]:
        """Return the versions of a player's adapter."""
        return {row["version"] for row in self.adapters() if row["player_id"] == player_id}

    # -- the file ---------------------------------------------------------------------------------------------

    def _open(self) -> sqlite3.Connection:
        try:
            return self._connect()
        except _NotOurs as why:
            aside = _set_aside(self.path)
            db = self._connect()
            count = _saved(aside, db)
            saved = f"{count} rows of it were saved" if count else "a new memory begins"
            self.note = f"{self.path} {why}; it was kept as {aside.name}, and {saved}"
            return db

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
        except (sqlite3.DatabaseError, UnicodeDecodeError) as cause:  # also what it says of damage may be no text
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
        """Run one transaction. Raises UserError where it could not be written; nothing of it is then kept."""
        try:
            self._db.execute("BEGIN IMMEDIATE")
            yield self._db
            self._db.execute("COMMIT")
        except BaseException as cause:
            if self._db.in_transaction:  # some failures have ended it already
                self._db.execute("ROLLBACK")
            if isinstance(cause, sqlite3.Error):
                raise UserError(
                    f"{self.path}: not saved ({cause}); free space on the disk, or close what else uses the file"
                ) from None
            raise

    def _insert(self, table: str, **values: Value) -> int:
        names, marks = ", ".join(values), ", ".join("?" * len(values))
        with self._write() as db:
            done = db.execute(f"INSERT INTO {table}({names}) VALUES ({marks})", tuple(values.values()))
            return int(done.lastrowid or 0)

    def _do(self, query: str, *values: Value) -> int:
        with self._write() as db:
            return int(db.execute(query, values).rowcount)

    def _found(self, query: str, *values: Value) -> list[Row]:
        try:
            return [dict(row) for row in self._db.execute(query, values)]
        except sqlite3.DatabaseError as cause:
            raise UserError(
                f"{self.path}: cannot be read ({cause}); `antiphon memory export` saves what can be"
            ) from None

    def _raw(self, table: str, where: str = "", *values: Value) -> list[Row]:
        """Return the rows of a table as they are, without damaged ones, which are counted."""
        found = self._found(f"SELECT * FROM {table} {where} ORDER BY id", *values)
        sound = [row for row in found if is_sound(row, table)]
        self.skipped += len(found) - len(sound)
        return sound

    def _rows(self, kind: type[T], query: str, *values: Value) -> list[T]:
        """Return the rows that a query finds, of this kind, without damaged ones, which are counted."""
        sound = list[T]()
        for row in self._found(query, *values):
            try:
                sound.append(stored.convert(row, kind))
            except stored.Damaged:
                self.skipped += 1
        return sound

    def _one(self, kind: type[T], query: str, *values: Value) -> T:
        found = self._rows(kind, query, *values)
        if not found:
            raise UserError(f"{self.path}: damaged; `antiphon memory export` saves what can be read")
        return found[0]


class _NotOurs(Exception):
    """The file is not a memory that this program can read."""


def _migrate(db: sqlite3.Connection, version: int) -> None:
    """Bring the database up to VERSION, each step in one transaction."""
    for number, step in enumerate(MIGRATIONS[version:], version + 1):
        db.execute("BEGIN IMMEDIATE")
        for statement in step:
            db.execute(statement)
        db.execute(f"PRAGMA user_version = {number}")
        db.execute("COMMIT")


def _saved(aside: Path, db: sqlite3.Connection) -> int:
    """Copy the rows of a damaged memory that can be read and fit into a new one; return how many."""
    count = 0
    broken = sqlite3.Error, UnicodeDecodeError
    with suppress(*broken), closing(sqlite3.connect(f"{aside.absolute().as_uri()}?mode=ro", uri=True)) as old:
        old.row_factory = sqlite3.Row
        for table in TABLES:
            columns = [str(row[1]) for row in db.execute(f"PRAGMA table_info({table})")]
            with suppress(*broken):  # from here on it is damaged
                for row in old.execute(f"SELECT {', '.join(columns)} FROM {table}"):
                    if is_sound(dict(row), table):
                        marks = ", ".join("?" * len(columns))
                        count += db.execute(f"INSERT OR IGNORE INTO {table} VALUES ({marks})", tuple(row)).rowcount
    return count


def _set_aside(path: Path) -> Path:
    """Rename the file, and its -wal and -shm, to a free name; return the new path."""
    number = next(n for n in range(1, 10_000) if not path.with_name(f"{path.name}.aside-{n}").exists())
    aside = path.with_name(f"{path.name}.aside-{number}")
    for suffix in ("", "-wal", "-shm"):
        part = path.with_name(path.name + suffix)
        if part.exists():
            shutil.move(part, aside.with_name(aside.name + suffix))
    return aside


def edits_of(text: Value) -> tuple[Edit, ...]:
    """Return the edits of a row's text; those that can no longer be understood are left out."""
    found = list[Edit]()
    for one in json_of(text, list, []):
        with suppress(ValueError):
            found.append(Edit.from_json(one))
    return tuple(found)


def json_of(text: Value, kind: type[T], otherwise: U) -> T | U:
    """Return what a row's text holds as JSON of this kind; `otherwise` where it is damaged."""
    try:
        return stored.decode(str(text), kind)
    except stored.Damaged:
        return otherwise
