"""Windows of training songs as the critic's networks read them: one right partner and several wrong ones beside a
bass.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor

from listener.types import Meter
from models.corpus.song import Song
from models.critic import perturb, windows
from models.critic.commonest import commonest
from models.critic.perturb import HAS, Partners, Rows, Songs, Window
from models.critic.windows import LONGEST, PARTS
from models.music.features import Floats, Ints
from models.music.tokens import PIECES, ticks_per_beat

WRONG = {  # the wrong partners beside every right one; some are drawn from several kinds
    "drums": (
        ("swapped",),
        ("swapped",),
        ("other_bar",),
        ("shift_1",),
        ("shift_2",),
        ("beats",),
        ("common", "copies_bass"),
    ),
    "comping": (
        ("swapped",),
        ("swapped_in_key",),
        ("other_bar", "bars"),
        ("shift_1",),
        ("shift_2",),
        ("beats", "common"),
        ("transposed_3",),
        ("transposed",),
    ),
    "line": (
        ("swapped",),
        ("swapped_in_key",),
        ("other_bar", "bars"),
        ("shift_1",),
        ("shift_2",),
        ("beats", "common"),
        ("transposed_3",),
        ("transposed",),
    ),
}
BARS, BARS_SHARE = (1, 2, 4), (0.1, 0.6, 0.3)  # lengths of the windows learned from


@dataclass(frozen=True, slots=True)
class TrainConfig:
    """batch: windows of each part in a step. rate: peak learning rate, cosine to a twentieth by the end.

    mma_share: of the windows (of drums far fewer: MMA's kick copies the bass); cut_share: of the batches, that are cut
    from 4/4 to another meter.
    """

    steps: int = 900
    batch: int = 24
    rate: float = 5e-3
    warmup: int = 60
    weight_decay: float = 0.2
    drums_weight_decay: float = 0.05  # of the drums' network, whose wrong partners are finer
    clip: float = 1.0
    valid_every: int = 100
    mma_share: float = 0.2
    mma_drums_share: float = 0.05
    cut_share: float = 0.2
    averaging: float = 0.99  # of the weights, per step: what is validated and shipped
    contrast: float = 0.5  # weight of the choice among partners beside the verdicts one by one
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Batch:
    """B windows with K partners each, the first the right one. context, part [B*K, T, ...], mask [B*K, T]; there [B,
    K].
    """

    context: Tensor
    part: Tensor
    mask: Tensor
    there: Tensor


@dataclass(slots=True)
class Stack:
    """Windows of different lengths, gathered to be padded to one."""

    bass: list[Ints] = field(default_factory=list)
    known: list[Any] = field(default_factory=list)
    place: list[Floats] = field(default_factory=list)
    drums: list[Ints] = field(default_factory=list)
    chord: list[Ints] = field(default_factory=list)
    line: list[Ints] = field(default_factory=list)

    def add(self, bass: Ints, known: Any, place: Floats, rows: Rows) -> None:
        self.bass.append(bass)
        self.known.append(known)
        self.place.append(place)
        self.drums.append(rows.drums)
        self.chord.append(rows.chord)
        self.line.append(rows.line)

    def features(self, part: str) -> tuple[Floats, Floats, Any]:
        """Return (context, partner, mask) of all."""
        longest = max(map(len, self.bass))
        arrays = (self.bass, self.known, self.place, self.drums, self.chord, self.line)
        bass, known, place, drums, chord, line = (padded(some, longest) for some in arrays)
        mask = np.arange(longest) < np.array([len(one) for one in self.bass])[:, None]
        heard = windows.hear(bass, known, mask, place)
        if part == "drums":
            partner = windows.drum_features(heard, drums)
        elif part == "comping":
            partner = windows.comping_features(heard, chord)
        else:
            partner = windows.line_features(heard, chord, line)
        return windows.context(part, heard, place), partner, mask


def padded(some: Sequence[Any], longest: int) -> Any:
    """Pad arrays [T, ...] of different lengths -> [N, longest, ...], zeros at the ends."""
    out = np.zeros((len(some), longest, *some[0].shape[1:]), some[0].dtype)
    for row, one in zip(out, some, strict=True):
        row[: len(one)] = one
    return out


class Sampler:
    """Windows of training songs with right and wrong partners; step n's batch depends on seed and n alone."""

    def __init__(self, songs: Sequence[Song], config: TrainConfig) -> None:
        self._config = config
        self.pools = {part: Songs(song for song in songs if song.has[HAS[part]]) for part in PARTS}
        self._share = {
            part: self._shares(pool, config.mma_drums_share if part == "drums" else config.mma_share)
            for part, pool in self.pools.items()
        }
        self.common = {part: commonest(part, pool) for part, pool in self.pools.items()}
        self._partners = {part: Partners(pool, part, self.common[part]) for part, pool in self.pools.items()}

    def _shares(self, pool: Songs, mma_share: float) -> Floats:
        """Return of each song the root of its bars, and of MMA together its share."""
        weight = np.sqrt([pool.bar_count(i) for i in range(len(pool.songs))])
        mma = np.array([song.source == "mma" for song in pool.songs])
        if mma.any() and not mma.all():
            weight[mma] *= mma_share / weight[mma].sum()
            weight[~mma] *= (1 - mma_share) / weight[~mma].sum()
        return np.asarray(weight / weight.sum())

    def batch(self, part: str, step: int) -> Batch:
        rng = np.random.default_rng((self._config.seed, step, PARTS.index(part)))
        stack = Stack()
        there: list[list[bool]] = []
        bars = int(rng.choice(BARS, p=BARS_SHARE))  # of all windows of the batch, so that little of it is padding
        cuts = [m for m in perturb.CUT_TO if m.numerator * ticks_per_beat(m) * bars <= LONGEST]
        cut_to = cuts[int(rng.integers(len(cuts)))] if rng.random() < self._config.cut_share else None
        while len(there) < self._config.batch:
            window = self._window(part, bars, cut_to, rng)
            if window is not None:
                there.append(self._add(stack, part, window, cut_to, rng))
        context, partner, mask = stack.features(part)
        tensors = torch.from_numpy(context), torch.from_numpy(partner), torch.from_numpy(mask)
        return Batch(*tensors, torch.tensor(there))

    def _window(self, part: str, bars: int, cut_to: Meter | None, rng: np.random.Generator) -> Window | None:
        pool, share = self.pools[part], self._share[part]
        song = int(rng.choice(len(share), p=share))
        window = pool.window(song, int(rng.integers(pool.bar_count(song))), bars, cut_to)
        if window is None or not perturb.enough(part, pool.rows(window), pool.bass(window)):
            return None
        return window

    def _add(
        self, stack: Stack, part: str, window: Window, cut_to: Meter | None, rng: np.random.Generator
    ) -> list[bool]:
        """Put the window with each partner on the stack; which of the partners there are."""
        pool = self.pools[part]
        true, bass = pool.rows(window), pool.bass(window)
        heard, known = varied_bass(bass, rng)
        place = windows.places(window.ticks, [window.meter] * len(window))
        change, there = Change.drawn(part, rng), []
        for kinds in ((), *WRONG[part]):
            kind = kinds[int(rng.integers(len(kinds)))] if kinds else ""
            rows = self._partners[part].wrong(kind, window, cut_to, rng) if kind else true
            if kind == "copies_bass":  # a copy of what is heard
                rows = Rows(perturb.copying(true.drums, heard), true.chord, true.line)
            there.append(rows is not None)
            stack.add(heard, known, place, change.of(rows or true))
        return there


def varied_bass(bass: Ints, rng: np.random.Generator) -> tuple[Ints, Any]:
    """Return the bass as another bassist, or other ears, would have it: notes left out, late, louder or softer, a
    stretch unheard."""
    bass, known = bass.copy(), np.ones(len(bass), bool)
    onsets = np.flatnonzero(bass[:, 0] >= 0)
    if rng.random() < 0.5:
        for at in onsets[rng.random(len(onsets)) < rng.choice([0.1, 0.3])].tolist():
            end = next((int(o) for o in onsets if o > at), len(bass))
            held = bass[at - 1, 2] if at and rng.random() < 0.5 else -1
            bass[at:end] = -1, 0, held
    if rng.random() < 0.3:
        for at in np.flatnonzero(bass[:-1, 0] >= 0)[::-1].tolist():
            if rng.random() < 0.15 and bass[at + 1, 0] < 0:
                bass[at + 1, :2], bass[at] = bass[at, :2], (-1, 0, bass[at - 1, 2] if at else -1)
    struck = bass[:, 0] >= 0
    bass[:, 1] = np.where(struck, np.clip(bass[:, 1] + rng.normal(0, 12, len(bass)).round(), 1, 127), 0)
    if rng.random() < 0.1:
        first = int(rng.integers(len(bass)))
        known[first : first + int(rng.integers(1, 9))] = False
    return bass, known


@dataclass(frozen=True, slots=True)
class Change:
    """What is done alike to the right partner and the wrong ones. mute: drum pieces left out. fresh: the chord that
    holds before the first stroke is not told. alone: a line without chords."""

    mute: tuple[int, ...] = ()
    fresh: bool = False
    alone: bool = False

    @classmethod
    def drawn(cls, part: str, rng: np.random.Generator) -> Change:
        pieces = [i for i in range(len(PIECES)) if i not in (perturb.KICK, perturb.SNARE)]
        mute = tuple(int(i) for i in pieces if rng.random() < 0.5) if rng.random() < 0.3 else ()
        return cls(mute, bool(rng.random() < 0.3), part == "line" and bool(rng.random() < 0.15))

    def of(self, rows: Rows) -> Rows:
        drums, chord = rows.drums.copy(), rows.chord.copy()
        drums[:, list(self.mute)] = 0
        if self.alone:
            chord[:] = 0, 0, -1, -1
        elif self.fresh:
            first = np.flatnonzero(chord[:, 0] >= 2)
            chord[: int(first[0]) if len(first) else len(chord), 2:] = -1
        return Rows(drums, chord, rows.line)
