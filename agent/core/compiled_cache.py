"""Finds a place for compiled code where the program's own folder cannot be written, as in a container."""

from __future__ import annotations

import os
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path

VARIABLE = "NUMBA_CACHE_DIR"
PROGRAM = Path(__file__).parents[2]


def choose_cache(program: Path = PROGRAM) -> None:
    """Let numba keep its code in the first place that can be written: beside the program, in the user's cache, in a
    temporary folder that only this user can write. Call it before numba is loaded; child processes inherit it."""
    if os.environ.get(VARIABLE) or os.access(program / "listener", os.W_OK):
        return
    for folder in _places():
        if _is_mine(folder):
            os.environ[VARIABLE] = str(folder)
            return


def _places() -> Iterator[Path]:
    if given := os.environ.get("XDG_CACHE_HOME"):
        yield Path(given) / "antiphon"
    home = os.path.expanduser("~")
    if os.path.isabs(home):
        yield Path(home) / ".cache" / "antiphon"
    yield Path(tempfile.gettempdir()) / f"antiphon-{os.getuid() if hasattr(os, 'getuid') else 'cache'}"


def _is_mine(folder: Path) -> bool:
    """Make the folder; return whether it is a folder of this user's own, so that nobody else puts code in it."""
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        found = folder.lstat()
    except OSError:
        return False
    owned = not hasattr(os, "getuid") or found.st_uid == os.getuid()
    return stat.S_ISDIR(found.st_mode) and owned and not found.st_mode & 0o022 and os.access(folder, os.W_OK)
