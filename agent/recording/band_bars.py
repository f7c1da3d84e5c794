"""Reads the bars that the band played, as events.jsonl has them: where it leads or a riff loops they are not those
of the player's beats as heard, and session.mid goes by them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from listener.types import Beat, Meter

JOINS_BEATS = 0.5  # within which one bar's end is the next one's beginning


@dataclass(frozen=True, slots=True)
class BandBar:
    """One bar. number: as the band counts; start_s, end_s: seconds of the stream; take: that was played over a loop, 0
    = none."""

    number: int
    start_s: float
    end_s: float
    meter: Meter
    take: int = 0

    @property
    def beat_s(self) -> float:
        return (self.end_s - self.start_s) / self.meter.numerator

    def beats(self) -> list[Beat]:
        """Return its beats, evenly spaced."""
        bpm = 60 / self.beat_s
        return [
            Beat(self.start_s + at * self.beat_s, self.end_s, at + 1, bpm, self.meter, 1.0)
            for at in range(self.meter.numerator)
        ]


def joined(bars: Sequence[BandBar]) -> list[BandBar]:
    """Return the bars in order, each to where the next one begins; those that begin within another are left out."""
    kept: list[BandBar] = []
    for bar in sorted(bars, key=lambda bar: bar.start_s):
        if bar.end_s > bar.start_s and not (kept and bar.start_s < kept[-1].end_s - JOINS_BEATS * kept[-1].beat_s):
            kept.append(bar)
    return [_up_to(bar, following) for bar, following in pairwise(kept)] + kept[-1:]


def _up_to(bar: BandBar, following: BandBar) -> BandBar:
    near = abs(following.start_s - bar.end_s) <= JOINS_BEATS * bar.beat_s
    return replace(bar, end_s=following.start_s) if near else bar


def counted(heard: Sequence[Beat], bars: Sequence[BandBar]) -> list[Beat]:
    """Return the beats of the band's bars, and those that were heard where it did not play."""
    played = joined(bars)
    found = [beat for bar in played for beat in bar.beats()]
    at = 0
    for beat in sorted(heard, key=lambda beat: beat.time_s):
        while at < len(played) and played[at].end_s - JOINS_BEATS * played[at].beat_s <= beat.time_s:
            at += 1
        if at == len(played) or beat.time_s < played[at].start_s - JOINS_BEATS * played[at].beat_s:
            found.append(beat)
    return sorted(found, key=lambda beat: beat.time_s)


def marks_of(bars: Sequence[BandBar]) -> list[tuple[float, str]]:
    """Return when each take over a loop began to be played."""
    ordered = sorted(bars, key=lambda bar: bar.start_s)
    takes = [0, *(bar.take for bar in ordered)]
    return [
        (bar.start_s, f"take {bar.take}")
        for bar, before in zip(ordered, takes, strict=False)
        if bar.take and bar.take != before
    ]
