"""Pair drums that were played alone with basses of their meter and tempo; read JJazzLab's swing (shared/data/drums).

The drummer did not hear that bass: what is learned from such a pair is what drums do, and that they need not copy it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import mido
import numpy as np

from listener.types import Meter
from models.corpus.song import Song
from models.music import tick_grid, tokens
from models.music.features import Events, Ints
from models.music.midi_reader import read_score
from models.music.tick_grid import TickGrid, bass_rows
from models.music.tokens import PIECES, QUALITY_NAMES

TEMPO_APART = 0.15  # at the most, as a share
JAZZ = ("jazz", "swing", "bebop")
SWING_BARS = 32  # of a piece that is cut from the swing files
SWING_FILES = ("WalkingBassMidiDB.mid", "WalkingBass2feelAMidiDB.mid", "WalkingBass2feelBMidiDB.mid")
ROOTS = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
SUFFIXES = (("m7b5", "min7b5"), ("dim", "dim"), ("m7M", "min"), ("m7", "min7"), ("m", "min"), ("7M", "maj7"),
            ("M7", "maj7"), ("7sus", "sus4"), ("sus", "sus4"), ("7", "7"), ("9", "7"), ("13", "7"))  # fmt: skip


def paired(drums: Sequence[Song], basses: Sequence[Song], seed: int, most: int = 1) -> Iterator[Song]:
    """Yield each piece of drums alone over the bass of another piece, `most` times, where one is near enough.

    drums, basses: with tempo_bpm. Harmony and melody of the bass's piece stand beside it, drums alone are learned.
    """
    listed = [(one, _one_meter(one)) for one in basses if one.events.known.any()]
    for number, song in enumerate(drums):
        meter = song.meter
        near = [one for one, own in listed if own == meter and _fits(song, one)]
        rng = np.random.default_rng([seed, number])
        for index in rng.permutation(len(near))[:most]:
            yield _over(song, near[int(index)], rng)


def _fits(drums: Song, bass: Song) -> bool:
    swings = drums.name.startswith(JAZZ)
    if swings != (bass.source == "jjswing"):
        return False
    return swings or not drums.tempo_bpm or abs(bass.tempo_bpm / drums.tempo_bpm - 1) < TEMPO_APART


def _one_meter(song: Song) -> Meter | None:
    """Return the meter a piece is in, None where it changes."""
    meters = set(song.meters)
    return meters.pop() if len(meters) == 1 else None


def _over(drums: Song, bass: Song, rng: np.random.Generator) -> Song:
    """Take bars of the bass from a random bar on, again from its first when they end."""
    starts = np.flatnonzero(bass.ticks == 0)
    first = int(rng.choice(starts))
    whole = np.concatenate([np.arange(first, len(bass)), np.arange(starts[0], first)])
    index = np.resize(whole, len(drums))
    e = bass.events
    events = Events(e.bass[index], e.known[index], drums.events.drums, e.chord[index], e.line[index])
    return replace(drums, name=f"{drums.name} over {bass.name}", events=events, has=(True, False, False))


def swing_basses(shared: Path) -> list[Song]:
    """Return JJazzLab's walking and two-feel basses with the chords that are marked in them, cut into pieces."""
    found = []
    for name in SWING_FILES:
        path = shared / "data" / "drums" / "jjswing" / name
        score = read_score(path)
        grid = TickGrid.of(score)
        notes = [grid.note(n) for track in score.tracks for n in track.notes]
        chord, length = _marked_chords(path, grid), 16 * SWING_BARS
        rows = bass_rows(notes, len(chord))
        for start in range(0, len(rows) - length + 1, length):
            part = slice(start, start + length)
            if (rows[part, 0] >= 0).sum() > SWING_BARS:
                found.append(_swing(f"{path.stem} {start // 16}", rows[part], chord[part], score.tempo_bpm))
    return found


def swing_drums(shared: Path) -> list[Song]:
    """Return JJazzLab's swing drums, cut into pieces of eight bars, drums alone."""
    path = shared / "data" / "drums" / "jjswing" / "drums44DB.mid"
    score = read_score(path)
    grid = TickGrid.of(score)
    notes = [grid.note(n) for track in score.tracks for n in track.notes]
    rows = tick_grid.drum_rows(notes, 16 * (max(n.start for n in notes) // 16 + 1))
    found = []
    for start in range(0, len(rows) - 127, 128):
        silent = _silent(128)
        made = _swing(f"jazz:drums {start // 16}", silent, np.tile([0, 0, -1, -1], (128, 1)), score.tempo_bpm)
        events = replace(made.events, drums=rows[start : start + 128], known=np.zeros(128, bool))
        found.append(replace(made, events=events, has=(True, False, False)))
    return found


def _silent(length: int) -> Ints:
    rows = np.full((length, 3), -1)
    rows[:, 1] = 0
    return rows


def _swing(name: str, bass: Ints, chord: Ints, tempo_bpm: float) -> Song:
    length = len(bass)
    line = np.tile([0, 0, -1], (length, 1))
    events = Events(bass, np.ones(length, bool), np.zeros((length, len(PIECES)), int), chord, line)
    places, meters = np.arange(length), (tick_grid.FOUR,) * length
    return Song(name, "jjswing", "train", places % 16, places // 16, meters, events, (False,) * 3, None, tempo_bpm)


def _marked_chords(path: Path, grid: TickGrid) -> Ints:
    """Return [T, 4] of the chord markers of a MIDI file."""
    marks = []
    for track in mido.MidiFile(path).tracks:
        now = 0
        for message in track:
            now += message.time
            if message.type == "marker" and (named := chord_named(message.text)):
                marks.append((grid.tick(now), *named))
    length = -(-marks[-1][0] // 16) * 16 + 16
    rows = np.tile([0, 0, -1, -1], (length, 1))
    for (at, root, quality), until in zip(marks, [*(m[0] for m in marks[1:]), length], strict=True):
        rows[at:until, 2:] = root, quality
        if until > at:
            rows[at, :2] = tokens.NEW, 2
    return rows


def chord_named(text: str) -> tuple[int, int] | None:
    """Return (root, quality index) of a chord symbol like Bb7 or Em7b5; None where it is none."""
    found = re.match(r"^([A-G])([b#]?)(.*)$", text.strip().split("/")[0])
    if not found:
        return None
    quality = next((name for start, name in SUFFIXES if found[3].startswith(start)), "maj")
    root = ROOTS[found[1]] + (found[2] == "#") - (found[2] == "b")
    return root % 12, QUALITY_NAMES.index(quality)
