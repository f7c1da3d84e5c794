"""`Recall` finds phrases again by similarity, in any key and with changed rhythms.

Every phrase is a short vector: a histogram of its intervals (which transposition and rhythm leave alone), of its pitch
classes above its first note, and of where in the bar its notes begin. The nearest by one matrix product are then
compared note by note (listener/music/motif.py). After the two-stage search of Typke, Wiering & Veltkamp, A survey of
music information retrieval systems, ISMIR 2005.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from listener.music.motif import Motif, resemblance

Floats = NDArray[np.float32]

WIDEST = 12  # semitones; a wider leap counts as this
PLACES = 16  # of a bar of four beats
BLOCKS = ((2 * WIDEST + 1, 1.0), (12, 0.6), (PLACES, 0.6))  # sizes and weights: intervals, pitch classes, places
DIM = sum(size for size, _ in BLOCKS)
COMPARED = 24  # of the nearest, note by note
BEAT = 4  # beats after which places repeat


@dataclass(frozen=True, slots=True)
class Found:
    """A stored phrase that is similar. key: given to `add`; similarity: 0 to 1; transposed: semitones; varied: what
    differs."""

    key: int
    similarity: float
    transposed: int
    varied: tuple[str, ...]


def vector(motif: Motif) -> Floats:
    """Return the phrase as a unit vector, float32 [DIM]; all zero for no notes."""
    intervals, classes, places = (np.zeros(size, np.float32) for size, _ in BLOCKS)
    for (_, a), (_, b) in pairwise(motif):
        intervals[min(max(b - a, -WIDEST), WIDEST) + WIDEST] += 1
    for beat, pitch in motif:
        classes[(pitch - motif[0][1]) % 12] += 1
        places[round((beat % BEAT) * PLACES / BEAT) % PLACES] += 1
    blocks = [
        weight * block / (np.linalg.norm(block) or 1.0)
        for block, (_, weight) in zip((intervals, classes, places), BLOCKS, strict=True)
    ]
    whole = np.concatenate(blocks).astype(np.float32)
    out: Floats = whole / (np.linalg.norm(whole) or 1.0)
    return out


class Recall:
    """An index of phrases that grows one at a time; a search is one product of [n, DIM] and [DIM]."""

    def __init__(self, phrases: Sequence[tuple[int, Motif]] = ()) -> None:
        """phrases: (key, motif)."""
        self._keys: list[int] = []
        self._motifs: list[Motif] = []
        self._vectors: Floats = np.zeros((1024, DIM), np.float32)
        for key, motif in phrases:
            self.add(key, motif)

    def __len__(self) -> int:
        return len(self._keys)

    def add(self, key: int, motif: Motif) -> None:
        if len(self) == len(self._vectors):
            self._vectors = np.concatenate([self._vectors, np.zeros_like(self._vectors)])
        self._vectors[len(self)] = vector(motif)
        self._keys.append(key)
        self._motifs.append(motif)

    def like(self, motif: Motif, count: int = 5) -> list[Found]:
        """Return up to `count` of the most similar phrases, the best first."""
        if not motif or not len(self):
            return []
        near = self._vectors[: len(self)] @ vector(motif)
        most = min(COMPARED, len(near))
        rows = np.argpartition(-near, most - 1)[:most]
        found = []
        for row in rows:
            how = resemblance(self._motifs[row], motif)
            found.append(Found(self._keys[row], how.similarity, how.transposed, how.varied))
        return sorted(found, key=lambda one: -one.similarity)[:count]
