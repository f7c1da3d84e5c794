"""Finds the folders for state and data and the daemon's socket, by the XDG base directory rules."""

from __future__ import annotations

import os
from importlib import resources
from pathlib import Path

NAME = "antiphon"


def state_folder(given: str | None = None) -> Path:
    """Return the folder of measured latencies and learned pedals.

    It is paths.state, else $XDG_STATE_HOME/antiphon, else ~/.local/state/antiphon.
    """
    return Path(given) if given else _under("XDG_STATE_HOME", ".local/state")


def settings_folder() -> Path:
    """Return the folder of the user's settings: $XDG_CONFIG_HOME/antiphon or ~/.config/antiphon."""
    return _under("XDG_CONFIG_HOME", ".config")


def data_folder() -> Path:
    """Return the folder of what is remembered: $XDG_DATA_HOME/antiphon or ~/.local/share/antiphon."""
    return _under("XDG_DATA_HOME", ".local/share")


def socket_path(session: str | None = None) -> Path:
    """Return the control socket's path: $ANTIPHON_SOCKET, else in $XDG_RUNTIME_DIR, else in the state folder.

    session: that of another session than the first: its name stands in the socket's.
    """
    runtime = os.environ.get("XDG_RUNTIME_DIR")
    first = (Path(runtime) / NAME if runtime else state_folder()) / "control.sock"
    first = Path(os.environ.get("ANTIPHON_SOCKET") or first)
    return first.with_name(f"{first.stem}-{session}{first.suffix}") if session else first


def _under(variable: str, fallback: str) -> Path:
    return Path(os.environ.get(variable) or Path.home() / fallback) / NAME


SOUNDFONTS = ("band.sf3", "kits.sf3")  # in the order in which they are asked for a preset
SOUNDFONT = SOUNDFONTS[0]


def shipped(name: str = "") -> Path:
    """Return the path of a file in agent/assets, or of the folder itself."""
    return Path(str(resources.files("agent") / "assets" / name))


def shipped_fonts() -> tuple[Path, ...]:
    """Return the SoundFonts that ship."""
    return tuple(shipped(name) for name in SOUNDFONTS)


GUEST = "guest"  # a player of whom nothing is kept
VOICES = "voices"  # in the data folder: each player's own sound


def voice_path(player: str) -> Path | None:
    """Return the file of a player's own sound, whether it is there or not; None for a guest."""
    if player == GUEST:
        return None
    name = "".join(c if c.isalnum() or c in "-_" else f"%{ord(c):x}" for c in player)
    return data_folder() / VOICES / f"{name}.sf2"


FOLDER = "takes"  # in the data folder: one folder for each session
