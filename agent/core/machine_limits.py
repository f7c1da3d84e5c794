"""Checks, before a session starts its processes, that the machine lets it: open files, shared memory."""

from __future__ import annotations

import contextlib
import os

from agent.core.errors import UserError

FILES = 256  # that a session opens at most, with clients and ports
SHARED = "/dev/shm"
SPARE_BYTES = 4 << 20  # beside the rings: clocks, counters, a mind's snapshot as far as it is used


def check_limits(ring_bytes: int) -> None:
    """Raise UserError, in one line, where there are too few open files allowed or too little shared memory left.

    ring_bytes: of sound that the processes share.
    """
    _check_files()
    _check_shared(ring_bytes + SPARE_BYTES)


def _check_files() -> None:
    try:
        import resource
    except ImportError:  # no Unix
        return
    allowed, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = FILES if most == resource.RLIM_INFINITY else min(FILES, most)
    if allowed != resource.RLIM_INFINITY and allowed < wanted:
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, most))
            allowed = wanted
    if allowed != resource.RLIM_INFINITY and allowed < FILES:
        raise UserError(f"only {allowed} open files are allowed here, a session needs {FILES}; try `ulimit -n 1024`")


def _check_shared(needed: int) -> None:
    try:
        found = os.statvfs(SHARED)
    except OSError:  # no such place on this system: temporary files are used
        return
    free = found.f_bavail * found.f_frsize
    if free < needed:
        raise UserError(
            f"{SHARED} has {free >> 20} MB left, a session needs {(needed >> 20) + 1}; make it larger "
            "(mount -o remount,size=256m /dev/shm; in Docker --shm-size=256m)"
        )
