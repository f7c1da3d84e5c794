"""The rules a responder must beat, on the same decisions: the most common bar, counts per tick, counts per tick given
the bar before. Each gives nats per tick and part for a song."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.corpus.song import Song
from models.music import tokens
from models.music.features import Ints, song_rows
from models.music.tokens import PARTS, PIECES

Nats = dict[str, NDArray[np.float64]]
SMOOTHING = 2.0  # how many observations the coarser table is worth
EPSILONS = (0.5, 0.3, 0.2, 0.1, 0.05, 0.02, 0.01)
BASS_REF = 5  # column of features.COLUMNS


@dataclass(frozen=True, slots=True)
class Decision:
    """One kind of choice: values [T] of `size` kinds, made where active [T]; recurs: has a value in every tick."""

    part: str
    name: str
    values: Ints
    size: int
    active: NDArray[np.bool_]
    recurs: bool


def decisions(song: Song) -> Iterator[Decision]:
    """The same decisions the responder makes; roots are intervals above the bass heard last."""
    events, always = song.events, np.ones(len(song), bool)
    if song.has[0]:
        for index, piece in enumerate(PIECES):
            yield Decision("drums", piece, events.drums[:, index], tokens.LEVELS, always, True)
    if song.has[1]:
        yield from _chord_decisions(song, always)
    if song.has[2]:
        action, level, pitch = events.line.T
        on = action == tokens.LINE_ON
        yield Decision("line", "action", action, 3, always, True)
        yield Decision("line", "level", level, tokens.LEVELS, on, False)
        yield Decision("line", "pitch", np.maximum(pitch, 0), tokens.LINE_PITCHES, on, False)


def _chord_decisions(song: Song, always: NDArray[np.bool_]) -> Iterator[Decision]:
    action, level, root, quality = song.events.chord.T
    bass = song_rows(song.events)[:, BASS_REF] % 12
    new = action == tokens.NEW
    yield Decision("chords", "action", action, 4, always, True)
    yield Decision("chords", "level", level, tokens.LEVELS, action >= tokens.SAME, False)
    yield Decision("chords", "root", (root - bass) % 12, 12, new, False)
    yield Decision("chords", "quality", np.maximum(quality, 0), len(tokens.QUALITIES), new, False)


class Counts:
    """Smoothed counts: p(value | metre, tick) over p(value); with bar_before also given the value one bar ago."""

    def __init__(self, songs: Iterable[Song], bar_before: bool) -> None:
        self._bar_before = bar_before
        self._arrays: dict[tuple[str, ...], NDArray[np.float64]] = {}
        for song in songs:
            for d in decisions(song):
                for key, context in self._contexts(song, d):
                    flat = (context * d.size + d.values)[d.active]
                    self._add(key, np.bincount(flat, minlength=1), d.size)

    def _add(self, key: tuple[str, ...], counts: NDArray[np.int64], size: int) -> None:
        old = self._arrays.get(key, np.zeros(0))
        grown = np.zeros(max(len(old), -(-len(counts) // size) * size))
        grown[: len(old)] = old
        grown[: len(counts)] += counts
        self._arrays[key] = grown

    def _contexts(self, song: Song, d: Decision) -> Iterator[tuple[tuple[str, ...], Ints]]:
        """(table, context [T]) from coarse to fine."""
        yield (d.part, d.name), np.zeros(len(song), int)
        yield (d.part, d.name, str(song.meter)), song.ticks
        if self._bar_before and d.recurs:
            length = song.meter.numerator * tokens.ticks_per_beat(song.meter)
            before = np.concatenate([np.zeros(length, int), d.values])[: len(song)]
            yield (d.part, d.name, str(song.meter), "before"), song.ticks * d.size + before

    def nats(self, song: Song) -> Nats:
        out = {part: np.zeros(len(song)) for part, has in zip(PARTS, song.has, strict=True) if has}
        for d in decisions(song):
            p = np.full(len(song), 1 / d.size)
            for key, context in self._contexts(song, d):
                p = self._refined(p, self._arrays.get(key, np.zeros(0)), context, d)
            out[d.part] -= np.where(d.active, np.log(p), 0)
        return out

    def _refined(
        self, p: NDArray[np.float64], table: NDArray[np.float64], context: Ints, d: Decision
    ) -> NDArray[np.float64]:
        wide = np.zeros((int(context.max()) + 1) * d.size)
        wide[: min(len(table), len(wide))] = table[: len(wide)]
        by_context = wide.reshape(-1, d.size)
        return np.asarray((by_context[context, d.values] + SMOOTHING * p) / (by_context.sum(1)[context] + SMOOTHING))


class CommonBar:
    """Repeats the commonest bar of the metre, part by part; what it says has probability 1 - epsilon.

    Empty bars do not count as a pattern of drums or chords. Epsilon is tuned per part on `valid`.
    """

    def __init__(self, songs: Iterable[Song], valid: Iterable[Song]) -> None:
        bars: dict[tuple[str, str], Counter[bytes]] = defaultdict(Counter)
        for song in songs:
            for part, values in _stacked(song).items():
                for bar in _whole_bars(song, values):
                    if bar[:, 0 if part != "drums" else slice(None)].any() or part == "line":
                        bars[str(song.meter), part][bar.tobytes()] += 1
        self._bars = {key: np.frombuffer(c.most_common(1)[0][0], np.int64) for key, c in bars.items() if c}
        self._epsilon = dict.fromkeys(PARTS, 0.1)
        held = list(valid)
        for part in PARTS:
            self._epsilon[part] = min(EPSILONS, key=lambda e: self._cost(held, part, e))

    def _cost(self, songs: list[Song], part: str, epsilon: float) -> float:
        self._epsilon[part] = epsilon
        return float(sum(self.nats(s)[part].sum() for s in songs if s.has[PARTS.index(part)]))

    def nats(self, song: Song) -> Nats:
        out = {part: np.zeros(len(song)) for part, has in zip(PARTS, song.has, strict=True) if has}
        for part in out:
            mine = [d for d in decisions(song) if d.part == part]
            for index, d in enumerate(mine):
                epsilon = self._epsilon[part]
                p = np.where(d.values == self._said(song, part, index, len(mine)), 1 - epsilon, epsilon / (d.size - 1))
                out[part] -= np.where(d.active, np.log(p), 0)
        return out

    def _said(self, song: Song, part: str, index: int, width: int) -> Ints:
        bar = self._bars.get((str(song.meter), part))
        if bar is None:
            return np.zeros(len(song), int)
        return np.asarray(bar.reshape(-1, width)[song.ticks % (len(bar) // width), index])


def _stacked(song: Song) -> dict[str, Ints]:
    """part -> [T, decisions]; what is not active is 0."""
    found: dict[str, list[Ints]] = defaultdict(list)
    for d in decisions(song):
        found[d.part].append(np.where(d.active, d.values, 0))
    return {part: np.stack(columns, 1).astype(np.int64) for part, columns in found.items()}


def _whole_bars(song: Song, values: Ints) -> Iterator[Ints]:
    length = song.meter.numerator * tokens.ticks_per_beat(song.meter)
    for start in np.flatnonzero(song.ticks == 0):
        bar = values[start : start + length]
        if len(bar) == length and np.array_equal(song.ticks[start : start + length], np.arange(length)):
            yield np.ascontiguousarray(bar)
