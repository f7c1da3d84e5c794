"""Keeps one part's mistake from ending the whole session."""

from __future__ import annotations

import logging
from collections.abc import Callable

from agent.core.errors import UserError

log = logging.getLogger(__name__)

KINDS_MAX = 100  # of mistakes that are remembered as told


class Isolation:
    """fence(step, ...) calls it. What it raises is logged with its traceback and told in a line, each kind once; only
    UserError, which is for the person, passes. tell: must not raise."""

    def __init__(self, tell: Callable[[str], object]) -> None:
        self._tell, self._told = tell, set[str]()

    def __call__(self, step: Callable[..., object], *given: object) -> None:
        try:
            step(*given)
        except UserError:
            raise
        except Exception as cause:  # whatever breaks, the others have their turn
            says = f"{type(cause).__name__} in {getattr(step, '__qualname__', step)}: {cause}"
            if says not in self._told and len(self._told) < KINDS_MAX:
                self._told.add(says)
                log.exception("%s", says)
                self._tell(says)
