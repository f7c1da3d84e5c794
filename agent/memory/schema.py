"""The memory's tables, as numbered steps: a database of an older number is brought up one step after the other.

A step is a tuple of statements, each passed to SQLite as it stands: a trigger or a quoted text may hold semicolons.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal, TypedDict

from msgspec import Meta

from agent.core import stored

MIGRATIONS: tuple[tuple[str, ...], ...] = (
    (
        "CREATE TABLE players (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, made_s REAL NOT NULL)",
        """
        CREATE TABLE sessions (
            id INTEGER PRIMARY KEY, player_id INTEGER NOT NULL REFERENCES players(id) ON DELETE CASCADE,
            folder TEXT NOT NULL DEFAULT '', started_s REAL NOT NULL, seen_s REAL NOT NULL, ended_s REAL)
        """,
        """
        CREATE TABLE phrases (
            id INTEGER PRIMARY KEY, session_id INTEGER NOT NULL REFERENCES sessions(id) ON DELETE CASCADE,
            heard_s REAL NOT NULL, start_s REAL NOT NULL, motif TEXT NOT NULL, facts TEXT NOT NULL)
        """,
        """
        CREATE TABLE takes (
            id INTEGER PRIMARY KEY, session_id INTEGER NOT NULL REFERENCES sessions(id) ON DELETE CASCADE,
            made_s REAL NOT NULL, number INTEGER NOT NULL, name TEXT NOT NULL DEFAULT '', plan TEXT NOT NULL)
        """,
        """
        CREATE TABLE directions (
            id INTEGER PRIMARY KEY, session_id INTEGER NOT NULL REFERENCES sessions(id) ON DELETE CASCADE,
            said_s REAL NOT NULL, sentence TEXT NOT NULL, edits TEXT NOT NULL, revoked_s REAL)
        """,
        """
        CREATE TABLE proposals (
            id INTEGER PRIMARY KEY, session_id INTEGER NOT NULL REFERENCES sessions(id) ON DELETE CASCADE,
            made_s REAL NOT NULL, kind TEXT NOT NULL, sentence TEXT NOT NULL, edits TEXT NOT NULL)
        """,
        """
        CREATE TABLE verdicts (
            id INTEGER PRIMARY KEY, session_id INTEGER NOT NULL REFERENCES sessions(id) ON DELETE CASCADE,
            given_s REAL NOT NULL, subject TEXT NOT NULL, subject_id INTEGER,
            verdict TEXT NOT NULL, sentence TEXT NOT NULL)
        """,
        "CREATE INDEX phrases_of ON phrases(session_id)",
        "CREATE INDEX verdicts_of ON verdicts(session_id)",
    ),
    (
        """
        CREATE TABLE adapters (
            id INTEGER PRIMARY KEY, player_id INTEGER NOT NULL REFERENCES players(id) ON DELETE CASCADE,
            made_s REAL NOT NULL, version INTEGER NOT NULL, path TEXT NOT NULL, scores TEXT NOT NULL,
            active INTEGER NOT NULL DEFAULT 0)
        """,
    ),
    (
        """
        CREATE TABLE grooves (
            id INTEGER PRIMARY KEY, session_id INTEGER NOT NULL REFERENCES sessions(id) ON DELETE CASCADE,
            given_s REAL NOT NULL, name TEXT NOT NULL, pattern TEXT NOT NULL, verdict TEXT NOT NULL)
        """,
    ),
)
VERSION = len(MIGRATIONS)
Moment = Annotated[float, Meta(ge=0.0, lt=1e11)]  # seconds since 1970
Value = str | int | float | None  # what SQLite holds in our tables
Row = dict[str, Value]


class PlayerRow(TypedDict):
    """A row of players."""

    id: int
    name: str
    made_s: Moment


class SessionRow(TypedDict):
    """A row of sessions. seen_s: when it was known to run last; ended_s: None after a crash."""

    id: int
    player_id: int
    folder: str
    started_s: Moment
    seen_s: Moment
    ended_s: Moment | None


class CountedSession(SessionRow):
    """A session with its player's name and how many rows each table has of it."""

    player: str
    phrases: int
    takes: int
    directions: int
    proposals: int
    verdicts: int
    grooves: int


class PhraseRow(TypedDict):
    """A row of phrases. motif, facts: JSON."""

    id: int
    session_id: int
    heard_s: Moment
    start_s: Moment
    motif: str
    facts: str


class TakeRow(TypedDict):
    """A row of takes. plan: JSON."""

    id: int
    session_id: int
    made_s: Moment
    number: int
    name: str
    plan: str


class DirectionRow(TypedDict):
    """A row of directions. edits: JSON; revoked_s: when it was undone."""

    id: int
    session_id: int
    said_s: Moment
    sentence: str
    edits: str
    revoked_s: Moment | None


class ProposalRow(TypedDict):
    """A row of proposals. edits: JSON."""

    id: int
    session_id: int
    made_s: Moment
    kind: str
    sentence: str
    edits: str


class VerdictRow(TypedDict):
    """A row of verdicts. subject: proposal or take; subject_id: of the proposal, or the take's place."""

    id: int
    session_id: int
    given_s: Moment
    subject: str
    subject_id: int | None
    verdict: Literal["liked", "disliked", "more", "ignored"]
    sentence: str


class JudgedRow(VerdictRow):
    """A verdict with the kind and the edits of the proposal that it was on."""

    kind: str | None
    edits: str | None


class GrooveRow(TypedDict):
    """A row of grooves: a verdict on one. pattern: its kicks and snares."""

    id: int
    session_id: int
    given_s: Moment
    name: str
    pattern: str
    verdict: Literal["liked", "disliked"]


class AdapterRow(TypedDict):
    """A row of adapters. scores: JSON; active: 1 for the one in use."""

    id: int
    player_id: int
    made_s: Moment
    version: int
    path: str
    scores: str
    active: int


ROWS: Mapping[str, type] = {
    "players": PlayerRow,
    "sessions": SessionRow,
    "phrases": PhraseRow,
    "takes": TakeRow,
    "directions": DirectionRow,
    "proposals": ProposalRow,
    "verdicts": VerdictRow,
    "grooves": GrooveRow,
    "adapters": AdapterRow,
}
SESSION_TABLES = ("phrases", "takes", "directions", "proposals", "verdicts", "grooves")  # of one session each
TABLES = tuple(ROWS)
"""Every table; a table stands after those it refers to."""


def is_sound(row: Row, table: str) -> bool:
    """Return whether a row's values have the kinds that its columns are made for; SQLite takes any value anywhere."""
    try:
        stored.convert(row, ROWS[table])
    except stored.Damaged:
        return False
    return True
