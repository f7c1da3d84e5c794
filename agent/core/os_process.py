"""Gives the model process a low real-time priority: above ordinary programs, below the audio process.

A process that never blocks under SCHED_RR would starve everything else on its core: after LONGEST_S without a pause
the kernel sends SIGXCPU (RLIMIT_RTTIME), and the process goes on at an ordinary priority until it has caught up.
"""

from __future__ import annotations

import contextlib
import os
import signal
from pathlib import Path
from typing import Any

PRIORITY = 5  # of SCHED_RR; the audio process has 40
LONGEST_S = 1.0
NICE = -5  # where real time is not allowed


class Priority:
    """Requests the priority when made; keep() requests it again after the kernel took it away.

    Where the system allows neither real time nor a lower nice value, nothing happens.
    """

    def __init__(self) -> None:
        self.real_time = False
        if hasattr(signal, "SIGXCPU"):
            signal.signal(signal.SIGXCPU, self._too_long)
        self._allowed = self._raise()
        if not self._allowed and hasattr(os, "setpriority"):
            with contextlib.suppress(OSError):
                os.setpriority(os.PRIO_PROCESS, 0, NICE)

    def keep(self) -> None:
        """Request the priority again if it was lost. Call this while there is nothing to do."""
        if self._allowed and not self.real_time:
            self._raise()

    def _raise(self) -> bool:
        if not hasattr(os, "sched_setscheduler"):
            return False
        import resource

        try:
            _, hard = resource.getrlimit(resource.RLIMIT_RTTIME)
            resource.setrlimit(resource.RLIMIT_RTTIME, (round(LONGEST_S * 1e6), hard))
            os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(PRIORITY))
        except (OSError, ValueError):
            return False
        self.real_time = True
        return True

    def _too_long(self, *_: Any) -> None:
        with contextlib.suppress(OSError):
            os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))
        self.real_time = False


def call_me(name: str) -> None:
    """Set this process's name for ps and top: at most 15 characters. Does nothing where there is no /proc."""
    with contextlib.suppress(OSError):
        Path("/proc/self/comm").write_text(name)
