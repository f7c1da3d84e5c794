"""An audio process on its own rings, for the tests: it can be killed and begun again, and so can its JACK server."""

from __future__ import annotations

import multiprocessing
import os
import subprocess
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from agent.core.channel import Channel, channel
from agent.core.messages import Stop
from agent.engine.audio_process import AudioReport, AudioSetup, Ready, main
from tests.rig import REALTIME, forget, forget_dead_servers, wait_until_up


@dataclass
class Server:
    """jackd's dummy driver under one name, as often as it is started."""

    name: str = field(default_factory=lambda: f"antiphon-{os.getpid()}-{uuid.uuid4().hex[:6]}")
    process: subprocess.Popen[bytes] | None = None

    def start(self, rate: int = 48_000, period: int = 128) -> None:
        command = ["jackd", "-n", self.name, *REALTIME, "-d", "dummy", "-r", str(rate), "-p", str(period)]
        forget_dead_servers()
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_until_up(self.process)

    def kill(self) -> None:
        if self.process:
            self.process.kill()
            self.process.wait()
            self.process = None
            forget(self.name, self.name)


@contextmanager
def jack_name() -> Iterator[Server]:
    """A server that has not been started; dead at the end whatever happened."""
    server, before = Server(), os.environ.get("JACK_DEFAULT_SERVER")
    os.environ["JACK_DEFAULT_SERVER"] = server.name
    os.environ["JACK_NO_AUDIO_RESERVATION"] = "1"
    try:
        yield server
    finally:
        server.kill()
        forget(server.name, before)


class Life:
    """One life of an audio process. last: its newest report."""

    def __init__(self, setup: AudioSetup) -> None:
        self.plans, plans_in = channel()
        self._commands, commands = channel()
        reports, self._reports = channel()
        self.ready: Ready | None = None
        self.last: AudioReport | None = None
        self.records: list[dict[str, Any]] = []
        self.said: list[Any] = []
        self._ends: list[Channel[Any]] = [self.plans, self._commands, reports, plans_in, commands, self._reports]
        self.process = multiprocessing.get_context("spawn").Process(
            target=main, args=(setup, plans_in, commands, reports), daemon=True
        )
        self.process.start()
        self.wait(lambda: self.ready is not None or bool(self.said), 20)

    def send(self, message: Any) -> None:
        self._commands.send(message)

    def push(self) -> None:
        for message in self._reports.receive():
            if isinstance(message, AudioReport):
                self.last = message
                self.records += message.records
            elif isinstance(message, Ready):
                self.ready = message
            else:
                self.said.append(message)

    def wait(self, until: Callable[[], bool], timeout_s: float = 10.0) -> bool:
        """Whether it came to pass in time."""
        deadline_s = time.monotonic() + timeout_s
        self.push()
        while not until():
            if time.monotonic() > deadline_s or not self.process.is_alive():
                self.push()
                return until()
            self.push()
            time.sleep(0.005)
        return True

    def kill(self) -> None:
        self.process.kill()
        self.process.join()

    def close(self) -> None:
        self.send(Stop())
        self.process.join(5)
        if self.process.is_alive():
            self.kill()
        for end in self._ends:
            end.close()
