"""Writes a file whole or not at all: beside its place, then renamed. What was there before is never lost halfway."""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO


@contextlib.contextmanager
def written_whole(path: Path, sync: bool = False, mode: int | None = None) -> Iterator[BinaryIO]:
    """Give a file to write to; it takes the place of `path` when the block ends well, and is removed otherwise.

    sync: it is on the disk before it takes its place. mode: its permissions; None = as the umask has it. A device or
    pipe, such as /dev/stdout, is written to directly. Raises OSError.
    """
    if path.exists() and not stat.S_ISREG(path.stat().st_mode):
        with path.open("wb") as file:
            yield file
        return
    beside = beside_of(path)
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0)
    beside.unlink(missing_ok=True)
    try:
        with os.fdopen(os.open(beside, flags, 0o666 if mode is None else mode & 0o600), "wb") as file:
            if mode is not None:
                os.fchmod(file.fileno(), mode)
            yield file
            file.flush()
            if sync:
                os.fsync(file.fileno())
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)


def write_whole(path: Path, data: bytes, sync: bool = False, mode: int | None = None) -> None:
    """Write these bytes as written_whole does. Raises OSError."""
    with written_whole(path, sync, mode) as file:
        file.write(data)


def try_folder(folder: Path) -> None:
    """Raise OSError where no file can be written in a folder, there already or to be made; leave it as it was."""
    made = [one for one in (folder, *folder.parents) if not one.exists()]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        write_whole(folder / ".try", b"")
        (folder / ".try").unlink()
    finally:
        for one in made:
            with contextlib.suppress(OSError):
                one.rmdir()


def beside_of(path: Path) -> Path:
    """Return the path of the file that is written first; a short name, so that a long one is no longer than before."""
    return path.with_name(f".{path.name[:40]}.{os.getpid()}.part")
