"""Runs a fork server: a process that has everything loaded and forks workers, each ready in about 30 ms.

It reads no sound, opens nothing and runs no thread; what it has loaded its workers share in memory. fork_client.py
starts it and talks to it over one socket; it ends when that closes. Its workers outlive it.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import os
import pickle
import select
import signal
import socket
import sys
import traceback
from dataclasses import dataclass
from multiprocessing import context
from multiprocessing.reduction import ForkingPickler

from agent.core.os_process import give_back_memory, set_process_name

MESSAGE_BYTES, FDS_MAX = 1 << 17, 64
_received: list[int] = []  # the open files that came with what is being unpickled


@dataclass(frozen=True, slots=True)
class Call:
    """A function to call: by names, so that who asks need not import it."""

    module: str
    function: str
    args: tuple[object, ...] = ()

    def __call__(self) -> object:
        return getattr(importlib.import_module(self.module), self.function)(*self.args)


@dataclass(frozen=True, slots=True)
class Forked:
    """Message: a worker was forked. request_id: of the request; pid: of the worker."""

    request_id: int
    pid: int


@dataclass(frozen=True, slots=True)
class Exited:
    """Message: a worker ended. code: as multiprocessing's exitcode."""

    pid: int
    code: int


class PickledWithFds:
    """Pickles rings and channels for another process. Their open files are listed in fds and sent beside the bytes."""

    def __init__(self, thing: object) -> None:
        self.fds: list[int] = []
        context.set_spawning_popen(self)  # type: ignore[arg-type]
        try:
            self.data = bytes(ForkingPickler.dumps(thing))
        finally:
            context.set_spawning_popen(None)

    def duplicate_for_child(self, fd: int) -> int:
        """Take an open file and return its index in fds. multiprocessing calls this while pickling."""
        self.fds.append(fd)
        return len(self.fds) - 1

    @staticmethod
    def DupFd(index: int) -> FdIndex:
        return FdIndex(index)


@dataclass(frozen=True, slots=True)
class FdIndex:
    """Pickle stand-in for an open file: its index among those sent beside the bytes."""

    index: int

    def detach(self) -> int:
        return _received[self.index]


def main(given: int | socket.socket) -> None:
    """Serve requests on a SEQPACKET socket, or its number: the first message is (name, Calls that load), each other one
    a request for a worker."""
    end = socket.socket(fileno=given) if isinstance(given, int) else given
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    deaths, wake = os.pipe()
    for side in (deaths, wake):
        os.set_blocking(side, False)
    signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    first = end.recv(MESSAGE_BYTES)
    if not first:
        return
    name, loads = pickle.loads(first)
    set_process_name(name)
    for load in loads:
        _load(load)
        while select.select([end], [], [], 0)[0]:
            if not _turn(end, deaths, wake):
                return
    while _turn(end, deaths, wake):
        pass


def serve_and_exit(ours: socket.socket, theirs: socket.socket) -> None:
    """Be a fork server in a process that was just forked from the one that keeps `ours`."""
    code = 1
    try:
        ours.close()
        nowhere = os.open(os.devnull, os.O_RDONLY)
        os.dup2(nowhere, 0)
        os.close(nowhere)
        main(theirs)
        code = 0
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(code)


def _load(call: Call) -> None:
    """Load once what the workers need. Errors are ignored here: a worker's own start reports them."""
    with contextlib.suppress(OSError, ValueError):
        call()
    gc.collect()
    give_back_memory()
    gc.freeze()  # so that a worker's garbage collector does not copy shared pages


def _turn(end: socket.socket, deaths: int, wake: int) -> bool:
    watched = (end, deaths)
    ready, _, _ = select.select(watched, [], [])
    if deaths in ready:
        with contextlib.suppress(BlockingIOError):
            os.read(deaths, 1_000)
    _report_exits(end)
    if end not in ready:
        return True
    try:
        data, fds, _, _ = socket.recv_fds(end, MESSAGE_BYTES, FDS_MAX)
    except ConnectionError:  # closed with something unread
        return False
    if not data:
        return False
    request_id = int.from_bytes(data[:8], "little")
    pid = os.fork()
    if pid == 0:
        for other in (deaths, wake):
            os.close(other)
        _live(end, data[8:], fds)
    for other in fds:
        os.close(other)
    _send(end, Forked(request_id, pid))
    return True


def _report_exits(end: socket.socket) -> None:
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if pid == 0:
            return
        _send(end, Exited(pid, os.waitstatus_to_exitcode(status)))


def _send(end: socket.socket, message: Forked | Exited) -> None:
    with contextlib.suppress(OSError):  # the parent is gone: the next _turn ends the process
        end.send(pickle.dumps(message))


def _live(end: socket.socket, data: bytes, fds: list[int]) -> None:
    """Run a worker in the forked child, then exit."""
    code = 1
    try:
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        end.close()
        _received[:] = fds
        name, call = pickle.loads(data)
        set_process_name(name)
        call()
        code = 0
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(code)
