"""Names and priorities of processes and threads: taken where the system grants them, no error where it does not."""

from __future__ import annotations

import mmap
import os
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from agent.core import os_process


def in_a_child(do: Callable[[], bool]) -> bool:
    """Whether `do` holds in a process of its own."""
    pid = os.fork()
    if pid == 0:
        held = False
        try:
            held = do()
        finally:
            os._exit(not held)
    return os.waitpid(pid, 0)[1] == 0


def test_a_process_is_called_by_its_name() -> None:
    def named() -> bool:
        os_process.set_process_name("antiphon-test")
        return Path("/proc/self/comm").read_text().strip() == "antiphon-test"

    assert in_a_child(named)


def test_what_only_others_leave_is_the_idle_class() -> None:
    def idle() -> bool:
        os_process.take_only_what_others_leave()
        return os.sched_getscheduler(0) == os.SCHED_IDLE and os.getpriority(os.PRIO_PROCESS, 0) == 19

    assert in_a_child(idle)


def test_a_nice_thread_leaves_the_others_as_they_were() -> None:
    def one_thread_only() -> bool:
        before, found = os.getpriority(os.PRIO_PROCESS, 0), []

        def loads() -> None:
            os_process.set_nice(before + 3)
            found.append(os.getpriority(os.PRIO_PROCESS, threading.get_native_id()))

        thread = threading.Thread(target=loads)
        thread.start()
        thread.join()
        return found == [before + 3] and os.getpriority(os.PRIO_PROCESS, 0) == before

    assert in_a_child(one_thread_only)


def test_asking_for_real_time_leaves_the_thread_as_it_was() -> None:
    def asks() -> bool:
        os_process.set_nice(os.getpriority(os.PRIO_PROCESS, 0) + 3)
        os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))
        before = os.sched_getscheduler(0), os.getpriority(os.PRIO_PROCESS, 0)
        granted = os_process.may_be_realtime()
        unchanged = (os.sched_getscheduler(0), os.getpriority(os.PRIO_PROCESS, 0)) == before
        return unchanged and granted == os_process.set_realtime_priority(1)

    assert in_a_child(asks)


def test_real_time_is_taken_or_refused_without_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def agrees() -> bool:
        granted = os_process.set_realtime_priority(1)
        return granted == (os.sched_getscheduler(0) == os.SCHED_FIFO)

    assert in_a_child(agrees)
    monkeypatch.delattr(os, "sched_setscheduler")
    assert os_process.set_realtime_priority(1) is False


def test_shared_memory_that_is_let_go_of_is_not_lost() -> None:
    """Locked by libjack's client, kept by its server: our share of it goes, what lies in it stays."""
    path = Path(f"/dev/shm/antiphon-test-{os.getpid()}")
    path.write_bytes(bytes(range(256)) * 4_096)

    def held_kb() -> int:
        lines = Path("/proc/self/smaps").read_text().splitlines()
        at = next(i for i, line in enumerate(lines) if line.endswith(str(path)))
        return next(int(line.split()[1]) for line in lines[at:] if line.startswith("Rss:"))

    try:
        with path.open("r+b") as file, mmap.mmap(file.fileno(), 0) as memory:
            whole = bytes(memory)
            assert held_kb() == 1_024
            os_process.release_shared(str(path))
            assert held_kb() == 0
            assert bytes(memory) == whole
    finally:
        path.unlink()


def test_a_thread_that_a_real_time_one_starts_can_step_behind_it() -> None:
    def lower() -> bool:
        granted, found = os_process.set_realtime_priority(7), []

        def reads() -> None:
            os_process.step_behind_realtime()
            found.append(os.sched_getparam(0).sched_priority)

        thread = threading.Thread(target=reads)
        thread.start()
        thread.join()
        return found == [1 if granted else 0]

    assert in_a_child(lower)
