"""Finds the SoundFonts that are installed, and remembers which one the player uses."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from agent.core.errors import UserError
from agent.core.paths import shipped_fonts, state_folder
from agent.core.settings import PathsConfig
from agent.sounds.instruments import INSTRUMENTS
from agent.sounds.soundfont import NotASoundFont, presets_of

CHOICE = "soundfont"  # file in the state folder: the path that `antiphon sounds use` was given
SHIPPED = "shipped"
PLACES = ("sounds/sf2", "sounds/sf3", "soundfonts")  # under each share/
ENDINGS = (".sf2", ".sf3")
LONGEST = 4_096  # characters of a path


@dataclass(frozen=True, slots=True)
class Installed:
    """A SoundFont that is there. instruments: those the band can play that it has. trouble: why it cannot be read."""

    path: Path
    bytes: int
    instruments: tuple[str, ...]
    trouble: str = ""


def chosen_font(paths: PathsConfig) -> Path | None:
    """Return the player's SoundFont: of the config, else the one that `antiphon sounds use` chose, else None."""
    if paths.soundfont:
        return Path(paths.soundfont)
    try:
        said = (state_folder(paths.state) / CHOICE).read_text(encoding="utf-8")[:LONGEST].strip()
    except (OSError, ValueError):
        return None
    return Path(said) if said else None


def choose(name: str, paths: PathsConfig) -> Path | None:
    """Use a SoundFont from the next session on: a path or part of the name of one that is installed; "shipped" = those
    that ship. Return its path. Raises UserError."""
    folder = state_folder(paths.state)
    path = None if name == SHIPPED else _found(name)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / CHOICE).write_text(f"{path or ''}\n", encoding="utf-8")
    except OSError as cause:
        raise UserError(f"{folder / CHOICE} cannot be written: {cause.strerror}; set paths.soundfont instead") from None
    return path


def _found(name: str) -> Path:
    given = Path(name).expanduser()
    near = [given.absolute()] if given.suffix in ENDINGS and given.is_file() else []
    near = near or [one.path for one in installed() if name.lower() in one.path.name.lower()]
    if not near:
        raise UserError(f"no SoundFont {name!r}; give the path of an .sf2 or .sf3, or a name of `antiphon sounds list`")
    try:
        presets_of(near[0])
    except (NotASoundFont, OSError) as cause:
        raise UserError(f"{cause}; try another .sf2 or .sf3") from None
    return near[0]


def installed(more: Iterable[Path] = ()) -> list[Installed]:
    """Return every SoundFont in the usual folders, and `more`, with what it has; the largest first."""
    found = {path.resolve() for path in (*more, *_files())}
    return sorted((looked_at(path) for path in found), key=lambda one: (-one.bytes, one.path))


def looked_at(path: Path) -> Installed:
    """Return what a SoundFont has."""
    try:
        size, presets = path.stat().st_size, presets_of(path)
    except (NotASoundFont, OSError) as cause:
        return Installed(path, path.stat().st_size if path.exists() else 0, (), str(cause))
    return Installed(path, size, tuple(name for name, one in INSTRUMENTS.items() if one.preset in presets))


def _files() -> Iterable[Path]:
    data = os.environ.get("XDG_DATA_HOME") or str(Path.home() / ".local/share")
    roots = [data, *(os.environ.get("XDG_DATA_DIRS") or "/usr/local/share:/usr/share").split(":")]
    yield from shipped_fonts()
    for root in roots:
        for place in PLACES:
            folder = Path(root) / place
            if folder.is_dir():
                yield from (path for path in sorted(folder.iterdir()) if path.suffix in ENDINGS and path.is_file())
