"""Starts workers from a fork server that has loaded what they need (agent/core/fork_server.py).

Where the system has no fork, each worker is a freshly spawned process. ForkServer.prepare() begins loading and returns
at once. spawn(call) returns at once, too: a worker requested while the server still loads starts when it is done.

After share_imports() the first fork server is forked, too, with what this process had imported by then: it is there
sooner, and those modules are in memory once. Without it, or when that process is gone, it is a new interpreter.
"""

from __future__ import annotations

import contextlib
import gc
import itertools
import multiprocessing
import os
import pickle
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from multiprocessing.process import BaseProcess

from agent.core.fork_server import MESSAGE_BYTES, Call, Exited, Forked, PickledWithFds, serve_and_exit
from agent.core.os_process import use_one_arena

ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
AGAIN_S = 2.0  # a fork server that died is restarted after so long at the earliest
LOST = 255  # exit code of a worker whose real exit code is unknown
TURN_S = 0.002


class ForkedProcess:
    """A worker with the interface of multiprocessing's Process.

    exitcode: None while it runs; negative: the signal that ended it.
    """

    def __init__(self, server: ForkServer, request_id: int, name: str) -> None:
        self._server, self.request_id, self.name = server, request_id, name
        self._pid: int | None = None
        self._pidfd = -1
        self._code: int | None = None

    def on_forked(self, pid: int) -> None:
        """Take the process id, which the fork server reports."""
        self._pid = pid
        if hasattr(os, "pidfd_open"):
            with contextlib.suppress(OSError):
                self._pidfd = os.pidfd_open(pid)

    def on_exited(self, code: int) -> None:
        """Take the exit code, which the fork server reports, or LOST when the fork server is gone."""
        self._code = code
        if self._pidfd >= 0:
            os.close(self._pidfd)
            self._pidfd = -1

    @property
    def pid(self) -> int | None:
        """The process id; None until it is forked."""
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
        """Whether the process runs, asked of the system: its fork server is gone."""
        if self._pidfd >= 0:
            return not select.select([self._pidfd], [], [], 0)[0]
        with contextlib.suppress(OSError):
            os.kill(self._pid or 0, 0)
            return bool(self._pid)
        return False

    def kill(self) -> None:
        """Kill the process; one that is not forked yet never will be."""
        if self.is_alive():
            if self._pid is None:
                self._server.kill_fork_server()
            else:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(self._pid, signal.SIGKILL)

    def join(self, timeout: float | None = None) -> None:
        """Wait until it has ended, at most `timeout` seconds."""
        until_s = time.monotonic() + (float("inf") if timeout is None else timeout)
        while self.is_alive() and time.monotonic() < until_s:
            time.sleep(TURN_S)


class ForkServer:
    """Owns one fork server and the workers it forked. One thread.

    name: of its process. loads: called once in it, one after another; between two of them it forks what was asked for.
    """

    def __init__(self, name: str, *loads: Call) -> None:
        self._name, self._loads = name, loads
        self._fork_server: _Interpreter | _Twin | None = None
        self._end: socket.socket | None = None
        self._workers: list[ForkedProcess] = []
        self._request_ids = itertools.count()
        self._started_s = float("-inf")
        self._orphans: set[int] = set()  # request ids of workers whose fork server is gone
        self._closed = False

    @property
    def is_twin(self) -> bool:
        """Whether it is forked from this process (share_imports), which can be done once."""
        return isinstance(self._fork_server, _Twin) and self._end is not None

    @property
    def fork_server_pid(self) -> int | None:
        return self._fork_server.pid if self._fork_server else None

    def prepare(self) -> None:
        """Start the fork server, which begins to load, unless it runs already."""
        if hasattr(os, "fork"):
            self._prepared()

    def _prepared(self) -> socket.socket:
        """Return our end of the socket to the fork server, which is started where it does not run."""
        if self._end is not None:
            return self._end
        self._started_s = time.monotonic()
        asked = pickle.dumps((self._name, self._loads))
        if twin := self._taken(asked):
            ours, self._fork_server = twin
        else:
            ours, theirs = _socketpair()
            self._fork_server = _Interpreter(theirs)
            theirs.close()
            ours.send(asked)
        ours.setblocking(False)
        self._end = ours
        return ours

    def _taken(self, asked: bytes) -> tuple[socket.socket, _Twin] | None:
        """Take over the twin that waits, if there is one."""
        global _waiting
        found, _waiting = _waiting, None
        if found is None:
            return None
        try:
            found[0].send(asked)
        except OSError:  # it has died
            return None
        return found

    def spawn(self, call: Call, name: str) -> ForkedProcess | BaseProcess:
        """Start a worker that makes this call. The caller may close the files in its arguments afterwards."""
        if not hasattr(os, "fork"):
            process = multiprocessing.get_context("spawn").Process(target=call, name=name, daemon=True)
            process.start()
            return process
        worker = ForkedProcess(self, next(self._request_ids), name)
        pickled = PickledWithFds((name, call))
        self.attend()
        end = self._prepared()
        self._workers.append(worker)
        try:
            socket.send_fds(end, [worker.request_id.to_bytes(8, "little"), pickled.data], pickled.fds)
        except OSError:
            self._orphan()
        return worker

    def attend(self) -> None:
        """Read the fork server's messages; start a new one when it died. Never waits."""
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
        for worker in self._workers:
            if self._lost(worker):
                worker.on_exited(LOST)
        self._workers = [worker for worker in self._workers if worker._code is None]
        if self._end is None and not self._closed and time.monotonic() > self._started_s + AGAIN_S:
            self.prepare()

    def _lost(self, worker: ForkedProcess) -> bool:
        """Return whether a worker's fork server is gone and it does not run."""
        return worker.request_id in self._orphans and not (worker._pid and worker.exists)

    def _note(self, message: Forked | Exited) -> None:
        for worker in self._workers:
            if isinstance(message, Forked) and worker.request_id == message.request_id:
                worker.on_forked(message.pid)
            elif isinstance(message, Exited) and worker._pid == message.pid:
                worker.on_exited(message.code)

    def kill_fork_server(self) -> None:
        """Kill the fork server at once; its workers run on."""
        self._orphan()

    def close(self) -> None:
        """Start no more workers; running ones are not ended."""
        self._closed = True
        self.kill_fork_server()

    def _orphan(self) -> None:
        if self._end:
            self._end.close()
        self._end = None
        self._orphans = {worker.request_id for worker in self._workers}
        if self._fork_server:
            self._fork_server.kill()
            self._fork_server.join(1.0)
            self._fork_server = None


class _Interpreter:
    """A fork server in an interpreter of its own."""

    def __init__(self, end: socket.socket) -> None:
        path = os.pathsep.join(part or os.getcwd() for part in sys.path)
        self._process = subprocess.Popen(
            [sys.executable, "-c", f"from agent.core.fork_server import main; main({end.fileno()})"],
            env=os.environ | ONE_THREAD | {"PYTHONPATH": path},
            pass_fds=(end.fileno(),),
            stdin=subprocess.DEVNULL,
        )
        self.pid = self._process.pid

    def kill(self) -> None:
        self._process.kill()

    def join(self, timeout: float) -> None:
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(timeout)


class _Twin:
    """A fork server forked from this process."""

    def __init__(self, ours: socket.socket, theirs: socket.socket) -> None:
        self.pid = os.fork()
        if self.pid == 0:
            serve_and_exit(ours, theirs)

    def kill(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)

    def join(self, timeout: float) -> None:
        until_s = time.monotonic() + timeout
        with contextlib.suppress(ChildProcessError):
            while not os.waitpid(self.pid, os.WNOHANG)[0] and time.monotonic() < until_s:
                time.sleep(TURN_S)


_waiting: tuple[socket.socket, _Twin] | None = None  # a twin that has not been asked to load anything yet


def share_imports() -> None:
    """Let the next fork server share with this process what it has imported so far. Call it in the main thread before
    there are others, and before anything is opened that a twin must not hold."""
    global _waiting
    if _waiting is None and hasattr(os, "fork") and threading.active_count() == 1:
        ours, theirs = _socketpair()
        gc.collect()
        gc.freeze()  # so that no collector, here or there, writes to what both have
        _waiting = ours, _Twin(ours, theirs)
        theirs.close()
        use_one_arena()


def _socketpair() -> tuple[socket.socket, socket.socket]:
    ends = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    for end in ends:
        end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4 * MESSAGE_BYTES)
    return ends
