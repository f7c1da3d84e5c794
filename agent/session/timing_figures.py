"""Sums up a session's timing over all restarts of its audio process."""

from __future__ import annotations

from dataclasses import fields

from agent.core.stored import Json
from agent.engine.reports import AudioReport
from agent.engine.timing_counts import Counts
from agent.mind.mind_process import MindReport

CARD = ("card", "cause", "losses", "silent_s", "skipped_s", "port_cause", "wakes_late_p99_s", "wakes_late_max_s")


class Figures:
    """Adds up the audio process's reports. One thread."""

    def __init__(self) -> None:
        self._past = Counts()
        self._past_xruns = self._past_missing = 0
        self._last: AudioReport | None = None
        self._losses, self._silent_s = 0, 0.0  # of the sound card
        self._news: set[str] = set()
        self.mended: frozenset[str] = frozenset()  # what `played` returned and is over
        self.heard: MindReport | None = None  # the mind's last report

    def new_life(self) -> None:
        """Keep the sums so far: the restarted audio process counts from zero."""
        self._past = self.counts
        self._past_xruns, self._past_missing = self.xruns, self.missing_samples
        self._last = None

    def played(self, report: AudioReport) -> list[str]:
        """Take the audio process's newest report; return what the player should know of it."""
        before, self._last = self._last, report
        news = []
        lost = (report.silent_s + report.skipped_s) - ((before.silent_s + before.skipped_s) if before else 0.0)
        self._silent_s += max(lost, 0.0)
        if report.losses > (before.losses if before else 0):
            self._losses += report.losses - (before.losses if before else 0)
            news.append(f"lost the sound card ({report.cause or 'no sound'}); waiting for it to come back")
        if report.returns > (before.returns if before else 0):
            news.append(f"the sound card is back: {report.card}")
        was = before.port_cause if before else ""
        if report.port_cause != was:
            news.append(report.port_cause or "the MIDI port is connected")
        self._news |= set(news)
        well = report.returns == report.losses and not report.port_cause
        self.mended = frozenset(self._news) if well else self.mended - set(news)
        return news

    def over(self) -> str:
        """Return in one line what failed and came back, "" = nothing."""
        if not self._losses or self.mended != self._news:
            return ""
        silent = f"; {self._silent_s:.1f} s were silent" if self._silent_s >= 0.05 else ""
        return f"the sound card was lost {self._losses} time{'s' * (self._losses > 1)} and came back{silent}"

    @property
    def report(self) -> AudioReport | None:
        """The newest report; None before the first one since the last restart."""
        return self._last

    @property
    def stuck(self) -> bool:
        """Whether only restarting the audio process will get the sound card back."""
        return self._last is not None and self._last.stuck

    @property
    def counts(self) -> Counts:
        """The counts of notes at the output that matters most: the MIDI port, else the loudspeaker."""
        if self._last is None:
            return self._past
        return self._past.plus(self._last.counts)

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

    def as_dict(self) -> dict[str, Json]:
        """Return plain data for summary and status; {} before the first report."""
        if self._last is None and not self._past.sent:
            return {}
        figures: dict[str, Json] = {"xruns": self.xruns, "missing_samples": self.missing_samples}
        counts = self.counts
        figures |= counts.figures()
        figures |= {one.name: getattr(counts, one.name) for one in fields(counts) if one.name != "lateness"}
        if self._last:
            figures |= {name: getattr(self._last, name) for name in CARD}
        if self.heard:
            figures |= {"mended_samples": self.heard.mended, "unheard_samples": self.heard.dropped}
        return figures
