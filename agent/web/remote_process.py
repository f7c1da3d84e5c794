"""Starts the remote as a process of its own beside the daemon, and again when it died. Imports nothing that serves."""

from __future__ import annotations

import logging
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

log = logging.getLogger(__name__)

AGAIN_S = (2.0, 60.0)  # before a restart: the first wait and the longest
STOPS_S = 3.0


class RemoteProcess:
    """`antiphon web` with the daemon's settings. config_file, pairs: as of --config and --set."""

    def __init__(self, config_file: Path | None, pairs: Sequence[str]) -> None:
        given = ["--config", str(config_file)] if config_file else []
        sets = [word for pair in pairs for word in ("--set", pair)]
        self._command = [sys.executable, "-m", "agent", "web", "serve", "--no-code", *given, *sets]
        self._process: subprocess.Popen[bytes] | None = None
        self._wait_s, self._again_s = AGAIN_S[0], 0.0

    def start(self) -> None:
        """Start it; a failure is logged and tried again."""
        try:
            self._process = subprocess.Popen(self._command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        except OSError as cause:
            log.warning("the remote could not be started: %s", cause)
        self._again_s = time.monotonic() + self._wait_s

    def keep(self) -> None:
        """Start it again once it has died and the wait is over. Cheap; call it in every turn."""
        if self._process and self._process.poll() is None:
            return
        if time.monotonic() < self._again_s:
            return
        status = self._process.returncode if self._process else None
        log.warning("the remote ended (status %s); starting it again", status)
        self._wait_s = min(2 * self._wait_s, AGAIN_S[1])
        self.start()

    def stop(self) -> None:
        """End it."""
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(STOPS_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
