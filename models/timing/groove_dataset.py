"""Read the Groove MIDI Dataset v1 (Gillick et al. 2019, arXiv 1905.06118, CC-BY-4.0): human drumming as drum ticks.

Gives Take (hits on the 16th grid with velocity and micro-timing) and Song (models/corpus/song.py) with drums alone, the
bass unknown. The official split is kept: train, validation (called valid) and test.
"""

from __future__ import annotations

import csv
import io
import json
import tarfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import mido
import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from listener.types import Meter
from models.corpus.song import Song
from models.music import tokens
from models.music.features import Events, Ints
from models.music.tokens import PIECE_OF_KEY, PIECES
from models.paths import DATA_CACHE, SHARED
from models.timing.shape import TICKS_PER_QUARTER
from models.timing.shape import swing_shift as swing_shift

Floats = NDArray[np.float64]

ARCHIVE = SHARED / "data" / "groove" / "groove-v1-midi.tar.xz"
CACHE = DATA_CACHE / "groove.npz"
SPLITS = {"train": "train", "validation": "valid", "test": "test"}
# keys of the dataset's Roland TD-11 that General MIDI has elsewhere or not at all (table 2 of the paper)
ROLAND = {22: "closed_hat", 26: "open_hat", 47: "low_tom", 58: "low_tom"}
PIECE_OF_PAD = PIECE_OF_KEY | {key: PIECES.index(piece) for key, piece in ROLAND.items()}
SWUNG_EDGES = (0.17, 0.42, 0.75, 0.88)  # of a quarter; those of models/music/tick_grid.py
SWING_RANGE = (0.42, 0.715)  # places that count as an off-beat; those of listener/music/feel.py
FEWEST_SWINGS = 4
SWUNG_FROM = 0.57
LOOSE = 0.9  # mean distance to the nearest grid line over that of chance: a take above it is not on the grid


@dataclass(frozen=True, slots=True)
class Take:
    """One recording. Per hit, in order of tick and piece: tick [N] from the start, piece [N] (index of PIECES),
    velocity, offset.

    velocity: [N] 1-127, offset: [N] from the tick in ticks (late is positive). kind: beat or fill. looseness: mean
    distance to the nearest 16th or triplet line over that of chance (1).
    """

    name: str
    split: str
    style: str
    tempo_bpm: float
    meter: Meter
    kind: str
    swung: bool
    looseness: float
    tick: Ints
    piece: Ints
    velocity: Ints
    offset: Floats

    @property
    def tick_ms(self) -> float:
        return 60_000 / self.tempo_bpm / TICKS_PER_QUARTER

    @property
    def offset_ms(self) -> Floats:
        return self.offset * self.tick_ms

    @property
    def swing(self) -> float | None:
        """Return where the off-beat lies between its two beats: 0.5 straight, 0.67 triplets; None: too few of them."""
        return swing_of((self.tick + self.offset) / TICKS_PER_QUARTER)

    def __len__(self) -> int:
        return len(self.tick)


@dataclass(frozen=True, slots=True)
class _Hit:
    """A hit as read from the MIDI file."""

    quarter: float
    piece: int
    velocity: int


def swing_of(quarters: Floats) -> float | None:
    """Return the median place of the hits that are off-beats; None when they are fewer than FEWEST_SWINGS."""
    place = quarters % 1.0
    inside = place[(place > SWING_RANGE[0]) & (place < SWING_RANGE[1])]
    return float(np.median(inside)) if len(inside) >= FEWEST_SWINGS else None


def is_swung(quarters: Floats) -> bool:
    """Return whether the off-beats are late and the hits lie in triplets: nearer to them than to 16ths, and oftener."""
    if (swing_of(quarters) or 0.5) < SWUNG_FROM:
        return False
    inside = quarters % 1.0
    triplets = ((np.abs(inside - 2 / 3) < 0.05) | (np.abs(inside - 1 / 3) < 0.05)).sum()
    straight = ((np.abs(inside - 0.75) < 0.04) | (np.abs(inside - 0.25) < 0.04)).sum()
    return bool(triplets > straight and distance(quarters, 3) < distance(quarters, 4))


def distance(quarters: Floats, lines: int) -> float:
    """Return the mean distance to the nearest of `lines` grid lines a quarter, over that of hits anywhere."""
    return float(np.mean(np.abs((quarters * lines + 0.5) % 1.0 - 0.5)) * 4)


def nearest_ticks(quarters: Floats, swung: bool) -> Ints:
    """Return the tick of every hit, the nearest; in swung takes 2/3 of a quarter is its second half, as in
    tick_grid.py.
    """
    if not swung:
        return np.floor(quarters * TICKS_PER_QUARTER + 0.5).astype(int)
    whole = np.floor(quarters)
    return (whole * TICKS_PER_QUARTER + np.searchsorted(SWUNG_EDGES, quarters - whole, "right")).astype(int)


def read(data: bytes) -> list[_Hit]:
    """Read the hits of a MIDI file's bytes, in quarters from its start; keys of no piece are left out."""
    file = mido.MidiFile(file=io.BytesIO(data), clip=True)
    hits = []
    for track in file.tracks:
        now = 0
        for message in track:
            now += message.time
            if message.type == "note_on" and message.velocity and message.note in PIECE_OF_PAD:
                hits.append(_Hit(now / file.ticks_per_beat, PIECE_OF_PAD[message.note], message.velocity))
    return hits


def take_of(hits: Iterable[_Hit], row: dict[str, str], straighten: bool = True) -> Take | None:
    """Make a Take of hits and their row of info.csv; a piece struck twice in one tick keeps its loudest hit.

    straighten: swung off-beats go to the straight ones' ticks; else always the nearest. None: no hits.
    """
    hits = list(hits)
    if not hits:
        return None
    quarters = np.array([hit.quarter for hit in hits])
    numerator, denominator = map(int, row["time_signature"].split("-"))
    swung = straighten and denominator == 4 and is_swung(quarters)
    ticks = nearest_ticks(quarters, swung)
    loudest: dict[tuple[int, int], int] = {}
    for index, hit in sorted(enumerate(hits), key=lambda pair: pair[1].velocity):
        loudest[int(ticks[index]), hit.piece] = index
    kept = np.array([loudest[key] for key in sorted(loudest)])
    return Take(
        row["midi_filename"].removesuffix(".mid"),
        SPLITS[row["split"]],
        row["style"].split("/")[0],
        float(row["bpm"]),
        Meter(numerator, denominator),
        row["beat_type"],
        swung,
        min(distance(quarters, 3), distance(quarters, 4)),
        ticks[kept],
        np.array([hits[i].piece for i in kept]),
        np.array([hits[i].velocity for i in kept]),
        quarters[kept] * TICKS_PER_QUARTER - ticks[kept],
    )


def _archived(archive: Path) -> Iterator[tuple[list[_Hit], dict[str, str]]]:
    with tarfile.open(archive) as tar:
        files = {Path(m.name).relative_to("groove").as_posix(): m for m in tar.getmembers() if m.isfile()}
        listed = tar.extractfile(files["info.csv"])
        assert listed is not None
        rows = {row["midi_filename"]: row for row in csv.DictReader(io.TextIOWrapper(listed, "utf-8"))}
        # in the archive's order: xz cannot seek
        for name in tqdm([n for n in files if n in rows], desc="groove", mininterval=2.0):
            member = tar.extractfile(files[name])
            assert member is not None
            yield read(member.read()), rows[name]


def _build(archive: Path, cache: Path) -> None:
    if not archive.exists():
        raise FileNotFoundError(f"{archive}: no such file; put the Groove MIDI Dataset there, or name its folder")
    found = sorted(_archived(archive), key=lambda pair: pair[1]["midi_filename"])
    hits = [hit for own, _ in found for hit in own]
    cache.parent.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(
        cache,
        quarter=np.array([hit.quarter for hit in hits]),
        piece=np.array([hit.piece for hit in hits], np.int8),
        velocity=np.array([hit.velocity for hit in hits], np.int8),
        rows=np.array(json.dumps([[len(own), row] for own, row in found])),
    )


def takes(straighten: bool = True, archive: Path = ARCHIVE, cache: Path = CACHE) -> list[Take]:
    """Return every take, by name; the archive is read once, then the cache. FileNotFoundError when neither is there."""
    if not cache.exists():
        _build(archive, cache)
    with np.load(cache) as file:
        rows = json.loads(str(file["rows"]))
        columns = [file[name].tolist() for name in ("quarter", "piece", "velocity")]
    hits = [_Hit(*values) for values in zip(*columns, strict=True)]
    found, start = [], 0
    for count, row in rows:
        found.append(take_of(hits[start : start + count], row, straighten))
        start += count
    return [take for take in found if take is not None]


def song_of(take: Take) -> Song:
    """Return the take as a piece of the responder's corpus, from its first bar line to its last: drums alone.

    Its name is style:file, as models/corpus/styles.py reads it.
    """
    bar = take.meter.numerator * tokens.ticks_per_beat(take.meter)
    drums = np.zeros((-(-(int(take.tick.max()) + 1) // bar) * bar, len(PIECES)), np.int64)
    levels = np.searchsorted(tokens.LEVEL_STARTS, take.velocity, "right")
    np.maximum.at(drums, (np.maximum(take.tick, 0), take.piece), levels)
    return drums_alone(f"{take.style}:{take.name}", "groove", take.split, take.meter, drums, take.tempo_bpm)


def drums_alone(name: str, source: str, split: str, meter: Meter, drums: Ints, tempo_bpm: float = 0.0) -> Song:
    """Return levels [T, pieces] as a piece without bass, chords or line."""
    length, bar = len(drums), meter.numerator * tokens.ticks_per_beat(meter)
    none, zero, place = np.full(length, -1), np.zeros(length, np.int64), np.arange(length)
    events = Events(
        np.stack([none, zero, none], 1),
        np.zeros(length, bool),
        drums,
        np.stack([zero, zero, none, none], 1),
        np.stack([zero, zero, none], 1),
    )
    own = (meter,) * length
    has = (True, False, False)
    return Song(name, source, split, place % bar, place // bar, own, events, has, None, tempo_bpm)


def archive_in(shared: Path) -> Path:
    """Return where the dataset lies in the shared folder."""
    return shared / ARCHIVE.relative_to(SHARED)


def groove_songs(
    min_bars: int = 2, kinds: tuple[str, ...] = ("beat",), archive: Path = ARCHIVE, cache: Path = CACHE
) -> list[Song]:
    """Return takes on the grid as songs (source "groove"); those that drift off it are left out."""
    chosen = [t for t in takes(archive=archive, cache=cache) if t.kind in kinds and t.looseness < LOOSE]
    songs = [song_of(take) for take in chosen]
    return [song for song in songs if song.bars[-1] + 1 >= min_bars]
