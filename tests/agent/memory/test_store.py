"""The memory: what was acknowledged is there, after any death; what cannot be read is set aside, never overwritten."""

from __future__ import annotations

import random
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from agent.core.errors import UserError
from agent.core.paths import data_folder
from agent.core.settings import Config
from agent.directions.edit import Edit
from agent.memory.player_profile import with_player_adapter
from agent.memory.schema import MIGRATIONS, VERSION
from agent.memory.store import FILE, Memory

SNARE = Edit.read("snare.level less")
WRITER = """
import sys
from contextlib import closing
from pathlib import Path
from agent.directions.edit import Edit
from agent.memory.store import Memory
memory = Memory(Path(sys.argv[1]))
session = memory.begin(memory.player("Ann"))
edit = Edit.read("snare.level less")
for number in range(10_000_000):
    direction = memory.said(session, f"sentence {number}", [edit])
    memory.judged(session, "direction", direction, "liked", f"verdict {number}")
    print(session, number, flush=True)
"""


def memory_at(path: Path) -> Memory:
    return Memory(path, now_s=iter(range(1, 10_000)).__next__)  # type: ignore[arg-type]


def test_a_direction_comes_back_as_it_was_said(tmp_path: Path) -> None:
    memory = memory_at(tmp_path)
    session = memory.begin(memory.player("Ann"))
    said = memory.said(session, "less snare", [SNARE])
    memory.close()
    (found,) = Memory(tmp_path).directions(session)
    assert (found.id, found.sentence, found.edits) == (said, "less snare", (SNARE,))


def test_what_is_revoked_stands_no_longer_but_is_remembered(tmp_path: Path) -> None:
    memory = memory_at(tmp_path)
    session = memory.begin(memory.player("Ann"))
    memory.revoke(memory.said(session, "less snare", [SNARE]))
    assert memory.directions(session) == []
    assert len(memory.directions(session, active_only=False)) == 1


def test_forgetting_a_session_leaves_nothing_of_it(tmp_path: Path) -> None:
    memory = memory_at(tmp_path)
    session = memory.begin(memory.player("Ann"))
    memory.said(session, "less snare", [SNARE])
    memory.heard(session, 0.0, ((0.0, 40), (1.0, 43)))
    memory.forget(session)
    everything = memory.everything()
    assert not any(rows for table, rows in everything.items() if table != "players")
    with pytest.raises(UserError, match="there is none"):
        memory.forget(session)


@pytest.mark.parametrize("kills", [pytest.param(8), pytest.param(200, marks=pytest.mark.slow)])
def test_what_was_acknowledged_survives_being_killed(tmp_path: Path, kills: int) -> None:
    acknowledged: set[tuple[int, int]] = set()
    rng = random.Random(0)
    for _ in range(kills):
        writer = subprocess.Popen([sys.executable, "-c", WRITER, str(tmp_path)], stdout=subprocess.PIPE, text=True)
        assert writer.stdout
        wanted = rng.randrange(1, 60)
        lines = [writer.stdout.readline() for _ in range(wanted)]
        writer.send_signal(signal.SIGKILL)
        lines += writer.stdout.read().splitlines(keepends=True)
        writer.wait()
        writer.stdout.close()
        acknowledged |= {(int(s), int(n)) for s, n in (line.split() for line in lines if line.endswith("\n"))}
    memory = Memory(tmp_path)
    kept = {(r["session_id"], r["sentence"]) for r in memory.everything()["directions"]}
    judged = {(r["session_id"], r["sentence"]) for r in memory.everything()["verdicts"]}
    assert all((s, f"sentence {n}") in kept and (s, f"verdict {n}") in judged for s, n in acknowledged)
    assert len(acknowledged) >= kills


@pytest.mark.parametrize(
    ("make", "why"),
    [
        (lambda path: path.write_bytes(b"not a database at all" * 100), "damaged"),
        (lambda path: _newer(path), "newer"),
    ],
)
def test_what_cannot_be_read_is_set_aside_whole(tmp_path: Path, make, why: str) -> None:
    make(tmp_path / FILE)
    before = (tmp_path / FILE).read_bytes()
    memory = Memory(tmp_path)
    assert why in memory.note
    assert (tmp_path / f"{FILE}.aside-1").read_bytes() == before
    assert memory.begin(memory.player("Ann")) == 1


def _newer(path: Path) -> None:
    db = sqlite3.connect(path)
    db.execute("CREATE TABLE future (id INTEGER)")
    db.execute(f"PRAGMA user_version = {VERSION + 1}")
    db.commit()
    db.close()


def test_an_older_database_is_brought_up_with_all_it_holds(tmp_path: Path) -> None:
    db = sqlite3.connect(tmp_path / FILE)
    db.executescript(";".join(MIGRATIONS[0]))
    db.execute("INSERT INTO players(name, made_s) VALUES ('Ann', 1)")
    db.execute("PRAGMA user_version = 1")
    db.commit()
    db.close()
    memory = Memory(tmp_path)
    assert [row["name"] for row in memory.everything()["players"]] == ["Ann"]
    assert memory.adapted(1, "somewhere", {}) == 1


def test_a_step_may_hold_a_trigger_and_a_quoted_semicolon(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Memory(tmp_path).close()
    step = (
        "ALTER TABLE players ADD COLUMN note TEXT NOT NULL DEFAULT 'none; yet'",
        "CREATE TRIGGER noted AFTER INSERT ON players BEGIN"
        " UPDATE players SET note = note || '; new' WHERE id = new.id;"
        " UPDATE players SET made_s = made_s + 1 WHERE id = new.id; END",
    )
    monkeypatch.setattr("agent.memory.store.MIGRATIONS", (*MIGRATIONS, step))
    monkeypatch.setattr("agent.memory.store.VERSION", VERSION + 1)
    memory = memory_at(tmp_path)
    memory.player("Ann")
    (ann,) = memory.everything()["players"]
    assert (ann["note"], ann["made_s"]) == ("none; yet; new", 2)


def test_an_adapter_can_be_rolled_back(tmp_path: Path) -> None:
    memory = memory_at(tmp_path)
    ann = memory.player("Ann")
    memory.adapted(ann, "one", {})
    memory.adapted(ann, "two", {})
    assert memory.roll_back(ann) == 1
    assert (memory.adapter(ann) or {})["path"] == "one"
    assert memory.roll_back(ann) == 0
    assert memory.adapter(ann) is None
    with pytest.raises(UserError, match="there is none"):
        memory.roll_back(ann, 7)


def test_a_write_that_fails_costs_itself_only(tmp_path: Path) -> None:
    memory = memory_at(tmp_path)
    session = memory.begin(memory.player("Ann"))
    pages = memory._db.execute("PRAGMA page_count").fetchone()[0]
    memory._db.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(UserError, match="full"):
        memory.said(session, "x" * 100_000, [])
    memory._db.execute("PRAGMA max_page_count = 1000000")
    memory.said(session, "less snare", [])
    with pytest.raises(UserError, match="not saved"):
        _write_what_only_commit_refuses(memory)
    memory.said(session, "more hat", [])
    assert [one.sentence for one in memory.directions(session)] == ["less snare", "more hat"]


def _write_what_only_commit_refuses(memory: Memory) -> None:
    with memory._write() as db:
        db.execute("PRAGMA defer_foreign_keys = 1")
        db.execute("INSERT INTO directions(session_id, said_s, sentence, edits) VALUES (99, 0, '', '[]')")


def test_a_memory_that_another_program_holds_keeps_nobody_from_playing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    monkeypatch.setattr("agent.memory.store.BUSY_S", 0.01)
    data_folder().mkdir()
    memory = memory_at(data_folder())
    with closing(sqlite3.connect(memory.path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        assert with_player_adapter(Config()) == Config()
    assert "not saved" in caplog.text
