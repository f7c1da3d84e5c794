"""How well a session keeps its time, over all the lives of its audio process."""

from __future__ import annotations

from dataclasses import asdict, fields
from typing import Any

from agent.scheduler import Counts

ADDED = tuple(item.name for item in fields(Counts) if item.type in ("int", int))


class Figures:
    """Reports in, sums out; one thread."""

    def __init__(self) -> None:
        self._past = Counts()
        self._past_xruns = self._past_missing = 0
        self._last: Any = None
        self.heard: Any = None  # the mind's last word

    def new_life(self) -> None:
        """The audio process is started anew and counts from zero."""
        self._past = self.counts
        self._past_xruns, self._past_missing = self.xruns, self.missing_samples
        self._last = None

    def played(self, report: Any) -> None:
        """The audio process's newest report."""
        self._last = report

    @property
    def counts(self) -> Counts:
        """Of the notes at the output that matters most."""
        if self._last is None:
            return self._past
        now = asdict(self._last.counts)
        return Counts(**now | {name: now[name] + getattr(self._past, name) for name in ADDED})

    @property
    def xruns(self) -> int:
        return self._past_xruns + (self._last.xruns if self._last else 0)

    @property
    def missing_samples(self) -> int:
        return self._past_missing + (self._last.missing_samples if self._last else 0)

    def as_dict(self) -> dict[str, Any]:
        """Plain data for summary and status; {} before the first report."""
        if self._last is None and not self._past.sent:
            return {}
        told = {"xruns": self.xruns, "missing_samples": self.missing_samples}
        told |= {"in_time_share": self.counts.in_time_share} | asdict(self.counts)
        if self.heard:
            told |= {"mended_samples": self.heard.mended, "unheard_samples": self.heard.dropped}
        return told
