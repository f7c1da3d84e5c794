"""`BackgroundWriter` writes to the memory in its own thread, since SQLite waits for the disk and other programs.

`DirectWriter` does the same at once, for a session with nothing that must not wait.
"""

from __future__ import annotations

import logging
import queue
import sqlite3
import threading
from collections.abc import Callable
from concurrent.futures import Future
from concurrent.futures import TimeoutError as NotYet
from typing import Protocol

from agent.memory.store import Memory

log = logging.getLogger(__name__)

WAITING_MAX = 200  # acts in the queue; more are refused
KEPT_S = 0.2  # how long `kept` waits for the disk
CLOSE_S = 2.0

Act = Callable[[Memory], object]


class Writer(Protocol):
    """Writes to a memory. `kept` returns "", or why what was to be written is not on the disk."""

    def do(self, act: Act) -> object: ...
    def kept(self, act: Act) -> str: ...
    def close(self) -> None: ...


class DirectWriter:
    """Writes at once, in the caller's thread; the memory stays open and is the caller's. Its acts raise UserError."""

    def __init__(self, memory: Memory) -> None:
        self._memory = memory

    def do(self, act: Act) -> object:
        return act(self._memory)

    def kept(self, act: Act) -> str:
        act(self._memory)
        return ""

    def close(self) -> None:
        pass


class BackgroundWriter:
    """Owns a memory from now on, and closes it. Call its methods from one thread; none raises."""

    def __init__(self, memory: Memory) -> None:
        self._memory = memory
        self._acts: queue.Queue[tuple[Act, Future[None]] | None] = queue.Queue(WAITING_MAX)
        self._thread = threading.Thread(target=self._run, name="memory-writer", daemon=True)
        self._thread.start()

    def do(self, act: Act) -> Future[None]:
        """Queue an act; it is done after those queued before. Returns at once."""
        done: Future[None] = Future()
        try:
            self._acts.put_nowait((act, done))
        except queue.Full:
            done.set_exception(sqlite3.OperationalError(f"{WAITING_MAX} writes already wait for the disk"))
        return done

    def kept(self, act: Act) -> str:
        """Queue an act and wait KEPT_S for it; return "", or why it is not on the disk."""
        try:
            self.do(act).result(KEPT_S)
        except NotYet:
            return "not saved yet: the memory is busy"
        except Exception as cause:
            return f"not saved: {cause}"
        return ""

    def close(self) -> None:
        """Write what is queued and close the memory; stop waiting after CLOSE_S."""
        try:
            self._acts.put(None, timeout=CLOSE_S)
        except queue.Full:
            return
        self._thread.join(CLOSE_S)

    def _run(self) -> None:
        while (given := self._acts.get()) is not None:
            act, done = given
            try:
                act(self._memory)
            except Exception as cause:  # a full disk, a lock, a damaged file: the music goes on
                log.warning("memory: a write failed, what it held is lost: %s", cause)
                done.set_exception(cause)
            else:
                done.set_result(None)
        self._memory.close()
