"""Names and priorities of our processes and threads. Where the system does not grant one, nothing changes.

The mind has a low real-time priority: busy programs do not starve it, and it stays below the audio process. A process
that never blocks under SCHED_RR would starve everything of its core: after LONGEST_S without a pause the kernel sends
SIGXCPU (RLIMIT_RTTIME), and it goes on at an ordinary priority until it has caught up.
"""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from types import FrameType

PRIORITY = 5  # of SCHED_RR; the audio process has 40
LONGEST_S = 1.0
DONTNEED = 4  # of madvise
ARENA_MAX = -8  # of mallopt
NICE = -5  # where real time is not allowed


class Priority:
    """Requests the priority when made; keep() requests it again after the kernel took it away.

    Where the system allows neither real time nor a lower nice value, nothing happens.
    """

    def __init__(self) -> None:
        self.real_time = False
        if hasattr(signal, "SIGXCPU"):
            signal.signal(signal.SIGXCPU, self._too_long)
        self._allowed = self._raise()
        if not self._allowed:
            set_nice(NICE)

    def keep(self) -> None:
        """Request the priority again if it was lost. Call this while there is nothing to do."""
        if self._allowed and not self.real_time:
            self._raise()

    def _raise(self) -> bool:
        if not hasattr(os, "sched_setscheduler"):
            return False
        import resource

        try:
            _, hard = resource.getrlimit(resource.RLIMIT_RTTIME)
            resource.setrlimit(resource.RLIMIT_RTTIME, (round(LONGEST_S * 1e6), hard))
        except (OSError, ValueError):
            return False
        self.real_time = set_realtime_priority(PRIORITY, "SCHED_RR")
        return self.real_time

    def _too_long(self, number: int, frame: FrameType | None) -> None:
        _set_scheduler("SCHED_OTHER", 0)
        self.real_time = False


def started_at(pid: int) -> str:
    """Return when a process began, as the system counts; "" for one that is not there (or where there is no /proc)."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]
    except (OSError, IndexError):
        return ""


def keep_private() -> None:
    """Let this process and its children make files that only the user can read, whatever the umask was."""
    os.umask(0o077)


def set_process_name(name: str) -> None:
    """Call this process so in ps and top: at most 15 characters are kept; where there is no /proc nothing happens."""
    with contextlib.suppress(OSError):
        Path("/proc/self/comm").write_text(name)


def set_realtime_priority(priority: int, policy: str = "SCHED_FIFO") -> bool:
    """Give the calling thread a real-time priority, 1 to 99; whether it was granted."""
    return _set_scheduler(policy, priority)


def step_behind_realtime() -> None:
    """Give the calling thread the lowest real-time priority, where it began with its maker's.

    A thread inherits the priority of the one that starts it: one that reads a file for the audio process would stand in
    the way of the sound server. With none it might be kept waiting while it holds the interpreter.
    """
    if hasattr(os, "sched_getparam") and os.sched_getparam(0).sched_priority > 1:
        _set_scheduler("SCHED_RR", 1)


def set_nice(nice: int) -> None:
    """Set the calling thread's niceness, -20 to 19, where it is granted."""
    with contextlib.suppress(OSError, AttributeError):
        os.setpriority(os.PRIO_PROCESS, 0, nice)


def set_nice_beside(nice: int) -> None:
    """Set the calling thread's niceness as `set_nice` does, where no worker can have a real-time priority.

    Where one can, niceness gains the workers nothing, and the thread's own interpreter loses by it: on a busy machine a
    nice thread waits long for the processor, and with it whoever waits for the interpreter that it holds.
    """
    if not may_be_realtime():
        set_nice(nice)


def may_be_realtime() -> bool:
    """Return whether a real-time priority is granted here, by trying: root in a container may have none. The calling
    thread stays as it was."""
    try:
        policy, parameters = os.sched_getscheduler(0), os.sched_getparam(0)
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))
        os.sched_setscheduler(0, policy, parameters)
    except (OSError, AttributeError):
        return False
    return True


def take_only_what_others_leave() -> None:
    """Let this process run only where nobody else wants to."""
    set_nice(19)
    _set_scheduler("SCHED_IDLE", 0)


def _set_scheduler(policy: str, priority: int) -> bool:
    try:
        os.sched_setscheduler(0, getattr(os, policy), os.sched_param(priority))
    except (OSError, AttributeError):
        return False
    return True


def use_one_arena() -> None:
    """Let all threads of this process allocate from one place (glibc gives each its own, and keeps what they free).
    For a process whose threads hardly ever allocate at once, and none in real time."""
    import ctypes

    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).mallopt(ARENA_MAX, 1)


def give_back_memory() -> None:
    """Return to the system what was freed (glibc keeps it), and the pages of libraries that only loading needed: code
    that is called again comes back from the page cache. Where that cannot be done nothing happens. Takes milliseconds:
    never while something plays."""
    import ctypes

    libc = ctypes.CDLL(None)
    with contextlib.suppress(OSError, AttributeError):
        libc.malloc_trim(0)
    with contextlib.suppress(OSError, AttributeError, ValueError):
        for start, size in _unwritten_files():
            libc.madvise(ctypes.c_void_p(start), ctypes.c_size_t(size), DONTNEED)


def release_shared(prefix: str) -> None:
    """Unlock the shared memory whose names begin so, and take its pages out of this process: one that is used comes
    back at once, from the process that keeps it. Where that cannot be done nothing happens.

    libjack locks all of a server's memory, room for thousands of ports, in each of its clients.
    """
    import ctypes

    libc = ctypes.CDLL(None)
    with contextlib.suppress(OSError, AttributeError, ValueError):
        for line in Path("/proc/self/maps").read_text().splitlines():
            place, _, _, _, _, *name = line.split(maxsplit=5)
            if name and name[0].startswith(prefix):
                start, end = (int(number, 16) for number in place.split("-"))
                at, size = ctypes.c_void_p(start), ctypes.c_size_t(end - start)
                libc.munlock(at, size)
                libc.madvise(at, size, DONTNEED)


def _unwritten_files() -> Iterator[tuple[int, int]]:
    """Yield address and size of every mapping of a file that cannot be written and of which no page was written."""
    mapping: tuple[int, int] | None = None
    for line in Path("/proc/self/smaps").read_text().splitlines():
        first, *rest = line.split(maxsplit=5)
        if first == "Anonymous:" and mapping and rest[0] == "0":
            yield mapping
        elif not first.endswith(":"):
            start, end = (int(number, 16) for number in first.split("-"))
            a_file = len(rest) > 4 and rest[4].startswith("/") and rest[0] in ("r--p", "r-xp")
            mapping = (start, end - start) if a_file else None
