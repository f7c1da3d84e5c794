"""Holds what is known of a groove before any bass is (`Traits`), and all grooves that people played in a meter
(`Stock`)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from agent.parts.bass_bar import group_starts, jaccard
from agent.parts.drum_groove import (
    SNARES,
    TIME_PIECES,
    TOMS,
    Groove,
    halves_alike,
    kick_snare,
    rows_to_bar,
    ticks_of,
    usual_loudness,
    velocity_at,
)
from agent.parts.groove_library import GrooveLibrary, PlayedGroove
from listener.types import Meter

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
BACKBEAT_SAY, HALF_TIME = 1.6, 0.75  # of a whole backbeat; what a snare on three alone is of it
MOST_LOUD = 3  # snares in a bar
OWN_SAY = 0.2  # of distance from the average groove
RELATED, RELATED_SAY = 0.8, 0.9  # likeness of the two bars of a groove that is neither a copy nor a new one
FEW = 24  # played grooves of a meter, under which bars are joined from cells
JOINED = 64  # so many, to choose from
DRUMS = ("kick", "snare")  # of a pattern
MARKS = {(): ".", ("kick",): "k", ("snare",): "s", ("kick", "snare"): "x"}  # of its ticks, as text


@dataclass(frozen=True, slots=True)
class Traits:
    """What is known of a groove before any bass is: kicks bool [bars, ticks]; own: its worth without a bass, by
    reason; kick_density: kicks in 16 ticks; pattern: (piece, tick) of kicks and snares of both bars; answering: kicks
    in 16 ticks but for those on the backbeat, which answer no bass."""

    groove: Groove
    kicks: Bools
    own: Mapping[str, float]
    kick_density: float
    hits: float
    pattern: frozenset[tuple[str, int]] = frozenset()
    strokes: float = 2.0  # of the timekeeper in a quarter
    halves: float = 1.0  # likeness of the second half of its bars to the first, in kick and snare
    answering: float = 0.0


class Stock(tuple[Traits, ...]):
    """Grooves, and what is known of them as arrays [grooves, ...], so that all are judged at once.

    own: worth without a bass; kicks: [2, ticks]; bpm: they were played at, 0 = not known; pattern: bool over (piece,
    tick of two bars).
    """

    own: Floats
    kicks: Bools
    kick_density: Floats
    answering: Floats
    hits: Floats
    swung: Floats
    strokes: Floats
    bpm: Floats
    halves: Floats
    pattern: Bools

    @classmethod
    def of(cls, found: Sequence[Traits]) -> Stock:
        """Make a stock of grooves of one meter, at least one."""
        stock = cls(found)
        ticks = found[0].kicks.shape[1]
        stock.own = np.array([sum(one.own.values()) for one in found])
        stock.kicks = np.stack([one.kicks[[0, -1]] for one in found])
        for name in ("kick_density", "answering", "hits", "strokes", "halves"):
            setattr(stock, name, np.array([getattr(one, name) for one in found]))
        stock.swung = np.array([float(one.groove.swung) for one in found])
        stock.bpm = np.array([one.groove.quarter_bpm for one in found])
        stock.pattern = np.stack([pattern_row(one.pattern, ticks) for one in found])
        return stock


def pattern_row(pattern: frozenset[tuple[str, int]], ticks: int) -> Bools:
    """Return bool [pieces * two bars]: the hits of a pattern."""
    row = np.zeros((len(DRUMS), 2 * ticks), bool)
    for piece, tick in pattern:
        row[DRUMS.index(piece), tick] = True
    return row.ravel()


@lru_cache(maxsize=64)
def played_grooves(library: GrooveLibrary, meter: Meter, ticks: int) -> Stock:
    """Return the library's grooves for a meter with their traits; few are filled up with joined bars."""
    found = [_cut(one, ticks) for one in library.grooves(meter) if len(one.hits) >= ticks]
    if len(found) < FEW:
        rng = np.random.default_rng((ticks, meter.numerator, meter.denominator))
        for number in range(JOINED):
            both = library.joined(meter, rng)
            bars = tuple(rows_to_bar(both.bar(index)[:ticks]) for index in range(2))
            found.append(Groove(f"joined {number}", both.style, bars, both.swung, both.tempo_bpm or 0.0))
    return Stock.of(_with_voice([traits(usual_loudness(one), meter) for one in found]))


def _with_voice(found: Sequence[Traits]) -> tuple[Traits, ...]:
    """Return grooves with how far each lies from the average of all: a voice, not the mean of all voices."""
    counts = Counter(hit for one in found for hit in one.pattern)
    shares = {hit: count / len(found) for hit, count in counts.items()}
    apart = [
        sum(1 - shares[hit] for hit in one.pattern) + sum(shares[hit] for hit in shares.keys() - one.pattern)
        for one in found
    ]
    mean, spread = float(np.mean(apart)), max(float(np.std(apart)), 1e-9)
    return tuple(
        replace(one, own={**one.own, "of its own": OWN_SAY * float(np.clip((far - mean) / spread, -1, 1))})
        for one, far in zip(found, apart, strict=True)
    )


def traits(groove: Groove, meter: Meter) -> Traits:
    """Return what a groove is worth by itself: a backbeat, steady time, two related bars, few toms."""
    bars = groove.bars
    ticks = len(bars[0])
    snares = [ticks_of(bar, SNARES) for bar in bars]
    loud = [frozenset(t for t in s if velocity_at(bar, t, SNARES) >= 60) for s, bar in zip(snares, bars, strict=True)]
    starts = group_starts(meter, ticks)
    anchored = [_backbeat(snare, starts, ticks) for snare in loud]
    same = jaccard(kick_snare(bars[0]), kick_snare(bars[-1]))
    kicks = np.zeros((len(bars), ticks), bool)
    for number, bar in enumerate(bars):
        kicks[number, list(ticks_of(bar, {"kick"}))] = True
    own = {
        "kick on the one": 0.7 * float(kicks[:, 0].mean()),
        "backbeat": BACKBEAT_SAY * float(np.mean(anchored)),
        "two bars related": RELATED_SAY * (1 - abs(same - RELATED) / RELATED),
        "steady time": 1.1 * float(np.mean([_steady(ticks_of(bar, TIME_PIECES), ticks) for bar in bars])),
        "ghosts": -0.12 * max(float(np.mean([len(s) for s in snares])) - 3.5, 0.0),
        "toms": -0.8 * float(np.mean([len(ticks_of(bar, TOMS)) for bar in bars])),
    }
    hits = float(np.mean([sum(map(len, bar)) for bar in bars])) * 16 / ticks
    time = float(np.mean([len(ticks_of(bar, TIME_PIECES)) for bar in bars])) * 4 / ticks
    halves = float(np.mean([halves_alike(kick_snare(bar), ticks) for bar in bars]))
    between = np.delete(kicks, list(starts[1::2]), axis=1)
    density, answering = (float(some.sum(1).mean()) * 16 / ticks for some in (kicks, between))
    return Traits(groove, kicks, own, density, hits, pattern_of(groove), time, halves, answering)


def pattern_of(groove: Groove) -> frozenset[tuple[str, int]]:
    """Return (piece, tick) of the kicks and snares of both bars."""
    bars = enumerate(groove.bars)
    return frozenset((piece, tick + i * len(bar)) for i, bar in bars for piece, tick in kick_snare(bar))


def text_of(groove: Groove) -> str:
    """Return the kicks and snares of two bars, tick by tick, such as "k...s...k.k.s...": what a groove is remembered
    by."""
    bars = [kick_snare(groove.bar(number)) for number in range(2)]
    ticks = len(groove.bar(0))
    return "".join(MARKS[tuple(p for p in DRUMS if (p, tick) in bar)] for bar in bars for tick in range(ticks))


def pattern_in(text: str) -> frozenset[tuple[str, int]]:
    """Return (piece, tick) of the kicks and snares that `text_of` wrote; marks that it does not write are none."""
    pieces = {mark: own for own, mark in MARKS.items()}
    return frozenset((piece, tick) for tick, mark in enumerate(text) for piece in pieces.get(mark, ()))


def _backbeat(loud: frozenset[int], starts: Sequence[int], ticks: int) -> float:
    """Return 0 to 1: how much of the backbeat the loud snares are. In four that is two and four, or three alone (half
    time); one of them alone is hardly one. More than three loud snares are no backbeat.
    """
    beats = set(starts[1::2])
    if not loud or len(loud) > MOST_LOUD or not beats:
        return 0.0
    if ticks == 16 and 8 in loud and not loud & beats:
        return HALF_TIME
    return (len(loud & beats) / len(beats)) ** 2


def _cut(played: PlayedGroove, ticks: int) -> Groove:
    bars = tuple(rows_to_bar(played.hits[at : at + ticks]) for at in range(0, len(played.hits) - ticks + 1, ticks))
    return Groove(played.name, played.style, bars[:2], played.swung, played.tempo_bpm or 0.0)


def _steady(time: frozenset[int], ticks: int) -> float:
    """Return the share of the commonest gap between strokes of the timekeeper; few strokes are none."""
    if len(time) * 16 / ticks < 3:
        return 0.2
    at = sorted(time)
    gaps = Counter(np.diff([*at, at[0] + ticks]).tolist())
    gap, count = gaps.most_common(1)[0]
    return count / sum(gaps.values()) * (1.0 if gap in (2, 4) else 0.8 if gap in (1, 3) else 0.5)
