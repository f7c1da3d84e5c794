"""Workshop, sessions and memory from the command line: everything can be had, everything can be forgotten, and a guest
leaves no trace."""

from __future__ import annotations

import hashlib
import json
import os
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from datetime import datetime
from pathlib import Path

import mido
import numpy as np
import pytest
import soundfile

from agent.__main__ import main
from agent.core.paths import data_folder
from agent.memory import practice
from agent.memory.store import FILE, Memory
from agent.session import workshop as bench
from agent.takes.mixdown import RATE, Mix
from tests.agent.conversation.test_riff_dialogue import riff


@pytest.fixture(autouse=True)
def home(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data folder of its own, and a riff that needs not be listened to."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setenv("COLUMNS", "200")
    rng = np.random.default_rng(0)
    sound = (0.1 * rng.standard_normal(9 * RATE)).astype(np.float32)
    soundfile.write(tmp_path / "riff.wav", sound, RATE)
    monkeypatch.setattr(practice, "practise", lambda *given: None)  # no training in the background of a test
    monkeypatch.setattr(bench, "heard", lambda *given: (riff(bars=1), sound))
    if "sound" not in request.node.name:  # a second of silence instead of the mix
        silence = np.zeros((RATE, 2), np.float32)
        monkeypatch.setattr(bench, "render", lambda *given: Mix({}, silence))
    return tmp_path


def workshop(home: Path, *lines: str, who: Sequence[str] = ("--player", "Ann"), out: Sequence[str] = ()) -> int:
    said = [word for line in lines for word in ("--say", line)]
    return main(["workshop", str(home / "riff.wav"), *who, *said, *out, "--set", "conversation.proposals=false"])


def everything_under(folder: Path) -> dict[str, str]:
    """Path -> digest of every file, and folders by name."""
    found = {str(path): "" for path in folder.rglob("*") if path.is_dir()}
    files = (path for path in folder.rglob("*") if path.is_file())
    return found | {str(path): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def test_a_take_is_written_as_midi_and_sound(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert workshop(home, "7/8 in bar 1", out=("--out", str(home / "out"))) == 0
    assert "Done: 7/8 in bar 1" in capsys.readouterr().out
    sound, rate = soundfile.read(home / "out" / "take-002.wav")
    song = mido.MidiFile(home / "out" / "take-002.mid")
    meters = [(m.numerator, m.denominator) for track in song.tracks for m in track if m.type == "time_signature"]
    assert rate == RATE and 0.05 < np.abs(sound).max() <= 1.0
    assert set(meters) == {(7, 8)}
    bars_s = 2 * 3.5 * 60 / 100
    assert 1.0 < len(sound) / rate - bars_s < 2.0 and abs(song.length - bars_s) < 1.0


def test_a_guest_leaves_no_trace(home: Path) -> None:
    workshop(home, "less snare")
    before = everything_under(data_folder())
    assert workshop(home, "more dissonance", "love it", "name this secret", who=("--guest",)) == 0
    assert everything_under(data_folder()) == before


def test_a_guest_on_a_new_machine_leaves_not_even_a_folder(home: Path) -> None:
    assert workshop(home, "less snare", who=("--guest",)) == 0
    assert not data_folder().exists()


def test_an_export_is_complete(home: Path) -> None:
    workshop(home, "less snare", "love it")
    assert main(["memory", "export", str(home / "all")]) == 0
    memory = Memory(data_folder())
    told, kept = json.loads((home / "all" / "memory.json").read_text()), memory.everything()
    (session,) = memory.sessions()
    assert {table: len(rows) for table, rows in told.items()} == {table: len(rows) for table, rows in kept.items()}
    assert told["directions"][0]["edits"][0]["target"] == "snare"
    there = {path.name: path.read_bytes() for path in Path(session["folder"]).iterdir()}
    copied = {path.name: path.read_bytes() for path in (home / "all" / "session-0001").iterdir()}
    assert there == copied and {"take-002.mid", "take-002.wav", "take-002.json"} <= set(copied)


def test_what_is_practised_is_exported_and_forgotten_with_the_session(home: Path) -> None:
    workshop(home, "less snare", "love it")
    assert main(["memory", "export", str(home / "all")]) == 0
    material = list((data_folder() / "players").rglob("*.npz"))
    assert material and len(list((home / "all" / "players").rglob("*.npz"))) == len(material)
    assert main(["sessions", "forget", "1", "--yes"]) == 0
    assert not list((data_folder() / "players").rglob("*.npz"))


def test_an_export_writes_over_nothing(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    workshop(home, "less snare")
    (home / "mine").mkdir()
    (home / "mine" / "song.txt").write_text("mine")
    assert main(["memory", "export", str(home / "mine")]) == 2
    assert "not empty" in capsys.readouterr().err


def test_deleting_deletes(home: Path) -> None:
    workshop(home, "name this zanzibar")
    (data_folder() / f"{FILE}.aside-1").write_bytes(b"zanzibar")
    assert main(["memory", "delete"]) == 2, "nobody can be asked here"
    assert (data_folder() / FILE).exists()
    assert main(["memory", "delete", "--yes"]) == 0
    left = [path for path in data_folder().rglob("*") if path.is_file()]
    assert left == []


def test_what_was_put_elsewhere_by_hand_is_left_and_said(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    workshop(home, "less snare", out=("--out", str(home / "mine")))
    assert main(["memory", "delete", "--yes"]) == 0
    assert str(home / "mine") in capsys.readouterr().out and (home / "mine" / "take-002.wav").exists()


def test_forgetting_a_session_forgets_its_rows_and_files_and_no_others(home: Path) -> None:
    workshop(home, "less snare", out=("--out", str(data_folder() / "takes" / "one")))
    workshop(home, "more hat", out=("--out", str(data_folder() / "takes" / "two")))
    assert main(["sessions", "forget", "1", "--yes"]) == 0
    memory = Memory(data_folder())
    assert [row["id"] for row in memory.sessions()] == [2]
    assert {row["session_id"] for row in memory.everything()["directions"]} == {2}
    assert [path.name for path in (data_folder() / "takes").iterdir()] == ["two"]


def test_a_recording_elsewhere_stays_and_is_named_or_goes_when_asked_for(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    workshop(home, "less snare")
    recorded, other = home / "sessions" / "20260101-120000", home / "mine"
    for folder in (recorded, other):
        folder.mkdir(parents=True)
    (recorded / "events.jsonl").write_text('{"type": "session"}\n')
    memory = Memory(data_folder())
    player = memory.player("Ann")
    for folder in (recorded, recorded, other):
        memory.begin(player, str(folder))
    memory.close()
    capsys.readouterr()
    assert main(["sessions", "forget", "2", "--yes"]) == 0
    assert f"What was recorded stays, with sound and events: {recorded}" in capsys.readouterr().out
    assert main(["memory", "delete", "--yes", "--recordings"]) == 0
    assert str(other) in capsys.readouterr().out, "no session: whoever named it keeps it"
    assert (recorded.exists(), other.exists()) == (False, True)


def test_sessions_are_listed_and_shown(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    workshop(home, "the snare is too present", "undo", "love it")
    capsys.readouterr()
    assert main(["sessions", "list"]) == 0 and "Ann" in capsys.readouterr().out
    assert main(["sessions", "show", "1"]) == 0
    shown = capsys.readouterr().out
    assert "the snare is too present" in shown and "taken back" in shown and "liked" in shown
    assert main(["sessions", "export", "1", str(home / "one")]) == 0
    assert json.loads((home / "one" / "memory.json").read_text())["directions"]


def test_the_list_fits_80_columns_with_weekday_length_and_size(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    workshop(home, "less snare", out=("--out", str(data_folder() / "takes" / "one")))
    with closing(sqlite3.connect(data_folder() / FILE)) as db, db:
        db.execute("UPDATE players SET name = 'A player with a very long name'")
        db.execute("UPDATE sessions SET started_s = 1790000000, ended_s = 1790004500")
    capsys.readouterr()
    assert main(["sessions", "list"]) == 0
    lines = capsys.readouterr().out.splitlines()
    day = datetime.fromtimestamp(1_790_000_000).strftime("%a %Y-%m-%d")
    assert max(map(len, lines)) <= 80
    assert any(day in line and "1 h 15" in line for line in lines) and "MB" in lines[-1]


def test_a_session_is_opened_and_played_by_its_number(
    home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    workshop(home, "less snare", out=("--out", str(data_folder() / "takes" / "one")))
    opened, heard = list[list[str]](), list[float]()
    monkeypatch.setattr("subprocess.Popen", lambda words, **_: opened.append(words))
    monkeypatch.setattr("shutil.which", lambda name: f"/usr/bin/{name}")
    monkeypatch.setattr(
        "agent.audio.file_playback.play", lambda pieces, rate, audio: heard.append(sum(map(len, pieces)) / rate) or 3.0
    )
    assert main(["sessions", "open", "1", "--midi"]) == 0
    assert opened[0][1].endswith("take-002.mid")
    assert main(["sessions", "play", "1"]) == 0 == main(["sessions", "play", "1", "--from", "0.5"])
    assert heard[0] - heard[1] == pytest.approx(0.5)
    assert main(["sessions", "play", "9"]) == 2


def test_looking_makes_no_memory(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["sessions", "list"]) == 0 and main(["memory", "where"]) == 0
    assert not data_folder().exists()
    assert "nothing is remembered yet" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("sessions", "show", "7"), "there is none"),
        (("sessions", "forget", "7", "--yes"), "there is none"),
        (("memory", "export", "/proc/none"), "nothing is remembered"),
        (("memory", "rollback", "--player", "Zoe"), "nothing is remembered"),
        (("diff",), "workshop"),
        (("diff", "--out", "x.jpg"), ".png"),
        (("workshop", "nowhere.wav"), "no such file"),
        (("workshop", "pyproject.toml", "--bars", "0"), "1 to 32"),
        (("say", "  "), "the sentence is empty"),
    ],
)
def test_a_mistake_is_one_clear_line(words: Sequence[str], says: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(list(words)) == 2
    error = capsys.readouterr().err.strip()
    assert says in error and "\n" not in error


def test_adapters_are_listed_and_rolled_back(capsys: pytest.CaptureFixture[str]) -> None:
    memory = Memory(data_folder())
    ann = memory.player("Ann")
    for version in (1, 2):
        assert memory.adapted(ann, str(data_folder() / "adapters" / f"ann-{version}"), {"gain": 0.06}) == version
    memory.close()
    assert main(["memory", "adapters"]) == 0 and "version 2  in use" in capsys.readouterr().out
    assert main(["memory", "rollback", "--player", "Ann"]) == 0 and "version 1" in capsys.readouterr().out
    assert main(["memory", "rollback", "--player", "Ann", "--to", "9"]) == 2


def test_a_damaged_memory_is_said_in_the_workshop_and_kept_aside(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data_folder().mkdir(parents=True)
    (data_folder() / FILE).write_bytes(os.urandom(4096))
    damaged = (data_folder() / FILE).read_bytes()
    assert workshop(home, "less snare") == 0
    assert "kept as" in capsys.readouterr().out
    assert (data_folder() / f"{FILE}.aside-1").read_bytes() == damaged
