"""Place a MIDI file's parts on the tick grid: Arrangement (bass, drums, chords, counter-line) as Events.

part_roles.py finds the parts; strokes of two or more notes are chords, the most melodic one-voice track is the line.
Swung and triplet off-beats are moved onto the straight grid.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from listener.types import Meter
from models.music import part_roles, tokens
from models.music.features import Events, Ints
from models.music.midi_reader import RawNote, Score, read_score
from models.music.midi_reader import Unusable as Unusable
from models.music.tokens import LINE_HIGH, LINE_LOW, PIECE_OF_KEY, PIECES, QUALITIES

MIN_BARS = 8
FOUR = Meter(4, 4)
BASS_WEIGHT = 0.6  # of a bass note beside a comping note, when a chord is named
ROOT_WEIGHTS = np.array([1.3, 1.1, 0.9, 1.0])  # root, third, fifth, seventh of a template
OUTSIDE_COST = 0.8
STRAIGHT, SWUNG = (0, 1 / 4, 1 / 2, 3 / 4), (0, 1 / 3, 2 / 3, 5 / 6)  # where a quarter's ticks begin
STRAIGHT_EDGES, SWUNG_EDGES = (0.125, 0.375, 0.625, 0.875), (0.17, 0.42, 0.75, 0.88)


@dataclass(frozen=True, slots=True)
class Sounded:
    """A note on the 16th grid: first tick and the tick it has ended by."""

    start: int
    end: int
    pitch: int
    velocity: int


@dataclass(frozen=True, slots=True)
class Track:
    """One track on the 16th grid."""

    name: str
    channel: int
    program: int
    notes: tuple[Sounded, ...]


@dataclass(frozen=True, slots=True)
class Arrangement:
    """A piece on the grid. ticks [T], bars [T]: position; meters: one per tick. has: which of tokens.PARTS the piece
    has.
    """

    ticks: Ints
    bars: Ints
    meters: tuple[Meter, ...]
    events: Events
    has: tuple[bool, bool, bool]
    bass: tuple[Sounded, ...]
    tempo_bpm: float  # quarters per minute, at the start


def read(path: Path, meter: Meter | None = None, guess: bool = False) -> Arrangement:
    """Read one file; meter overrides its own time signatures. Unusable: no bass, no drums, too short, not MIDI.

    guess: find parts by their names and range too, and do without drums where there is something else.
    """
    return arrange(read_score(path), path.name, meter, guess)


def arrange(
    score: Score,
    name: str,
    meter: Meter | None = None,
    guess: bool = False,
    min_bars: int = MIN_BARS,
    alone: bool = False,
) -> Arrangement:
    """Place the parts of a score on the grid; name: what the messages of Unusable call it. alone: a bass will do."""
    grid = TickGrid.of(score)
    tracks = [Track(t.name, t.channel, t.program or 0, tuple(map(grid.note, t.notes))) for t in score.tracks]
    bass = part_roles.bass(tracks, name, guess)
    drums = part_roles.drums(tracks, guess)
    others = [t for t in tracks if t is not bass and t not in drums and t.program < part_roles.SOUND_EFFECTS]
    if not drums and not (guess and others) and not alone:
        raise Unusable(f"{name}: no drums on channel 10{', nor anything else beside the bass' * guess}")
    length = max(note.end for t in [bass, *(drums or others)] for note in t.notes)
    ticks, bars, meters = positions([(0, meter)] if meter else grid.meters, length)
    if bars[-1] + 1 < min_bars:
        raise Unusable(f"{name}: {bars[-1] + 1} bars, {min_bars} are needed")
    line = part_roles.line(others, length)
    comping = [t for t in others if t is not line] or others
    chord, lines = chord_rows(comping, bass, len(ticks)), line_rows(line, len(ticks))
    known, hits = np.ones(len(ticks), bool), drum_rows((n for t in drums for n in t.notes), len(ticks))
    events = Events(bass_rows(bass.notes, len(ticks)), known, hits, chord, lines)
    comps = bool((chord[:, 0] >= tokens.SAME).sum() >= MIN_BARS // 2)
    return Arrangement(ticks, bars, meters, events, (bool(drums), comps, line is not None), bass.notes, score.tempo_bpm)


@dataclass(frozen=True, slots=True)
class TickGrid:
    """Converts MIDI ticks to 16th ticks and back; in a swung piece 2/3 of a beat is its second half. meters: (16th
    tick, Meter).
    """

    per_quarter: int
    is_swung: bool
    meters: tuple[tuple[int, Meter], ...] = ()

    @classmethod
    def of(cls, score: Score) -> TickGrid:
        starts = np.array([note.start for track in score.tracks for note in track.notes], float)
        inside = starts / score.per_quarter % 1.0
        triplets = ((np.abs(inside - 2 / 3) < 0.05) | (np.abs(inside - 1 / 3) < 0.05)).sum()
        straight = ((np.abs(inside - 0.75) < 0.04) | (np.abs(inside - 0.25) < 0.04)).sum()
        grid = cls(score.per_quarter, bool(triplets > straight))
        return cls(grid.per_quarter, grid.is_swung, tuple((grid.tick(at), meter) for at, meter in score.meters))

    def tick(self, at: int) -> int:
        """Return the 16th that MIDI tick `at` is meant for."""
        beat, inside = divmod(at / self.per_quarter, 1.0)
        return int(beat) * 4 + sum(inside >= edge for edge in (SWUNG_EDGES if self.is_swung else STRAIGHT_EDGES))

    def at(self, tick: int) -> int:
        """Return the MIDI tick where 16th `tick` is played: the inverse of `tick`."""
        quarter, sub = divmod(tick, 4)
        return round((quarter + (SWUNG if self.is_swung else STRAIGHT)[sub]) * self.per_quarter)

    def note(self, raw: RawNote) -> Sounded:
        first = self.tick(raw.start)
        return Sounded(first, max(self.tick(raw.end), first + 1), raw.pitch, raw.velocity)


def positions(marks: Iterable[tuple[int, Meter]], length: int) -> tuple[Ints, Ints, tuple[Meter, ...]]:
    """Return tick in bar [T], bar [T] and meter of every tick, to the end of the bar that `length` lies in.

    A signature that comes mid-bar cuts the bar short.
    """
    meter_at = dict([(0, Meter(4, 4)), *marks])
    starts = sorted(at for at in meter_at if at < max(length, 1))
    ticks, bars, meters, bar = [], [], [], 0
    for start, end in zip(starts, [*starts[1:], None], strict=True):
        meter = meter_at[start]
        full = meter.numerator * tokens.ticks_per_beat(meter)
        offset = np.arange((end or _bar_end(start, full, length, meter_at)) - start)
        ticks.append(offset % full)
        bars.append(bar + offset // full)
        meters += [meter] * len(offset)
        bar = int(bars[-1][-1]) + 1
    return np.concatenate(ticks), np.concatenate(bars), tuple(meters)


def _bar_end(start: int, full: int, length: int, meter_at: Mapping[int, Meter]) -> int:
    """Return where the last bar ends: when it is full, or at a signature after `length`."""
    end = start + -(-max(length - start, 1) // full) * full
    return min([end, *(at for at in meter_at if at >= length and at > start)])


def bass_rows(notes: Sequence[Sounded], length: int) -> Ints:
    """Return [T, 3]: onset pitch, onset velocity, sounding pitch; of notes that begin together the lowest counts."""
    rows = np.full((length, 3), -1)
    rows[:, 1] = 0
    ordered = [*sorted((n for n in notes if n.start < length), key=lambda n: (n.start, -n.pitch))]
    for note, until in zip(ordered, [*(n.start for n in ordered[1:]), length], strict=False):  # none: no notes
        rows[note.start, :2] = note.pitch, note.velocity
        rows[note.start : min(note.end, until), 2] = note.pitch
    return rows


def drum_rows(notes: Iterable[Sounded], length: int) -> Ints:
    """Return the level of every piece, [T, pieces], of notes on General MIDI's drum keys."""
    rows = np.zeros((length, len(PIECES)), int)
    for note in (n for n in notes if n.pitch in PIECE_OF_KEY and n.start < length):
        piece = PIECE_OF_KEY[note.pitch]
        rows[note.start, piece] = max(rows[note.start, piece], tokens.level_of(note.velocity))
    return rows


def line_rows(track: Track | None, length: int) -> Ints:
    """Return [T, 3]: action, level, pitch - LINE_LOW; octaves are folded into the range."""
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
    """Return the octave of a pitch that lies in the line's range."""
    while pitch < LINE_LOW:
        pitch += 12
    while pitch > LINE_HIGH:
        pitch -= 12
    return pitch


def chord_rows(tracks: Sequence[Track], bass: Track, length: int) -> Ints:
    """Return [T, 4]: action, level, root, quality. A stroke is two or more comping notes that start in one tick."""
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
    """Return (root, quality index) of the template that fits pitch-class weights [12] best."""
    share = weights / max(float(weights.sum()), 1e-9)
    return TEMPLATE_NAMES[int(np.argmax(TEMPLATES @ np.minimum(share, 0.4)))]
