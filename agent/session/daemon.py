"""Runs the daemon: waits for its audio interface, plays until it is stopped, and resumes a session that crashed."""

from __future__ import annotations

import contextlib
import logging
import signal
import time
from collections.abc import Callable
from pathlib import Path
from types import FrameType

from agent.control.command_state import CommandState, initial_state
from agent.control.commands import parse
from agent.control.socket_server import Answer, ControlServer
from agent.core.errors import UserError
from agent.core.paths import socket_path, state_folder
from agent.core.settings import Config
from agent.recording.recorder import new_session_folder
from agent.recording.recovery import finish_soon
from agent.session.live import Live
from agent.session.monitor import Monitor
from agent.session.resume import LastSession
from agent.session.setup import Setup
from agent.session.structured_log import fact
from agent.session.systemd import Notifier
from agent.web.remote_process import RemoteProcess

log = logging.getLogger(__name__)

LOOK_EVERY_S = 1.0  # for an interface that is not there
TURN_S = 0.05
AGAIN_S = (1.0, 30.0)  # after a session that could not begin: the first wait and the longest
STATUS_EVERY_S = 60.0
WORKERS_DOWN_S = 120.0  # workers down for so long, longer than any wait of a crash loop: systemd may restart the daemon


class Daemon:
    """Runs sessions without a terminal.

    find: returns the setup, or raises UserError while a device is missing. read: checks the configuration when SIGHUP
    comes. remote: serves the page for a phone beside it.
    """

    def __init__(
        self,
        config: Config,
        find: Callable[[], Setup],
        folder: Path | None,
        read: Callable[[], object] = lambda: None,
        remote: RemoteProcess | None = None,
    ) -> None:
        """Raises UserError where another session runs."""
        self._remote = remote
        self._config, self._find, self._folder, self._read = config, find, folder, read
        self._server = ControlServer(socket_path())
        self._notifier = Notifier()
        self._last = LastSession(state_folder(config.paths.state))
        self._live: Live | None = None
        self._stopping = self._is_ready = self._asked_to_read = False
        self._waits_for = "the interface"
        self._said_s = self._listened_s = time.monotonic()

    def run(self) -> int:
        """Run until a stop command or the end of the input file; return the exit code."""
        handlers = {number: signal.signal(number, self._on_end) for number in (signal.SIGTERM, signal.SIGINT)}
        handlers[signal.SIGHUP] = signal.signal(signal.SIGHUP, self._hang_up)
        try:
            if self._remote:
                self._remote.start()
            with finish_soon(Path(self._config.paths.sessions), self._config.recording.keep):
                return self._run()
        finally:
            if self._remote:
                self._remote.stop()
            self._notifier.say("STOPPING=1")
            self._server.close(self._idle_answer)
            self._notifier.close()
            for number, handler in handlers.items():
                signal.signal(number, handler)

    def _on_end(self, number: int, frame: FrameType | None) -> None:
        self._end()

    def _end(self) -> None:
        self._stopping = True
        if self._live:
            self._live.stop()

    def _hang_up(self, number: int, frame: FrameType | None) -> None:
        self._asked_to_read = True

    def _run(self) -> int:
        state, continues = self._resumed()
        wait_s, longest_s = AGAIN_S
        while setup := self._wait_for_devices():
            folder = self._folder or self._new_folder()
            try:
                self._play(setup, folder, state, continues)
                return 0
            except UserError as cause:
                fact(log, "failed", logging.ERROR, cause=cause, again_s=wait_s)
                with contextlib.suppress(OSError):
                    folder.rmdir()  # an attempt that failed leaves no empty folder
                self._idle(wait_s)
                wait_s = min(2 * wait_s, longest_s)
        return 0

    def _resumed(self) -> tuple[CommandState, str | None]:
        state = initial_state(self._config)
        broken = self._last.broken()
        if broken is None:
            return state, None
        state.restore(broken.commands)
        fact(log, "resumed", folder=broken.folder, commands="; ".join(state.lines()))
        return state, broken.folder.name

    def _wait_for_devices(self) -> Setup | None:
        """Wait for the devices; None when the daemon is stopped first."""
        while not self._stopping:
            try:
                return self._find()
            except UserError as cause:
                if str(cause) != self._waits_for:
                    self._waits_for = str(cause)
                    fact(log, "waiting", cause=cause)
                self._tell_systemd(f"waiting: {cause}", ready=True)
                self._idle(LOOK_EVERY_S)
        return None

    def _idle(self, wait_s: float) -> None:
        until_s = time.monotonic() + wait_s
        while not self._stopping and time.monotonic() < until_s:
            self._server.poll(self._idle_answer)
            self._notifier.feed()
            self._read_again()
            if self._remote:
                self._remote.keep()
            time.sleep(TURN_S)

    def _idle_answer(self, text: str) -> Answer:
        """Answer a command while no session runs yet."""
        command = parse(text)
        if command.name == "stop":
            self._end()
            return "the daemon is ending", None
        says = f"no session is running yet; waiting: {self._waits_for}"
        if command.name == "status":
            return says, {"listening": False, "waits_for": self._waits_for}
        raise UserError(says)

    # -- a session --------------------------------------------------------------------------------------------

    def _play(self, setup: Setup, folder: Path, state: CommandState, continues: str | None) -> None:
        more = {"continues": continues} if continues else {}
        fact(log, "started", folder=folder, devices=setup.says, **more)
        quiet = Monitor(None, live=False)
        live = Live(
            self._config, setup, folder, quiet, forever=True, state=state, continues=continues, on_turn=self._on_turn
        )
        self._live, self._listened_s = live, time.monotonic()
        if self._stopping:
            return
        try:
            troubles = live.run()
        finally:
            self._live = None
            self._last.write(folder, state.lines(), ended=True)
        fact(log, "ended", folder=folder, troubles=len(troubles))

    def _new_folder(self) -> Path:
        """Make a session folder. Where that fails the session plays on and reports that nothing is recorded."""
        root = Path(self._config.paths.sessions)
        try:
            return new_session_folder(root)
        except UserError:
            return root / "unrecorded"

    def _on_turn(self, live: Live) -> None:
        live.serve(self._server)
        self._read_again()
        self._last.write(live.folder, live.dispatcher.state.lines())
        if self._remote:
            self._remote.keep()
        if live.ending:
            self._notifier.say("STOPPING=1")  # what is written now may take longer than the watchdog waits
            return
        if live.listening:
            self._listened_s = time.monotonic()
            self._tell_systemd("listening", ready=True)
        elif self._is_ready:
            self._tell_systemd("restarting a worker", ready=False)
        if time.monotonic() - self._listened_s < WORKERS_DOWN_S:  # meanwhile the other worker plays on
            self._notifier.feed()
        if time.monotonic() - self._said_s > STATUS_EVERY_S:
            self._said_s = time.monotonic()
            figures = {key: value for key, value in live.figures.as_dict().items() if value}
            fact(log, "status", restarts=sum(live.workers.restarts.values()), **figures)

    def _tell_systemd(self, status: str, ready: bool) -> None:
        if ready and not self._is_ready:
            self._is_ready = True
            self._notifier.say("READY=1")
            fact(log, "ready")
        self._notifier.status(status)

    def _read_again(self) -> None:
        """Check the configuration after SIGHUP: a running session keeps its settings, the next start reads the file."""
        if not self._asked_to_read:
            return
        self._asked_to_read = False
        try:
            self._read()
            fact(log, "config", says="the file is valid; it takes effect when the daemon is restarted")
        except UserError as cause:
            fact(log, "config", logging.ERROR, cause=cause)
