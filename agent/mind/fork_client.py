"""Starts minds for the parent, out of a process that is already warm (agent/mind/fork_server.py); where there is no fork, anew.

MindServer.prepare() begins loading and returns at once. spawn(args) returns at once, too: a mind that is ordered while
everything is still being loaded begins when that is done. All minds of a server share one shelf of snapshots.
"""

from __future__ import annotations

import contextlib
import itertools
import multiprocessing
import os
import pickle
import select
import signal
import socket
import subprocess
import sys
import time
from typing import Any

from agent.core.settings import Config
from agent.mind.fork_server import MESSAGE_BYTES, Exited, Forked, PickledWithFds
from agent.mind.snapshot import SnapshotStore

ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
AGAIN_S = 2.0  # a nursery that died is started anew after so long at the earliest
LOST = 255  # exit code of a mind whose end nobody saw
TURN_S = 0.002


class MindProcess:
    """A mind, as multiprocessing would show it. exitcode: None while it lives, negative: the signal that ended it."""

    def __init__(self, server: MindServer, request_id: int, name: str) -> None:
        self._server, self.request_id, self.name = server, request_id, name
        self._pid: int | None = None
        self._pidfd = -1
        self._code: int | None = None

    def on_forked(self, pid: int) -> None:
        """The nursery says."""
        self._pid = pid
        if hasattr(os, "pidfd_open"):
            with contextlib.suppress(OSError):
                self._pidfd = os.pidfd_open(pid)

    def on_exited(self, code: int) -> None:
        """The nursery says, or nobody is left to ask."""
        self._code = code
        if self._pidfd >= 0:
            os.close(self._pidfd)
            self._pidfd = -1

    @property
    def pid(self) -> int | None:
        """None until it is born."""
        self._server.attend()
        return self._pid

    @property
    def exitcode(self) -> int | None:
        self._server.attend()
        return self._code

    def is_alive(self) -> bool:
        return self.exitcode is None

    @property
    def exists(self) -> bool:
        """Whether the process runs, by itself: its nursery is gone."""
        if self._pidfd >= 0:
            return not select.select([self._pidfd], [], [], 0)[0]
        with contextlib.suppress(OSError):
            os.kill(self._pid or 0, 0)
            return bool(self._pid)
        return False

    def kill(self) -> None:
        """SIGKILL; one that is not born yet never will be."""
        if self.is_alive():
            if self._pid is None:
                self._server.kill_fork_server()
            else:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(self._pid, signal.SIGKILL)

    def join(self, timeout: float | None = None) -> None:
        """Wait until it has ended, at most so many seconds."""
        until_s = time.monotonic() + (float("inf") if timeout is None else timeout)
        while self.is_alive() and time.monotonic() < until_s:
            time.sleep(TURN_S)


class MindServer:
    """One for a session; its thread only. config: what minds will be made for."""

    def __init__(self, config: Config) -> None:
        self._config, self.snapshots = config, SnapshotStore()
        self._fork_server: subprocess.Popen[bytes] | None = None
        self._end: socket.socket | None = None
        self._minds: list[MindProcess] = []
        self._request_ids = itertools.count()
        self._started_s = float("-inf")
        self._orphans: set[int] = set()  # minds whose nursery is gone
        self._closed = False

    @property
    def fork_server_pid(self) -> int | None:
        return self._fork_server.pid if self._fork_server else None

    def prepare(self) -> None:
        """Begin to load, unless that is done or under way."""
        if self._end is not None or not hasattr(os, "fork"):
            return
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        for end in (ours, theirs):
            end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4 * MESSAGE_BYTES)
        self._started_s = time.monotonic()
        path = os.pathsep.join(part or os.getcwd() for part in sys.path)
        self._fork_server = subprocess.Popen(
            [sys.executable, "-c", f"from agent.mind.fork_server import main; main({theirs.fileno()})"],
            env=os.environ | ONE_THREAD | {"PYTHONPATH": path},
            pass_fds=(theirs.fileno(),),
            stdin=subprocess.DEVNULL,
        )
        theirs.close()
        ours.send(pickle.dumps(self._config))
        ours.setblocking(False)
        self._end = ours

    def spawn(self, args: tuple[Any, ...], name: str = "antiphon-mind") -> Any:
        """A mind: mind_process.main(*args, shelf). What args hold open may be closed here afterwards."""
        if not hasattr(os, "fork"):
            return self._spawn_anew(args, name)
        mind = MindProcess(self, next(self._request_ids), name)
        pickled = PickledWithFds((*args, self.snapshots))
        self.attend()
        self.prepare()
        self._minds.append(mind)
        assert self._end
        try:
            socket.send_fds(self._end, [mind.request_id.to_bytes(8, "little"), pickled.data], pickled.fds)
        except OSError:
            self._orphan()
        return mind

    def _spawn_anew(self, args: tuple[Any, ...], name: str) -> Any:
        from agent.mind.mind_process import main

        process = multiprocessing.get_context("spawn").Process(
            target=main, args=(*args, self.snapshots), name=name, daemon=True
        )
        process.start()
        return process

    def attend(self) -> None:
        """Hear what the nursery says; start a new one when it died. Never waits."""
        while self._end is not None:
            try:
                data = self._end.recv(MESSAGE_BYTES)
            except BlockingIOError:
                break
            except OSError:
                data = b""
            if not data:
                self._orphan()
                break
            self._note(pickle.loads(data))
        for mind in self._minds:
            if self._lost(mind):
                mind.on_exited(LOST)
        self._minds = [mind for mind in self._minds if mind._code is None]
        if self._end is None and not self._closed and time.monotonic() > self._started_s + AGAIN_S:
            self.prepare()

    def _lost(self, mind: MindProcess) -> bool:
        """Whether it has no nursery that would tell, and does not run."""
        return mind.request_id in self._orphans and not (mind._pid and mind.exists)

    def _note(self, message: Forked | Exited) -> None:
        for mind in self._minds:
            if isinstance(message, Forked) and mind.request_id == message.request_id:
                mind.on_forked(message.pid)
            elif isinstance(message, Exited) and mind._pid == message.pid:
                mind.on_exited(message.code)

    def kill_fork_server(self) -> None:
        """It goes at once; its minds live on."""
        self._orphan()

    def close(self) -> None:
        """No more minds; those that live are not ended."""
        self._closed = True
        self.kill_fork_server()

    def _orphan(self) -> None:
        if self._end:
            self._end.close()
        self._end = None
        self._orphans = {mind.request_id for mind in self._minds}
        if self._fork_server:
            self._fork_server.kill()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._fork_server.wait(1.0)
            self._fork_server = None
