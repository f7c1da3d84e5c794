"""A phrase is found again among ten thousand, in another key and with another rhythm."""

from __future__ import annotations

import numpy as np

from agent.memory.phrase_search import Recall
from listener.music.motif import Motif


def phrase(rng: np.random.Generator) -> Motif:
    beats = np.sort(rng.choice(32, rng.integers(5, 14), replace=False)) / 4
    pitches = 36 + np.cumsum(rng.integers(-5, 6, len(beats)))
    return tuple((float(b), int(p)) for b, p in zip(beats, pitches, strict=True))


def library(count: int) -> list[Motif]:
    rng = np.random.default_rng(0)
    return [phrase(rng) for _ in range(count)]


def test_a_transposed_phrase_is_found_among_ten_thousand() -> None:
    known = library(10_000)
    recall = Recall(list(enumerate(known)))
    for key in range(0, 10_000, 500):
        best = recall.like(tuple((beat, pitch + 5) for beat, pitch in known[key]))[0]
        assert (best.key, best.transposed) == (key, 5)


def test_a_phrase_with_a_changed_rhythm_is_found() -> None:
    known, rng = library(10_000), np.random.default_rng(1)
    recall = Recall(list(enumerate(known)))
    found = 0
    for key in range(0, 10_000, 250):
        moved = tuple((max(beat + rng.choice((-0.25, 0.0, 0.25)), 0.0), pitch - 3) for beat, pitch in known[key])
        found += recall.like(tuple(sorted(moved)))[0].key == key
    assert found >= 34, f"{found} of 40"
