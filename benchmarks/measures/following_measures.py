"""Measure how well strokes lie on the true beats: the columns of benchmarks/following.py."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from benchmarks.inputs.following_lines import Floats, Piece

NEAR_S = 0.070  # a stroke this near to a beat is that beat's (the usual tolerance of a beat F-measure)
TOGETHER_S = 0.019  # listeners prefer a rhythm section that is nearer together (J. New Music Research 46(4), 2017)
JUMP_S = 0.010
FOUND_S, FOUND_BEATS = 0.035, 4  # back with the player: so near for so many of the player's beats in a row
LEVELS = (0.5, 2.0, 1 / 3, 3.0)  # what a band may count instead of the beat (AMLt, Davies et al. 2009)
SETTLE_BEATS = 8  # after an event, before jumps count again


@dataclass
class Row:
    """strict_s: every stroke's distance to the nearest true beat; error_s: to the nearest place of the true grid at the
    level that the band counts. Pooled over pieces with `+`."""

    error_s: Floats
    strict_s: Floats
    covered: list[int] = field(default_factory=lambda: [0, 0])  # beats with a stroke, of beats since the band came in
    stray: list[int] = field(default_factory=lambda: [0, 0])  # strokes without a place near, of strokes
    jumps: list[int] = field(default_factory=lambda: [0, 0])  # > JUMP_S from one beat to the next, of such pairs
    recovery: list[float] = field(default_factory=list)  # beats; inf = never
    ran_on: list[int] = field(default_factory=list)  # strokes where the player waits
    silent: int = 0  # pieces in which the band never came in

    def __add__(self, other: Row) -> Row:
        return Row(
            np.concatenate([self.error_s, other.error_s]),
            np.concatenate([self.strict_s, other.strict_s]),
            *([a + b for a, b in zip(x, y, strict=True)] for x, y in self._counts(other)),
            self.recovery + other.recovery,
            self.ran_on + other.ran_on,
            self.silent + other.silent,
        )

    def _counts(self, other: Row) -> list[tuple[list[int], list[int]]]:
        return [(self.covered, other.covered), (self.stray, other.stray), (self.jumps, other.jumps)]

    def figures(self) -> dict[str, float]:
        """The columns, units in their names."""
        size = np.abs(self.error_s) * 1000
        waits = np.array(self.recovery)
        return {
            "strokes": float(len(size)),
            "median_ms": _percentile(size, 50),
            "p95_ms": _percentile(size, 95),
            "within_19ms": _mean(size <= 1000 * TOGETHER_S),
            "early": _mean(self.error_s < -TOGETHER_S),
            "late": _mean(self.error_s > TOGETHER_S),
            "mean_ms": float(np.mean(self.error_s[size < 1000 * NEAR_S])) * 1000 if len(size) else float("nan"),
            "strict_median_ms": _percentile(np.abs(self.strict_s) * 1000, 50),
            "strict_p95_ms": _percentile(np.abs(self.strict_s) * 1000, 95),
            "covered": _share(self.covered),
            "stray": _share(self.stray),
            "jumps": float(self.jumps[0]),
            "jump_share": _share(self.jumps),
            "recovery_beats": float(np.median(waits)) if len(waits) else float("nan"),
            "recovered": float(np.isfinite(waits).mean()) if len(waits) else float("nan"),
            "ran_on": float(np.mean(self.ran_on)) if self.ran_on else float("nan"),
            "silent": float(self.silent),
        }


def nothing() -> Row:
    return Row(np.zeros(0), np.zeros(0))


def _percentile(values: Floats, q: float) -> float:
    return float(np.percentile(values, q)) if len(values) else float("nan")


def _mean(found: np.ndarray) -> float:
    return float(np.mean(found)) if len(found) else float("nan")


def _share(counts: list[int]) -> float:
    return counts[0] / counts[1] if counts[1] else float("nan")


def measure(piece: Piece, strokes: Floats) -> Row:
    """strokes: seconds of every drum onset meant on a beat, in order; pieces of the kit that sound together are one."""
    beats, strokes = piece.beats_s, np.unique(np.round(strokes, 6))
    inside = (strokes > beats[0] - NEAR_S) & (strokes < beats[-1] + NEAR_S)
    ran_on = [int(np.sum((strokes > a) & (strokes < b))) for a, b in piece.free]
    strokes = strokes[inside & ~_any_in(strokes, piece.free)]
    if not len(strokes):
        return Row(
            np.zeros(0), np.zeros(0), covered=[0, len(beats)], recovery=[np.inf for _ in piece.events_s], silent=1
        )
    strict_s = strokes - _nearest(beats, strokes)
    error_s = strokes - _nearest_at_level(beats, strokes)
    late = beats[beats > strokes[0] - NEAR_S]
    hit = np.abs(late - _nearest(strokes, late)) < NEAR_S
    return Row(
        error_s,
        strict_s,
        [int(hit.sum()), len(hit)],
        [int(np.sum(np.abs(error_s) > NEAR_S)), len(strokes)],
        _jumps(piece, strokes, error_s),
        [_recovery(beats, strokes, event_s) for event_s in piece.events_s],
        ran_on,
    )


def _any_in(times: Floats, spans: tuple[tuple[float, float], ...]) -> np.ndarray:
    inside = np.zeros(len(times), bool)
    for a, b in spans:
        inside |= (times > a) & (times < b)
    return inside


def _nearest(places: Floats, times: Floats) -> Floats:
    at = np.clip(np.searchsorted(places, times), 1, len(places) - 1) if len(places) > 1 else np.zeros(len(times), int)
    before = np.maximum(at - 1, 0)
    return np.where(np.abs(places[before] - times) < np.abs(places[at] - times), places[before], places[at])


def _nearest_at_level(beats: Floats, strokes: Floats) -> Floats:
    """Half beats count as places where the band plays a beat on every half, and so on."""
    near = _nearest(beats, strokes)
    if len(strokes) < 3:
        return near
    gaps = np.diff(strokes)
    own_s = np.minimum(np.append(gaps, gaps[-1]), np.insert(gaps, 0, gaps[0]))
    true_s = np.interp(strokes, beats[1:], np.diff(beats))
    for parts in (2, 3):
        divided = np.interp(np.arange(0, len(beats) - 1 + 0.5 / parts, 1 / parts), np.arange(len(beats)), beats)
        fits = np.abs(own_s / true_s * parts - 1) < 0.15
        near = np.where(fits, _nearest(divided, strokes), near)
    return near


def _jumps(piece: Piece, strokes: Floats, error_s: Floats) -> list[int]:
    """Pairs of strokes on neighbouring beats between which the band's place against the player's moved."""
    period_s = float(np.median(np.diff(piece.beats_s)))
    jumped = [(event_s - period_s, event_s + SETTLE_BEATS * period_s) for event_s in piece.events_s]
    pairs = np.diff(strokes) < 1.5 * period_s
    pairs &= ~_any_in(strokes[1:], (*piece.free, *jumped))
    moved = np.abs(np.diff(error_s)) > JUMP_S
    return [int(np.sum(pairs & moved)), int(np.sum(pairs))]


def _recovery(beats: Floats, strokes: Floats, event_s: float) -> float:
    """Return the player's beats from event_s until the band is with the player again."""
    after = beats[beats > event_s - 0.01]
    found = np.abs(after - _nearest(strokes, after)) < FOUND_S
    for i in range(len(found) - FOUND_BEATS + 1):
        if found[i : i + FOUND_BEATS].all():
            return float(i)
    return float("inf")
