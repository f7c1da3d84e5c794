"""Form as it is heard: how long the riff's cycle is, which section a bar belongs to, where phrases end."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from agent.parts.bass_bar import BassBar, jaccard, likeness

CYCLES = (1, 2, 3, 4, 6, 8, 12, 16)  # bars
LOOK_BACK = 33  # bars in which a cycle is looked for: two of 16 and the next one
CYCLE_MARGIN = 0.04  # a longer cycle has to be so much more alike
SURE_CYCLE = 0.55
USUAL_PHRASE = 8
NEW_BELOW = 0.38  # likeness of what comes to the section, under which it is another section
KNOWN_FROM = 0.62  # likeness to an earlier section, from which that one has returned
LEAST_BARS = 4  # of a section, but for a new meter
WINDOW = 4  # bars that are compared
EXAMPLES = 12  # bars of a section that are kept
OTHER_RHYTHM = 0.7  # likeness of a bar's onsets to those of a section's bars, under which it goes otherwise
ONE_RHYTHM = 0.85  # likeness of the onsets of two such bars, from which they are a new riff
RIFF_NOTES = 3  # in a bar; fewer are held


@dataclass(frozen=True, slots=True)
class Place:
    """Where a bar lies. bar: of its phrase from 0; length: bars of the phrase; phrase: of the section from 0."""

    bar: int
    length: int
    phrase: int

    @property
    def is_last(self) -> bool:
        return self.bar == self.length - 1


def cycle_of(bars: Sequence[BassBar], cycles: Sequence[int] = CYCLES) -> tuple[int, float]:
    """Return (bars of the riff's cycle, one of these, likeness at that lag); (0, 0.0) where nothing comes again."""
    lately = bars[-LOOK_BACK:]
    best, best_like = 0, 0.0
    for lag in cycles:
        pairs = [(a, b) for a, b in zip(lately, lately[lag:], strict=False) if a.notes or b.notes]
        if len(pairs) < lag or len(pairs) < 2:
            continue
        like = sum(likeness(a, b) for a, b in pairs) / len(pairs)
        if like > best_like + CYCLE_MARGIN:
            best, best_like = lag, like
    return (best, best_like) if best_like >= SURE_CYCLE else (0, best_like)


def phrase_bars(cycle: int) -> int:
    """Return the bars of a phrase over a riff: the multiple of its cycle nearest to eight."""
    if cycle in (3, 6, 12):
        return 12 if cycle == 12 else 6
    return max(cycle, USUAL_PHRASE) if (cycle and USUAL_PHRASE % cycle == 0) or cycle == 16 else USUAL_PHRASE


def phrase_heard(bars: Sequence[BassBar], length: int) -> int:
    """Return the bars of a phrase, once a cycle of 12 or 16 bars was heard twice; else `length` as it is."""
    cycle, _ = cycle_of(bars)
    return cycle if cycle in (12, 16) else length


def place_in(bars_in_section: int, length: int) -> Place:
    return Place(bars_in_section % length, length, bars_in_section // length)


def number_of(bar: BassBar) -> int:
    """Return a number that is the same whenever this bar comes again, in every process."""
    total = 17
    for tick, pitch in sorted(bar.signature):
        total = (total * 1_000_003 + tick * 131 + pitch) % 2**31
    return total


def alike(window: Sequence[BassBar], examples: Sequence[BassBar]) -> float:
    """Return how well each bar of a window is known from a section's bars: the mean of its best likenesses."""
    heard = [bar for bar in window if bar.notes]
    if not heard:
        return 1.0
    return sum(max((likeness(bar, old) for old in examples), default=0.0) for bar in heard) / len(heard)


def goes_otherwise(bar: BassBar, examples: Sequence[BassBar]) -> bool:
    """Return whether a bar has a rhythm that no bar of a section has."""
    return len(bar.notes) >= RIFF_NOTES and rhythm_of([bar], examples) < OTHER_RHYTHM


def rhythm_of(window: Sequence[BassBar], examples: Sequence[BassBar]) -> float:
    """Return how well the rhythm of each bar of a window is known from a section's bars, whatever the pitches."""
    heard = [bar for bar in window if bar.notes]
    best = [max((jaccard(bar.rhythm, old.rhythm) for old in examples), default=1.0) for bar in heard]
    return sum(best) / len(best) if best else 1.0


def is_new_riff(window: Sequence[BassBar], examples: Sequence[BassBar]) -> bool:
    """Return whether two bars have one rhythm, and it is none of a section's: the player has begun something else."""
    if len(window) < 2 or not all(goes_otherwise(bar, examples) for bar in window):
        return False
    return all(jaccard(bar.rhythm, window[-1].rhythm) >= ONE_RHYTHM for bar in window)
