"""One way to wait for what another thread, process or server does."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def wait_for(holds: Callable[[], T], within_s: float = 10.0, what: str = "it", every_s: float = 0.01) -> T:
    """Return what `holds` gives as soon as that is true. TimeoutError when it is not within so many seconds."""
    deadline_s = time.monotonic() + within_s
    while not (found := holds()):
        if time.monotonic() > deadline_s:
            raise TimeoutError(f"{what} did not come within {within_s:g} s")
        time.sleep(every_s)
    return found
