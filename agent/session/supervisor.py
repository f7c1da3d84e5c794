"""Keeps the two workers alive: one that dies or says nothing is started anew, at once or, in a crash loop, later.

A `Worker` is one place that is always filled. It starts nothing twice, waits for nothing, and is asked in each turn of
the session. `silence` switches every note off at the MIDI port of an audio process that could not do it itself.
"""

from __future__ import annotations

import contextlib
import importlib
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from agent.core.channel import Channel, channel
from agent.core.messages import BEGIN
from agent.core.midi_constants import NOTE_OFF
from agent.core.settings import Config

EARLY_S = 5.0  # a worker that dies sooner has not recovered
EARLY_DEATHS_MAX = 5  # within LOOP_S; more is a crash loop
LOOP_S = 60.0
BACK_OFF_S = (1.0, 30.0)  # the first wait in a crash loop, and the longest; doubled in between
SPARE_AFTER_S = (5.0, 1.0)  # after the first start, which has enough to load, and after later ones
STOPPED_S = 0.3  # a process that is stopped (SIGSTOP) will not speak again by itself
SILENT_S = 3.5  # one that runs may be long in one step
START_S = 60.0  # until its first word
JUMP_S = 0.5  # a turn that took so long was the supervisor's own sleep, not the worker's
KEYS = range(128)


class Process(Protocol):
    """What multiprocessing's processes offer."""

    @property
    def pid(self) -> int | None: ...
    @property
    def exitcode(self) -> int | None: ...
    def is_alive(self) -> bool: ...
    def kill(self) -> None: ...
    def join(self, timeout: float | None = None) -> None: ...


@dataclass(slots=True)
class History:
    """When a worker was started and what it died of; the last few."""

    starts: int = 0
    causes: list[str] = field(default_factory=list)
    early_s: list[float] = field(default_factory=list)

    def died(self, cause: str, early: bool, now_s: float) -> None:
        self.causes = [*self.causes, cause][-10:]
        self.early_s = [at for at in self.early_s if at > now_s - LOOP_S] + ([now_s] if early else [])

    @property
    def restarts(self) -> int:
        return max(0, self.starts - 1)

    @property
    def loops(self) -> bool:
        return len(self.early_s) > EARLY_DEATHS_MAX

    @property
    def wait_s(self) -> float:
        """How long to wait before the next start: nothing, unless it dies again and again."""
        over = len(self.early_s) - EARLY_DEATHS_MAX
        first, longest = BACK_OFF_S
        return min(first * 2 ** (over - 1), longest) if over > 0 else 0.0


Start = Callable[[Channel, Channel], Process]
Place = tuple[Process, Channel, Channel]  # a process, our end of its commands, our end of its reports


class Worker:
    """name: for people. start(commands, reports): starts the process and returns it at once; its first message on
    reports says that it is ready, ("failed", cause) that it cannot be. spare: likewise, for one that waits until it is
    sent BEGIN, so that it is there at once when it is needed. One thread."""

    def __init__(self, name: str, start: Start, spare: Start | None = None) -> None:
        self.name, self.history = name, History()
        self._start, self._start_spare = start, spare
        self._spare: Place | None = None
        self.process: Process | None = None
        self.ready = False
        self._commands: Channel | None = None
        self._reports: Channel | None = None
        self._started_s = self._said_s = self._looked_s = 0.0
        self._failure = ""
        self._due_s: float | None = None  # when to start it anew

    def start(self) -> None:
        """Start it, with channels of its own: what the last one left unread concerns nobody."""
        self._close_channels()
        now_s = time.monotonic()
        self.ready, self._failure, self._due_s = False, "", None
        self._started_s = self._said_s = self._looked_s = now_s
        self.history.starts += 1
        self.process, self._commands, self._reports = self._from_spare() or _place(self._start)

    def keep_spare(self) -> None:
        """See to it that one is waiting, when the one of now has been up for a while."""
        if self._start_spare is None or self._spare or not self.ready:
            return
        if time.monotonic() - self._started_s > SPARE_AFTER_S[self.history.starts > 1]:
            self._spare = _place(self._start_spare)

    def _from_spare(self) -> Place | None:
        spare, self._spare = self._spare, None
        if spare and spare[0].is_alive() and not is_stopped(spare[0].pid) and spare[1].send(BEGIN):
            return spare
        _dismiss(spare)
        return None

    def send(self, message: Any) -> bool:
        return self._commands.send(message) if self._commands else False

    def receive(self) -> list[Any]:
        """What it said since the last time, but for the cause of a failed start, which `trouble` tells."""
        messages = self._reports.receive() if self._reports else []
        if messages:
            self._said_s = time.monotonic()
        kept: list[Any] = []
        for message in messages:
            if isinstance(message, tuple) and message[0] == "failed":
                self._failure = str(message[1])
            else:
                self.ready, kept = True, [*kept, message]
        return kept

    @property
    def dropped(self) -> int:
        """Commands it did not take in time."""
        return self._commands.dropped if self._commands else 0

    @property
    def failure(self) -> str:
        """Why it could not start, in its own words; "" if it said nothing of the kind."""
        return self._failure

    @property
    def alive(self) -> bool:
        return self.process is not None and self.process.is_alive()

    def trouble(self, owes_words: bool = True) -> str:
        """Why it must be started anew; "" while all is well. owes_words: whether it has something to speak of."""
        now_s = time.monotonic()
        slept, self._looked_s = now_s - self._looked_s > JUMP_S, now_s
        if slept or (self.ready and not owes_words):
            self._said_s = max(self._said_s, now_s - STOPPED_S / 2)
        if self.process is None or self._due_s is not None:
            return ""
        if not self.process.is_alive():
            return self._failure or f"the {self.name} process died ({_ending(self.process.exitcode)})"
        silent_s = now_s - self._said_s
        if silent_s > STOPPED_S and is_stopped(self.process.pid):
            return f"the {self.name} process was stopped"
        if silent_s > (SILENT_S if self.ready else START_S):
            return f"the {self.name} process said nothing for {silent_s:.1f} s"
        return ""

    def bury(self, cause: str) -> None:
        """It is dead or shall be; plan its next start. A process that ended with code 0 is left in peace by the caller."""
        now_s = time.monotonic()
        self.kill()
        self.ready = False
        self.history.died(cause, now_s - self._started_s < EARLY_S, now_s)
        self._due_s = now_s + self.history.wait_s

    def revive(self) -> bool:
        """Start it if it is time to; whether it was started."""
        if self._due_s is None or time.monotonic() < self._due_s:
            return False
        self.start()
        return True

    def kill(self) -> None:
        if self.process:
            with contextlib.suppress(OSError, ValueError):
                self.process.kill()
            self.process.join(1.0)

    def end(self, patience_s: float) -> None:
        """Wait for it to end by itself, then end it."""
        _dismiss(self._spare)
        self._spare = None
        if self.process is None:
            return
        if self.process.is_alive() and is_stopped(self.process.pid):
            self.kill()
        self.process.join(patience_s)
        if self.process.is_alive():
            self.kill()
        self._close_channels()

    def _close_channels(self) -> None:
        for end in (self._commands, self._reports):
            if end:
                end.close()


def _place(start: Start) -> Place:
    sends, commands = channel()
    reports, hears = channel()
    process = start(commands, reports)
    for end in (commands, reports):  # so that both sides notice when the other is gone
        end.close()
    return process, sends, hears


def _dismiss(place: Place | None) -> None:
    if place:
        process, sends, hears = place
        process.kill()
        process.join(1.0)
        sends.close()
        hears.close()


def _ending(code: int | None) -> str:
    if code is not None and code < 0:
        with contextlib.suppress(ValueError):
            return signal.Signals(-code).name
    return f"exit {code}"


def is_stopped(pid: int | None) -> bool:
    """Whether a process is stopped by a signal. False where /proc is missing."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_bytes()
    except OSError:
        return False
    return stat[stat.rindex(b")") + 2 : stat.rindex(b")") + 3] in b"Tt"


def enter(module: str, function: str, *args: Any) -> None:
    """Entry point of a spawned process: the parent need not import what its workers run."""
    getattr(importlib.import_module(module), function)(*args)


def silence(config: Config) -> str:
    """Every note off at the MIDI port, through a port of our own; why it could not be done, or "".

    Every key of every part, not only what is known to sound: the last words of a killed process are not.
    """
    from agent.midi.band_port import open_port

    try:
        if port := open_port(config):
            with contextlib.closing(port):
                for part in config.parts:
                    for key in KEYS:
                        port.send(part, (NOTE_OFF, key, 0))
    except Exception as cause:  # RtMidi's own types differ by platform, and the caller has more to end
        return str(cause) or type(cause).__name__
    return ""
