"""Interrupt a training run without loss: the request is noted, the step is finished, the state is saved."""

from __future__ import annotations

import signal


class StopRequest:
    """asked: set by Ctrl-C or a termination request; read once a step."""

    def __init__(self) -> None:
        self.asked = False
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._ask)

    def _ask(self, *_: object) -> None:
        self.asked = True
