"""A real JACK server, Antiphon as a user starts it, FluidSynth as the hardware synth,
and a recorder on both outputs.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import psutil
import pytest

from agent.core.paths import shipped

jack = pytest.importorskip("jack")
from tests.jack_studio import Studio, load  # noqa: E402
from tests.rig import jack_server  # noqa: E402

pytestmark = [
    pytest.mark.rig,
    pytest.mark.skipif(
        not shutil.which("jackd") or not shutil.which("fluidsynth"), reason="needs jackd2 and fluidsynth"
    ),
]
DRUMS = 9
SKIPPED_S = 12.0  # of the take, which goes on for long enough
TRUTH = json.loads(shipped("take.json").read_text())


@pytest.fixture(scope="module")
def server() -> Iterator[dict[str, str]]:
    with jack_server() as env:
        yield env


@contextmanager
def antiphon(env: dict[str, str], out: Path, *flags: str) -> Iterator[subprocess.Popen[str]]:
    """`antiphon jam` headless, with everything on JACK."""
    # FluidSynth sounds about a period and a half after a message is sent: what a user would set for this synth
    port = ["--midi", "fluidsynth", "--midi-api", "jack", "--set", "midi.latency_ms=4"]
    command = [sys.executable, "-m", "agent", "jam", *port, "--out", str(out), *flags]
    process = subprocess.Popen(command, env={**os.environ, **env}, stderr=subprocess.PIPE, text=True)
    try:
        yield process
    finally:
        if process.poll() is None:
            process.terminate()
        process.communicate(timeout=30)


@contextmanager
def studio(env: dict[str, str]) -> Iterator[Studio]:
    """The take's player, the recorders and the hardware synth, waiting for Antiphon."""
    before = os.environ.get("JACK_DEFAULT_SERVER")
    os.environ.update(env)
    font = str(shipped("band.sf3"))
    synth = subprocess.Popen(
        ["fluidsynth", "-q", "-m", "jack", "-a", "jack", "-s", "-i", "-o", "audio.jack.autoconnect=0", font],
        env={**os.environ, **env},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    room = Studio(load(shipped("take.flac"), 48_000)[round(SKIPPED_S * 48_000) :])
    try:
        room.wait(lambda: bool(room.ports_of("fluidsynth")), 20, "fluidsynth's ports")
        yield room
    finally:
        room.close()
        synth.kill()
        synth.wait()
        if before is None:
            os.environ.pop("JACK_DEFAULT_SERVER", None)


def connect_all(room: Studio) -> None:
    room.connect("studio:take", "Antiphon-audio:in")
    room.connect("fluidsynth-midi:left", "studio:left")
    room.connect("fluidsynth-midi:right", "studio:right")
    room.connect("Antiphon:", "studio:notes")
    room.connect("Antiphon:", "counter:notes")


def wait_until_listening(room: Studio, out: Path) -> None:
    events = out / "events.jsonl"
    room.wait(lambda: events.exists() and '"state": "listening"' in events.read_text(), 60, "the ears")
    connect_all(room)


def wait_for_the_band(room: Studio, notes: int = 12) -> None:
    room.wait(lambda: len(room.note_ons()) >= notes, 45, "the band")


def stood_still(session: Path) -> None:
    """A machine that stood still for a moment and came back is all the trouble that the session tells of."""
    records = map(json.loads, (session / "events.jsonl").read_text().splitlines())
    told = [record["cause"] for record in records if record["type"] == "trouble"]
    assert all("left out" in cause or "is back" in cause for cause in told), told


def distance_to_beats_s(times: np.ndarray) -> np.ndarray:
    """Signed distance of each time to the nearest true half-beat of the take."""
    beats = np.array(TRUTH["beats"])
    grid = np.sort(np.concatenate([beats, (beats[1:] + beats[:-1]) / 2]))
    return np.array([times_s - grid[np.abs(grid - times_s).argmin()] for times_s in times])


def is_behind(section: dict[str, object]) -> bool:
    return section["behind_ms"] != 0


def off_beat_s(room: Studio, wanted: Callable[[dict[str, object]], bool]) -> np.ndarray:
    """Signed distance to the true half-beats of every kick and snare that was heard in the sections wanted."""
    spans = [(s["start"], s["end"]) for s in TRUTH["sections"] if s["name"] != "silence" and wanted(s)]
    times = [t + SKIPPED_S for t, pitch in room.note_ons(DRUMS) if pitch in (35, 36, 38, 40)]
    off = distance_to_beats_s(np.array([t for t in times if any(a <= t < b for a, b in spans)]))
    return off[np.abs(off) < 0.07]  # what is meant between the half-beats is not measured by them


def test_the_band_is_heard_in_time_and_sigterm_leaves_no_note(server: dict[str, str], tmp_path: Path) -> None:
    with studio(server) as room, antiphon(server, tmp_path / "s") as process:
        wait_until_listening(room, tmp_path / "s")
        room.roll()
        late_player = next(section for section in TRUTH["sections"] if is_behind(section))
        room.wait(lambda: room.now_s + SKIPPED_S > late_player["end"], 90, "the end of the section behind the beat")
        assert room.note_ons(), "the band never came in"
        process.send_signal(signal.SIGTERM)
        assert process.wait(15) == 0
        stood_still(tmp_path / "s")
        room.wait(lambda: room.hanging() == [], 2, "the end of the last note")
        level = np.sqrt(np.mean(room.recording[-30 * room.rate :] ** 2))
        assert level > 1e-3, "no sound came out of the synth"
        on_the_beat, behind = off_beat_s(room, lambda section: section["behind_ms"] == 0), off_beat_s(room, is_behind)
        assert len(on_the_beat) > 12
        assert np.median(np.abs(on_the_beat)) < 0.015
        assert 0 < np.median(behind) < 0.040, (
            "with a player who is late the band stays near him, not far behind the beat"
        )
    names = {p.name for p in (tmp_path / "s").iterdir()}
    assert {"mix.wav", "bass.wav", "drums.wav", "session.mid", "events.jsonl", "pianoroll.png"} <= names


@pytest.mark.slow  # test_faults.py kills each process in every run
def test_when_the_model_process_is_killed_the_band_plays_on_and_no_note_hangs(
    server: dict[str, str], tmp_path: Path
) -> None:
    with studio(server) as room, antiphon(server, tmp_path / "s") as process:
        wait_until_listening(room, tmp_path / "s")
        room.roll()
        wait_for_the_band(room)
        os.kill(mind_of(process.pid), signal.SIGKILL)
        at_s = room.now_s
        room.wait(lambda: room.now_s > at_s + 6, 20, "the take")
        played_s = [at_s, *(t for t, _ in room.note_ons() if t > at_s), room.now_s]
        assert np.diff(played_s).max() < 2.4, "a gap of a bar"
        process.send_signal(signal.SIGINT)
        assert process.wait(15) == 1  # it says that there was trouble
        room.wait(lambda: room.hanging() == [], 2, "the end of the last note")
        with antiphon(server, tmp_path / "again") as second:
            wait_until_listening(room, tmp_path / "again")
            assert second.poll() is None
            second.send_signal(signal.SIGINT)
            assert second.wait(15) == 0


def mind_of(parent: int) -> int:
    """The pid of Antiphon's model process, which is a child's child."""
    (mind,) = (p.pid for p in psutil.Process(parent).children(recursive=True) if p.name() == "antiphon-mind")
    return mind
