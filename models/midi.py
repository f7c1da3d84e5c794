"""A MIDI file -> its parts on the tick grid: Arrangement (bass, drums, chords, counter-line) as Events.

Finds the bass (programs 32-39, or a track named so), drums (channel 10), strokes of two or more notes (chords) and
the most melodic one-voice track (line). Swung and triplet off-beats are moved onto the straight grid.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import mido
import numpy as np
from numpy.typing import NDArray

from listener.types import Meter
from models import tokens
from models.features import Events, Ints
from models.tokens import LINE_HIGH, LINE_LOW, PIECE_OF_KEY, PIECES, QUALITIES

DRUM_CHANNEL = 9
BASS_PROGRAMS = range(32, 40)
SOUND_EFFECTS = 112  # GM programs from here on have no pitch to speak of
MIN_BARS = 8
BASS_WEIGHT = 0.6  # of a bass note beside a comping note, when a chord is named
LINE_MIN_NOTES, LINE_MAX_PER_TICK = 16, 0.5
ROOT_WEIGHTS = np.array([1.3, 1.1, 0.9, 1.0])  # root, third, fifth, seventh of a template
OUTSIDE_COST = 0.8


class Unusable(ValueError):
    """The file has nothing to learn from; the message says why."""


@dataclass(frozen=True, slots=True)
class Sounded:
    """A note on the 16th grid: first tick and the tick it has ended by."""

    start: int
    end: int
    pitch: int
    velocity: int


@dataclass(frozen=True, slots=True)
class Track:
    name: str
    channel: int
    program: int
    notes: tuple[Sounded, ...]


@dataclass(frozen=True, slots=True)
class Arrangement:
    """ticks [T], bars [T]: position; meters, one per tick. has: which of tokens.PARTS the piece has."""

    ticks: Ints
    bars: Ints
    meters: tuple[Meter, ...]
    events: Events
    has: tuple[bool, bool, bool]
    bass: tuple[Sounded, ...]
    tempo_bpm: float  # quarters per minute, at the start


def read(path: Path, meter: Meter | None = None) -> Arrangement:
    """Parse one file; meter overrides its own time signatures. Unusable: no bass, no drums, too short, not MIDI."""
    try:
        file = mido.MidiFile(path, clip=True)
    except (OSError, ValueError, EOFError, KeyError, IndexError, mido.KeySignatureError) as error:
        raise Unusable(f"{path.name}: not readable as MIDI ({error})") from None
    tracks, signatures, tempo = _tracks(file, meter)
    bass = _bass(tracks, path.name)
    drums = [t for t in tracks if t.channel == DRUM_CHANNEL]
    if not drums:
        raise Unusable(f"{path.name}: no drums on channel 10")
    length = max(note.end for t in [bass, *drums] for note in t.notes)
    ticks, bars, meters = _grid(signatures, length)
    if bars[-1] + 1 < MIN_BARS:
        raise Unusable(f"{path.name}: {bars[-1] + 1} bars, {MIN_BARS} are needed")
    others = [t for t in tracks if t is not bass and t.channel != DRUM_CHANNEL and t.program < SOUND_EFFECTS]
    line = _line_track(others, length)
    comping = [t for t in others if t is not line] or others
    chord, line_rows = _chords(comping, bass, len(ticks)), _line(line, len(ticks))
    known = np.ones(len(ticks), bool)
    events = Events(_bass_rows(bass, len(ticks)), known, _drum_rows(drums, len(ticks)), chord, line_rows)
    has = (True, bool((chord[:, 0] >= tokens.SAME).sum() >= MIN_BARS // 2), line is not None)
    return Arrangement(ticks, bars, meters, events, has, bass.notes, tempo)


def _tracks(file: mido.MidiFile, meter: Meter | None) -> tuple[list[Track], list[tuple[int, Meter]], float]:
    """Tracks by (track, channel), time signatures in 16th ticks, tempo."""
    raw: dict[tuple[int, int], list[tuple[int, int, int, int]]] = defaultdict(list)
    programs: dict[tuple[int, int], int] = {}
    names: dict[int, str] = {}
    signatures, tempo = [], 0.0
    for index, track in enumerate(file.tracks):
        now = 0
        held: dict[tuple[int, int], tuple[int, int]] = {}
        for message in track:
            now += message.time
            if message.type == "note_on" and message.velocity:
                held.setdefault((message.channel, message.note), (now, message.velocity))
            elif message.type in ("note_on", "note_off"):
                started = held.pop((message.channel, message.note), None)
                if started:
                    raw[index, message.channel].append((started[0], now, message.note, started[1]))
            elif message.type == "program_change":
                programs.setdefault((index, message.channel), message.program)
            elif message.type == "track_name":
                names[index] = message.name
            elif message.type == "time_signature":
                signatures.append((now, message.numerator, message.denominator))
            elif message.type == "set_tempo" and not tempo:
                tempo = mido.tempo2bpm(message.tempo)
    quantise = _Quantiser(file.ticks_per_beat, [start for notes in raw.values() for start, *_ in notes])
    by_channel = {channel: program for (_, channel), program in programs.items()}
    tracks = [
        Track(names.get(i, ""), ch, programs.get((i, ch), by_channel.get(ch, 0)), tuple(map(quantise.note, sorted(n))))
        for (i, ch), n in raw.items()
    ]
    marks = [(0, meter)] if meter else [(quantise.tick(at), Meter(n, d)) for at, n, d in sorted(signatures)]
    if any(m.denominator > tokens.TICKS_PER_WHOLE for _, m in marks):
        raise Unusable(f"a time signature finer than 1/{tokens.TICKS_PER_WHOLE}")
    return tracks, marks, tempo or 120.0


class _Quantiser:
    """MIDI ticks -> 16th ticks; in a swung piece 2/3 of a beat is its second half."""

    def __init__(self, per_quarter: int, starts: Sequence[int]) -> None:
        self._per_quarter = per_quarter
        inside = np.array(starts, float) / per_quarter % 1.0
        triplets = ((np.abs(inside - 2 / 3) < 0.05) | (np.abs(inside - 1 / 3) < 0.05)).sum()
        straight = ((np.abs(inside - 0.75) < 0.04) | (np.abs(inside - 0.25) < 0.04)).sum()
        self._edges = (0.17, 0.42, 0.75, 0.88) if triplets > straight else (0.125, 0.375, 0.625, 0.875)

    def tick(self, at: int) -> int:
        beat, inside = divmod(at / self._per_quarter, 1.0)
        return int(beat) * 4 + sum(inside >= edge for edge in self._edges)

    def note(self, raw: tuple[int, int, int, int]) -> Sounded:
        start, end, pitch, velocity = raw
        first = self.tick(start)
        return Sounded(first, max(self.tick(end), first + 1), pitch, velocity)


def _grid(signatures: list[tuple[int, Meter]], length: int) -> tuple[Ints, Ints, tuple[Meter, ...]]:
    """Tick in bar, bar and meter of every tick; a signature that comes mid-bar cuts the bar short."""
    marks = [(0, Meter(4, 4)), *signatures]
    ticks: list[int] = []
    bars: list[int] = []
    meters: list[Meter] = []
    bar = 0
    while len(ticks) < length:
        start = len(ticks)
        meter = [m for at, m in marks if at <= start][-1]
        nexts = [at for at, _ in marks if at > start]
        full = meter.numerator * tokens.ticks_per_beat(meter)
        count = min([full, *(at - start for at in nexts)])
        ticks += range(count)
        bars += [bar] * count
        meters += [meter] * count
        bar += 1
    return np.array(ticks), np.array(bars), tuple(meters)


def _bass(tracks: Iterable[Track], name: str) -> Track:
    pitched = [t for t in tracks if t.channel != DRUM_CHANNEL and t.notes]
    found = [t for t in pitched if t.program in BASS_PROGRAMS]
    found = found or [t for t in pitched if "bass" in t.name.lower() or t.name.lower() == "base"]
    if not found:
        raise Unusable(f"{name}: no bass (programs 33-40, or a track called bass)")
    return max(found, key=lambda t: len(t.notes))


def _bass_rows(track: Track, length: int) -> Ints:
    rows = np.full((length, 3), -1)
    rows[:, 1] = 0
    for note in sorted(track.notes, key=lambda n: (n.start, -n.pitch)):
        if note.start < length:
            rows[note.start, :2] = note.pitch, note.velocity
            rows[note.start :, 2] = -1
            rows[note.start : note.end, 2] = note.pitch
    return rows


def _drum_rows(tracks: Iterable[Track], length: int) -> Ints:
    rows = np.zeros((length, len(PIECES)), int)
    for note in (n for t in tracks for n in t.notes if n.pitch in PIECE_OF_KEY and n.start < length):
        piece = PIECE_OF_KEY[note.pitch]
        rows[note.start, piece] = max(rows[note.start, piece], tokens.level_of(note.velocity))
    return rows


def _monophony(track: Track) -> float:
    starts = Counter(note.start for note in track.notes)
    return sum(count == 1 for count in starts.values()) / max(len(starts), 1)


def _line_track(tracks: Iterable[Track], length: int) -> Track | None:
    """The one-voice track in the line's range with the most notes that is still a line, not a figure."""

    def fits(track: Track) -> bool:
        pitch = float(np.median([n.pitch for n in track.notes])) if track.notes else 0.0
        enough = LINE_MIN_NOTES <= len(track.notes) <= LINE_MAX_PER_TICK * length
        return enough and LINE_LOW <= pitch <= LINE_HIGH + 7 and _monophony(track) > 0.85

    return max((t for t in tracks if fits(t)), key=lambda t: len(t.notes), default=None)


def _line(track: Track | None, length: int) -> Ints:
    """[T, 3]: action, level, pitch - LINE_LOW; octaves are folded into the range."""
    rows = np.zeros((length, 3), int)
    rows[:, 2] = -1
    if track is None:
        return rows
    end = -1
    for note in sorted(
        {n.start: n for n in sorted(track.notes, key=lambda n: n.pitch)}.values(), key=lambda n: n.start
    ):
        if note.start >= length:
            break
        if 0 <= end < note.start:
            rows[end] = tokens.LINE_OFF, 0, -1
        rows[note.start] = tokens.LINE_ON, tokens.level_of(note.velocity), fold(note.pitch) - LINE_LOW
        end = note.end
    return rows


def fold(pitch: int) -> int:
    """The octave of a pitch that lies in the line's range."""
    while pitch < LINE_LOW:
        pitch += 12
    while pitch > LINE_HIGH:
        pitch -= 12
    return pitch


def _chords(tracks: Sequence[Track], bass: Track, length: int) -> Ints:
    """[T, 4]: action, level, root, quality. A stroke is two or more comping notes that start in one tick."""
    notes = [n for t in tracks for n in t.notes if n.start < length]
    weights, sounding = np.zeros((length + 1, 12)), np.zeros(length + 1, bool)
    for note, weight in [*((n, 1.0) for n in notes), *((n, BASS_WEIGHT) for n in bass.notes)]:
        weights[note.start : note.end, note.pitch % 12] += weight
    for note in notes:
        sounding[note.start : note.end] = True
    starts: dict[int, list[Sounded]] = defaultdict(list)
    for note in notes:
        starts[note.start].append(note)
    strokes = sorted(at for at, struck in starts.items() if len({n.pitch for n in struck}) >= 2)
    return _chord_rows(strokes, starts, weights, sounding, length)


def _chord_rows(
    strokes: list[int],
    starts: dict[int, list[Sounded]],
    weights: NDArray[np.float64],
    sounding: NDArray[np.bool_],
    length: int,
) -> Ints:
    rows = np.zeros((length, 4), int)
    rows[:, 2:] = -1
    root = quality = -1
    for at, until in pairwise([*strokes, length]):
        struck = weights[at : min(until, at + 8)].sum(0)
        for note in starts[at]:
            struck[note.pitch % 12] += 1.0
        old, (root, quality) = (root, quality), name_chord(struck)
        action = tokens.SAME if old == (root, quality) else tokens.NEW
        level = tokens.level_of(max(n.velocity for n in starts[at]))
        rows[at : min(until, length)] = tokens.HOLD, 0, root, quality
        rows[at, :2] = action, level
        silent = np.flatnonzero(~sounding[at + 1 : until])
        if len(silent) and at + 1 + silent[0] < length:
            rows[at + 1 + silent[0], 0] = tokens.OFF
    return rows


def _templates() -> tuple[NDArray[np.float64], list[tuple[int, int]]]:
    rows, names = [], []
    for quality, intervals in enumerate(QUALITIES.values()):
        for root in range(12):
            row = np.full(12, -OUTSIDE_COST)
            for interval, weight in zip(intervals, ROOT_WEIGHTS, strict=False):
                row[(root + interval) % 12] = weight
            rows.append(row - 0.06 * len(intervals))
            names.append((root, quality))
    return np.array(rows), names


TEMPLATES, TEMPLATE_NAMES = _templates()


def name_chord(weights: NDArray[np.float64]) -> tuple[int, int]:
    """Pitch-class weights [12] -> (root, quality index) of the best template."""
    share = weights / max(float(weights.sum()), 1e-9)
    return TEMPLATE_NAMES[int(np.argmax(TEMPLATES @ np.minimum(share, 0.4)))]
