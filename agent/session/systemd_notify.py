"""Reports the daemon's state to systemd: sd_notify(3) over $NOTIFY_SOCKET, also an abstract socket ("@...")."""

from __future__ import annotations

import contextlib
import os
import socket
import time
from collections.abc import Mapping


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
