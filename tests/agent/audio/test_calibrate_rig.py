"""`antiphon calibrate` on a real JACK server, over cables of a known length, beside jack_iodelay."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from agent.audio import latencies
from agent.audio.latencies import Latencies
from agent.core.config import load
from agent.core.paths import shipped

pytest.importorskip("jack")
from tests.jack_loop import cable, chirped, iodelay
from tests.rig import jack_server

pytestmark = [
    pytest.mark.rig,
    pytest.mark.skipif(
        not all(shutil.which(tool) for tool in ("jackd", "jack_iodelay", "fluidsynth")),
        reason="needs jackd2 with its tools and fluidsynth",
    ),
]
RATE, BLOCK = 48_000, 128
BLOCK_MS = 1000 * BLOCK / RATE
CABLE = 960  # samples, 20 ms


@pytest.fixture(scope="module")
def server() -> Iterator[dict[str, str]]:
    with jack_server(RATE, BLOCK) as env:
        yield env


@contextmanager
def calibrate(env: dict[str, str], folder: Path, *flags: str) -> Iterator[subprocess.Popen[str]]:
    where = ["--set", f"paths.state={folder}", "--set", "midi.api=jack"]
    command = [sys.executable, "-m", "agent", "calibrate", *where, *flags]
    process = subprocess.Popen(command, env={**os.environ, **env}, stderr=subprocess.PIPE, text=True)
    try:
        yield process
        assert process.wait(30) == 0, process.stderr.read() if process.stderr else ""
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()


def kept(folder: Path) -> Latencies:
    known, trouble = latencies.load(load(None, {"paths.state": str(folder)}))
    assert not trouble
    return known


def test_the_round_trip_is_that_of_jack_iodelay_to_the_sample(server: dict[str, str], tmp_path: Path) -> None:
    with cable(777) as line:
        reference = iodelay(line, 2.0)
        assert abs(chirped(line) - reference) <= 1
        with calibrate(server, tmp_path, "--chirps", "3"):
            line.connect("Antiphon out_", "cable:in")
            line.connect("cable:out", "Antiphon in_")
        (card,) = kept(tmp_path).audio
        assert abs(card.round_trip_samples - reference) <= 1, "JACK's own period, without a block of PortAudio's"
        assert card.clarity_db > 30 and (card.rate_hz, card.block_samples) == (RATE, BLOCK)


def test_a_midi_loop_is_measured(server: dict[str, str], tmp_path: Path) -> None:
    with cable(CABLE), calibrate(server, tmp_path, "--midi", "cable"):
        pass
    (port,) = kept(tmp_path).midi
    trip_ms = 2 * port.latency_ms
    assert 20.0 - BLOCK_MS <= trip_ms <= 20.0 + 2 * BLOCK_MS and port.spread_ms < BLOCK_MS
    assert "cable" in port.port and port.how == "loop"


def test_a_hardware_synths_click_is_heard(server: dict[str, str], tmp_path: Path) -> None:
    command = [
        "fluidsynth",
        "-i",
        "-s",
        "-m",
        "jack",
        "-a",
        "jack",
        "-r",
        str(RATE),
        "-g",
        "1",
        str(shipped("band.sf3")),
    ]
    quiet = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    synth = subprocess.Popen(command, env=server, **quiet)
    try:
        with cable(CABLE) as line:
            line.connect("fluidsynth left", "cable:in")
            with calibrate(server, tmp_path, "--midi", "fluidsynth", "--listen"):
                line.connect("cable:out", "Antiphon in_")
    finally:
        synth.terminate()
        synth.wait(5)
    (port,) = kept(tmp_path).midi
    assert 20.0 <= port.latency_ms <= 20.0 + 3 * BLOCK_MS and port.spread_ms < BLOCK_MS
    assert "fluidsynth" in port.port and port.how == "click"


def test_without_a_cable_one_line_says_so(server: dict[str, str], tmp_path: Path) -> None:
    command = [sys.executable, "-m", "agent", "calibrate", "--chirps", "3", "--set", f"paths.state={tmp_path}"]
    done = subprocess.run(command, env={**os.environ, **server}, capture_output=True, text=True, timeout=30)
    assert (
        done.returncode == 2 and "nothing was heard" in done.stderr.splitlines()[-1] and "Traceback" not in done.stderr
    )
    assert not latencies.path(load(None, {"paths.state": str(tmp_path)})).exists()
