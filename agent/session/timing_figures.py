"""How well a session keeps its time, over all the lives of its audio process."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from agent.engine.reports import AudioReport
from agent.engine.timing_counts import Counts

CARD = ("card", "cause", "losses", "silent_s", "skipped_s", "port_cause", "wakes_late_p99_s", "wakes_late_max_s")


class Figures:
    """Reports in, sums out; one thread."""

    def __init__(self) -> None:
        self._past = Counts()
        self._past_xruns = self._past_missing = 0
        self._last: AudioReport | None = None
        self.heard: Any = None  # the mind's last word

    def new_life(self) -> None:
        """The audio process is started anew and counts from zero."""
        self._past = self.counts
        self._past_xruns, self._past_missing = self.xruns, self.missing_samples
        self._last = None

    def played(self, report: AudioReport) -> list[str]:
        """The audio process's newest report; what a person should know of it."""
        before, self._last = self._last, report
        news = []
        if report.losses > (before.losses if before else 0):
            news.append(f"the sound card is lost ({report.cause or 'it is silent'}); it is waited for")
        if report.returns > (before.returns if before else 0):
            news.append(f"the sound card is back: {report.card}")
        was = before.port_cause if before else ""
        if report.port_cause != was:
            news.append(report.port_cause or "the MIDI port is there")
        return news

    @property
    def report(self) -> AudioReport | None:
        """The newest one; None before the first of this life."""
        return self._last

    @property
    def stuck(self) -> bool:
        """Whether only a new audio process will get the card back."""
        return self._last is not None and self._last.stuck

    @property
    def counts(self) -> Counts:
        """Of the notes at the output that matters most."""
        if self._last is None:
            return self._past
        now, past = asdict(self._last.counts), asdict(self._past)
        return Counts(**{name: _added(now[name], past[name]) for name in now})

    @property
    def late(self) -> int:
        return self._past.late + (self._last.counts.late if self._last else 0)

    @property
    def dropped(self) -> int:
        return self._past.dropped + (self._last.counts.dropped if self._last else 0)

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
        told: dict[str, Any] = {"xruns": self.xruns, "missing_samples": self.missing_samples}
        counts = self.counts
        told |= counts.figures()
        told |= {name: value for name, value in asdict(counts).items() if not isinstance(value, list)}
        if self._last:
            told |= {name: getattr(self._last, name) for name in CARD}
        if self.heard:
            told |= {"mended_samples": self.heard.mended, "unheard_samples": self.heard.dropped}
        return told


def _added(one: Any, other: Any) -> Any:
    """Sums; of lists place by place."""
    return [a + b for a, b in zip(one, other, strict=True)] if isinstance(one, list) else one + other
