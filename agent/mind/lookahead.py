"""Decides how far ahead the band must plan, from the measured planning time. Pure; times in seconds.

StreamMUSE (RTAS 2026): with a planning step of R, play is feasible where the commit C >= R and the look-ahead L >= 2R.
R here is the time from a frame's arrival in the ring until its plan is sent, queueing included.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass

FIRST_S = 0.150  # until planning has been measured
FLOOR_S, CEILING_S = 0.080, 0.800  # of the commit, without the output's latency
MARGIN, SPARE_S = 1.5, 0.040  # on R: p95 is not the worst, and the player wants its notes some time before they are due
STEP_S = 0.020  # commits come in these steps
WINDOW, ENOUGH = 256, 32  # plans looked back on (half a minute at 120 bpm), and before a value is given up
STALL_S = 0.25  # longer is not planning time: the process was stopped, and a longer commit would not help
TAIL = 0.95


@dataclass(frozen=True, slots=True)
class Ahead:
    """The planning times: commit_s is C, lookahead_s is L, plan_p95_s is R (see the module's docstring)."""

    commit_s: float
    lookahead_s: float
    plan_p95_s: float


class Pace:
    """Adapts `ahead` to the planning times passed to record_planning(). fixed_s: a fixed commit instead. Picklable.

    The commit rises as soon as it must and falls, one step at a time, only when every plan of the window would have
    met the smaller value.
    """

    def __init__(self, fixed_s: float | None = None) -> None:
        self._fixed_s, self._commit_s = fixed_s, fixed_s or FIRST_S
        self._took: deque[float] = deque(maxlen=WINDOW)
        self.plan_p95_s = 0.0  # the planning time R, 95th percentile; 0 before the first plan
        self._since = 0  # plans since the commit last changed
        self.stalls = 0

    def record_planning(self, plan_s: float) -> None:
        """Take the newest plan's planning time, seconds."""
        if plan_s > STALL_S:
            self.stalls += 1
            return
        self._took.append(max(plan_s, 0.0))
        ranked = sorted(self._took)
        self.plan_p95_s = ranked[min(math.ceil(TAIL * len(ranked)), len(ranked)) - 1]
        self._since += 1
        if self._fixed_s is None and len(self._took) >= ENOUGH:
            self._adapt()

    def _adapt(self) -> None:
        wanted_s = wanted_commit_s(self.plan_p95_s)
        if wanted_s > self._commit_s:
            self._commit_s, self._since = wanted_s, 0
        elif wanted_s < self._commit_s and self._since >= ENOUGH:
            self._commit_s, self._since = max(wanted_s, round(self._commit_s - STEP_S, 3)), 0

    @property
    def ahead(self) -> Ahead:
        r_s = self.plan_p95_s
        return Ahead(self._commit_s, max(2 * r_s, 2 * self._commit_s), r_s)


def wanted_commit_s(plan_p95_s: float) -> float:
    """Return the commit for a planning time: at least R with margins, in whole steps."""
    steps = math.ceil(round((MARGIN * plan_p95_s + SPARE_S) / STEP_S, 6))
    return min(max(round(steps * STEP_S, 3), FLOOR_S), max(CEILING_S, plan_p95_s))
