"""Counts which of the band's notes left one output in time, late or not at all."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, fields
from itertools import accumulate

LATE_S = 0.001  # an event that leaves later than this after its moment is late
FRESH_TICKS = 32  # 16ths beyond its plan's reach after which a note is worth nothing; StreamMUSE's C
FIRST_EDGE_S = 1e-5
PER_DECADE = 20  # bins: a quantile is known to within 12%
BINS = 4 * PER_DECADE + 2  # below 10 us, four decades, above 100 ms


def _bin_of(lateness_s: float) -> int:
    if lateness_s <= FIRST_EDGE_S:
        return 0
    return min(1 + int(math.log10(lateness_s / FIRST_EDGE_S) * PER_DECADE), BINS - 1)


@dataclass(slots=True)
class Counts:
    """Counts since the start of the process.

    in_time_share, freshness and their product follow StreamMUSE (Zheng et al., "Real-Time Language Model Jamming",
    RTAS 2026: ISR, backup level, and ISR weighted by (C - backup) / C with C = 32 ticks).
    """

    sent: int = 0
    late: int = 0  # sent after their time
    dropped: int = 0  # came so late that silence was better
    improvised: int = 0  # taken from the tentative plan because no newer one came
    patterned: int = 0  # from the last bar played, because even the tentative plan was used up
    repeated: int = 0  # said again by a restarted mind, and not played again
    muted: int = 0  # of a part that was switched off
    unheard: int = 0  # sent while no instrument was at the MIDI port
    port_losses: int = 0  # how often the instrument at the MIDI port vanished
    unrecorded: int = 0  # events sent but not recorded, as the records were not fetched in time
    stale_ticks: float = 0.0  # summed over the notes sent, each at most FRESH_TICKS
    lateness: list[int] = field(default_factory=lambda: [0] * BINS)  # events by (sent - due), in logarithmic bins

    @property
    def in_time_share(self) -> float:
        """ISR: notes that left at their time, of all that were asked for."""
        asked = self.sent + self.dropped
        return 1.0 - (self.late + self.dropped) / asked if asked else 1.0

    @property
    def freshness(self) -> float:
        """1 - staleness: mean over the notes sent of (32 - stale ticks) / 32, in 0-1; 1.0 before the first.

        A note that its plan had committed is 0 ticks stale: no newer plan was due when it became final. One that was
        played from the tentative plan or the last bar is as many 16ths stale as it lies beyond the newest plan's
        committed_until_s, that is beyond what that plan was to answer for; 32 and more are worth nothing.
        """
        return 1.0 - self.stale_ticks / (FRESH_TICKS * self.sent) if self.sent else 1.0

    @property
    def timeliness(self) -> float:
        """in_time_share * freshness: 1.0 when every note left in time from the plan that was due."""
        return self.in_time_share * self.freshness

    def plus(self, later: Counts) -> Counts:
        """Return these counts and those of a process that came after."""
        sums = {one.name: getattr(self, one.name) + getattr(later, one.name) for one in fields(self)}
        lateness = [a + b for a, b in zip(self.lateness, later.lateness, strict=True)]
        return Counts(**sums | {"lateness": lateness})

    def left(self, lateness_s: float) -> None:
        """An event left lateness_s after its moment."""
        self.lateness[_bin_of(lateness_s)] += 1

    def lateness_ms(self, share: float) -> float:
        """The quantile `share` (0-1) of sent - due in ms, its bin's upper edge; 0.0 when nothing was timed."""
        wanted = share * sum(self.lateness)
        if not wanted:
            return 0.0
        n = next(i for i, below in enumerate(accumulate(self.lateness)) if below >= wanted)
        return 1000 * FIRST_EDGE_S * 10 ** (n / PER_DECADE)

    def figures(self) -> dict[str, float]:
        """What a status line or a table shows: shares 0-1, lateness of MIDI in ms."""
        return {
            "in_time_share": self.in_time_share,
            "freshness": self.freshness,
            "timeliness": self.timeliness,
            "lateness_p50_ms": self.lateness_ms(0.5),
            "lateness_p99_ms": self.lateness_ms(0.99),
        }
