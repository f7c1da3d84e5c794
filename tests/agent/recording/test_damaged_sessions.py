"""What lies in a session's folder is not trusted: bad lines and files cost themselves, nothing else."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf

from agent.__main__ import main
from agent.recording.recorder import Recorder
from agent.recording.recovery import recover, unfinished

RATE = 48_000
NOTE = {"type": "note", "onset_s": 0.5, "emit_s": 0.5, "duration_s": 0.2, "pitch": 33, "velocity": 90}


@pytest.fixture
def session(tmp_path: Path) -> Path:
    """A session of a second with one note, whose derived files are gone."""
    folder = tmp_path / "sessions" / "20260101-120000"
    rec = Recorder(folder, RATE, ["drums"], {"drums": (10, 0)})
    rec.event(NOTE)
    rec.bass(np.full(RATE, 0.25, np.float32))
    rec.stems(np.full((1, RATE, 2), 0.5, np.float32))
    rec.close()
    for name in ("session.mid", "pianoroll.png"):
        (folder / name).write_bytes(b"")  # as a full disk leaves them
    return folder


BAD = (
    '{"type": "sent", "output": "synth", "part": "drums", "pitch": 36, "velocity": 90, "on": true, "due_s": NaN}',
    '{"type": "sent", "output": "synth", "part": "drums", "pitch": 200, "velocity": 90, "on": true, "due_s": 1}',
    json.dumps(NOTE | {"onset_s": 9e9}),
    json.dumps(NOTE | {"onset_s": 5_000.0}),  # long after the sound has ended
    json.dumps(NOTE | {"pitch": "A"}),
    '{"type": "beat", "time_s": 1, "emit_s": 1, "position": 1, "tempo_bpm": 0, "meter": {"numerator": 4}}',
    "[" * 100_000,
    '{"type": "note", "onset_s": ' + "9" * 5_000 + "}",
    "x" * 3_000_000,
)


def test_bad_lines_are_left_out_and_counted(session: Path) -> None:
    with (session / "events.jsonl").open("a") as events:
        events.write("\n".join(BAD) + "\n" + json.dumps(NOTE | {"onset_s": 0.8}) + "\n")
    assert f"2 notes heard, 0 played, {len(BAD)} damaged lines left out" in "; ".join(recover(session))


def test_empty_files_that_a_full_disk_left_are_not_finished(session: Path) -> None:
    assert unfinished(session.parent) == [session]
    recover(session)
    assert (session / "session.mid").stat().st_size > 50
    assert unfinished(session.parent) == []


def test_a_header_that_is_wrong_is_made_anew(session: Path) -> None:
    data = bytearray((session / "bass.wav").read_bytes())
    data[58:60] = (0).to_bytes(2, "little")  # no channels
    (session / "bass.wav").write_bytes(data)
    recover(session)
    sound, rate = sf.read(session / "bass.wav")
    assert (rate, len(sound)) == (RATE, RATE)
    np.testing.assert_allclose(sound, 0.25, atol=1e-6)


def test_links_are_not_followed_and_pipes_not_waited_for(session: Path, tmp_path: Path) -> None:
    other = tmp_path / "others.wav"
    other.write_bytes((session / "drums.wav").read_bytes() + b"more")
    before = other.read_bytes()
    (session / "drums.wav").unlink()
    (session / "drums.wav").symlink_to(other)
    os.mkfifo(session / "loop.wav")
    said = "; ".join(recover(session))
    assert "drums.wav: no plain file" in said
    assert "loop.wav: no plain file" in said
    assert other.read_bytes() == before
    (tmp_path / "linked").mkdir()
    (tmp_path / "linked" / "a").symlink_to(session)
    assert unfinished(tmp_path / "linked") == []


def test_one_damaged_session_does_not_stop_the_others(
    session: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    worse = session.with_name("20260101-110000")
    worse.mkdir()
    (worse / "events.jsonl").write_bytes((session / "events.jsonl").read_bytes())
    real = recover

    def breaks(folder: Path) -> list[str]:
        if folder == worse:
            raise RuntimeError("a library's error \x1b]0;")
        return real(folder)

    monkeypatch.setattr("agent.recording.recovery.recover", breaks)
    monkeypatch.setattr("agent.core.os_process.take_only_what_others_leave", lambda: None)
    assert main(["recover", "--gently", str(worse), str(session)]) == 1
    out, err = capsys.readouterr()
    assert "1 notes heard" in out
    assert len(err.splitlines()) == 1
    assert "\x1b" not in err
    assert unfinished(session.parent) == [], "the damaged one does not come again by itself"
