"""Interrupt a training run without loss: the request is noted, the step is finished, the state is saved."""

from __future__ import annotations

import signal
import threading


class StopRequest:
    """asked: set by Ctrl-C or a termination request; read once a step."""

    def __init__(self) -> None:
        self.asked = False
        if threading.current_thread() is not threading.main_thread():
            return  # a cluster's worker: whoever started it stops it
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._ask)

    def _ask(self, *_: object) -> None:
        self.asked = True
