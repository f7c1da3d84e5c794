"""Gives back the memory that libjack holds in its clients without need.

JACK's graph has room for 2048 ports; libjack maps it whole into each client and locks it there, about 100 MB that are
counted as the client's though it touches a few pages. What is given back comes again, page by page, where it is used.
"""

from __future__ import annotations

import ctypes
from pathlib import Path

MAPPED_FROM = "/dev/shm/jack-"
LARGE_BYTES = 16 << 20
MADV_DONTNEED = 4  # Linux


def give_back() -> int:
    """Unlock and let go of JACK's large segments in this process; how many bytes they span. 0 where there are none."""
    spans = _spans()
    if not spans:
        return 0
    libc = ctypes.CDLL(None)  # this process: the C library is in it
    for start, size in spans:
        libc.munlock(ctypes.c_void_p(start), ctypes.c_size_t(size))
        libc.madvise(ctypes.c_void_p(start), ctypes.c_size_t(size), MADV_DONTNEED)
    return sum(size for _, size in spans)


def _spans() -> list[tuple[int, int]]:
    try:
        lines = Path("/proc/self/maps").read_text().splitlines()
    except OSError:  # not Linux
        return []
    ends = [line.split()[0].split("-") for line in lines if MAPPED_FROM in line]
    spans = [(int(first, 16), int(last, 16) - int(first, 16)) for first, last in ends]
    return [span for span in spans if span[1] >= LARGE_BYTES]
