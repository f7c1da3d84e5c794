"""Describe motifs, (beat from the start of a bar or phrase, MIDI pitch), and measure how alike two of them are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

from listener.types import Grid, Note

Motif = tuple[tuple[float, int], ...]

PLACES = (0.0, 0.25, 1 / 3, 0.5, 2 / 3, 0.75, 1.0)
SAME_PLACE = 0.13  # beats
RHYTHM_SHARE = 0.4  # of a matched note whose pitch is another
REORDERED = 0.85  # of the same pitches in order, at other places
GAP_PLACES = 4  # per usual gap, where there is no grid
LONGEST = 64  # notes compared


@dataclass(frozen=True, slots=True)
class Resemblance:
    """How alike two motifs are.

    similarity: 0-1; varied: what differs (see listener.types.Repetition); transposed: semitones.
    """

    similarity: float
    varied: tuple[str, ...] = ()
    transposed: int = 0


def straight(fraction: float, swing: float) -> float:
    """Return where a place in the beat lies when the swing is removed."""
    return fraction / (2 * swing) if fraction < swing else 0.5 + (fraction - swing) / (2 * (1 - swing))


def place_of(note: Note, grid: Grid) -> float:
    """Return the beat a note was meant for, lateness and swing removed, at the nearest sixteenth or triplet."""
    beat = grid.beat_at(note.onset_s - grid.behind_s)
    fraction = straight(beat % 1.0, grid.swing if grid.meter.denominator == 4 else 0.5)
    return beat // 1.0 + min(PLACES, key=lambda place: abs(place - fraction))


def motif_of_gaps(notes: Sequence[Note]) -> Motif:
    """Return a motif with onsets in quarters of the usual gap between them: a rhythm without a grid, at any tempo."""
    played = [note for note in notes if note.articulation != "ghost"][-LONGEST:]
    if len(played) < 2:
        return tuple((0.0, note.pitch) for note in played)
    usual_s = median(b.onset_s - a.onset_s for a, b in pairwise(played)) or 1.0
    start_s = played[0].onset_s
    return tuple((round((n.onset_s - start_s) / usual_s * GAP_PLACES) / GAP_PLACES, n.pitch) for n in played)


def content(motif: Motif) -> int:
    """Measure how much there is to recognise: different pitches, and different gaps beyond the first."""
    gaps = {round(b[0] - a[0], 2) for a, b in pairwise(motif)}
    return len({pitch for _, pitch in motif}) + max(0, len(gaps) - 1)


def resemblance(earlier: Motif, later: Motif) -> Resemblance:
    """Measure how much `later` repeats `earlier`; notes at the same place count fully when all pitches differ by the
    same interval.
    """
    if not earlier or not later:
        return Resemblance(0.0)
    matched = _matches(earlier, later)
    steps = Counter(b - a for a, b in matched)
    transposed = max(steps, key=lambda step: (steps[step], step == 0, -abs(step)), default=0)
    same = steps[transposed]
    total = len(earlier) + len(later)
    placed = 2 * (same + RHYTHM_SHARE * (len(matched) - same)) / total
    if placed >= REORDERED or 2 * REORDERED * min(len(earlier), len(later)) < placed * total:
        return Resemblance(placed, _varied(earlier, later, len(matched), same, transposed), transposed)
    kept, moved = _in_order([p for _, p in earlier], [p for _, p in later])
    ordered = REORDERED * 2 * kept / total
    if ordered > placed:
        extra = () if len(earlier) == len(later) == kept else ("pitch",)
        return Resemblance(ordered, ("rhythm", *extra, *(("transposed",) if moved else ())), moved)
    return Resemblance(placed, _varied(earlier, later, len(matched), same, transposed), transposed)


def _varied(earlier: Motif, later: Motif, matched: int, same: int, transposed: int) -> tuple[str, ...]:
    """Name what differs."""
    more, fewer = len(later) > matched, len(earlier) > matched
    words = {
        "transposed": transposed != 0,
        "pitch": same < matched,
        "ornamented": more and not fewer,
        "simplified": fewer and not more,
        "rhythm": more and fewer,
    }
    return tuple(word for word, true in words.items() if true)


def _matches(earlier: Motif, later: Motif) -> list[tuple[int, int]]:
    """Return the pitches (earlier, later) of the notes that share a place."""
    out, j = [], 0
    for beat, pitch in earlier:
        while j < len(later) and later[j][0] < beat - SAME_PLACE:
            j += 1
        if j < len(later) and later[j][0] <= beat + SAME_PLACE:
            out.append((pitch, later[j][1]))
            j += 1
    return out


def _in_order(earlier: list[int], later: list[int]) -> tuple[int, int]:
    """Return (length of the longest common subsequence up to transposition, that transposition), the better of two."""
    best = (0, 0)
    for move in sorted({0, later[0] - earlier[0]}, key=abs):
        shared = Counter(pitch + move for pitch in earlier) & Counter(later)
        if shared.total() > best[0]:
            best = max(best, (_common(earlier, later, move), move), key=lambda found: found[0])
    return best


def _common(earlier: list[int], later: list[int], move: int) -> int:
    row = [0] * (len(later) + 1)
    for pitch in earlier[:LONGEST]:
        before = 0
        for j, other in enumerate(later[:LONGEST], 1):
            kept = row[j]
            row[j] = before + 1 if other == pitch + move else max(row[j], row[j - 1])
            before = kept
    return row[-1]
