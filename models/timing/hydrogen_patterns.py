"""Read the drum patterns of the Hydrogen drum machine (../shared/data/drums, CC BY-SA) onto the 16th grid.

Each is one bar, with two velocities: 102, and 114 for accents.
"""

from __future__ import annotations

import io
import math
import tarfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import mido
import numpy as np
from numpy.typing import NDArray

from listener.types import Meter
from models.corpus.song import Song
from models.music import tokens
from models.music.tokens import PIECE_OF_KEY, PIECES
from models.timing.groove_dataset import drums_alone, nearest_ticks

Hits = NDArray[np.uint8]  # [ticks, pieces]: velocity 1-127, 0: no hit

COWBELL = 56
PIECE_OF_HYDROGEN_KEY = PIECE_OF_KEY | {COWBELL: PIECES.index("ride")}  # the band has no cowbell: its ride has a bell
ACCENT_VELOCITY = 114
LOOPED = 8  # bars of a groove, as a piece


@dataclass(frozen=True, slots=True, eq=False)
class Pattern:
    """Hold one bar: hits [ticks, pieces]. words: its style, as Hydrogen names it. swung: triplets on straight ticks."""

    name: str
    words: str
    is_break: bool
    meter: Meter
    swung: bool
    hits: Hits


def bar_ticks(meter: Meter) -> int:
    return meter.numerator * tokens.ticks_per_beat(meter)


def read(archive: Path) -> Iterator[Pattern]:
    """Yield every groove and break by name, endings left out; those in triplets twice: as 12/8 and as swung 4/4.

    FileNotFoundError: no such archive.
    """
    with tarfile.open(archive) as tar:
        data = {}
        for member in tar:  # in the archive's order: xz cannot seek
            if member.name.endswith(".mid") and (file := tar.extractfile(member)):
                data[member.name] = file.read()
    for path in sorted(data):
        words, stem = Path(path).parent.name, Path(path).stem
        if words != "ending":
            for meter, swung, hits in readings(data[path], words):
                yield Pattern(stem, words, "-break-" in stem, meter, swung, hits)


def readings(data: bytes, words: str) -> Iterator[tuple[Meter, bool, Hits]]:
    """Yield (meter, swung, one bar) of a pattern: triplets are read as 12/8 and as swung 4/4.

    Bars of twelve triplets are tagged 3/4 there, as the waltzes are.
    """
    meter, notes = notes_of(data)
    twelve_steps = meter == Meter(3, 4) and words != "waltz"
    scale = 4 / 3 if twelve_steps else 1.0
    quarters = [(at * scale, key, velocity) for at, key, velocity in notes]
    triplets = twelve_steps or any(round(at % 1 * 12) % 3 for at, _, _ in quarters)
    if triplets:
        yield Meter(12, 8), False, placed(quarters, 24, [2 * math.floor(at * 3 + 0.5) for at, _, _ in quarters])
        swung = nearest_ticks(np.array([at for at, _, _ in quarters]), True).tolist()
        yield Meter(4, 4), True, placed(quarters, 16, swung)
    else:
        yield meter, False, placed(quarters, bar_ticks(meter), [math.floor(at * 4 + 0.5) for at, _, _ in quarters])


def notes_of(data: bytes) -> tuple[Meter, list[tuple[float, int, int]]]:
    """Return the meter of a MIDI file and its (quarter, key, velocity)."""
    file = mido.MidiFile(file=io.BytesIO(data))
    meter, notes = Meter(4, 4), []
    for track in file.tracks:
        now = 0
        for message in track:
            now += message.time
            if message.type == "time_signature":
                meter = Meter(message.numerator, message.denominator)
            elif message.type == "note_on" and message.velocity:
                notes.append((now / file.ticks_per_beat, message.note, message.velocity))
    return meter, notes


def placed(notes: Sequence[tuple[float, int, int]], length: int, ticks: Sequence[int]) -> Hits:
    hits = np.zeros((length, len(PIECES)), np.uint8)
    for (_, key, velocity), tick in zip(notes, ticks, strict=True):
        if key in PIECE_OF_HYDROGEN_KEY and tick < length:
            at = tick, PIECE_OF_HYDROGEN_KEY[key]
            hits[at] = max(hits[at], velocity)
    return hits


def songs(archive: Path) -> Iterator[Song]:
    """Yield each groove as a piece of drums alone: LOOPED bars of it, the last of them a break of its style."""
    found = list(read(archive))
    breaks: dict[tuple[str, Meter, bool], list[Pattern]] = {}
    for one in found:
        if one.is_break:
            breaks.setdefault((one.words, one.meter, one.swung), []).append(one)
    for number, one in enumerate(one for one in found if not one.is_break):
        own = breaks.get((one.words, one.meter, one.swung), [one])
        bars = [one.hits] * (LOOPED - 1) + [own[number % len(own)].hits]
        hits = np.concatenate(bars)
        levels = np.searchsorted(tokens.LEVEL_STARTS, hits, "right").astype(np.int64)
        yield drums_alone(f"{one.words}:{one.name}", "hydrogen", "train", one.meter, levels)
