"""Recall what the band did at the same place of earlier bars: sources that the responder may repeat, tick by tick.

A song repeats itself, and a recurrent state of some hundred numbers cannot hold its bars. So the bars are kept as
they were, and each tick is told what stood at its place one, two, four and eight bars ago, in the bar whose beginning
and past are most like this one's, and in all of them, each counted by how like it is (a soft nearest-neighbour vote;
compare the match model of PAQ, Mahoney 2005). `PastState.step` reads tick by tick, `recall_song` a whole piece; a test
holds them equal. Only bars of the same length are compared.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from listener.types import Meter
from models.music import tokens
from models.music.features import Events, Ints
from models.music.tokens import LINE_ON, LINE_PITCHES, PIECES

Floats = NDArray[np.float32]
Bytes = NDArray[np.int8]

LAGS = (1, 2, 4, 8)  # bars ago
SOURCES = (*(f"{lag} bars ago" for lag in LAGS), "the bar most alike")
MOST_BARS = 128  # of one length that are kept
DRUMS = len(PIECES)
ACTION, LEVEL, ROOT, QUALITY, LINE, LINE_LEVEL, PITCH, BASS = range(DRUMS, DRUMS + 8)
COLUMNS = DRUMS + 8  # of a tick; BASS: pitch class of an onset, -1 none, -2 unknown
NOTHING = np.array([0] * DRUMS + [0, 0, -1, -1, 0, 0, -1, -1], np.int8)
# weights of what bars are compared by: bass, kick, snare, toms, crash and open hat, chord, line
SIGNS = np.array([2.0, 1.0, 1.0, 0.7, 0.5, 1.0, 1.0], np.float32)
FADE = 0.6  # of what was alike a bar earlier
SHARP = 10.0  # how much more a bar counts per unit of likeness
RECENT = 0.01  # worth of a bar less far away, in likeness
VOTES: dict[str, tuple[int, int, int]] = {  # name -> (column, first value, how many values)
    **{piece: (index, 0, tokens.LEVELS) for index, piece in enumerate(PIECES)},
    "action": (ACTION, 0, 4),
    "root": (ROOT, -1, 13),
    "line": (LINE, 0, 3),
    "pitch": (PITCH, -1, LINE_PITCHES + 1),
}
VOTE_ENDS = np.cumsum([size for _, _, size in VOTES.values()])
VOTE_DIM = int(VOTE_ENDS[-1])
VOTE_SLICES = {
    name: slice(int(end) - size, int(end)) for (name, (_, _, size)), end in zip(VOTES.items(), VOTE_ENDS, strict=True)
}
_COLUMN = np.array([column for column, _, _ in VOTES.values()])
_PLACE = np.array([VOTE_SLICES[name].start - first for name, (_, first, _) in VOTES.items()], np.int16)
AGREE_TICKS = 16.0  # over which it is counted how often a source was right
AGREED = 3  # drums, chords, line
PER_SOURCE = 1 + DRUMS + 4 + 3 + AGREED
OWN_DIM, LEVEL_VOTES = len(SOURCES) * PER_SOURCE, DRUMS * tokens.LEVELS
DIM = OWN_DIM + DRUMS + 4 + 3 + 3  # numbers that the network reads
_FAR = (RECENT * np.log2(np.arange(MOST_BARS, 0, -1, dtype=np.float32))).astype(np.float32)  # bars ago, oldest first
_DEEP = np.log2(np.maximum(np.arange(MOST_BARS + 1), 1)) / 7
_NOTHING_RECALLED = np.tile(NOTHING, (len(SOURCES), 1))


@dataclass(frozen=True, slots=True)
class Recalled:
    """What is recalled for one tick, or for T of them with a first axis more.

    rows int8 [sources, COLUMNS]: what each source did; valid [sources]; votes float32 [VOTE_DIM]: how likely each value
    is by all bars, zeros without any; features float32 [DIM]: what the network reads of it.
    """

    rows: Bytes
    valid: NDArray[np.bool_]
    votes: Floats
    features: Floats


@dataclass(frozen=True, slots=True)
class Stack:
    """The bars of one length, oldest first. content int8 [n, L, COLUMNS], signs int8 [n, L, 7].

    met, all [n + 1]: of the bar that comes, how much its past has in common with each bar's past, and out of how much;
    the last is that of the newest bar itself.
    """

    content: Bytes
    signs: Bytes
    met: Floats
    all: Floats

    @classmethod
    def empty(cls, length: int) -> Stack:
        none = np.zeros(0, np.float32)
        return cls(np.zeros((0, length, COLUMNS), np.int8), np.zeros((0, length, 7), np.int8), none, none)

    def __len__(self) -> int:
        return len(self.content)

    def pushed(self, content: Bytes) -> Stack:
        """Return the stack with one bar more."""
        signs = signs_of(content)
        met, both = alike(signs, self.signs)
        met, both = met.sum(0) + FADE * self.met[: len(self)], both.sum(0) + FADE * self.all[: len(self)]
        # the bar that comes is compared with bar s by what lies before both: so by this bar and bar s - 1
        met, both = np.concatenate([[0], met]), np.concatenate([[0], both])
        first = max(len(self) + 1 - MOST_BARS, 0)
        return Stack(
            np.concatenate([self.content, content[None]])[first:],
            np.concatenate([self.signs, signs[None]])[first:],
            met[first:].astype(np.float32),
            both[first:].astype(np.float32),
        )


def content_of(events: Events) -> Bytes:
    """Return [T, COLUMNS] of events as the band and its listener know them."""
    bass = np.where(events.known, np.where(events.bass[:, 0] >= 0, events.bass[:, 0] % 12, -1), -2)
    pitch = np.where(events.line[:, 0] == LINE_ON, events.line[:, 2], -1)
    columns = [events.drums, events.chord, events.line[:, :2], pitch[:, None], bass[:, None]]
    return np.concatenate(columns, 1).astype(np.int8)


def signs_of(content: Bytes) -> Bytes:
    """Return [..., 7] what bars are compared by: 0 nothing, else what happens; a bass of -1 is unknown."""
    hit = content[..., :DRUMS] > 0
    signs = [
        content[..., BASS] + 1,
        hit[..., 0],
        hit[..., 1] | hit[..., 2],
        hit[..., 7] | hit[..., 8],
        hit[..., 4] | hit[..., 6],
        np.where(content[..., ACTION] >= tokens.SAME, content[..., ROOT] + 1, 0),
        np.where(content[..., LINE] == LINE_ON, content[..., PITCH] + 1, 0),
    ]
    return np.stack(signs, -1).astype(np.int8)


def alike(signs: Bytes, others: Bytes) -> tuple[Floats, Floats]:
    """Return what ticks [L, 7] have in common with those of bars [n, L, 7], and out of how much: both [L, n]."""
    others = others.swapaxes(0, 1)
    own = signs[:, None]
    same = ((own == others) & (own > 0)) @ SIGNS
    either = (((own > 0) | (others > 0)) & (own >= 0) & (others >= 0)) @ SIGNS
    return same.astype(np.float32), either.astype(np.float32)


def _weights(met: Floats, both: Floats) -> tuple[Floats, Floats]:
    """Return the weight of each bar [..., n], their sum 1, and its likeness."""
    likeness = (met + 0.5) / (both + 1.5)
    count = likeness.shape[-1]
    worth = likeness - RECENT * np.log2(count - np.arange(count, dtype=np.float32))
    weights = np.exp(SHARP * (worth - worth.max(-1, keepdims=True)))
    return (weights / weights.sum(-1, keepdims=True)).astype(np.float32), worth


def _voted(content: Bytes, weights: Floats) -> Floats:
    """Return votes [L, VOTE_DIM] of bars [n, L, COLUMNS] with weights [L, n]."""
    length = content.shape[1]
    place = content[:, :, _COLUMN].astype(np.int64) + _PLACE + np.arange(length)[:, None] * VOTE_DIM
    each = np.broadcast_to(weights.T[:, :, None], place.shape)
    return np.bincount(place.ravel(), each.ravel(), length * VOTE_DIM).reshape(length, VOTE_DIM).astype(np.float32)


def _recalled(
    stack: Stack, first: int, last: int, met: Floats, both: Floats
) -> tuple[Bytes, NDArray[np.bool_], Floats, Floats]:
    """Return rows, valid, votes and how sure they are [., 3] of ticks first .. last of the bar that comes.

    met, both [ticks, n]: what this bar so far and its past have in common with each bar of the stack.
    """
    ticks, count = last - first, len(stack)
    rows = np.tile(NOTHING, (ticks, len(SOURCES), 1))
    valid = np.zeros((ticks, len(SOURCES)), bool)
    if not count:
        return rows, valid, np.zeros((ticks, VOTE_DIM), np.float32), np.zeros((ticks, 3), np.float32)
    part = stack.content[:, first:last]
    for index, lag in enumerate(LAGS):
        if lag <= count:
            rows[:, index], valid[:, index] = part[count - lag], True
    weights, worth = _weights(met, both)
    best = worth.argmax(-1)
    rows[:, -1], valid[:, -1] = part[best, np.arange(ticks)], True
    sure = np.stack(
        [worth.max(-1), np.minimum(both[np.arange(ticks), best], 32) / 32, np.full(ticks, np.log2(count) / 7)], -1
    )
    return rows, valid, _voted(part, weights), sure.astype(np.float32)


def _agreement(rows: Bytes, valid: NDArray[np.bool_], content: Bytes) -> Floats:
    """Return [..., sources, AGREED]: 1 where a source did what then happened; content [..., COLUMNS]."""
    now = content[..., None, :]
    drums = ((rows[..., :DRUMS] > 0) == (now[..., :DRUMS] > 0)).all(-1)
    chord = (rows[..., ACTION] == now[..., ACTION]) & (rows[..., ROOT] == now[..., ROOT])
    line = (rows[..., LINE] == now[..., LINE]) & (rows[..., PITCH] == now[..., PITCH])
    return (np.stack([drums, chord, line], -1) & valid[..., None]).astype(np.float32)


def _features(rows: Bytes, valid: NDArray[np.bool_], agreed: Floats, votes: Floats, sure: Floats) -> Floats:
    """Return [..., DIM]."""
    there = valid[..., None]
    actions = (rows[..., ACTION, None] == np.arange(4)) & there
    lines = (rows[..., LINE, None] == np.arange(3)) & there
    own = np.concatenate([there, rows[..., :DRUMS] / np.float32(4) * there, actions, lines, agreed], -1)
    hits = votes[..., : DRUMS * tokens.LEVELS].reshape(*votes.shape[:-1], DRUMS, tokens.LEVELS)[..., 1:].sum(-1)
    rest = votes[..., VOTE_SLICES["action"]], votes[..., VOTE_SLICES["line"]]
    flat = own.reshape(*own.shape[:-2], -1)
    return np.concatenate([flat, hits, *rest, sure], -1).astype(np.float32)


def recall_song(events: Events, ticks: Ints, bars: Ints, lengths: Ints) -> Recalled:
    """Return what is recalled for every tick of a piece, from what comes before it.

    events: as heard; ticks, bars [T]: position; lengths [T]: ticks of the bar each is in.
    """
    content = content_of(events)
    total = len(content)
    rows = np.tile(NOTHING, (total, len(SOURCES), 1))
    valid = np.zeros((total, len(SOURCES)), bool)
    votes, sure = np.zeros((total, VOTE_DIM), np.float32), np.zeros((total, 3), np.float32)
    stacks: dict[int, Stack] = {}
    starts = [*np.flatnonzero(_begins(ticks, bars, lengths)).tolist(), total]
    for start, end in itertools.pairwise(starts):
        length, first = int(lengths[start]), int(ticks[start])
        stack = stacks.get(length) or Stack.empty(length)
        bar = np.tile(NOTHING, (length, 1))
        last = min(first + end - start, length)
        bar[first:last] = content[start : start + last - first]
        if len(stack):
            met, both = alike(signs_of(bar), stack.signs)
            met = np.cumsum(met, 0) - met + FADE * stack.met
            both = np.cumsum(both, 0) - both + FADE * stack.all
        else:
            met = both = np.zeros((length, 0), np.float32)
        at = slice(start, start + last - first)
        rows[at], valid[at], votes[at], sure[at] = _recalled(stack, first, last, met[first:last], both[first:last])
        stacks[length] = stack.pushed(bar)
    agreed = _smoothed(_agreement(rows, valid, content))
    return Recalled(rows, valid, votes, _features(rows, valid, agreed, votes, sure))


def _begins(ticks: Ints, bars: Ints, lengths: Ints) -> NDArray[np.bool_]:
    changes = [np.diff(values, prepend=values[0] - 1) != 0 for values in (bars, lengths)]
    begins: NDArray[np.bool_] = (ticks == 0) | changes[0] | changes[1]
    return begins


def _smoothed(agreed: Floats) -> Floats:
    """Return the running share [T, ...] of the ticks before each."""
    out, now = np.empty_like(agreed), np.zeros_like(agreed[0])
    for tick in range(len(agreed)):
        out[tick] = now
        now = now + (agreed[tick] - now) / np.float32(AGREE_TICKS)
    return out


@dataclass(frozen=True, slots=True)
class PastState:
    """What is kept of a piece up to now. Immutable: copies share their arrays.

    bar: of the tick about to be played, (number, ticks, tick); now int8 [L, COLUMNS]: what was done in it so far.
    met, all [n]: of this bar so far. agreed: how often each source was right lately.
    """

    stacks: Mapping[int, Stack] = field(default_factory=dict)
    bar: tuple[int, int, int] | None = None
    now: Bytes = field(default_factory=lambda: np.zeros((0, COLUMNS), np.int8))
    met: Floats = field(default_factory=lambda: np.zeros(0, np.float32))
    all: Floats = field(default_factory=lambda: np.zeros(0, np.float32))
    agreed: Floats = field(default_factory=lambda: np.zeros((len(SOURCES), AGREED), np.float32))
    last: Recalled | None = None

    @classmethod
    def of(cls, bars: Mapping[int, Bytes]) -> PastState:
        """Return the state of a piece that begins with bars in mind. bars: int8 [n, L, COLUMNS], oldest first, by L."""
        stacks = {}
        for length, contents in bars.items():
            stack = Stack.empty(length)
            for content in contents:
                stack = stack.pushed(content)
            stacks[length] = stack
        return cls(stacks)

    def newest(self, count: int) -> dict[int, Bytes]:
        """Return the last whole bars of each length, at most so many: what `of` takes."""
        return {length: stack.content[-count:] for length, stack in self.stacks.items() if len(stack)}

    def step(self, row: Bytes, place: tuple[int, int, int]) -> tuple[PastState, Recalled]:
        """Read what was done in the tick before, [COLUMNS], and recall what is for the next one.

        place: (bar's number, its ticks, tick in it) of the tick about to be played.
        """
        now, met, both, agreed, stacks = self.now, self.met, self.all, self.agreed, self.stacks
        if self.bar is not None and self.last is not None:
            _, length, tick = self.bar
            tick = min(tick, length - 1)
            now = now.copy()
            now[tick] = row
            stack = stacks.get(length)
            if stack is not None and len(stack):
                more, out_of = _alike_at(row, stack.signs[:, tick])
                met, both = met + more, both + out_of
            agreed = agreed + (_agreed_at(self.last, row) - agreed) / np.float32(AGREE_TICKS)
        length, tick = place[1], min(place[2], place[1] - 1)
        if self.bar is None or place[2] == 0 or place[:2] != self.bar[:2]:
            if self.bar is not None:
                own = self.bar[1]
                stacks = {**stacks, own: (stacks.get(own) or Stack.empty(own)).pushed(now)}
            met = both = np.zeros(len(stacks[length]) if length in stacks else 0, np.float32)
            now = np.tile(NOTHING, (length, 1))
        found = _recalled_at(stacks.get(length), tick, met, both, agreed)
        return PastState(stacks, place, now, met, both, agreed, found), found


def _alike_at(row: Bytes, others: Bytes) -> tuple[Floats, Floats]:
    """Do as `alike` for one tick: row [COLUMNS], others [n, 7] -> [n], [n]."""
    kick, snare, rim, _, open_hat, _, crash, low, high, _, action, _, root, _, line, _, pitch, bass = row.tolist()
    own = (
        bass + 1,
        kick > 0,
        snare > 0 or rim > 0,
        low > 0 or high > 0,
        open_hat > 0 or crash > 0,
        root + 1 if action >= tokens.SAME else 0,
        pitch + 1 if line == LINE_ON else 0,
    )
    signs = np.array(own, np.int8)
    does, rests = SIGNS * (signs > 0), SIGNS * (signs == 0)
    same = ((others == signs) & (signs > 0)).astype(np.float32) @ SIGNS
    return same, (others >= 0).astype(np.float32) @ does + (others > 0).astype(np.float32) @ rests


def _agreed_at(last: Recalled, row: Bytes) -> Floats:
    """Do as `_agreement` for one tick."""
    rows = last.rows
    drums = ((rows[:, :DRUMS] > 0) == (row[:DRUMS] > 0)).all(1)
    same = rows == row
    out = np.empty((len(SOURCES), AGREED), np.float32)
    out[:, 0], out[:, 1], out[:, 2] = drums, same[:, ACTION] & same[:, ROOT], same[:, LINE] & same[:, PITCH]
    out *= last.valid[:, None]
    return out


def _recalled_at(stack: Stack | None, tick: int, met: Floats, both: Floats, agreed: Floats) -> Recalled:
    """Do as `_recalled` and `_features` for one tick."""
    rows, valid = _NOTHING_RECALLED.copy(), np.zeros(len(SOURCES), bool)
    features = np.zeros(DIM, np.float32)
    own = features[:OWN_DIM].reshape(len(SOURCES), PER_SOURCE)
    own[:, -AGREED:] = agreed
    count = len(stack) if stack is not None else 0
    if stack is None or not count:
        return Recalled(rows, valid, np.zeros(VOTE_DIM, np.float32), features)
    part = stack.content[:, tick]
    likeness = (met + FADE * stack.met + 0.5) / (both + FADE * stack.all + 1.5)
    worth = likeness - _FAR[MOST_BARS - count :]
    best = int(worth.argmax())
    lags = [lag for lag in LAGS if lag <= count]
    rows[: len(lags)] = part[[count - lag for lag in lags]]
    rows[-1] = part[best]
    valid[: len(lags)] = valid[-1] = True
    weights = np.exp(SHARP * (worth - worth[best]))
    weights /= weights.sum()
    place = part[:, _COLUMN] + _PLACE
    votes = np.bincount(place.ravel(), np.repeat(weights, len(VOTES)), VOTE_DIM).astype(np.float32)
    own[:, 0] = valid
    own[:, 1 : 1 + DRUMS] = rows[:, :DRUMS] * (np.float32(0.25) * valid[:, None])
    at = np.flatnonzero(valid)
    own[at, 1 + DRUMS + rows[at, ACTION]] = 1
    own[at, 1 + DRUMS + 4 + rows[at, LINE]] = 1
    features[OWN_DIM : OWN_DIM + DRUMS] = votes[:LEVEL_VOTES].reshape(DRUMS, tokens.LEVELS)[:, 1:].sum(1)
    features[OWN_DIM + DRUMS : OWN_DIM + DRUMS + 4] = votes[VOTE_SLICES["action"]]
    features[OWN_DIM + DRUMS + 4 : OWN_DIM + DRUMS + 7] = votes[VOTE_SLICES["line"]]
    known = min(float(both[best] + FADE * stack.all[best]), 32.0) / 32
    features[-3:] = worth[best], known, _DEEP[count]
    return Recalled(rows, valid, votes, features)


def lengths_of(meters: Sequence[Meter]) -> Ints:
    """Return the ticks of the bar that each of these meters has, [T]."""
    known = {meter: meter.numerator * tokens.ticks_per_beat(meter) for meter in set(meters)}
    return np.array([known[meter] for meter in meters])
