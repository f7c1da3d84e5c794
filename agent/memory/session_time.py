"""`Now` and `greeting` say how long ago the last session was, how long this one has run, and what was left open."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

DAY_S = 86_400.0
TIRED_S = 90 * 60.0
LIKED_SAID, LEFT_SAID = 2, 6  # how many liked ideas and open edits a greeting names, the newest
GAPS = (  # (at least so many days, wording, days of one unit)
    (330.0, "about a year", 365.0),
    (28.0, "{n} months", 30.4),
    (6.5, "{n} weeks", 7.0),
    (0.9, "{n} days", 1.0),
    (0.03, "{n} hours", 1 / 24),
)


@dataclass(frozen=True, slots=True)
class Now:
    """The time of a session. at_s: wall clock; since_s: since the last session's end, None = the first; running_s:
    length of this one; open: the edits in force when the last one ended, in words."""

    at_s: float
    since_s: float | None = None
    running_s: float = 0.0
    open: tuple[str, ...] = ()

    @property
    def tired(self) -> bool:
        """Whether the session has run for an hour and a half, from which on simpler ideas are proposed."""
        return self.running_s >= TIRED_S


def gap(seconds: float) -> str:
    """Return a duration in words: 'a week', '3 days', 'a moment'."""
    days = seconds / DAY_S
    for least, text, unit in GAPS:
        if days >= least:
            count = max(round(days / unit), 1)
            one = {"months": "a month", "weeks": "a week", "days": "a day", "hours": "an hour"}
            return one.get(text.split()[-1], text) if count == 1 and "{n}" in text else text.format(n=count)
    return "a moment"


def greeting(now: Now, player: str = "", liked: Sequence[str] = ()) -> str:
    """Return a session's first line: how long it has been, what was liked, what was left. liked: kinds of ideas."""
    name = f", {player}" if player and player != "player" else ""
    if now.since_s is None:
        return f"Good to meet you{name}. Play me something."
    day = datetime.fromtimestamp(now.at_s).strftime("%A")
    praised = f" You liked the {' and the '.join(liked[-LIKED_SAID:])}." if liked else ""
    left = f" We left it at: {'; '.join(now.open[-LEFT_SAID:])}." if now.open else ""
    if now.since_s < 0.03 * DAY_S:
        return f"On we go{name}.{left}"
    return f"It is {day}{name}, {gap(now.since_s)} since we last played.{praised}{left}"
