"""What a crash left becomes a whole session again; a disk that was full costs only what it could not take."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import mido
import numpy as np
import pytest
import soundfile as sf

from agent.__main__ import main
from agent.core.errors import UserError
from agent.recording.recorder import Recorder
from agent.recording.recovery import recover, unfinished
from agent.recording.wav_writer import HEADER_BYTES, WavWriter, repair

RATE = 48_000
ROOT = Path(__file__).parents[3]
FILES = {"bass.wav", "bass_mix.wav", "drums.wav", "mix.wav", "session.mid", "events.jsonl", "pianoroll.png"}

PLAYER = """
import sys
from pathlib import Path
import numpy as np
from agent.recording.recorder import Recorder
rec = Recorder(Path(sys.argv[1]), 48000, ["drums"], {"drums": (10, 0)})
note = {"type": "note", "onset_s": 0.5, "emit_s": 0.5, "duration_s": 0.2, "pitch": 33, "velocity": 90}
rec.event(note)
hit = {"type": "sent", "output": "synth", "part": "drums", "pitch": 36, "velocity": 100}
rec.event(hit | {"on": True, "due_s": 1.0})
rec.event(hit | {"on": False, "due_s": 1.1})
rec.event(hit | {"on": True, "due_s": 2.0})
for k in range(10**9):
    rec.bass(np.full(4800, 0.25, np.float32))
    rec.stems(np.full((1, 4800, 2), 0.5, np.float32))
    if k == 30:
        print("ready", flush=True)
    if k > 30:
        sys.stdin.readline()
"""


@pytest.fixture
def crashed(tmp_path: Path) -> Path:
    """A session whose process was killed after about 3 s of sound."""
    folder = tmp_path / "20260101-120000"
    child = subprocess.Popen(
        [sys.executable, "-c", PLAYER, str(folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT
    )
    with child:
        assert child.stdout
        assert child.stdout.readline() == b"ready\n"
        assert unfinished(tmp_path) == [], "it is playing"
        with pytest.raises(UserError, match="is playing"):
            recover(folder)
        child.send_signal(signal.SIGKILL)
    return folder


def test_a_killed_session_is_finished(crashed: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert unfinished(crashed.parent) == [crashed]
    assert main(["recover", str(crashed)]) == 0
    assert "1 notes heard, 2 played" in capsys.readouterr().out
    assert {path.name for path in crashed.iterdir()} == FILES
    lengths = {sf.info(crashed / name).frames for name in FILES if name.endswith(".wav")}
    assert len(lengths) == 1
    mix, _ = sf.read(crashed / "mix.wav")
    whole, _ = sf.read(crashed / "drums.wav")
    recorded = np.flatnonzero(whole[:, 0])[-1]
    bass, _ = sf.read(crashed / "bass_mix.wav")
    np.testing.assert_allclose(mix[RATE // 2 : recorded], bass[RATE // 2 : recorded] + 0.5, atol=2e-6)
    played = [m for track in mido.MidiFile(crashed / "session.mid").tracks for m in track if m.type == "note_on"]
    assert sorted(m.note for m in played) == [33, 36, 36]
    assert unfinished(crashed.parent) == []


def test_to_recover_twice_changes_nothing(crashed: Path) -> None:
    recover(crashed)
    before = {path.name: path.read_bytes() for path in crashed.iterdir() if path.suffix in (".wav", ".mid")}
    recover(crashed)
    assert before == {name: (crashed / name).read_bytes() for name in before}


def test_broken_lines_and_a_lost_mix_are_no_obstacle(crashed: Path) -> None:
    with (crashed / "events.jsonl").open("ab") as events:
        events.write(b'{"type": "sent", "output": "synth"}\n[1]\nnull\n\x00\xff\n{"type": "note", "onset')
    (crashed / "mix.wav").unlink()
    recover(crashed)
    assert {path.name for path in crashed.iterdir()} == FILES
    mix, _ = sf.read(crashed / "mix.wav")
    bass, _ = sf.read(crashed / "bass_mix.wav")
    np.testing.assert_allclose(mix[RATE // 2 : RATE], bass[RATE // 2 : RATE] + 0.5, atol=2e-6)


def test_a_header_that_lags_is_put_right(tmp_path: Path) -> None:
    writer = WavWriter(tmp_path / "a.wav", RATE, 2)
    writer.write(np.full((RATE, 2), 0.5, np.float32))
    writer.close()
    data = bytearray((tmp_path / "a.wav").read_bytes())
    data[76:80] = (600).to_bytes(4, "little")  # the header knows of 100 frames, and a part of a frame came last
    (tmp_path / "a.wav").write_bytes(bytes(data) + b"\x01\x02")
    assert repair(tmp_path / "a.wav") == RATE
    assert sf.info(tmp_path / "a.wav").frames == RATE


def test_what_was_not_recorded_here_is_refused_in_words(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"no events\.jsonl"):
        recover(tmp_path)
    sf.write(tmp_path / "other.wav", np.zeros(10), RATE)
    assert repair(tmp_path / "other.wav") is None
    assert unfinished(tmp_path / "nowhere") == []


FULL_FOR_A_WHILE = """
import resource, sys
from pathlib import Path
import numpy as np
from agent.recording import wav_writer
wav_writer.RETRY_S = 0.0
from agent.recording.recorder import Recorder
rec = Recorder(Path(sys.argv[1]), 48000, ["drums"], {"drums": (10, 0)})
hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
for k in range(200):
    if k in (40, 120):
        resource.setrlimit(resource.RLIMIT_FSIZE, (700_000 if k == 40 else hard, hard))
    rec.bass(np.full(4800, (k + 1) / 256, np.float32))
    rec.stems(np.full((1, 4800, 2), 0.25, np.float32))
    rec.event({"type": "tick", "k": k})
print(rec.lost_frames, rec.close())
"""


def test_when_a_full_disk_has_room_again_all_lies_at_its_time(tmp_path: Path) -> None:
    command = [sys.executable, "-c", FULL_FOR_A_WHILE, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    assert 0 < int(done.stdout.split()[0]) < 90 * 4800
    bass, _ = sf.read(tmp_path / "bass.wav")
    assert len(bass) == 200 * 4800
    pieces = bass.reshape(200, 4800)
    expected = (np.arange(200) + 1) / 256
    right = np.isclose(pieces, expected[:, None], atol=1e-6)
    silent = pieces == 0
    assert (right | silent).all(), "a sample lies at a wrong time"
    assert right[:40].all()
    assert right[125:].all()
    lines = [json.loads(line) for line in (tmp_path / "events.jsonl").read_text().splitlines()]
    assert [line["k"] for line in lines if line["type"] == "tick"] == list(range(200))
    assert any("recording again" in line.get("cause", "") for line in lines)


def test_six_hours_of_24_bit_stereo_are_one_readable_file(tmp_path: Path) -> None:
    writer = WavWriter(tmp_path / "long.wav", RATE, 2)
    writer.write(np.full((RATE, 2), 0.5, np.float32))
    writer.skip(6 * 3600 * RATE)
    writer.write(np.full((RATE, 2), 0.25, np.float32))
    writer.close()
    assert writer.failure == ""
    with sf.SoundFile(tmp_path / "long.wav") as file:
        assert (file.format, file.frames) == ("RF64", (6 * 3600 + 2) * RATE)
        file.seek(file.frames - RATE - 1)
        np.testing.assert_allclose(file.read(2), [[0, 0], [0.25, 0.25]], atol=1e-6)
    assert repair(tmp_path / "long.wav") == (6 * 3600 + 2) * RATE
    (tmp_path / "long.wav").unlink()


def test_a_short_file_is_plain_riff(tmp_path: Path) -> None:
    WavWriter(tmp_path / "a.wav", RATE, 1).close()
    assert (tmp_path / "a.wav").read_bytes()[:4] == b"RIFF"
    assert (tmp_path / "a.wav").stat().st_size == HEADER_BYTES
    assert sf.info(tmp_path / "a.wav").frames == 0


def test_the_recorder_imports_nothing_heavy() -> None:
    heavy = {"scipy", "mido", "matplotlib", "torch", "numba"}
    code = f"import sys, agent.session.live, agent.session.daemon; print(*{heavy} & {{*sys.modules}})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == []


def test_a_picture_shows_what_a_recorder_wrote(tmp_path: Path) -> None:
    rec = Recorder(tmp_path, RATE, ["line"], {"line": (3, 11)})
    rec.bass(np.zeros(RATE, np.float32))
    assert rec.close() == ()
    assert (tmp_path / "pianoroll.png").stat().st_size > 5_000
