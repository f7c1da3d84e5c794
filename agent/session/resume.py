"""Saves the daemon's session and settings to disk, so that a killed daemon goes on where it was."""

from __future__ import annotations

import contextlib
import json
import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta

from agent.core import stored
from agent.core.whole_file import write_whole

FILE = "session.json"
RECENT_S = 600.0  # a session that broke off longer ago is over
REFRESH_S = 30.0
BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


@dataclass(frozen=True, slots=True)
class Broken:
    """A session that a crash ended. commands: the command lines that lead to its settings."""

    folder: Path
    commands: tuple[str, ...]


class _State(msgspec.Struct):
    """What the file holds. told: command lines; boot_s, wall_s: when it was written, by the two clocks."""

    folder: str
    told: Annotated[tuple[Annotated[str, Meta(max_length=4_096)], ...], Meta(max_length=1_000)]
    ended: bool
    pid: Annotated[int, Meta(ge=0)]
    boot: str = ""
    boot_s: float = 0.0
    wall_s: float = 0.0


class LastSession:
    """The daemon's state file. Nothing raises: without the file a session is merely not resumed."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / FILE
        self._written = ""
        self._written_s = 0.0

    def broken(self) -> Broken | None:
        """Return the session that a killed daemon left less than RECENT_S ago; None without one."""
        try:
            found: _State = stored.read(self._path, _State)
        except (OSError, stored.Damaged):
            return None
        if found.ended or not _recent(found) or _lives(found.pid):
            return None
        return Broken(Path(found.folder), found.told)

    def write(self, folder: Path, commands: list[str], ended: bool = False) -> None:
        """Save the state. Call it often: it writes to the disk only for news and every REFRESH_S."""
        news = json.dumps({"folder": str(folder.absolute()), "told": commands, "ended": ended, "pid": os.getpid()})
        now_s = time.monotonic()
        if news == self._written and now_s - self._written_s < REFRESH_S:
            return
        self._written, self._written_s = news, now_s
        moment = {"boot": _boot(), "boot_s": _boot_s(), "wall_s": time.time()}
        with contextlib.suppress(OSError):
            self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            write_whole(self._path, (json.dumps(json.loads(news) | moment) + "\n").encode())


def _recent(found: _State) -> bool:
    """Compare by the boot clock, which nobody sets, unless the machine was restarted meanwhile."""
    if found.boot == _boot():
        return bool(_boot_s() - found.boot_s < RECENT_S)
    return bool(0 <= time.time() - found.wall_s < RECENT_S)


def _lives(pid: int) -> bool:
    """Return whether that daemon still runs."""
    with contextlib.suppress(OSError):
        return b"antiphon" in Path(f"/proc/{pid}/cmdline").read_bytes() and pid != os.getpid()
    return False


def _boot() -> str:
    try:
        return BOOT_ID.read_text().strip()
    except OSError:
        return ""


def _boot_s() -> float:
    return time.clock_gettime(time.CLOCK_BOOTTIME) if hasattr(time, "CLOCK_BOOTTIME") else time.monotonic()
