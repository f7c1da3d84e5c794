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


def socket_path() -> Path:
    """Return the control socket's path: $ANTIPHON_SOCKET, else in $XDG_RUNTIME_DIR, else in the state folder."""
    if given := os.environ.get("ANTIPHON_SOCKET"):
        return Path(given)
    runtime = os.environ.get("XDG_RUNTIME_DIR")
    return (Path(runtime) / NAME if runtime else state_folder()) / "control.sock"


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


FOLDER = "takes"  # in the data folder: one folder for each session
