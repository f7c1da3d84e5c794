"""Writes what fits on a disk that may be full, and keeps the rest for later."""

from __future__ import annotations

from typing import Protocol

NOT_ALL = "the disk is full: only a part was written"


class Unbuffered(Protocol):
    """A file opened with buffering=0."""

    def write(self, data: bytearray, /) -> int | None: ...


def write_what_fits(file: Unbuffered, pending: bytearray) -> int:
    """Write from the front of `pending` and remove what was written; return the bytes written.

    Raises OSError when the disk took nothing more: what is left in `pending` is tried again later by the caller.
    """
    written = 0
    while pending:
        count = file.write(pending) or 0
        written += count
        del pending[:count]
        if not count:
            raise OSError(NOT_ALL)
    return written
