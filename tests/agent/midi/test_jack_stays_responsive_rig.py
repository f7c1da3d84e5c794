"""However often the audio process is killed, the JACK server answers its other clients."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from agent.core.channel import channel
from agent.core.fork_client import ForkServer
from agent.core.fork_server import Call
from agent.core.messages import Go
from agent.core.settings import AudioConfig, Config, MidiConfig
from agent.engine.audio_process import AudioSetup
from agent.midi import jack_client
from listener.ring import Ring
from tests.rig import have_jackd, jack_server, leave
from tests.waiting import wait_for

jack = pytest.importorskip("jack")
pytestmark = [pytest.mark.rig, pytest.mark.skipif(not have_jackd(), reason="needs jackd2")]
ANSWERS_S = 1.0
WAITS_S = 60.0  # for an answer, at most: what is returned is how long it took, and not how long was waited
RATE, AUDIO = 48_000, "agent.engine.audio_process"
COMES_BACK_S = 30.0


class Watcher:
    """A second client, in this process: its cycles go on, and the server answers its requests."""

    def __init__(self) -> None:
        self.client = jack.Client("watcher")
        self.cycles = 0
        self._out, self._in = self.client.outports.register("out"), self.client.inports.register("in")
        self.client.set_process_callback(self._count)
        self.client.activate()

    def _count(self, frames: int) -> None:
        self.cycles += 1

    def answer_s(self) -> float:
        """Seconds until the server has connected and disconnected two ports and run a cycle."""
        began_s, before = time.monotonic(), self.cycles

        def ask() -> None:
            self.client.connect(self._out, self._in)
            self.client.disconnect(self._out, self._in)
            while self.cycles == before:
                time.sleep(0.001)

        asking = threading.Thread(target=ask, daemon=True)
        asking.start()
        asking.join(WAITS_S)
        return time.monotonic() - began_s

    def close(self) -> None:
        """Leave the server while it is there: libjack may crash otherwise."""
        leave(self.client.deactivate, self.client.close)


def audio_of(parent: int) -> int:
    """The pid of the audio process that plays; waits for it."""

    def found() -> list[int]:
        return [one.pid for one in psutil.Process(parent).children(recursive=True) if one.name() == "antiphon-audio"]

    return wait_for(found, COMES_BACK_S, "an audio process")[0]


@pytest.mark.slow
def test_five_hundred_kills_while_it_opens_joins_and_plays() -> None:
    assert outlives_kills(500) < ANSWERS_S


def outlives_kills(kills: int) -> float:
    """Kill audio processes at any moment of their first second; return the longest time that the server took to answer.

    They are forked one after another, as a session forks them, but without its waits in a crash loop.
    """
    config = Config(audio=AudioConfig(monitor_input="off"), midi=MidiConfig(port="virtual", api="jack"))
    with jack_server():
        watcher, slowest_s = Watcher(), 0.0
        audio = ForkServer("antiphon-sound", Call(AUDIO, "load", (config, RATE)))
        rings = Ring(20 * RATE, 1), Ring(20 * RATE, 8)
        try:
            for killed in range(kills):
                sends, commands = channel()
                reports, hears = channel()
                given = AudioSetup(config, RATE, None, None, 2, None, *rings)
                process = audio.spawn(Call(AUDIO, "main", (given, commands, commands, reports)), "antiphon-audio")
                sends.send(Go())
                wait_for(lambda process=process: process.pid is not None, COMES_BACK_S, "the process")
                time.sleep(killed * 0.618 % 1)
                assert process.is_alive(), hears.receive()
                process.kill()
                process.join(COMES_BACK_S)
                slowest_s = max(slowest_s, watcher.answer_s())
                for end in (sends, commands, reports, hears):
                    end.close()
        finally:
            audio.close()
            watcher.close()
    return slowest_s


@pytest.mark.parametrize("kills", [3])
def test_the_server_answers_within_a_second_of_every_kill(kills: int, tmp_path: Path) -> None:
    with jack_server() as env:
        watcher = Watcher()
        out = tmp_path / "s"
        flags = ["--midi", "virtual", "--midi-api", "jack", "--set", "audio.echo_cancel=off", "--out", str(out)]
        home = {**os.environ, **env, "XDG_STATE_HOME": str(tmp_path), "ANTIPHON_SOCKET": str(tmp_path / "socket")}
        command = [sys.executable, "-m", "agent", "daemon", *flags]
        daemon = subprocess.Popen(command, env=home, stderr=subprocess.DEVNULL)
        try:
            killed, slowest_s = 0, 0.0
            while killed < kills:
                pid = audio_of(daemon.pid)
                time.sleep(0.05 + 0.5 * (killed * 0.618 % 1))  # while it opens, joins, or plays
                with suppress(ProcessLookupError):  # a spare that went by itself
                    os.kill(pid, signal.SIGKILL)
                    killed += 1
                slowest_s = max(slowest_s, watcher.answer_s())
                assert slowest_s < ANSWERS_S, f"after {killed} kills the server took {slowest_s:.1f} s"
        finally:
            daemon.kill()
            daemon.wait()
            watcher.close()


@pytest.mark.skipif(not have_jackd(), reason="needs jackd2")
def test_a_server_that_dies_is_noticed_without_python_in_its_threads() -> None:
    with jack_server():
        watch = jack_client.watch()
        assert watch and watch.alive
    wait_for(lambda: not watch.alive, 5, "the end of the server")
    watch.close()
