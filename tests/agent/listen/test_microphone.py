"""`antiphon listen --mic` on a real JACK server:
a take is played into the capture port, the ears say what they listen.
"""

from __future__ import annotations

import difflib
import json
import os
import pty
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import soundfile

from agent.__main__ import main
from agent.audio import device_list
from agent.core.channel import channel
from agent.core.messages import Stop
from agent.core.paths import shipped
from agent.listen.file_listener import listen_file
from agent.listen.microphone import EarReport, listen
from agent.listen.panel import Board, panel, summary
from listener.analyzer import Analyzer
from listener.capture import file_frames
from listener.ring import Ring
from listener.types import Analysis, Chord, Grid, Key, Meter, Note, Onset, Phrase
from tests.waiting import wait_for

SECONDS = 9.0


def heard(time_s: float, **what: object) -> Analysis:
    return Analysis(time_s, time_s, 0.0, 55.3, 0.9, -20.0, **what)  # type: ignore[arg-type]


def shown(board: Board) -> str:
    from rich.console import Console

    console = Console(width=100, record=True, file=open(os.devnull, "w"))  # noqa: SIM115
    with console.file:
        console.print(panel(board))
    return console.export_text()


def test_the_panel_shows_what_is_heard() -> None:
    board, note = Board(source="bass, 48000 Hz"), Note(1.0, 1.03, None, 33, 90)
    grid = Grid(0.0, 0, 1, 0.5, Meter(4, 4), 0.9, 0.8)
    known = {"grid": grid, "chord": Chord(9, "min", 0.8), "key": Key(9, "min", 0.7)}
    board.add(heard(1.04, notes=(note,), phrase=Phrase((note,), 1.0, None, None, None), **known))
    board.add(heard(1.10, revised=(Note(1.0, 1.09, None, 45, 90, revises=33),), **known))
    text = shown(board)
    for word in ("A2*", "A1", "+9 ct", "120.0 bpm", "4/4", "Am", "A minor", "90% sure", "-20.0 dB", "1 corrected"):
        assert word in text, f"{word} is not on the panel"
    assert summary(board).startswith("listened 1.1 s: 1 notes, 1 phrases, 120.0 bpm, 4/4, A minor")


def test_silence_is_a_panel_too() -> None:
    assert "no beat yet" in shown(Board())


@pytest.mark.parametrize(
    "arguments", [["--mic", "a.wav"], ["--mic", "--plot", "a.png"], [], ["a.wav", "--input", "USB"]]
)
def test_what_cannot_go_together_costs_one_line(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["listen", *arguments]) == 2
    assert len(capsys.readouterr().err.splitlines()) == 1


def test_no_microphone_costs_one_line(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(device_list, "audio_devices", lambda: ())
    assert main(["listen", "--mic"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "no microphone" in line


def test_the_ears_say_of_a_ring_what_they_say_of_a_file(tmp_path: Path) -> None:
    sound, rate = soundfile.read(cut(tmp_path, 4.0), dtype="float32")
    ring, (commands, commanded), (reports, reported) = Ring(rate, 1), channel(), channel()
    said: list[EarReport] = []
    early: list[Onset] = []

    def take() -> None:
        for report in reported.receive():
            said.append(report) if isinstance(report, EarReport) else early.extend(report.onsets)

    def keeps_up(within: int) -> bool:
        take()
        return ring.written - round(said[-1].analysis.time_s * rate if said else 0) <= within

    ears = threading.Thread(target=listen, args=(Analyzer(), ring, rate, None, commanded, reports))
    ears.start()
    time.sleep(0.2)  # a reader hears what is written after it began
    for at in range(0, len(sound), 128):
        ring.write(sound[at : at + 128, None])
        take()
        wait_for(lambda: keeps_up(rate // 2), 60, "what the ears hear", 0.001)
    wait_for(lambda: keeps_up(rate // 20), 5, "the last the ears hear")
    commands.send(Stop())
    ears.join(5.0)
    take()
    for end in (commands, commanded, reports, reported):
        end.close()
    live = [note for one in said for note in one.analysis.notes]
    analyzer = Analyzer()
    assert said[-1].dropped == 0
    assert live == [n for frame in file_frames(tmp_path / "cut.wav") for n in analyzer.step(frame).notes][: len(live)]
    assert len(live) >= 8
    assert early == [onset for one in said for onset in one.analysis.onsets]


rig = [
    pytest.mark.rig,
    pytest.mark.skipif(not shutil.which("jackd"), reason="needs jackd2"),
]


@pytest.fixture(scope="module")
def server() -> Iterator[dict[str, str]]:
    pytest.importorskip("jack")
    from tests.rig import jack_server

    with jack_server() as env:
        yield env


@pytest.fixture
def started() -> Iterator[list[subprocess.Popen[str]]]:
    """What a test starts is not left behind when it fails."""
    processes: list[subprocess.Popen[str]] = []
    yield processes
    for process in processes:
        if process.poll() is None:
            process.kill()
            process.communicate()


@pytest.fixture
def studio(server: dict[str, str]) -> Iterator[object]:
    from tests.jack_studio import Studio, load

    room = Studio(load(shipped("take.flac"), 48_000)[: round(SECONDS * 48_000)])
    yield room
    room.close()


class TestOnJack:
    pytestmark = rig

    def test_json_says_live_what_the_file_says(
        self, server: dict[str, str], studio: object, started: list[subprocess.Popen[str]], tmp_path: Path
    ) -> None:
        command = [sys.executable, "-m", "agent", "listen", "--mic", "--json"]
        with (tmp_path / "said").open("w+") as out:
            process = subprocess.Popen(
                command, env={**os.environ, **server}, stdout=out, stderr=subprocess.PIPE, text=True
            )
            started.append(process)
            studio.connect("studio:take", "Antiphon-audio:in", 60)
            studio.roll()
            time.sleep(SECONDS / 2)
            early = (tmp_path / "said").read_text().count('"note"')
            time.sleep(SECONDS / 2 + 1.0)
            process.send_signal(signal.SIGINT)
            last = process.communicate(timeout=15)[1].splitlines()
        said = [json.loads(line) for line in (tmp_path / "said").read_text().splitlines()]
        live = [line["midi"] for line in said if line["type"] == "note"]
        assert process.returncode == 0
        assert early > 5, "lines must come while the player plays"
        true = [line["midi"] for line in listen_file(cut(tmp_path)) if line["type"] == "note"]
        # jackd loses a period now and then where the cores are shared
        assert difflib.SequenceMatcher(None, live, true).ratio() > 0.8
        assert len(last) == 1 and re.match(r"listened [\d.]+ s: \d+ notes", last[0])

    def test_a_terminal_that_goes_away_stops_nothing(
        self, server: dict[str, str], studio: object, started: list[subprocess.Popen[str]]
    ) -> None:
        here, there = pty.openpty()
        env = {**os.environ, **server, "TERM": "xterm"}
        command = [sys.executable, "-m", "agent", "listen", "--mic"]
        process = subprocess.Popen(command, env=env, stdout=there, stdin=there, stderr=subprocess.PIPE, text=True)
        os.close(there)
        started.append(process)
        studio.connect("studio:take", "Antiphon-audio:in", 60)
        studio.roll()
        time.sleep(3.0)
        picture = os.read(here, 1 << 16).decode(errors="replace")
        os.close(here)
        time.sleep(2.0)
        assert "Antiphon listens" in picture and "tuner" in picture
        assert process.poll() is None, "it ended with its terminal"
        process.send_signal(signal.SIGINT)
        assert "notes" in process.communicate(timeout=15)[1]
        assert process.returncode == 0


def cut(folder: Path, seconds: float = SECONDS) -> str:
    sound, rate = soundfile.read(shipped("take.flac"), dtype="float32")
    soundfile.write(folder / "cut.wav", sound[: round(seconds * rate)], rate, subtype="FLOAT")
    return str(folder / "cut.wav")
