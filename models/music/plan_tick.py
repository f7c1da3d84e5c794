"""Define what the song plan has decided of one tick. plan_values.py says what the responder reads of it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class PlanTick:
    """What the song plan has decided of one tick; None is unknown.

    harmony: (root, quality index, whether it begins in this tick). section: (bars since it came in, whether it
    returned). phrase: (bar in it, its bars). again: the tick of the bar that is repeated, int8 [past.COLUMNS], or
    "new". level: -1 to 1. groove: the level of each piece.
    """

    harmony: tuple[int, int, bool] | None = None
    section: tuple[int, bool] | None = None
    phrase: tuple[int, int] | None = None
    again: NDArray[np.int8] | str | None = None
    level: float | None = None
    groove: tuple[int, ...] | None = None
