"""Restarts a worker that dies or stops reporting, at once or, in a crash loop, after a wait.

`Worker` restarts one child process whenever it dies or stops reporting. It never waits; the session polls it in each
turn. `silence` ends every note at the MIDI port when the audio process could not do it itself.
"""

from __future__ import annotations

import contextlib
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Generic, Protocol, TypeVar

from agent.core.channel import Channel, channel
from agent.core.messages import Failed

Told = TypeVar("Told")  # the messages to a worker
Said = TypeVar("Said")  # its own, besides Failed

EARLY_S = 5.0  # a worker that dies sooner has not recovered
EARLY_DEATHS_MAX = 5  # within LOOP_S; more is a crash loop
LOOP_S = 60.0
BACK_OFF_S = (1.0, 30.0)  # the first wait in a crash loop, and the longest; doubled in between
STOPPED_S = 0.3  # a process that is stopped (SIGSTOP) will not report again by itself
SILENT_S = 3.5  # a running process may take long over one step
START_S = (300.0, 60.0)  # for the first report: of the first start, which may compile the ears, and of later ones
SLOW_S = 15.0  # a first start that takes longer is explained
JUMP_S = 0.5  # a turn that took so long was the supervisor's own sleep, not the worker's


class Process(Protocol):
    """The part of multiprocessing's Process that is used here."""

    @property
    def pid(self) -> int | None: ...
    @property
    def exitcode(self) -> int | None: ...
    def is_alive(self) -> bool: ...
    def kill(self) -> None: ...
    def join(self, timeout: float | None = None) -> None: ...


@dataclass(slots=True)
class History:
    """A worker's starts and the causes of its last deaths."""

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
        """How long to wait before the next start: 0 unless it dies again and again."""
        over = len(self.early_s) - EARLY_DEATHS_MAX
        first, longest = BACK_OFF_S
        return min(first * 2 ** (over - 1), longest) if over > 0 else 0.0


Start = Callable[[Channel[Told], Channel[Said | Failed]], Process]
# a process, our end of its commands, our end of its reports
Launched = tuple[Process, Channel[Told], Channel[Said | Failed]]


class Worker(Generic[Told, Said]):
    """A child process that is restarted whenever it dies or stops reporting. One thread.

    name: as shown to the player. start(commands, reports): starts the process and returns it at once; its first message
    on reports means that it is ready, or is Failed.
    """

    def __init__(self, name: str, start: Start[Told, Said]) -> None:
        self.name, self.history = name, History()
        self._start = start
        self.process: Process | None = None
        self.ready = False
        self._commands: Channel[Told] | None = None
        self._reports: Channel[Said | Failed] | None = None
        self._started_s = self._said_s = self._looked_s = 0.0
        self._failure = ""
        self._due_s: float | None = None  # when to restart it

    def start(self) -> None:
        """Start the process, with new channels: messages that the last one left unread are dropped."""
        self._close_channels()
        now_s = time.monotonic()
        self.ready, self._failure, self._due_s = False, "", None
        self._started_s = self._said_s = self._looked_s = now_s
        self.history.starts += 1
        self.process, self._commands, self._reports = _launch(self._start)

    def send(self, message: Told) -> bool:
        return self._commands.send(message) if self._commands else False

    def receive(self) -> list[Said]:
        """Return the messages since the last call, except for the cause of a failed start: see `trouble`."""
        messages = self._reports.receive() if self._reports else []
        if messages:
            self._said_s = time.monotonic()
        kept: list[Said] = []
        for message in messages:
            if isinstance(message, Failed):
                self._failure = message.cause
            else:
                self.ready, kept = True, [*kept, message]
        return kept

    @property
    def dropped(self) -> int:
        """Commands that the process did not read in time."""
        return self._commands.dropped if self._commands else 0

    @property
    def failure(self) -> str:
        """Why it could not start, as it reported; "" if it reported nothing of the kind."""
        return self._failure

    @property
    def alive(self) -> bool:
        return self.process is not None and self.process.is_alive()

    def trouble(self, owes_report: bool = True) -> str:
        """Return why it must be restarted; "" while all is well. owes_report: whether a report should have come."""
        now_s = time.monotonic()
        slept, self._looked_s = now_s - self._looked_s > JUMP_S, now_s
        if slept or (self.ready and not owes_report):
            self._said_s = max(self._said_s, now_s - STOPPED_S / 2)
        if self.process is None or self._due_s is not None:
            return ""
        if not self.process.is_alive():
            return self._failure or f"the {self.name} process died ({_ending(self.process.exitcode)})"
        silent_s = now_s - self._said_s
        if silent_s > STOPPED_S and is_stopped(self.process.pid):
            return f"the {self.name} process was stopped"
        if silent_s > (SILENT_S if self.ready else START_S[self.history.starts > 1]):
            return f"the {self.name} process did not respond for {silent_s:.1f} s"
        return ""

    @property
    def starts_slowly(self) -> bool:
        """Whether its first start takes longer than loading does: it compiles."""
        first = self.process is not None and self.history.starts == 1 and not self.ready
        return first and time.monotonic() - self._started_s > SLOW_S

    def schedule_restart(self, cause: str) -> None:
        """Kill it if it still runs and schedule the next start. Not for a process that ended with code 0."""
        now_s = time.monotonic()
        # one that was up and that something else killed has not failed: it is no part of a crash loop
        was_killed = self.ready and self.process is not None and self.process.exitcode == -signal.SIGKILL
        self.kill()
        self.ready = False
        self.history.died(cause, now_s - self._started_s < EARLY_S and not was_killed, now_s)
        self._due_s = now_s + (0.0 if was_killed else self.history.wait_s)

    def restart_when_due(self) -> bool:
        """Start it if it is time to; return whether it was started."""
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
        """Wait for it to end by itself, then kill it."""
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


def _launch(start: Start[Told, Said]) -> Launched[Told, Said]:
    sends: Channel[Told]
    hears: Channel[Said | Failed]
    sends, commands = channel()
    reports, hears = channel()
    process = start(commands, reports)
    for end in (commands, reports):  # so that both sides notice when the other is gone
        end.close()
    return process, sends, hears


def _ending(code: int | None) -> str:
    if code is not None and code < 0:
        with contextlib.suppress(ValueError):
            return signal.Signals(-code).name
    return f"exit {code}"


def is_stopped(pid: int | None) -> bool:
    """Return whether a process is stopped by a signal. False where /proc is missing."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_bytes()
    except OSError:
        return False
    return stat[stat.rindex(b")") + 2 : stat.rindex(b")") + 3] in b"Tt"
