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


SOUNDFONT = "band.sf3"


def shipped(name: str = "") -> Path:
    """Return the path of a file in agent/assets, or of the folder itself."""
    return Path(str(resources.files("agent") / "assets" / name))


FOLDER = "takes"  # in the data folder: one folder for each session
