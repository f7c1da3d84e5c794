"""Open files that somebody else may have put there: regular ones only, never a pipe that would wait for a writer.

Nothing else reads what was stored; `read_plain` bounds how much is taken into memory.
"""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path
from typing import BinaryIO

NO_FILE = "it is no plain file"


def open_plain(path: Path, follow_links: bool = True) -> BinaryIO:
    """Open a regular file for reading.

    Raises OSError for what is none (a folder, pipe, device or socket) and, unless follow_links, for a link.
    """
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
    try:
        found = os.open(path, flags | (0 if follow_links else getattr(os, "O_NOFOLLOW", 0)))
    except ValueError as error:  # NUL in the name
        raise OSError(errno.EINVAL, str(error), str(path)) from None
    except OSError as error:
        if error.errno in (errno.ELOOP, errno.ENXIO):  # a link that is not followed, or that leads to itself; a socket
            raise OSError(error.errno, NO_FILE, str(path)) from None
        raise
    if not stat.S_ISREG(os.fstat(found).st_mode):
        os.close(found)
        raise OSError(errno.EINVAL, NO_FILE, str(path))
    return os.fdopen(found, "rb")


def read_plain(path: Path, most_bytes: int, follow_links: bool = True) -> bytes:
    """Return the bytes of a regular file. Raises OSError as open_plain does, and for more than most_bytes."""
    with open_plain(path, follow_links) as file:
        data = file.read(most_bytes + 1)
    if len(data) > most_bytes:
        raise OSError(errno.EFBIG, f"it has more than {most_bytes:,} bytes", str(path))
    return data
