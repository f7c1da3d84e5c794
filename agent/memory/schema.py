"""The memory's tables, as numbered steps: a database of an older number is brought up one step after the other.

A step is a tuple of statements, each passed to SQLite as it stands: a trigger or a quoted text may hold semicolons.
"""

from __future__ import annotations

from collections.abc import Mapping

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
SESSION_TABLES = ("phrases", "takes", "directions", "proposals", "verdicts", "grooves")  # of one session each
TABLES = ("players", "sessions", *SESSION_TABLES, "adapters")
"""Every table; a table stands after those it refers to."""

NUMBERS = frozenset({"id", "player_id", "session_id", "number", "subject_id", "version", "active", "n"})
MAY_BE_NULL = frozenset({"ended_s", "revoked_s", "subject_id", "kind", "edits"})  # the last two of verdicts
LATEST_S = 1e11  # of wall-clock seconds


def is_sound(row: Mapping[str, object]) -> bool:
    """Return whether a row's values have the kinds that its columns are made for; SQLite takes any value anywhere."""
    return all(_fits(name, value) for name, value in row.items())


def _fits(name: str, value: object) -> bool:
    if value is None:
        return name in MAY_BE_NULL
    if name in NUMBERS or name in TABLES:  # a table's name: how many rows of it
        return isinstance(value, int)
    if name.endswith("_s"):
        return isinstance(value, (int, float)) and 0 <= value < LATEST_S
    return isinstance(value, str)
