"""Whatever is wrong with what is given: one clear line and exit code 2; or, where sound can go on, it goes on."""

from __future__ import annotations

import json
import os
import re
import resource
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf

from agent.__main__ import main
from agent.core.paths import shipped
from tests.waiting import wait_for

RATE = 48_000
NO_LIBRARY = """
import ctypes.util
find = ctypes.util.find_library
ctypes.util.find_library = lambda name: None if name in {names!r} else find(name)
"""


def bass(seconds: float = 2.0) -> np.ndarray:
    """A plucked E1, four to the second."""
    t = np.arange(round(seconds * RATE)) / RATE
    return (0.5 * np.sin(2 * np.pi * 41.2 * t) * np.exp(-6 * (t % 0.25))).astype(np.float32)


def refused(capsys: pytest.CaptureFixture[str], *argv: object) -> str:
    """Run a command that must be refused; the one line it says."""
    assert main([str(a) for a in argv]) == 2
    lines = [line for line in capsys.readouterr().err.splitlines() if line.strip()]
    assert len(lines) == 1, lines
    assert lines[0].startswith("antiphon: ")
    return lines[0]


def fast(tmp_path: Path, sound: np.ndarray, rate: int = RATE, *flags: str) -> int:
    """A file through the whole path."""
    sf.write(tmp_path / "in.wav", sound, rate, subtype="FLOAT")
    return main(
        ["jam", "--input", str(tmp_path / "in.wav"), "--fast", "--quiet", "--out", str(tmp_path / "out"), *flags]
    )


def fast_command(tmp_path: Path, name: str) -> list[str]:
    """The same as a program of its own, for what is done to it from outside."""
    flags = ["--fast", "--quiet", "--input", str(tmp_path / name), "--out", str(tmp_path / "out")]
    return [sys.executable, "-m", "agent", "jam", *flags]


# -- files ------------------------------------------------------------------------------------------------------

BAD_FILES = {
    "missing": (lambda p: None, "no such file"),
    "empty": (lambda p: p.write_bytes(b""), "empty"),
    "text": (lambda p: p.write_text("la la la\n" * 99), "not an audio file"),
    "corrupt": (
        lambda p: p.write_bytes(b"RIFF\x00\x00\x00\x00WAVEfmt " + os.urandom(400)),
        "not an audio file|no sound|Hz",
    ),
    "no samples": (lambda p: sf.write(p, np.zeros((0, 1)), RATE), "no sound"),
}


@pytest.mark.parametrize("command", ["jam", "listen"])
@pytest.mark.parametrize("name", BAD_FILES)
def test_a_file_that_cannot_be_played_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, command: str
) -> None:
    make, says = BAD_FILES[name]
    make(tmp_path / "bad.wav")
    flags = ["--fast", "--input"] if command == "jam" else ["--json"]
    line = refused(capsys, command, *flags, tmp_path / "bad.wav")
    assert "bad.wav" in line
    assert re.search(says, line)


def test_one_bad_file_among_several_costs_a_line_and_the_others_are_heard(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sf.write(tmp_path / "good.wav", bass(), RATE)
    assert main(["listen", "--json", str(tmp_path / "none.wav"), str(tmp_path / "good.wav")]) == 2
    out, err = capsys.readouterr()
    assert "none.wav" in err
    assert any(json.loads(line)["type"] == "onset" for line in out.splitlines())


@pytest.mark.parametrize("rate", [8_000, 384_000])
def test_any_sample_rate_is_heard(tmp_path: Path, rate: int) -> None:
    step = np.arange(0, RATE * 2, RATE / rate).astype(int)
    assert fast(tmp_path, bass()[step], rate) == 0
    assert (tmp_path / "out" / "session.mid").exists()


DAMAGED = {
    "eight channels": lambda x: np.repeat(x[:, None], 8, 1),
    "NaN and Inf": lambda x: np.where(
        np.arange(len(x)) % 1000 < 3, np.nan, np.where(np.arange(len(x)) % 777 == 5, np.inf, x)
    ),
    "DC": lambda x: x + 0.9,
    "silence": lambda x: 0 * x,
    "clipping": lambda x: np.clip(50 * x, -1, 1),
}


@pytest.mark.parametrize("name", DAMAGED)
def test_damaged_sound_is_played_through_and_recorded_whole(tmp_path: Path, name: str) -> None:
    assert fast(tmp_path, DAMAGED[name](bass()).astype(np.float32)) == 0
    recorded, _ = sf.read(tmp_path / "out" / "bass.wav")
    assert len(recorded) >= 2 * RATE
    assert np.isfinite(recorded).all()


@pytest.mark.parametrize("sound", [np.zeros(10 * RATE, np.float32), np.full(10 * RATE, 0.7, np.float32)])
def test_silence_and_dc_are_not_notes(tmp_path: Path, sound: np.ndarray) -> None:
    assert fast(tmp_path, sound) == 0
    types = [json.loads(line)["type"] for line in (tmp_path / "out" / "events.jsonl").read_text().splitlines()]
    assert types.count("note") <= 1
    assert "sent" not in types


@pytest.mark.slow
def test_a_twenty_minute_file_is_not_read_whole_and_ctrl_c_keeps_what_was_played(tmp_path: Path) -> None:
    sf.write(tmp_path / "long.wav", np.tile(bass(60.0), 20), RATE)
    command = fast_command(tmp_path, "long.wav")
    process = subprocess.Popen(command)
    events = tmp_path / "out" / "events.jsonl"
    wait_for(lambda: events.exists() and events.stat().st_size > 5_000, 60, "what was heard", 0.1)
    process.send_signal(signal.SIGINT)
    assert process.wait(30) == 0
    seconds = {sf.info(p).duration for p in (tmp_path / "out").glob("*.wav")}
    assert len(seconds) == 1
    assert 1 < seconds.pop() < 1200


# -- settings ---------------------------------------------------------------------------------------------------


def test_an_unreadable_or_malformed_config_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "c.yaml").write_text("audio: [unclosed\n")
    assert "line" in refused(capsys, "jam", "--config", tmp_path / "c.yaml")
    assert "cannot be read" in refused(capsys, "jam", "--config", tmp_path / "none.yaml")


def test_an_unknown_key_is_refused_with_the_nearest_one(capsys: pytest.CaptureFixture[str]) -> None:
    assert "band.hold_bars" in refused(capsys, "jam", "--set", "band.hold_bar=3")


def test_a_port_or_device_that_is_not_there_is_refused(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    line = refused(capsys, "jam", "--midi", "No Such Synth", "--out", tmp_path / "out", "--quiet")
    assert "No Such Synth" in line
    assert "No Such Card" in refused(capsys, "jam", "--input", "No Such Card", "--out", tmp_path / "out")


def test_fast_needs_a_file_and_no_port(capsys: pytest.CaptureFixture[str]) -> None:
    assert "--midi" in refused(capsys, "jam", "--fast", "--midi", "virtual")
    assert "file" in refused(capsys, "jam", "--fast", "--input", "Scarlett")


@pytest.mark.parametrize("model", ["responder", "codec"])
def test_missing_or_truncated_weights_are_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], model: str
) -> None:
    flags = ["jam", "--fast", "--quiet", "--input", shipped("take.flac"), "--out", tmp_path / "out"]
    assert "nothing" in refused(capsys, *flags, "--set", f"models.{model}={tmp_path / 'nothing'}")
    from models.responder.responder import WEIGHTS

    for suffix in (".json", ".safetensors"):
        data = WEIGHTS.with_name(f"{model}{suffix}").read_bytes()
        (tmp_path / f"cut{suffix}").write_bytes(data if suffix == ".json" else data[: len(data) // 2])
    assert "cut" in refused(capsys, *flags, "--set", f"models.{model}={tmp_path / 'cut'}")


def test_a_folder_that_cannot_be_written_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").write_text("")
    for folder in (tmp_path / "file", "/proc/nowhere"):
        line = refused(capsys, "jam", "--fast", "--quiet", "--input", shipped("take.flac"), "--out", folder)
        assert "--out" in line


def test_a_session_is_never_written_over(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert fast(tmp_path, bass(1.0)) == 0
    recorded = (tmp_path / "out" / "bass.wav").read_bytes()
    assert "already" in refused(capsys, "jam", "--fast", "--input", tmp_path / "in.wav", "--out", tmp_path / "out")
    assert (tmp_path / "out" / "bass.wav").read_bytes() == recorded


# -- the machine ------------------------------------------------------------------------------------------------


def run_without(tmp_path: Path, names: set[str], *argv: str) -> subprocess.CompletedProcess[str]:
    """Antiphon on a machine that lacks these native libraries."""
    (tmp_path / "sitecustomize.py").write_text(NO_LIBRARY.format(names=names))
    env = {**os.environ, "PYTHONPATH": f"{tmp_path}:{os.getcwd()}"}
    return subprocess.run([sys.executable, "-m", "agent", *argv], env=env, capture_output=True, text=True, timeout=120)


def test_without_portaudio_the_take_is_played_and_a_named_card_is_refused(tmp_path: Path) -> None:
    named = run_without(tmp_path, {"portaudio"}, "jam", "--input", "Scarlett")
    assert named.returncode == 2
    assert "libportaudio2" in named.stderr
    sf.write(tmp_path / "in.wav", bass(1.0), RATE)
    live = run_without(
        tmp_path, {"portaudio"}, "jam", "--input", str(tmp_path / "in.wav"), "--out", str(tmp_path / "out")
    )
    assert live.returncode == 0, live.stderr


def test_without_fluidsynth_the_session_goes_on_without_its_sound(tmp_path: Path) -> None:
    sf.write(tmp_path / "in.wav", bass(1.0), RATE)
    run = run_without(
        tmp_path,
        {"fluidsynth", "libfluidsynth"},
        "jam",
        "--fast",
        "--input",
        str(tmp_path / "in.wav"),
        "--out",
        str(tmp_path / "out"),
    )
    assert run.returncode == 1
    assert "fluidsynth" in run.stderr.lower()
    assert (tmp_path / "out" / "session.mid").exists()


def test_a_full_disk_costs_the_recording_and_not_the_music(tmp_path: Path) -> None:
    sf.write(tmp_path / "in.wav", bass(8.0), RATE)
    command = fast_command(tmp_path, "in.wav")
    limit = lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (600_000, 600_000))  # noqa: E731
    run = subprocess.run(command, preexec_fn=limit, capture_output=True, text=True, timeout=120)
    assert run.returncode == 1
    assert "bass.wav" in run.stderr
    assert sf.info(tmp_path / "out" / "bass.wav").duration > 3
