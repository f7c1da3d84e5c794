"""Makes what the critic reads: windows of up to 64 ticks as float features, the same in every key.

All functions work on batches. Rows are those of models.music.features.Events: bass [N, T, 3], known [N, T], drums
[N, T, pieces], chord [N, T, 4], line [N, T, 3]; mask [N, T] is False where a shorter window is padded. Pitches are read
above the bass pitch class that sounds longest in the window (the reference) and above the bass that sounds at the tick;
levels are read as shares of the loudest level in the window, so that no velocity scale is learned.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from listener.types import Meter
from models.music import tokens
from models.music.features import POSITION_DIM, Floats, Ints, position_features
from models.music.tokens import LINE_LOW, LINE_ON, PIECES, QUALITIES

Bools = NDArray[np.bool_]

LONGEST = 64  # ticks of a window
KIT = {  # what is told apart; every piece of tokens.PIECES is in one group
    "kick": ("kick",),
    "snare": ("snare",),
    "rim": ("rim",),
    "hat": ("closed_hat", "shaker"),
    "open_hat": ("open_hat",),
    "ride": ("ride",),
    "crash": ("crash",),
    "tom": ("low_tom", "high_tom"),
}
CHROMA = np.zeros((len(QUALITIES), 12), np.float32)  # pitch classes above the root, by quality
for _index, _intervals in enumerate(QUALITIES.values()):
    CHROMA[_index, list(_intervals)] = 1
_COUNTED = np.arange(12)

BAR_LENGTH = -3  # column of position_features: ticks of the bar / 16
BASS_DIM = 9
CONTEXT_DIM = {"drums": BASS_DIM + POSITION_DIM, "comping": BASS_DIM + 12 + POSITION_DIM}
CONTEXT_DIM["line"] = CONTEXT_DIM["comping"]
PART_DIM = {"drums": 4 * len(KIT) + 1, "comping": 8 + 4 * 12, "line": 14 + 4 * 12 + 1}
PARTS = tuple(PART_DIM)


def places(ticks: Sequence[int] | Ints, meters: Sequence[Meter]) -> Floats:
    """Return [T, POSITION_DIM]: where in beat, group and bar each tick lies. The number of the bar is not read."""
    return np.stack([position_features(int(tick), 0, meter) for tick, meter in zip(ticks, meters, strict=True)])


@dataclass(frozen=True, slots=True)
class Heard:
    """The bass of a batch of windows. pc [N, T]: what sounds, -1 none. reference [N]: pitch class. features [N, T, 9].

    onset [N, T]. ago [N, T]: the tick one bar before, -1 where the window does not reach back so far.
    """

    pc: Ints
    reference: Ints
    onset: Bools
    features: Floats
    mask: Bools
    ago: Ints

    def changed(self, values: NDArray[Any]) -> Bools:
        """Return [N, T, ...]: where values [N, T, ...] are others than one bar before; False where nothing is known of
        it."""
        wide = (...,) + (None,) * (values.ndim - 2)
        ago = np.broadcast_to(self.ago, values.shape[:2])[wide]
        return np.asarray((np.take_along_axis(values, np.maximum(ago, 0), 1) != values) & (ago >= 0))


def hear(bass: Ints, known: Bools, mask: Bools, place: Floats) -> Heard:
    """Read the bass: what sounds, the reference pitch class, and what the networks get of both. place: of `places`."""
    ago = np.where(mask, np.arange(mask.shape[1]) - (place[..., BAR_LENGTH] * tokens.TICKS_PER_WHOLE).round(), -1)
    known = known & mask
    onset = known & (bass[..., 0] >= 0)
    pc = np.where(known & (bass[..., 2] >= 0), bass[..., 2] % 12, -1)
    pc = np.where((pc < 0) & onset, bass[..., 0] % 12, pc)
    reference = _longest(pc)
    level = np.where(onset, np.searchsorted(tokens.LEVEL_STARTS, bass[..., 1], "right"), 0)
    before = _last(np.where(onset, bass[..., 0], -1), onset)
    moves = onset & (before >= 0) & (before != bass[..., 0])
    on_reference = onset & (bass[..., 0] % 12 == reference[:, None])
    heard = Heard(pc, reference, onset, np.zeros(0, np.float32), mask, ago.astype(int))
    again = [heard.ago >= 0, heard.changed(onset), heard.changed(pc)]
    columns = [known, onset, _accent(level), pc >= 0, on_reference, moves, *again]
    return replace(heard, features=np.stack(columns, -1).astype(np.float32))


def _longest(pc: Ints) -> Ints:
    """Return [N]: the pitch class that fills most ticks; of equals the one heard first; 0 where nothing sounds."""
    sounds = pc[..., None] == _COUNTED
    counts = sounds.sum(1)
    first = np.where(sounds.any(1), sounds.argmax(1), pc.shape[1])
    return np.asarray(np.argmax(counts * (pc.shape[1] + 1) - first, axis=-1))


def _accent(level: Ints) -> Floats:
    """Turn levels into shares of the loudest of the window."""
    top = level.max(axis=tuple(range(1, level.ndim)), keepdims=True)
    return np.asarray(level / np.maximum(top, 1), np.float32)


def _last(values: Ints, at: Bools) -> Ints:
    """Return [N, T]: the value at the last tick before this one where `at` holds; -1 where there was none."""
    held = _held(values, at)
    return np.concatenate([np.full_like(held[:, :1], -1), held[:, :-1]], 1)


def _held(values: Ints, at: Bools, first: Ints | None = None) -> Ints:
    """Return [N, T]: the value at the last tick up to this one where `at` holds; before that `first` [N], else -1."""
    index = np.maximum.accumulate(np.where(at, np.arange(at.shape[1]), -1), axis=1)
    found = np.take_along_axis(values, np.maximum(index, 0), axis=1)
    return np.where(index >= 0, found, -1 if first is None else first[:, None])


def context(part: str, heard: Heard, place: Floats) -> Floats:
    """Return [N, T, CONTEXT_DIM[part]]; place [N, T, POSITION_DIM]. Drums do not hear which pitch the bass has."""
    pieces = [heard.features]
    if part != "drums":
        pieces.append(_one_hot(_above(heard.pc, heard.reference[:, None])))
    return np.concatenate([*pieces, np.broadcast_to(place, (*heard.pc.shape, POSITION_DIM))], -1)


def _above(pc: Ints, base: Ints) -> Ints:
    """Return the semitones of a pitch class above another, -1 where either is missing."""
    return np.where((pc >= 0) & (base >= 0), (pc - base) % 12, -1)


def _one_hot(values: Ints) -> Floats:
    """Map [...] of 0-11, -1 none -> [..., 12]."""
    return np.asarray(values[..., None] == _COUNTED, np.float32)


_GROUPS = [[PIECES.index(piece) for piece in group] for group in KIT.values()]


def drum_features(heard: Heard, drums: Ints) -> Floats:
    """Return [N, T, 33]: of each group of KIT: struck, accent, struck with a bass note, struck otherwise than a bar
    before.

    Last, where a kick and a bass note part ways.
    """
    levels = np.stack([drums[..., group].max(-1) for group in _GROUPS], -1) * heard.mask[..., None]
    struck = levels > 0
    apart = struck[..., :1] != heard.onset[..., None]  # KIT begins with the kick
    columns = [struck, _accent(levels), struck & heard.onset[..., None], heard.changed(struck), apart]
    return np.concatenate([np.asarray(column, np.float32) for column in columns], -1)


@dataclass(frozen=True, slots=True)
class Harmony:
    """Chords of a batch of windows. root, quality [N, T]: what holds, -1 none. stroke, off, sounds, new [N, T]."""

    root: Ints
    quality: Ints
    stroke: Bools
    off: Bools
    sounds: Bools
    new: Bools

    @property
    def chroma(self) -> Floats:
        """Return [N, T, 12]: pitch classes above the root of what holds."""
        return np.asarray(CHROMA[np.maximum(self.quality, 0)] * (self.root >= 0)[..., None], np.float32)


def harmony(chord: Ints, mask: Bools) -> Harmony:
    """Read chord rows. Only strokes, ends and what holds at the first tick are read: the rest follows from them."""
    stroke = mask & (chord[..., 0] >= tokens.SAME) & (chord[..., 2] >= 0)
    off = mask & (chord[..., 0] == tokens.OFF)
    named = chord[..., 2] * len(QUALITIES) + chord[..., 3]
    first = np.where((chord[:, 0, 2] >= 0) & ~stroke[:, 0], named[:, 0], -1)
    holds = _held(named, stroke, first)
    before = np.concatenate([first[:, None], holds[:, :-1]], 1)
    sounds = _held(stroke.astype(int), stroke | off, (first >= 0).astype(int)) > 0
    root, quality = np.where(holds >= 0, holds // len(QUALITIES), -1), np.where(holds >= 0, holds % len(QUALITIES), -1)
    return Harmony(root, quality, stroke, off & (holds >= 0), sounds, stroke & (before != holds))


def _rolled(chroma: Floats, root: Ints, base: Ints) -> Floats:
    """Return [N, T, 12]: chord tones above `base` instead of above the root; zeros where either is missing."""
    steps = (_COUNTED + (base - root)[..., None]) % 12
    there = (root >= 0) & (base >= 0)
    return np.asarray(np.take_along_axis(chroma, steps, -1) * there[..., None], np.float32)


def comping_features(heard: Heard, chord: Ints) -> Floats:
    """Return [N, T, 56]: strokes, and chord tones and root above the reference and above the sounding bass."""
    held, base = harmony(chord, heard.mask), np.broadcast_to(heard.reference[:, None], heard.pc.shape)
    strokes = [held.stroke, held.off, held.sounds, held.new, _accent(np.where(held.stroke, chord[..., 1], 0))]
    strokes += [heard.changed(held.stroke), heard.changed(held.root)]
    chroma = held.chroma
    pitches = [_rolled(chroma, held.root, base), _one_hot(_above(held.root, base))]
    pitches += [_rolled(chroma, held.root, heard.pc + np.zeros_like(held.root)), _one_hot(_above(held.root, heard.pc))]
    scale = _shares(heard.pc[..., None] == _COUNTED)[:, None]  # of the bass; how much of it the chord holds
    strokes.append((_rolled(chroma, held.root, np.zeros_like(held.root)) * scale).sum(-1))
    return np.concatenate([np.stack(strokes, -1).astype(np.float32), *pitches], -1)


def _shares(sounding: NDArray[Any]) -> Floats:
    """Return [N, 12]: how much of what sounds in the window (weights [N, T, 12] by pitch class) each pitch class is."""
    total = sounding.sum(1)
    return np.asarray(total / np.maximum(total.sum(-1, keepdims=True), 1), np.float32)


def line_features(heard: Heard, chord: Ints, line: Ints) -> Floats:
    """Return [N, T, 63]: notes and steps, and pitch classes above the reference, the sounding bass and the chord's
    root."""
    held, mask = harmony(chord, heard.mask), heard.mask
    base = np.broadcast_to(heard.reference[:, None], heard.pc.shape)
    on = mask & (line[..., 0] == LINE_ON) & (line[..., 2] >= 0)
    pitch = np.where(on, line[..., 2] + LINE_LOW, -1)
    sounds = _held(on.astype(int), on | (mask & (line[..., 0] == tokens.LINE_OFF)), np.zeros(len(on), int)) > 0
    last, now = _last(pitch, on), _held(pitch, on)
    leap = np.where(on & (last >= 0), pitch - last, 0)
    pc = np.where(sounds, now % 12, -1)
    over_root = _above(pc, held.root)
    chroma = held.chroma
    in_chord = (np.take_along_axis(chroma, np.maximum(over_root, 0)[..., None], -1)[..., 0] > 0) & (over_root >= 0)
    ended = ~sounds & np.concatenate([np.zeros_like(sounds[:, :1]), sounds[:, :-1]], 1)
    notes = [on, ended, sounds, _accent(np.where(on, line[..., 1], 0)), np.clip(np.abs(leap) / 12, 0, 1)]
    notes += [leap > 0, (np.abs(leap) > 0) & (np.abs(leap) < 3), on & (last == pitch), in_chord, held.root >= 0]
    notes += [heard.changed(on), heard.changed(pc)]
    absolute = _rolled(chroma, held.root, np.zeros_like(held.root)) * mask[..., None]
    for scale in (_shares(heard.pc[..., None] == _COUNTED), _shares(absolute)):  # how much the window has of the note
        notes.append(np.take_along_axis(scale, np.maximum(pc, 0), -1) * (pc >= 0))
    pitches = [_one_hot(_above(pc, base)), _one_hot(_above(pc, heard.pc)), _one_hot(over_root)]
    pitches += [_rolled(chroma, held.root, base), held.stroke[..., None].astype(np.float32)]
    return np.concatenate([np.stack(notes, -1).astype(np.float32), *pitches], -1)
