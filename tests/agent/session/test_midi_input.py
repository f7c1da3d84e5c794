"""The bass on MIDI: a file, and a port on a real JACK server that goes and comes back."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import mido
import numpy as np
import pytest

from agent.core.messages import PlayBass
from agent.midi.bass_input import BassIn, channel_of, port_of
from agent.session.midi_bass_in import MidiBassIn
from listener.types import KeyPress
from tests.rig import jack_server, leave
from tests.waiting import wait_for

LINE = (33, 33, 40, 36)
BEAT_S = 0.5


def events(folder: Path, kind: str) -> list[dict[str, Any]]:
    lines = (folder / "events.jsonl").read_text().splitlines()
    return [event for event in map(json.loads, lines) if event["type"] == kind]


def jam(*flags: str, timeout_s: float = 240) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "agent", "jam", "--quiet", *flags]
    return subprocess.run(command, capture_output=True, text=True, timeout=timeout_s)


def test_a_midi_file_is_played_to_like_a_recording(tmp_path: Path) -> None:
    file = mido.MidiFile(ticks_per_beat=480)
    track = file.add_track("Bass")
    track.append(mido.MetaMessage("set_tempo", tempo=500_000))
    track.append(mido.Message("program_change", program=33))
    for i in range(32):
        track.append(mido.Message("note_on", note=LINE[i % 4], velocity=100 if i % 4 == 0 else 80, time=120 * (i > 0)))
        track.append(mido.Message("note_off", note=LINE[i % 4], time=360))
    file.save(tmp_path / "bass.mid")
    done = jam("--fast", "--input", str(tmp_path / "bass.mid"), "--out", str(tmp_path / "out"))
    assert done.returncode == 0, done.stderr
    notes = events(tmp_path / "out", "note")
    assert [note["pitch"] for note in notes] == list(np.resize(LINE, 32))
    assert np.allclose([note["onset_s"] for note in notes], BEAT_S * np.arange(32), atol=1e-3)
    assert events(tmp_path / "out", "planned")


def test_a_port_is_named_with_its_prefix() -> None:
    assert port_of("midi:Keystation 49") == "Keystation 49"
    assert port_of("USB") is port_of(3) is port_of(None) is None


class FakeMidi:
    """MidiIn without a port."""

    def __init__(self) -> None:
        self.is_open, self.state, self.dropped = True, "open", 0
        self.messages: list[tuple[float, bytes]] = []

    def poll(self) -> list[tuple[float, bytes]]:
        messages, self.messages = self.messages, []
        return messages

    def close(self) -> None: ...


class Seconds:
    """A stream that began at monotonic 100 s."""

    def stream_of(self, monotonic_s: float) -> float:
        return monotonic_s - 100

    def monotonic_of(self, stream_s: float) -> float:
        return stream_s + 100


def test_a_port_that_vanishes_releases_what_is_held_and_is_said() -> None:
    midi = FakeMidi()
    port = BassIn("keys", "auto", midi)  # type: ignore[arg-type]
    midi.messages = [(101.0, bytes([0x90, 40, 90]))]
    assert port.poll() == [(101.0, 40, 90, 0)]
    midi.is_open = False
    assert [press[1:] for press in port.poll()] == [(40, 0, 0)]
    midi.is_open = True
    assert port.poll() == []
    said = port.take_lines()
    assert ["gone" in line for line in said] == [False, True, False]


def test_of_a_band_on_one_port_only_the_bass_is_heard() -> None:
    named = "midi:Lead@1"
    assert (port_of(named), channel_of(named), channel_of("midi:Lead")) == ("Lead", 0, None)
    midi = FakeMidi()
    port = BassIn("Lead", "auto", midi, channel=0)  # type: ignore[arg-type]
    midi.messages = [(101.0, bytes([0x90, 40, 90])), (101.0, bytes([0x99, 36, 90])), (101.5, bytes([0x80, 40, 0]))]
    assert [press[1:] for press in port.poll()] == [(40, 90, 0), (40, 0, 0)]


def test_a_restarted_mind_gets_the_last_presses_once_more_under_their_numbers() -> None:
    midi = FakeMidi()
    bass = MidiBassIn(BassIn("keys", "auto", midi))  # type: ignore[arg-type]
    for at_s in (101.0, 102.0, 120.0):
        midi.messages = [(at_s, bytes([0x90, 40, 90]))]
        assert len(bass.poll(Seconds())) == 1
    assert bass.again() == [PlayBass(2, (KeyPress(20.0, 40, 90),))]


@contextmanager
def keys() -> Iterator[Any]:
    """A keyboard on the JACK server."""
    import rtmidi

    port = rtmidi.MidiOut(rtmidi.API_UNIX_JACK, "keys")
    port.open_virtual_port("out")
    try:
        yield port
    finally:
        leave(port.close_port, port.delete)


def play(port: Any, count: int) -> list[float]:
    """Play quarters; return when each was sent, in monotonic seconds."""
    sent = []
    start_s = time.monotonic() + 0.1
    for i in range(count):
        time.sleep(max(start_s + i * BEAT_S - time.monotonic(), 0))
        sent.append(time.monotonic())
        port.send_message([0x90, LINE[i % 4], 100 if i % 4 == 0 else 80])
        time.sleep(0.3)
        port.send_message([0x80, LINE[i % 4], 0])
    return sent


@pytest.mark.rig
@pytest.mark.skipif(not shutil.which("jackd"), reason="needs jackd2")
def test_a_bass_on_a_jack_midi_port_is_heard_in_time_and_taken_up_again(tmp_path: Path) -> None:
    with jack_server() as env:
        command = [sys.executable, "-m", "agent", "jam", "--quiet", "--no-audio", "--midi-api", "jack", "--out"]
        with keys() as port:
            process = subprocess.Popen(
                [*command, str(tmp_path / "out"), "--input", "midi:keys"],
                env={**os.environ, **env},
                stderr=subprocess.PIPE,
                text=True,
            )
            try:
                _wait_for(tmp_path / "out", "the bass is heard from", 1)
                time.sleep(2)  # for the stream's clock
                sent = play(port, 24)
            except BaseException:
                process.kill()
                raise
        try:
            _wait_for(tmp_path / "out", "is gone", 1)
            with keys() as port:
                _wait_for(tmp_path / "out", "the bass is heard from", 2)
                time.sleep(0.5)
                play(port, 4)
                _wait_for(tmp_path / "out", '"type": "note"', 28)
        finally:
            process.terminate()
            _, said = process.communicate(timeout=60)
    notes = events(tmp_path / "out", "note")
    assert [note["pitch"] for note in notes] == list(np.resize(LINE, 24)) + list(LINE), said
    off_s = np.diff([note["onset_s"] for note in notes[:24]]) - np.diff(sent)
    assert np.median(np.abs(off_s)) < 0.004
    lines = [event["says"] for event in events(tmp_path / "out", "input")]
    assert sum("is gone" in line for line in lines) == 1
    assert sum("is heard from" in line for line in lines) == 2
    assert not any("no sound arrives" in line for line in lines)  # none is meant to
    assert events(tmp_path / "out", "beat")


def _wait_for(folder: Path, text: str, count: int, seconds: float = 90.0) -> None:
    """Wait until the session has said a line `count` times: how long that takes depends on the machine's load."""
    file = folder / "events.jsonl"
    wait_for(lambda: file.exists() and file.read_text().count(text) >= count, seconds, f"{text!r}, {count} times", 0.2)


@pytest.mark.rig
@pytest.mark.skipif(not shutil.which("jackd"), reason="needs jackd2")
def test_a_missing_port_is_answered_with_the_ports_there_are() -> None:
    with jack_server(), keys():
        done = jam("--midi-api", "jack", "--input", "midi:theremin")
    assert done.returncode == 2
    assert "midi:theremin: no such MIDI input; there are: keys:out" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
