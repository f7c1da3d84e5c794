"""Installs the daemon as a systemd user service (`antiphon service install | uninstall | status`), reports its state.

`Notifier` is sd_notify(3) over $NOTIFY_SOCKET, also an abstract socket ("@...").
"""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from importlib import resources
from pathlib import Path

from agent.core.errors import UserError
from agent.core.paths import NAME, data_folder, settings_folder

UNIT = f"{NAME}.service"
BUS_S = 20.0
WITHOUT = "systemd's user manager is not running here: run `antiphon daemon` from your own init, a terminal or `nohup`"


def run(action: str) -> int:
    """Carry out an action; return the exit code: 0 done, 1 not done (the reason is printed)."""
    return {"install": install, "uninstall": uninstall, "status": status}[action]()


def unit_path() -> Path:
    """Return the path where systemd looks for a user's unit."""
    config = os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config"
    return Path(config) / "systemd" / "user" / UNIT


def unit_text() -> str:
    """Return the shipped unit's text, filled in for this Python and this user."""
    shipped = (resources.files("agent") / "assets" / UNIT).read_text()
    named = {"@PYTHON@": sys.executable, "@FOLDER@": data_folder()}
    for name, path in named.items():
        shipped = shipped.replace(name, _escaped(str(path)))
    return shipped


def _escaped(path: str) -> str:
    """Escape a path for a unit file: % begins a specifier, spaces end a word."""
    return path.replace("\\", "\\\\").replace("%", "%%").replace(" ", "\\x20")


def install() -> int:
    """Write the unit; enable and start it where systemd runs. Returns the exit code."""
    path, text = unit_path(), unit_text()
    folder, settings = data_folder(), settings_folder() / "config.yaml"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        path.write_text(text)
    except OSError as cause:
        raise UserError(f"cannot write {path}: {cause.strerror}; check who owns the folder") from None
    print(f"written: {path} (settings: {settings}, sessions: {folder / 'sessions'})")
    print("it starts when you log in; to start at boot without a login: sudo loginctl enable-linger $USER")
    if not _runs():
        print(WITHOUT)
        return 1
    for words in (("daemon-reload",), ("enable", UNIT), ("restart", "--no-block", UNIT)):
        if not _systemctl(*words):
            return 1
    print("enabled and started; see `antiphon ctl status`, and `journalctl --user -u antiphon` for its log")
    return 0


def uninstall() -> int:
    """Stop and disable the service and remove the unit; settings and sessions stay."""
    path = unit_path()
    if _runs() and path.exists():
        _systemctl("disable", "--now", UNIT)
    if not path.exists():
        print(f"nothing to remove: {path} does not exist")
        return 0
    try:
        path.unlink()
    except OSError as cause:
        raise UserError(f"cannot remove {path}: {cause.strerror}") from None
    if _runs():
        _systemctl("daemon-reload")
    print(f"removed: {path}")
    return 0


def status() -> int:
    """Print whether the service is installed, enabled and running."""
    path = unit_path()
    if not path.exists():
        print(f"not installed ({path} does not exist); install it with `antiphon service install`")
        return 1
    differs = "" if path.read_text() == unit_text() else " (from another version: run `antiphon service install`)"
    print(f"installed: {path}{differs}")
    if not _runs():
        print(WITHOUT)
        return 1
    enabled, active = _asked("is-enabled"), _asked("is-active")
    print(f"enabled: {enabled}, running: {active}")
    return 0 if active == "active" else 1


def _runs() -> bool:
    """Return whether systemd's user manager runs."""
    if shutil.which("systemctl") is None:
        return False
    try:
        done = subprocess.run(
            ["systemctl", "--user", "is-system-running"], capture_output=True, text=True, timeout=BUS_S
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.stdout.strip() in {"running", "degraded", "starting", "initializing", "maintenance"}


def _systemctl(*words: str) -> bool:
    command = ["systemctl", "--user", *words]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=BUS_S)
    except (OSError, subprocess.TimeoutExpired) as cause:
        print(f"{' '.join(command)}: {cause}", file=sys.stderr)
        return False
    if done.returncode:
        print(f"{' '.join(command)}: {done.stderr.strip() or f'exit {done.returncode}'}", file=sys.stderr)
    return done.returncode == 0


def _asked(word: str) -> str:
    done = subprocess.run(["systemctl", "--user", word, UNIT], capture_output=True, text=True, timeout=BUS_S)
    return done.stdout.strip() or "unknown"


class Notifier:
    """Sends states to systemd; does nothing without systemd. Never raises, never waits."""

    def __init__(self, environment: Mapping[str, str] = os.environ) -> None:
        path = environment.get("NOTIFY_SOCKET", "")
        self._address = "\0" + path[1:] if path.startswith("@") else path
        self._every_s = _watchdog_s(environment) / 2
        self._fed_s = 0.0
        self._status = ""
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) if path else None
        if self._socket:
            self._socket.setblocking(False)

    def say(self, *states: str) -> None:
        """Send one datagram: "READY=1", "STOPPING=1", ..."""
        if self._socket and states:
            with contextlib.suppress(OSError):
                self._socket.sendto("\n".join(states).encode(), self._address)

    def status(self, text: str) -> None:
        """Send STATUS= if the text is new."""
        if text != self._status:
            self._status = text
            self.say(f"STATUS={text}")

    def feed(self) -> None:
        """Send WATCHDOG=1 as often as WATCHDOG_USEC asks for."""
        now_s = time.monotonic()
        if self._every_s and now_s - self._fed_s >= self._every_s:
            self._fed_s = now_s
            self.say("WATCHDOG=1")

    def close(self) -> None:
        if self._socket:
            self._socket.close()
        self._socket = None


def _watchdog_s(environment: Mapping[str, str]) -> float:
    """Return systemd's watchdog time, seconds; 0 = none, or it watches another process."""
    try:
        mine = int(environment.get("WATCHDOG_PID", os.getpid())) == os.getpid()
        return int(environment.get("WATCHDOG_USEC", 0)) / 1e6 if mine else 0.0
    except ValueError:
        return 0.0
