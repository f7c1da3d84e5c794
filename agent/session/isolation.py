"""Keeps an error in one part from ending the whole session."""

from __future__ import annotations

import logging
from collections.abc import Callable

from agent.core.errors import UserError

log = logging.getLogger(__name__)

KINDS_MAX = 100  # different errors remembered as reported


class Isolation:
    """Calls steps so that their errors do not spread: isolated(step, ...) calls step(...).

    An exception is logged with its traceback and passed to tell in one line, each kind once; only UserError, which the
    user must see, is raised. tell: must not raise.
    """

    def __init__(self, tell: Callable[[str], object]) -> None:
        self._report, self._reported = tell, set[str]()

    def __call__(self, step: Callable[..., object], *given: object) -> None:
        try:
            step(*given)
        except UserError:
            raise
        except Exception as cause:  # whatever breaks, the other steps still run
            says = f"{type(cause).__name__} in {getattr(step, '__qualname__', step)}: {cause}"
            if says not in self._reported and len(self._reported) < KINDS_MAX:
                self._reported.add(says)
                log.exception("%s", says)
                self._report(says)
