"""Notes that a killed session left sounding are ended: at its restart, at the next start, and on request."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from agent.core.os_process import started_at
from agent.core.settings import Config, MidiConfig
from agent.session.hanging_notes import FOLDER, remembered, silence, silence_the_dead
from tests.rig import have_jackd, jack_server
from tests.waiting import wait_for

SYNTH = Config(midi=MidiConfig(port="synth"))


class Output:
    def __init__(self) -> None:
        self.sent: list[tuple[int, ...]] = []
        self.closed = False

    def send(self, message: tuple[int, ...]) -> None:
        self.sent.append(message)

    def panic(self) -> None:
        pass

    def close(self) -> None:
        self.closed = True


@pytest.fixture
def output(monkeypatch: pytest.MonkeyPatch) -> Output:
    output = Output()
    monkeypatch.setattr("agent.midi.output.open_output", lambda *_: output)
    return output


def test_silence_ends_every_key_of_every_part(output: Output) -> None:
    assert silence(SYNTH) == ""
    assert output.closed
    channels = {part.channel_index for part in SYNTH.parts.values()}
    assert set(output.sent) == {(0x80 | channel, key, 0) for channel in channels for key in range(128)}


def test_silence_says_why_it_could_not(monkeypatch: pytest.MonkeyPatch) -> None:
    assert silence(Config()) == ""

    def broken(*_: Any) -> None:
        raise RuntimeError("no such client")

    monkeypatch.setattr("agent.midi.output.open_output", broken)
    assert silence(SYNTH) == "no such client"


def test_a_session_that_ends_leaves_nothing_to_silence(tmp_path: Path, output: Output) -> None:
    with remembered(SYNTH, tmp_path):
        assert silence_the_dead(tmp_path) == [], "it plays still"
        (record,) = (tmp_path / FOLDER).iterdir()
        assert json.loads(record.read_text())["port"] == "synth"
    assert not list((tmp_path / FOLDER).iterdir())
    assert not output.sent


@pytest.mark.parametrize("reused", [False, True])
def test_the_port_of_a_process_that_lives_no_more_is_silenced_once(
    tmp_path: Path, output: Output, reused: bool
) -> None:
    pid = os.getpid() if reused else 2**22 + 1
    (tmp_path / FOLDER).mkdir()
    record = {"port": "synth", "api": None, "channels": [3, 9], "pid": pid, "started": "1"}
    (tmp_path / FOLDER / "1.json").write_text(json.dumps(record))
    (said,) = silence_the_dead(tmp_path)
    assert "synth" in said
    assert {status for status, *_ in output.sent} == {0x83, 0x89}
    assert silence_the_dead(tmp_path) == []


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"port": [], "api": 1, "channels": [99], "pid": -1}', "[" * 3000])
def test_a_damaged_record_is_put_away(tmp_path: Path, output: Output, text: str) -> None:
    (tmp_path / FOLDER).mkdir()
    (tmp_path / FOLDER / "1.json").write_text(text)
    assert silence_the_dead(tmp_path) == []
    assert not output.sent and not list((tmp_path / FOLDER).iterdir())


def test_when_a_process_began_is_known_while_it_lives() -> None:
    assert started_at(os.getpid()) and not started_at(2**22 + 1)


@pytest.mark.rig
@pytest.mark.skipif(not have_jackd(), reason="needs jackd2")
def test_after_everything_was_killed_at_once_no_note_hangs(tmp_path: Path) -> None:
    import rtmidi

    with jack_server() as env:
        synth = rtmidi.MidiIn(rtmidi.API_UNIX_JACK, "hardsynth", queue_size_limit=10_000)
        synth.open_virtual_port("notes")
        home = {**os.environ, **env, "XDG_STATE_HOME": str(tmp_path)}
        port = ["--midi", "hardsynth", "--midi-api", "jack", "--no-audio", "--input", "agent/assets/take.flac"]
        command = [sys.executable, "-m", "agent", "jam", *port, "--quiet", "--out", str(tmp_path / "s")]
        session = subprocess.Popen(command, env=home, start_new_session=True, stderr=subprocess.DEVNULL)
        sounding: set[tuple[int, int]] = set()

        def sounds() -> bool:
            follow(synth, sounding)
            return bool(sounding)

        wait_for(sounds, 120, "a note", 0.002)
        os.killpg(session.pid, signal.SIGKILL)
        session.wait()
        wait_for(sounds, 2, "what was left sounding")
        done = subprocess.run([sys.executable, "-m", "agent", "silence"], env=home, capture_output=True, text=True)
        wait_for(lambda: not sounds(), 2, "the end of the notes")
        synth.close_port()
        synth.delete()
    assert "hardsynth" in done.stdout
    assert not sounding


def follow(synth: Any, sounding: set[tuple[int, int]]) -> None:
    """Keep `sounding` up with the messages that came."""
    while got := synth.get_message():
        (status, *data), _ = got
        if status & 0xF0 == 0x90 and data[1]:
            sounding.add((status & 15, data[0]))
        elif status & 0xE0 == 0x80:
            sounding.discard((status & 15, data[0]))
