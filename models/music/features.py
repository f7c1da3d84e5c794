"""Make what the responder reads about one tick: position [P], event row [25] of small integers -> one-hot [E].

A row holds what is known when tick t is about to be played: bass and band of t-1 and what still holds or sounds.
`song_rows` makes all rows of a piece at once, `Memory.read` one at a time; a test holds them equal.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from math import pi

import numpy as np
from numpy.typing import NDArray

from listener.types import Meter
from models.music import tokens
from models.music.tokens import LINE_LOW, LINE_ON, LINE_PITCHES, PIECES, QUALITIES, BassTick, Reply

Ints = NDArray[np.int64]
Floats = NDArray[np.float32]

NO_PC = 12  # "no pitch class" in a column of 13
NO_QUALITY = len(QUALITIES)
NO_LINE = LINE_PITCHES
OCTAVE_LOW, OCTAVES = 24, 5
COLUMNS: dict[str, int] = {  # name -> how many values
    "bass": 3,  # nothing, onset, unknown
    "bass_onset": 13,
    "bass_level": tokens.LEVELS,
    "bass_sounding": 13,
    "bass_octave": OCTAVES + 1,
    "bass_ref": 13,  # the last pitch class known
    **dict.fromkeys(PIECES, tokens.LEVELS),
    "chord_action": 4,
    "root": 13,
    "quality": NO_QUALITY + 1,
    "chord_sounds": 2,
    "root_over_bass": 13,
    "line_action": 3,
    "line_sounding": LINE_PITCHES + 1,
    "line_last": LINE_PITCHES + 1,
    "line_over_root": 13,
}
COLUMN = {name: index for index, name in enumerate(COLUMNS)}
SIZES = np.array(list(COLUMNS.values()))
OFFSETS = np.concatenate([[0], np.cumsum(SIZES)[:-1]])
EVENT_DIM = int(SIZES.sum())
KIT_ROLES = {"kick": ("kick",), "snare": ("snare", "rim"), "time": ("closed_hat", "open_hat", "ride", "shaker")}
KIT_TICKS = 16


def one_hot(rows: Ints) -> Floats:
    """Turn rows [..., 25] into one-hot [..., E]."""
    out = np.zeros((*rows.shape[:-1], EVENT_DIM), np.float32)
    np.put_along_axis(out, rows + OFFSETS, 1.0, axis=-1)
    return out


def phrase_bar(bar: int) -> int:
    """Return the bar number within a phrase of four bars: the model sees no more of it."""
    return bar % 4


def position_features(tick: int, bar: int, meter: Meter) -> Floats:
    """Return [P]: phases in beat, group, bar and phrases of 2 and 4 bars, and the meter itself as numbers."""
    return _position_features(tick, phrase_bar(bar), meter)


@lru_cache(maxsize=8192)
def _position_features(tick: int, bar: int, meter: Meter) -> Floats:
    per_beat = tokens.ticks_per_beat(meter)
    length = meter.numerator * per_beat
    phase = tick / length
    turns = [tick % per_beat / per_beat, *(k * phase for k in (1, 2, 3, 4)), (bar % 2 + phase) / 2, (bar + phase) / 4]
    start, size = _group_at(tick // per_beat, tokens.grouping_of(meter))
    turns.append((tick / per_beat - start) / size)
    waves = [f(2 * pi * turn) for turn in turns for f in (np.sin, np.cos)]
    on_beat = tick % per_beat == 0
    flags = [tick == 0, on_beat, on_beat and tick // per_beat == start, bar == 3, meter.denominator == 4]
    flags += [meter.denominator == 8, meter.denominator >= 8 and meter.numerator % 3 == 0, bool(meter.grouping)]
    flags += [size == 2, size == 3]
    sizes = [meter.numerator / 8, length / 16, tick / 16, (length - tick) / 16]
    return np.array([*waves, *map(float, flags), *sizes], np.float32)


def _group_at(beat: int, grouping: tuple[int, ...]) -> tuple[int, int]:
    """Return the first beat and the length of the group that `beat` is in."""
    start = 0
    for size in grouping:
        if beat < start + size:
            return start, size
        start += size
    raise ValueError(f"beat {beat} lies outside a bar of {grouping}")


POSITION_DIM = len(position_features(0, 0, Meter(4, 4)))


@dataclass(frozen=True, slots=True)
class Memory:
    """What still holds: pitch classes and indices, -1 for none. Immutable, so that copies may share it."""

    bass_ref: int = -1
    root: int = -1
    quality: int = -1
    chord_sounds: bool = False
    line_sounding: int = -1
    line_last: int = -1
    unheard: int = 0  # ticks since the bass was last known
    kit: tuple[float, ...] = (0.0,) * len(KIT_ROLES)  # hits per tick of each role, over the last bar or so

    def read(self, bass: BassTick, reply: Reply) -> tuple[Ints, Memory]:
        """Read bass and reply of tick t-1; return the row [25] for tick t, and what holds from then on."""
        action, after = tokens.chord_action(reply, self.root, self.quality), self._after(bass, reply)
        row = [*_bass_columns(bass), _or(after.bass_ref, NO_PC), *tokens.drum_levels(reply.drums), action]
        row += [_or(after.root, NO_PC), _or(after.quality, NO_QUALITY), int(after.chord_sounds)]
        row += [_over(after.root, after.bass_ref), tokens.line_action(reply), _or(after.line_sounding, NO_LINE)]
        last = after.line_last + LINE_LOW if after.line_last >= 0 else -1
        row += [_or(after.line_last, NO_LINE), _over(last, after.root)]
        return np.array(row), after

    def _after(self, bass: BassTick, reply: Reply) -> Memory:
        struck = {hit.piece for hit in reply.drums}
        hits = (not struck.isdisjoint(role) for role in KIT_ROLES.values())
        kit = tuple(rate + (hit - rate) / KIT_TICKS for rate, hit in zip(self.kit, hits, strict=True))
        after = replace(self, unheard=0 if bass.known else self.unheard + 1, kit=kit)
        if bass.known and bass.sounding_pitch is not None:
            after = replace(after, bass_ref=bass.sounding_pitch % 12)
        elif bass.known and bass.onset_pitch is not None:
            after = replace(after, bass_ref=bass.onset_pitch % 12)
        if reply.chord:
            quality = tokens.quality_index(reply.chord.quality)
            after = replace(after, root=reply.chord.root % 12, quality=quality, chord_sounds=True)
        elif reply.chord_off:
            after = replace(after, chord_sounds=False)
        if reply.line:
            pitch = min(max(reply.line.pitch - LINE_LOW, 0), LINE_PITCHES - 1)
            return replace(after, line_sounding=pitch, line_last=pitch)
        return replace(after, line_sounding=-1) if reply.line_off else after


def _or(value: int, none: int) -> int:
    return value if value >= 0 else none


def _over(pitch: int, root: int) -> int:
    return (pitch - root) % 12 if pitch >= 0 and root >= 0 else NO_PC


def _bass_columns(bass: BassTick) -> list[int]:
    if not bass.known:
        return [2, NO_PC, 0, NO_PC, 0]
    onset, sounding = bass.onset_pitch, bass.sounding_pitch
    octave = 0 if sounding is None else 1 + min(max((sounding - OCTAVE_LOW) // 12, 0), OCTAVES - 1)
    return [
        int(onset is not None),
        NO_PC if onset is None else onset % 12,
        0 if onset is None else tokens.level_of(bass.velocity),
        NO_PC if sounding is None else sounding % 12,
        octave,
    ]


@dataclass(frozen=True, slots=True)
class Events:
    """A piece as integers, one row per tick; -1 is none.

    bass [T, 3]: onset pitch, onset velocity, sounding pitch. known [T] bool. drums [T, pieces]: levels. chord [T, 4]:
    action, level, root and quality that hold after the tick. line [T, 3]: action, level, pitch - LINE_LOW.
    """

    bass: Ints
    known: NDArray[np.bool_]
    drums: Ints
    chord: Ints
    line: Ints

    def __len__(self) -> int:
        return len(self.bass)


def reply_events(replies: Sequence[Reply]) -> tuple[Ints, Ints, Ints]:
    """Turn what a band did, tick by tick, into drums [T, pieces], chord [T, 4], line [T, 3] as in Events."""
    root = quality = -1
    drums, chords, lines = [], [], []
    for reply in replies:
        action, chord, line = tokens.chord_action(reply, root, quality), reply.chord, reply.line
        if chord:
            root, quality = chord.root % 12, tokens.quality_index(chord.quality)
        drums.append(tokens.drum_levels(reply.drums))
        chords.append([action, tokens.level_of(chord.velocity) if chord else 0, root, quality])
        pitch = line.pitch - LINE_LOW if line else -1
        lines.append([tokens.line_action(reply), tokens.level_of(line.velocity) if line else 0, pitch])
    return np.array(drums), np.array(chords), np.array(lines)


def song_rows(events: Events) -> Ints:
    """Return the row of every tick, [T, 25], read from the tick before it; the first knows nothing."""
    empty, _ = Memory().read(BassTick(True), Reply())
    return np.concatenate([empty[None], _rows_after(events)[:-1]])


def _rows_after(events: Events) -> Ints:
    onset, velocity, sounding = events.bass.T
    known, nothing = events.known, ~events.known
    state = np.where(nothing, 2, onset >= 0)
    heard_onset, heard = np.where(known, onset, -1), np.where(known, sounding, -1)
    level = np.where(heard_onset >= 0, np.searchsorted(tokens.LEVEL_STARTS, velocity, "right"), 0)
    octave = np.where(heard >= 0, 1 + np.clip((heard - OCTAVE_LOW) // 12, 0, OCTAVES - 1), 0)
    ref = _pc(_hold(np.where(heard >= 0, heard, heard_onset)))
    action, _, root, quality = events.chord.T
    stroke = np.where(action >= tokens.SAME, 1, np.where(action == tokens.OFF, 0, -1))
    line, _, pitch = events.line.T
    ended = np.where(line == LINE_ON, pitch, np.where(line == tokens.LINE_OFF, -2, -1))
    line_sounds, line_last = _hold(ended), _hold(np.where(line == LINE_ON, pitch, -1))
    columns = [state, _pc(heard_onset), level, _pc(heard), octave, ref, *events.drums.T, action]
    columns += [_none(root, NO_PC), _none(quality, NO_QUALITY), np.maximum(_hold(stroke), 0), _over_all(root, ref)]
    columns += [line, _none(line_sounds, NO_LINE), _none(line_last, NO_LINE)]
    columns += [_over_all(np.where(line_last >= 0, line_last + LINE_LOW, -1), _none(root, NO_PC))]
    return np.stack(columns, axis=1).astype(np.int64)


def _hold(values: Ints) -> Ints:
    """Replace each -1 by the last value before it that is not -1."""
    last = np.maximum.accumulate(np.where(values != -1, np.arange(len(values)), -1))
    return np.where(last >= 0, values[np.maximum(last, 0)], -1)


def _pc(pitch: Ints) -> Ints:
    return np.where(pitch >= 0, pitch % 12, NO_PC)


def _none(values: Ints, none: int) -> Ints:
    return np.where(values >= 0, values, none)


def _over_all(pitch: Ints, root: Ints) -> Ints:
    return np.where((pitch >= 0) & (root >= 0) & (root < NO_PC), (pitch - root) % 12, NO_PC)
