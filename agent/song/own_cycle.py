"""Where a cycle lies that was played, by its notes: the ears' bar lines may be off by most of a 16th, not a loop's."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from statistics import median

Onset = tuple[float, int]  # seconds of the stream, MIDI pitch

FAR = 1.25  # 16ths by which a cycle may be longer or shorter than between the ears' bar lines
OFF = 0.6  # 16ths by which the ears' bar lines may be late or early; a 16th is a push, which is meant
FURTHER_OFF = 1.1  # likewise, where no beat of the cycle has a note within OFF
NEAR_S = 0.03  # by which a note comes otherwise than the last time
NOTES_MIN = 3  # that come again, before they say how long a cycle is
SHARE_MIN = 0.5  # of those that could have come again
BEATS_TICKS = 4
ON_THE_LINE = 2  # notes on bar lines count so much more than those on other beats


def own_cycle(onsets: Sequence[Onset], lines_s: Sequence[float], ticks: Sequence[int]) -> tuple[float, float]:
    """Return from when to when a cycle was played: as long as the player's own, begun where its bar lines' notes are.

    onsets: of all that was played lately; lines_s: the ears' bar lines of the cycle, its end included; ticks: of each
    of its bars. A cycle that came only once is as long as between the ears' lines.
    """
    by_ears_s = lines_s[-1] - lines_s[0]
    tick_s = by_ears_s / sum(ticks)
    played = sorted(onsets)
    again_s = _length_s(played, (lines_s[0], lines_s[-1]), len(ticks), tick_s)
    seconds = again_s or by_ears_s
    tick_s = seconds / sum(ticks)
    starts = [sum(ticks[:bar]) for bar in range(len(ticks) + 1)]
    start_s = median(line_s - at * tick_s for line_s, at in zip(lines_s, starts, strict=True))
    before = [at - sum(ticks) for at in starts[:-1]] if again_s else []
    start_s += _late_s(played, start_s, tick_s, [*before, *starts])
    return start_s, start_s + seconds


def _length_s(played: Sequence[Onset], cycle_s: tuple[float, float], bars: int, tick_s: float) -> float | None:
    """Return the length of the cycle by the notes that come again one cycle on, or one of its equal parts on."""
    begin_s, end_s = cycle_s
    for parts in (part for part in range(1, bars + 1) if bars % part == 0):
        lag_s = (end_s - begin_s) / parts
        if begin_s - lag_s < played[0][0] - FAR * tick_s and played[-1][0] < end_s and parts == 1:
            continue  # it came only once
        found = _again_s(played, (begin_s - tick_s, end_s + tick_s), lag_s, FAR * tick_s / parts)
        if found is not None:
            return found * parts
    return None


def _again_s(played: Sequence[Onset], within_s: tuple[float, float], lag_s: float, far_s: float) -> float | None:
    """Return after how long notes come again, about lag_s: the median distance of the same ones; None where few do."""
    times = [time_s for time_s, _ in played]
    apart: list[list[float]] = []
    for time_s, pitch in played:
        later_s = time_s + lag_s
        if later_s > times[-1] + NEAR_S or not (time_s <= within_s[1] and later_s >= within_s[0]):
            continue
        reach_s = max(far_s, NEAR_S) + NEAR_S
        first, last = bisect_left(times, later_s - reach_s), bisect_left(times, later_s + reach_s)
        apart.append([times[at] - time_s for at in range(first, last) if played[at][1] % 12 == pitch % 12])
    found = [distance for one in apart for distance in one if abs(distance - lag_s) <= far_s + NEAR_S]
    if not found:
        return None

    def alike(lag: float) -> tuple[int, float]:
        same = sum(any(abs(distance - lag) <= NEAR_S for distance in one) for one in apart)
        return same, -abs(lag - lag_s)

    best = max(found, key=alike)
    for _ in range(2):  # the one that has most beside it lies anywhere among them
        same = [min(one, key=lambda at: abs(at - best)) for one in apart if one]
        best = median([distance for distance in same if abs(distance - best) <= NEAR_S] or [best])
    count = alike(best)[0]
    return best if count >= max(NOTES_MIN, SHARE_MIN * len(apart)) else None


def _late_s(played: Sequence[Onset], start_s: float, tick_s: float, starts: Sequence[int]) -> float:
    """Return by how much the notes on bar lines, or on beats where there are none, lie after the lines of a cycle.

    starts: the 16ths on which its bars begin, from start_s on, and those of the cycle before, if it came twice.
    """
    beats = sorted({*range(starts[0], starts[-1] + 1, BEATS_TICKS), *starts})
    late = [(at in starts, time_s - start_s - at * tick_s) for at in beats for time_s, _ in played]
    off = [one for one in late if abs(one[1]) <= OFF * tick_s]  # whether it is a bar line, how much later a note is
    off = off or [one for one in late if abs(one[1]) <= FURTHER_OFF * tick_s]
    if not off:
        return 0.0

    def worth(late_s: float) -> tuple[int, float]:
        on = [line for line, other_s in off if abs(other_s - late_s) <= NEAR_S]
        return len(on) + ON_THE_LINE * sum(on), -abs(late_s)

    _, best_s = max(off, key=lambda one: worth(one[1]))
    same = [(line, late_s) for line, late_s in off if abs(late_s - best_s) <= NEAR_S]
    return float(median([late_s for line, late_s in same if line] or [late_s for _, late_s in same]))
