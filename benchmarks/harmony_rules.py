"""Simple accompanists that a learned one must beat:
each gives chord ids [T] for a song, from the notes before a beat.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from benchmarks.baselines.pop909 import NO_CHORD, QUALITIES, QUALITY_NAMES, REST, Song, chord_tones, transposed

Array = NDArray[np.int64]
COUNT = len(QUALITIES)
TONES = chord_tones().astype(np.float64)
BEAT = 4
WINDOW_TICKS = 16
LOOP_BARS = 4
MAJOR_STEPS = ((0, "maj"), (2, "min"), (4, "min"), (5, "maj"), (7, "maj"), (9, "min"), (11, "dim"))
MINOR_STEPS = ((0, "min"), (2, "dim"), (3, "maj"), (5, "min"), (7, "min"), (8, "maj"), (10, "maj"))
GREEDY = [r * COUNT + QUALITY_NAMES.index(q) for q in ("maj", "min", "dim", "aug", "7") for r in range(12)]
AGES = 16


def identifier(root: int, quality: str) -> int:
    return root % 12 * COUNT + QUALITY_NAMES.index(quality)


def random_in_key(song: Song, seed: int) -> Array:
    """A random triad of the annotated key (given to it) in every bar."""
    rng = np.random.default_rng([seed, int(song.name)])
    steps = MINOR_STEPS if song.key[1] else MAJOR_STEPS
    number = np.cumsum(song.bar == 0)
    picks = rng.integers(len(steps), size=number[-1] + 1)
    return np.array([identifier(song.key[0] + steps[k][0], steps[k][1]) for k in picks])[number]


class Loop:
    """The commonest four bars (chords at the downbeats) of the training songs, apart for major and minor, over and over
    in the annotated key (given to it)."""

    def __init__(self, songs: Sequence[Song]) -> None:
        found: dict[bool, Counter[tuple[int, ...]]] = {False: Counter(), True: Counter()}
        for song in songs:
            bars = transposed(song.chord[song.bar == 0].astype(np.int64), -song.key[0])
            runs = [tuple(bars[k : k + LOOP_BARS].tolist()) for k in range(0, len(bars) - LOOP_BARS + 1, LOOP_BARS)]
            found[song.key[1]].update(run for run in runs if len(set(run)) == LOOP_BARS and NO_CHORD not in run)
        self.loops = {minor: np.array(counts.most_common(1)[0][0]) for minor, counts in found.items() if counts}

    def __call__(self, song: Song) -> Array:
        loop = self.loops.get(song.key[1], next(iter(self.loops.values())))
        number = np.cumsum(song.bar == 0)
        return np.asarray(transposed(loop[(number - 1) % LOOP_BARS], song.key[0]))


def windows(pitch: Array, ticks: int = WINDOW_TICKS) -> NDArray[np.float64]:
    """[T, 12]: ticks of each pitch class in the last `ticks` before t."""
    classes = np.zeros((len(pitch) + 1, 12))
    sounding = np.flatnonzero(pitch != REST)
    classes[sounding + 1, pitch[sounding] % 12] = 1
    sums = np.cumsum(classes, 0)
    at = np.arange(len(pitch))
    return np.asarray(sums[at] - sums[np.maximum(at - ticks, 0)])


def greedy(pitch: Array) -> Array:
    """On each beat the triad or dominant seventh that covers most of the last four beats; of equals the one that holds,
    then the first of major, minor, diminished, augmented, seventh. Nothing heard: it holds."""
    covered = windows(pitch) @ TONES[GREEDY].T
    chord, now = np.full(len(pitch), NO_CHORD, np.int64), -1
    for tick in range(0, len(pitch), BEAT):
        best = covered[tick].max()
        if best and (now < 0 or covered[tick, now] < best):
            now = int(covered[tick].argmax())
        chord[tick : tick + BEAT] = GREEDY[now] if now >= 0 else NO_CHORD
    return chord


class NGram:
    """Chord trigrams (relative to the last root, backed off), a hazard by age and beat, and a naive Bayes likelihood of
    the last four beats' notes given the next chord."""

    def __init__(self, songs: Sequence[Song], bass: bool, weight: float) -> None:
        """weight: of the notes' log-likelihood per tick; 1 would take all ticks for independent."""
        self.weight, self.bass = weight, bass
        self.pairs = np.full((COUNT, 12 * COUNT), 0.01)
        self.triples = np.zeros((COUNT, 12 * COUNT, 12 * COUNT), np.float32)
        self.notes = np.ones((COUNT, 12))
        self.hazard = np.full((AGES, 6, 2), 0.5)
        for song in songs:
            self._count(song)
        self._logs = np.log(self.notes / self.notes.sum(1, keepdims=True))

    def _count(self, song: Song) -> None:
        heard = windows(self._line(song))
        chord = song.chord[::BEAT].astype(np.int64)
        starts = [k for k in range(len(chord)) if chord[k] != NO_CHORD and (not k or chord[k] != chord[k - 1])]
        for before, at in pairwise(starts):
            quality, new = chord[before] % COUNT, _relative(chord[at], chord[before])
            self.pairs[quality, new] += 1
            self.notes[chord[at] % COUNT] += np.roll(heard[at * BEAT], -(chord[at] // COUNT))
            for beat in range(before + 1, at + 1):
                index = min(beat - before, AGES - 1), song.bar[beat * BEAT] // BEAT
                self.hazard[index] += (1, beat == at)
        for first, second, third in zip(starts, starts[1:], starts[2:], strict=False):
            old = _relative(chord[second], chord[first])
            self.triples[chord[first] % COUNT, old, _relative(chord[third], chord[second])] += 1

    def _line(self, song: Song) -> Array:
        return np.asarray(song.bass if self.bass else song.melody, np.int64)

    def __call__(self, song: Song, seed: int, pitch: Array | None = None) -> Array:
        heard = windows(self._line(song) if pitch is None else pitch)
        rng = np.random.default_rng([seed, int(song.name)])
        chord = np.full(len(song), NO_CHORD, np.int64)
        old, now, began = -1, -1, 0
        for tick in range(0, len(song), BEAT):
            draws = rng.random(2)
            if now < 0 and heard[tick].any():
                now, began = self._first(heard[tick]), tick
            elif now >= 0:
                trials, made = self.hazard[min((tick - began) // BEAT, AGES - 1), song.bar[tick] // BEAT]
                if draws[0] < made / trials:
                    old, now, began = now, self._next(old, now, heard[tick], draws[1]), tick
            chord[tick : tick + BEAT] = now if now >= 0 else NO_CHORD
        return chord

    def _fit(self, heard: NDArray[np.float64], root: int) -> NDArray[np.float64]:
        """[12 * COUNT]: weighted log-likelihood of the notes for each next chord, relative to root."""
        return self.weight * np.stack([self._logs @ np.roll(heard, -(root + k)) for k in range(12)]).reshape(-1)

    def _first(self, heard: NDArray[np.float64]) -> int:
        return int((self._fit(heard, 0) + np.tile(np.log(self.pairs.sum(1) + 1), 12)).argmax())

    def _next(self, old: int, now: int, heard: NDArray[np.float64], draw: float) -> int:
        p = self.pairs[now % COUNT] / self.pairs[now % COUNT].sum()
        if old >= 0:
            seen = self.triples[old % COUNT, _relative(now, old)]
            p = (seen + 5 * p) / (seen.sum() + 5)
        score = np.log(p) + self._fit(heard, now // COUNT)
        score[now % COUNT] = -np.inf
        sums = np.cumsum(np.exp(score - score.max()))
        picked = min(int(np.searchsorted(sums, draw * sums[-1], side="right")), 12 * COUNT - 1)
        return int(transposed(np.array(picked), now // COUNT))


def _relative(chord: int, before: int) -> int:
    return int((chord // COUNT - before // COUNT) % 12 * COUNT + chord % COUNT)
