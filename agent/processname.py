"""Gives a worker process its name where the system shows one (ps, top, /proc/PID/comm)."""

from __future__ import annotations

import contextlib
from pathlib import Path


def call_me(name: str) -> None:
    """At most 15 characters are kept; does nothing where there is no /proc."""
    with contextlib.suppress(OSError):
        Path("/proc/self/comm").write_text(name)
