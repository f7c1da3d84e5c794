"""Gives a control socket one owner: who holds the lock beside it may replace the socket of a dead session."""

from __future__ import annotations

import errno
import fcntl
import os
import stat
from pathlib import Path

from agent.core.errors import UserError
from agent.core.paths import NAME


def own_folder(folder: Path) -> None:
    """Make the folder, readable by its owner alone; nothing changes behind a link.

    Raises OSError, or UserError for a folder in which others could put their own socket.
    """
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    found = folder.stat()
    if found.st_uid not in (os.getuid(), 0):
        raise UserError(f"{folder} belongs to another user; set $ANTIPHON_SOCKET to a path in a folder of your own")
    if found.st_uid == os.getuid() and folder.name == NAME and not folder.is_symlink():
        flags = os.O_RDONLY | getattr(os, "O_DIRECTORY", 0) | getattr(os, "O_NOFOLLOW", 0)
        descriptor = os.open(folder, flags)
        try:
            os.fchmod(descriptor, 0o700)
        finally:
            os.close(descriptor)


def take(path: Path) -> int | None:
    """Take the lock of the socket at `path` and return it, held until it is closed; None where another has it.

    The lock's file stays: removing it would let two processes lock two files of one name. Raises OSError.
    """
    flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0)
    descriptor = os.open(path.with_name(path.name + ".lock"), flags | getattr(os, "O_NONBLOCK", 0), 0o600)
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError(errno.EINVAL, "its lock is no plain file", str(path))
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as cause:
        os.close(descriptor)
        if cause.errno in (errno.EWOULDBLOCK, errno.EACCES):
            return None
        raise
    return descriptor
