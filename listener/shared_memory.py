"""Makes memory that processes share when it is passed to them: zeros, anonymous (no name in /dev/shm), so that nothing
is left behind by kill -9. A page that is never written costs nothing."""

from __future__ import annotations

import os
from multiprocessing.heap import Arena
from typing import Any

import numpy as np
from numpy.typing import NDArray


def shared_zeros(dtype: str, count: int, reserved: bool = True) -> Arena:
    """Return memory for so many numbers. reserved: whether the system keeps room for it now: a page for which there is
    none when it is first written ends the process. Raises OSError where there is no room."""
    arena = Arena(max(count, 1) * np.dtype(dtype).itemsize)
    if reserved:
        reserve(arena, 0, arena.size)
    return arena


def reserve(arena: Arena, start: int, size: int) -> None:
    """Keep room for some bytes of it; where the system cannot say, nothing happens. Raises OSError without room."""
    fd = getattr(arena, "fd", -1)
    if fd >= 0 and hasattr(os, "posix_fallocate"):
        os.posix_fallocate(fd, start, size)


def numbers(arena: Arena, dtype: str) -> NDArray[Any]:
    """Return shared memory as an array [n]."""
    return np.frombuffer(arena.buffer, dtype)
