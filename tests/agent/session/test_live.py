"""One path: live and fast give the same session, a seed repeats it bit for bit, Ctrl-C loses nothing."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import mido
import pytest
import soundfile as sf

from agent.__main__ import main
from agent.core.paths import shipped
from tests.waiting import wait_for

SECONDS = 10.0
FIXED = ("--set", "band.commit_ms=300")  # else it follows the measured time of planning, which never repeats
AHEAD = ("--set", "band.commit_ms=1000")  # a plan may come so late, from a busy machine, and nothing changes
FILES = {
    "bass.wav",
    "bass_mix.wav",
    "drums.wav",
    "chords.wav",
    "line.wav",
    "mix.wav",
    "session.mid",
    "events.jsonl",
    "pianoroll.png",
}


@pytest.fixture(scope="module")
def take(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The first bars of the take that ships."""
    sound, rate = sf.read(shipped("take.flac"))
    path = tmp_path_factory.mktemp("take") / "take.wav"
    sf.write(path, sound[: round(SECONDS * rate)], rate)
    return path


def fast(take: Path, out: Path, *flags: str) -> Path:
    assert main(["jam", "--input", str(take), "--fast", "--quiet", "--out", str(out), *FIXED, *flags]) == 0
    return out


@pytest.fixture(scope="module")
def session(take: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return fast(take, tmp_path_factory.mktemp("session") / "s", "--seed", "5")


def events(folder: Path, kind: str) -> list[dict[str, object]]:
    return [e for e in map(json.loads, (folder / "events.jsonl").read_text().splitlines()) if e["type"] == kind]


def test_a_session_leaves_everything(session: Path) -> None:
    assert {p.name for p in session.iterdir()} == FILES
    assert len({sf.info(session / name).frames for name in FILES if name.endswith(".wav")}) == 1


def test_the_midi_file_opens_and_holds_every_part_with_tempo_and_meter(session: Path) -> None:
    midi = mido.MidiFile(session / "session.mid")
    kinds = {message.type for message in midi.tracks[0]}
    assert {"set_tempo", "time_signature"} <= kinds
    assert [t.name for t in midi.tracks[1:]] == ["Bass (heard)", "Drums", "Chords", "Line"]
    assert len([m for m in midi.tracks[2] if m.type == "note_on" and m.velocity]) > 10


def test_the_band_came_in_on_the_one_within_two_bars_of_a_clear_meter(session: Path) -> None:
    drums = [e for e in events(session, "sent") if e["part"] == "drums" and e["on"]]
    truth = json.loads(shipped("take.json").read_text())
    ones = [t for t, place in zip(truth["beats"], truth["beat_pos"], strict=True) if place == 1]
    first = drums[0]["due_s"]
    assert min(abs(first - one) for one in ones) < 0.03
    assert first < ones[4]


def test_every_planned_note_was_sent_and_every_note_ends(session: Path) -> None:
    sent = events(session, "sent")
    on = [(e["part"], e["pitch"]) for e in sent if e["on"]]
    off = [(e["part"], e["pitch"]) for e in sent if not e["on"]]
    assert sorted(on) == sorted(off)
    due = [(e["part"], e["pitch"]) for e in events(session, "planned") if float(str(e["on_s"])) < SECONDS]
    assert len(due) > 30
    assert sorted(on) == sorted(due)  # what is planned beyond the end is left out


def test_the_same_seed_repeats_the_session_bit_for_bit_and_another_does_not(
    session: Path, take: Path, tmp_path: Path
) -> None:
    again, other = fast(take, tmp_path / "again", "--seed", "5"), fast(take, tmp_path / "other", "--seed", "6")
    for name in FILES - {"pianoroll.png"}:
        assert (session / name).read_bytes() == (again / name).read_bytes(), name
    assert (session / "session.mid").read_bytes() != (other / "session.mid").read_bytes()


def in_real_time(take: Path, out: Path, *flags: str) -> Path:
    """A session at the pace of its file; where the machine stood still for longer than AHEAD, another."""
    given = ["--input", str(take), "--no-audio", "--quiet", *flags]
    for attempt in range(3):
        folder = out / str(attempt)
        started = time.monotonic()
        command = [sys.executable, "-m", "agent", "jam", *given, "--out", str(folder)]
        assert subprocess.run(command, timeout=90, check=False).returncode == 0
        assert time.monotonic() - started > SECONDS
        summary = events(folder, "summary")[0]
        if not (summary["late"] or summary["dropped"] or summary["improvised"]):
            break
    return folder


def test_in_real_time_the_same_session_comes_out(take: Path, tmp_path: Path) -> None:
    flags = ("--seed", "5", *AHEAD)
    offline, live = fast(take, tmp_path / "fast", *flags), in_real_time(take, tmp_path / "live", *flags)
    assert len(events(live, "sent")) > 40
    for name in ("bass.wav", "drums.wav", "chords.wav", "line.wav", "mix.wav", "session.mid"):
        assert (offline / name).read_bytes() == (live / name).read_bytes(), name


def test_ctrl_c_stops_on_the_spot_and_writes_everything(take: Path, tmp_path: Path) -> None:
    out = tmp_path / "s"
    process = subprocess.Popen(
        [sys.executable, "-m", "agent", "jam", "--input", str(take), "--no-audio", "--quiet", "--out", str(out)]
    )
    written = out / "events.jsonl"
    wait_for(lambda: written.exists() and sum(e["on"] for e in events(out, "sent")) > 4, 60, "the band", 0.2)
    process.send_signal(signal.SIGINT)
    process.send_signal(signal.SIGINT)  # an impatient second one must not cost the recording
    assert process.wait(20) == 0
    assert {p.name for p in out.iterdir()} == FILES
    assert sf.info(out / "mix.wav").duration < SECONDS
    sent = events(out, "sent")
    assert sum(e["on"] for e in sent) == sum(not e["on"] for e in sent)
