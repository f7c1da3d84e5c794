"""How well in time a player was: what the ears say of each note's distance from its place in the beat, counted."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field

import numpy as np

from listener.music.feel import MAD_TO_SD
from listener.types import NoteFeel

BIN_MS, EDGE_MS = 10, 60  # of the histogram; further off is counted at its edge
CLOSE_S, CLOSE_BEATS = 0.025, 0.05  # of the player's own place behind or before the beat: in time, whichever is more
FAR_S = 0.040  # a player who lies so far off on the whole is not with the beat
CLEAN_SHARE = 0.85
LEAST_NOTES = 8
BAR_WIDTH = 30  # characters of the histogram's longest line
PLACES = ("", "e", "&", "a")  # of a beat, as musicians count 16ths


@dataclass(frozen=True, slots=True)
class Clean:
    """A stretch of playing. share: of the notes that were in time; median_s: where they lay; clean: whether all of it
    counts as clean."""

    notes: int
    share: float
    median_s: float
    clean: bool

    def __str__(self) -> str:
        if not self.notes:
            return "nothing heard"
        side = "behind" if self.median_s >= 0 else "ahead"
        return f"{self.share:.0%} of {self.notes} notes in time, {abs(self.median_s) * 1000:.0f} ms {side}"


def judged(placed: list[NoteFeel], period_s: float) -> Clean:
    """Return how clean a stretch was. period_s: of a beat."""
    late_s = np.array([one.late_s for one in placed])
    if not len(late_s):
        return Clean(0, 0.0, 0.0, False)
    median_s = float(np.median(late_s))
    close = np.abs(late_s - median_s) <= max(CLOSE_S, CLOSE_BEATS * period_s)
    share = float(np.mean(close))
    clean = share >= CLEAN_SHARE and abs(median_s) <= FAR_S and len(late_s) >= LEAST_NOTES
    return Clean(len(late_s), share, median_s, clean)


@dataclass
class TimingCounts:
    """What was played in a take, place by place of the bar. late_ms: (beat from 1, 16th of it) -> distances."""

    late_ms: dict[tuple[int, int], list[float]] = field(default_factory=lambda: defaultdict(list))

    def add(self, note: NoteFeel) -> None:
        self.late_ms[note.position, round(note.place * 4) % 4].append(1000 * note.late_s)

    @property
    def all_ms(self) -> list[float]:
        return [one for place in self.late_ms.values() for one in place]

    def histogram(self) -> list[tuple[int, int]]:
        """Return (lower edge in ms, notes) of each bin, the earliest first; both ends hold what lies beyond."""
        bins = dict.fromkeys(range(-EDGE_MS, EDGE_MS, BIN_MS), 0)
        for late in self.all_ms:
            bins[int(min(max(late // BIN_MS * BIN_MS, -EDGE_MS), EDGE_MS - BIN_MS))] += 1
        return list(bins.items())

    def lines(self) -> list[str]:
        """Return the report, as text: where the notes lay on the whole, then place by place."""
        values = self.all_ms
        if not values:
            return ["No note had a place in a beat yet."]
        side = _side(float(np.median(values)))
        out = [f"{len(values)} notes, {side} in the middle, spread {spread(values):.0f} ms", ""]
        bins = self.histogram()
        most = max(count for _, count in bins)
        for edge, count in bins:
            out.append(
                f"{edge:+4d} to {edge + BIN_MS:+3d} ms {'#' * round(BAR_WIDTH * count / most)} {count or ''}".rstrip()
            )
        out += ["", "place   notes   middle   spread"]
        for (beat, sub), late in sorted(self.late_ms.items()):
            middle = float(np.median(late))
            out.append(f"{beat}{PLACES[sub]:6} {len(late):5} {middle:+6.0f} ms {spread(late):5.0f} ms")
        return out


def spread(values: list[float]) -> float:
    """Return the standard deviation, from the median absolute deviation."""
    return MAD_TO_SD * float(np.median(np.abs(np.array(values) - np.median(values))))


def _side(late_ms: float) -> str:
    return f"{abs(late_ms):.0f} ms {'behind' if late_ms >= 0 else 'ahead of'} the beat"
