"""Say of a training piece what a song plan would have decided: harmony, sections, phrases, repeats, level, groove."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.music import past, tokens
from models.music.features import Events, Ints
from models.music.past import ACTION, DRUMS, LINE, QUALITY, ROOT, Bytes
from models.music.plan_values import PlanRows

Floats = NDArray[np.float32]
BLOCK = 4  # bars: sections begin at multiples of it, counted from the first bar that holds anything
CHANGED, RETURNED = 0.62, 0.75  # likeness of blocks: under it another section, from it on an earlier one that returned
REPEATED = 0.85  # likeness of bars, from which one repeats the other
PHRASE = 8
LEVEL_SPREAD = 1.6  # standard deviations of a bar's loudness that are level 1


@dataclass(frozen=True, slots=True)
class Bars:
    """The bars of a piece. start, end [N]: ticks; length [N]: ticks of a whole bar; content int8 [N, most, COLUMNS]."""

    start: Ints
    end: Ints
    length: Ints
    content: Bytes

    @classmethod
    def of(cls, content: Bytes, ticks: Ints, bars: Ints, lengths: Ints) -> Bars:
        start = np.flatnonzero((np.diff(bars, prepend=bars[0] - 1) != 0) | (np.diff(lengths, prepend=0) != 0))
        end = np.append(start[1:], len(bars))
        whole = np.tile(past.NOTHING, (len(start), int(lengths.max()), 1))
        for index, (a, b) in enumerate(zip(start, end, strict=True)):
            at = min(int(ticks[a]), whole.shape[1] - 1)
            count = min(b - a, whole.shape[1] - at)
            whole[index, at : at + count] = content[a : a + count]
        return cls(start, end, lengths[start], whole)

    def __len__(self) -> int:
        return len(self.start)

    def spread(self, values: NDArray[np.generic]) -> NDArray[np.generic]:
        """Return a value of each bar for every tick of it."""
        return np.repeat(values, self.end - self.start, axis=0)


def likeness(content: Bytes, lengths: Ints) -> Floats:
    """Return how alike the bars are, [N, N]: what band and bass have in common, by how much there is (Jaccard)."""
    hits = content[..., :DRUMS] > 0
    bass = content[..., past.BASS, None] == np.arange(12)
    strokes = ((content[..., ACTION] >= tokens.SAME) * (content[..., ROOT] + 1))[..., None] == np.arange(1, 13)
    sung = (content[..., LINE] == tokens.LINE_ON) * (content[..., past.PITCH] % 12 + 1)
    notes = sung[..., None] == np.arange(1, 13)
    flat = np.concatenate([hits, bass, strokes, notes], -1).reshape(len(content), -1).astype(np.float32)
    met = flat @ flat.T
    each = flat.sum(1)
    either = each[:, None] + each[None] - met
    same = lengths[:, None] == lengths[None]
    return np.where(same, np.where(either > 0, met / np.maximum(either, 1), 1.0), 0.0).astype(np.float32)


def labels_of(events: Events, ticks: Ints, bars: Ints, lengths: Ints, has: tuple[bool, bool, bool]) -> PlanRows:
    """Return what a plan would have decided of every tick, all of it known as far as the piece has it."""
    content = past.content_of(events)
    own = Bars.of(content, ticks, bars, lengths)
    alike = likeness(own.content, own.length)
    none = PlanRows.unknown(len(content))
    began, returned, section = _sections(alike, own.length)
    number = np.arange(len(own))
    phrase = np.stack([(number - began) % PHRASE, np.full(len(own), PHRASE)], 1)
    again, rows = _repeats(alike, own, content)
    return PlanRows(
        _harmony(content, ticks, lengths) if has[1] else none.harmony,
        np.asarray(own.spread(np.stack([number - began, returned], 1))),
        np.asarray(own.spread(phrase)),
        np.asarray(own.spread(again)),
        rows,
        np.asarray(own.spread(_level(own)), np.float32),
        _grooves(own, section, content, ticks) if has[0] else none.groove,
    )


def _sections(alike: Floats, length: Ints) -> tuple[Ints, Ints, Ints]:
    """Return of every bar: in which its section came in, whether that had been there before, and which it is."""
    count = len(alike)
    began, returned, which = np.zeros(count, int), np.zeros(count, int), np.zeros(count, int)
    blocks: list[list[int]] = []  # of each section, the first bars of its blocks
    start, now, back = 0, -1, 0
    for first in range(0, count, BLOCK):
        own = np.arange(first, min(first + BLOCK, count))

        def to(section: int, own: Ints = own) -> float:
            pairs = [[(b, min(o + i, count - 1)) for i, b in enumerate(own)] for o in blocks[section]]
            return max(float(np.mean([alike[pair] for pair in block])) for block in pairs)

        best = max(range(len(blocks)), key=to, default=-1)
        stays = now >= 0 and (to(now) >= CHANGED or (best == now and to(now) >= CHANGED / 2))
        if not stays:
            start = first
            back = int(best >= 0 and best != now and to(best) >= RETURNED)
            now = best if back else len(blocks)
            if not back:
                blocks.append([])
        blocks[now].append(first)
        began[own], returned[own], which[own] = start, back, now
    return began, returned, which


def _repeats(alike: Floats, own: Bars, content: Bytes) -> tuple[Ints, Bytes]:
    """Return of every bar 1 (new) or 2 (it repeats one), and what was done in the repeated one, for every tick."""
    again, rows = np.ones(len(own), int), np.tile(past.NOTHING, (len(content), 1))
    for bar in range(1, len(own)):
        before = alike[bar, :bar] - 0.0005 * np.arange(bar)[::-1]
        best = int(before.argmax())
        if before[best] >= REPEATED:
            again[bar] = 2
            a, b = own.start[bar], own.end[bar]
            rows[a:b] = own.content[best, : b - a]
    return again, rows


def _harmony(content: Bytes, ticks: Ints, lengths: Ints) -> Ints:
    """Return root, quality and whether they begin: of each half bar what holds longest in it."""
    half = np.where(ticks < (lengths + 1) // 2, 0, 1)
    begins = np.diff(half, prepend=-1) != 0
    begins |= ticks == 0
    starts = [*np.flatnonzero(begins).tolist(), len(content)]
    rows = np.tile([-1, -1, 0], (len(content), 1))
    before = -1
    for a, b in itertools.pairwise(starts):
        names = content[a:b, ROOT].astype(int) * 16 + content[a:b, QUALITY]
        names = names[content[a:b, ROOT] >= 0]
        if len(names):
            values, counts = np.unique(names, return_counts=True)
            name = int(values[counts.argmax()])
            rows[a:b, 0], rows[a:b, 1] = divmod(name, 16)
            rows[a, 2] = int(name != before)
            before = name
    return rows


def _level(own: Bars) -> Floats:
    """Return how loud each bar is beside the others, -1 to 1: what is struck, by its level."""
    content = own.content
    loud = content[..., :DRUMS].sum((1, 2)) + content[..., past.LEVEL].sum(1) + content[..., past.LINE_LEVEL].sum(1)
    rate = loud / own.length
    spread = float(rate.std()) or 1.0
    level: Floats = np.clip((rate - rate.mean()) / spread / LEVEL_SPREAD, -1, 1).astype(np.float32)
    return level


def _grooves(own: Bars, section: Ints, content: Bytes, ticks: Ints) -> Bytes:
    """Return the groove of the section at every tick, int8 [T, pieces]: in even and odd bars, what most of them hit."""
    out = np.zeros((len(content), DRUMS), np.int8)
    for one in np.unique(section):
        for length in np.unique(own.length[section == one]):
            for odd in (0, 1):
                mine = np.flatnonzero((section == one) & (own.length == length) & (np.arange(len(own)) % 2 == odd))
                if not len(mine):
                    continue
                hits = own.content[mine, :length, :DRUMS]
                often = (hits > 0).mean(0) > 0.5
                loud = np.where(hits > 0, hits, 0).sum(0) / np.maximum((hits > 0).sum(0), 1)
                groove = np.where(often, np.round(loud), 0).astype(np.int8)
                for bar in mine:
                    a, b = own.start[bar], own.end[bar]
                    out[a:b] = groove[np.minimum(ticks[a:b], length - 1)]
    return out
