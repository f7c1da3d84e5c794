"""Watches the room that recordings take: a quota for all sessions, a reserve on the disk, and what may go first."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from agent.core.settings import Config, RecordingConfig
from agent.recording.recovery import is_finished, is_session

MARK = "keep"  # an empty file in a session's folder: it is never dropped
LOOK_EVERY_S = 60.0
GB = 1e9
BACK_GB = 0.2  # so much more must be free before sound is recorded again
OFFER = "`antiphon sessions tidy` offers the oldest"


@dataclass(frozen=True, slots=True)
class Space:
    """Room on the disk, gigabytes. used: by all sessions. free: on their disk. quota, reserve: as configured."""

    used: float
    free: float
    quota: float | None
    reserve: float | None

    @property
    def is_over(self) -> bool:
        return self.quota is not None and self.used > self.quota

    @property
    def is_low(self) -> bool:
        return self.reserve is not None and self.free < self.reserve

    def __str__(self) -> str:
        limit = f" of {self.quota:g}" if self.quota is not None else ""
        text = f"recordings take {self.used:.1f}{limit} GB, {self.free:.1f} GB are free"
        if self.is_low:
            return f"{text}: less than recording.min_free_gb, so no sound is recorded; {OFFER}"
        return f"{text}: over recording.max_gb; {OFFER}" if self.is_over else text


def measure(root: Path, limits: RecordingConfig) -> Space:
    """Return how much room the sessions in `root` take. Never raises."""
    used = sum(bytes_of(folder) for folder in sessions(root))
    there = next((place for place in (root.absolute(), *root.absolute().parents) if place.is_dir()), Path("/"))
    try:
        free = shutil.disk_usage(there).free
    except OSError:
        free = 0
    return Space(used / GB, free / GB, limits.max_gb, limits.min_free_gb)


def sessions(root: Path) -> list[Path]:
    """Return the sessions' folders, the oldest first."""
    try:
        return sorted(folder for folder in root.iterdir() if is_session(folder))
    except OSError:
        return []


def bytes_of(folder: Path) -> int:
    """Return what a folder's files take on the disk; holes take nothing."""
    total = 0
    for path in _files(folder):
        try:
            total += path.lstat().st_blocks * 512
        except OSError:  # gone meanwhile
            continue
    return total


def _files(folder: Path) -> Iterator[Path]:
    try:
        yield from folder.iterdir()
    except OSError:
        return


def may_go(root: Path, besides: Path | None = None) -> list[Path]:
    """Return the sessions that may be dropped, the oldest first: finished, not marked, not the one being played."""
    playing = besides.absolute() if besides else None
    found = (folder for folder in sessions(root) if folder.absolute() != playing)
    return [folder for folder in found if is_finished(folder) and not (folder / MARK).exists()]


def too_many(root: Path, limits: RecordingConfig, besides: Path | None = None) -> list[Path]:
    """Return the oldest sessions without which the limits are kept, as far as any may go."""
    space, chosen = measure(root, limits), list[Path]()
    used, free = space.used, space.free
    for folder in may_go(root, besides):
        if not Space(used, free, limits.max_gb, limits.min_free_gb).is_over and not (
            limits.min_free_gb is not None and free < limits.min_free_gb
        ):
            break
        size = bytes_of(folder) / GB
        used, free = used - size, free + size
        chosen.append(folder)
    return chosen


def drop(folder: Path) -> None:
    """Delete a session's folder. Raises OSError; links in it are removed, not followed."""
    shutil.rmtree(folder)


def keep_of(config: Config, folder: Path) -> str:
    """Return what sound of a session is written: a folder that was named with --out gets everything."""
    return config.recording.keep if is_ours(config, folder) else "all"


def is_ours(config: Config, folder: Path) -> bool:
    """Return whether a folder is one that the program made in paths.sessions."""
    return folder.absolute().parent == Path(config.paths.sessions).absolute()


class SpaceWatch:
    """Looks at the disk now and then while a session plays. One thread."""

    def __init__(self, config: Config, folder: Path) -> None:
        self._root, self._limits, self._folder = Path(config.paths.sessions), config.recording, folder
        self._applies = is_ours(config, folder)
        self._next_s = 0.0
        self.space: Space | None = None
        self.is_low = False  # whether no sound is recorded

    def look(self) -> list[str]:
        """Measure when it is time; return what there is to say: a limit that is passed, sessions that were dropped."""
        if not self._applies or time.monotonic() < self._next_s:
            return []
        self._next_s = time.monotonic() + LOOK_EVERY_S
        said = [f"dropped the session {folder.name}: recordings are over their limit" for folder in self._dropped()]
        before, self.space = self.space, measure(self._root, self._limits)
        back = self.space.reserve is None or self.space.free > self.space.reserve + BACK_GB
        self.is_low = self.space.is_low or (self.is_low and not back)
        if (self.space.is_low, self.space.is_over) != ((before.is_low, before.is_over) if before else (False, False)):
            said.append(str(self.space))
        return said

    def _dropped(self) -> Iterator[Path]:
        if not self._limits.drop_oldest:
            return
        for folder in too_many(self._root, self._limits, self._folder):
            try:
                drop(folder)
            except OSError:
                continue
            yield folder
