"""Writes what a playing band is to remember, beside the turns: SQLite waits for the disk, and for other processes."""

from __future__ import annotations

import logging
import queue
import sqlite3
import threading
from collections.abc import Callable
from concurrent.futures import Future
from concurrent.futures import TimeoutError as NotYet

from agent.memory.store import Memory

log = logging.getLogger(__name__)

WAITING_MAX = 200  # acts that wait for a disk; what comes after them is refused and said
KEPT_S = 0.2  # how long a turn may wait for an acknowledgement
CLOSE_S = 2.0

Act = Callable[[Memory], object]


class BackgroundWriter:
    """Owns the memory from now on and closes it. do() and kept() for one thread; nothing raises."""

    def __init__(self, memory: Memory) -> None:
        self._memory = memory
        self._acts: queue.Queue[tuple[Act, Future[None]] | None] = queue.Queue(WAITING_MAX)
        self._thread = threading.Thread(target=self._run, name="scribe", daemon=True)
        self._thread.start()

    def do(self, act: Act) -> Future[None]:
        """Have it done, after all that was given before. Returns at once."""
        done: Future[None] = Future()
        try:
            self._acts.put_nowait((act, done))
        except queue.Full:
            done.set_exception(sqlite3.OperationalError("too much waits for the disk"))
        return done

    def kept(self, act: Act) -> str:
        """The same, waiting for it a moment; why it is not on the disk yet, or ""."""
        try:
            self.do(act).result(KEPT_S)
        except NotYet:
            return "not kept yet: the memory is busy"
        except Exception as cause:
            return f"not kept: {cause}"
        return ""

    def close(self) -> None:
        """What waits is written; a memory that is held up is given up after CLOSE_S."""
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
                log.warning("not remembered: %s", cause)
                done.set_exception(cause)
            else:
                done.set_result(None)
        self._memory.close()
