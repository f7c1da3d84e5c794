"""Exports and removes the files kept beside the memory's tables: folders with takes, MIDI and sound.

Only what lies in the data folder is removed, and, when asked for, recordings that lie elsewhere.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

import msgspec

from agent.core.errors import UserError
from agent.core.paths import FOLDER, VOICES, data_folder
from agent.memory.store import FILE

ADAPTERS, PLAYERS = "adapters", "players"  # PLAYERS: agent/memory/practice.py's material and adapters
OURS = (FOLDER, ADAPTERS, PLAYERS, VOICES)


def export(target: Path, everything: Mapping[str, Sequence[Mapping[str, object]]]) -> list[str]:
    """Write memory.json and copy every session's folder beside it; return a line for each thing not found.

    Raises UserError where the target is not empty or cannot be written.
    """
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise UserError(f"{target}: exists and is not empty; name a new folder")
    missing = []
    try:
        target.mkdir(parents=True, exist_ok=True)
        readable = {table: [_read(row) for row in rows] for table, rows in everything.items()}
        (target / "memory.json").write_text(json.dumps(readable, indent=1, ensure_ascii=False), encoding="utf-8")
        for session in everything.get("sessions", []):
            source = Path(str(session["folder"])) if session["folder"] else None
            if source and source.is_dir():
                shutil.copytree(source, target / f"session-{session['id']:04d}")
            elif source:
                missing.append(f"session {session['id']}: {source} is no longer there")
        if "adapters" in everything and (data_folder() / PLAYERS).is_dir():
            shutil.copytree(data_folder() / PLAYERS, target / PLAYERS)
        if (data_folder() / VOICES).is_dir():
            shutil.copytree(data_folder() / VOICES, target / VOICES)
        for row in everything.get("adapters", []):
            missing += _adapter(Path(str(row["path"])), target / ADAPTERS)
    except OSError as cause:
        raise UserError(f"{target}: cannot be written ({cause.strerror or cause}); name another folder") from None
    return missing


def _adapter(stem: Path, target: Path) -> list[str]:
    found = [stem] if stem.is_file() else sorted(stem.parent.glob(stem.name + ".*"))
    target.mkdir(exist_ok=True)
    for path in found:
        shutil.copy2(path, target / path.name)
    return [] if found else [f"adapter {stem} is no longer there"]


def _read(row: Mapping[str, object]) -> dict[str, object]:
    """Return the row with its JSON columns parsed; damaged ones stay text."""
    return {
        name: _parsed(value) if name in ("edits", "plan", "motif", "facts", "scores") and value else value
        for name, value in row.items()
    }


def _parsed(text: object) -> object:
    try:
        return msgspec.json.decode(str(text))
    except (msgspec.DecodeError, RecursionError):
        return text


def remove(folders: Iterable[str], also: Callable[[Path], bool] = lambda path: False) -> tuple[list[Path], list[Path]]:
    """Remove these folders; return (removed, left because they lie outside the data folder).

    also: which of those outside it are removed, too; links always stay.

    Raises UserError where one cannot be removed.
    """
    removed, left = [], []
    for name in filter(None, dict.fromkeys(folders)):
        path = Path(name)
        if not path.exists():
            continue
        ours = path.resolve().is_relative_to(data_folder().resolve()) and path.resolve() != data_folder().resolve()
        if (ours or also(path)) and not path.is_symlink():
            _gone(path)
            removed.append(path)
        else:
            left.append(path)
    return removed, left


def remove_all() -> list[Path]:
    """Remove the memory, damaged copies of it, and everything kept with it in the data folder; return the paths."""
    folder = data_folder()
    found = [*folder.glob(f"{FILE}*"), *(folder / name for name in OURS if (folder / name).exists())]
    for path in found:
        _gone(path)
    return found


def _gone(path: Path) -> None:
    try:
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    except OSError as cause:
        raise UserError(f"{path}: cannot be removed ({cause.strerror}); close what uses it and try again") from None
