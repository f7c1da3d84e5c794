"""POP909 (Wang et al. 2020, MIT) on a 16th grid: melody, bass of the piano, chords, bars and key of 909 songs.

A tick is a quarter of an annotated beat. The split is by song: ids in the order of their SHA-256, the first 80% to
train on, then 10% to validate and 10% to test. Chords are root and quality; inversions are dropped, doubled names
merged.
"""

from __future__ import annotations

import hashlib
import io
import tarfile
import zipfile
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import mido
import numpy as np
from numpy.typing import NDArray

from models.paths import DATA_CACHE, SHARED

ARCHIVE = SHARED / "data" / "pop909" / "pop909.tar.xz"
CACHE = DATA_CACHE / "pop909.npz"
TICKS_PER_BEAT = 4
QUALITIES: dict[str, tuple[int, ...]] = {  # semitones above the root, as POP909 spells them
    "maj": (0, 4, 7),
    "min": (0, 3, 7),
    "7": (0, 4, 7, 10),
    "maj7": (0, 4, 7, 11),
    "min7": (0, 3, 7, 10),
    "sus2": (0, 2, 7),
    "sus4": (0, 5, 7),
    "sus4(b7)": (0, 5, 7, 10),
    "maj6": (0, 4, 7, 9),
    "min6": (0, 3, 7, 9),
    "dim": (0, 3, 6),
    "aug": (0, 4, 8),
    "hdim7": (0, 3, 6, 10),
    "dim7": (0, 3, 6, 9),
    "minmaj7": (0, 3, 7, 11),
}
QUALITY_NAMES = tuple(QUALITIES)
NO_CHORD = 12 * len(QUALITIES)  # chord ids are root * len(QUALITIES) + quality; this one is silence
CHORDS = NO_CHORD + 1
REST = -1
LETTERS = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
ACCIDENTALS = {"#": 1, "b": -1}
BASS_LOW, BASS_HIGH = 28, 52  # the lowest notes are folded by octaves into this register (E1 to E3)
SHARES = (0.8, 0.9)  # of the songs: to train on, then up to here to validate on
SPLITS = ("train", "val", "test")

Ints = NDArray[np.int16]


@dataclass(frozen=True, slots=True)
class Song:
    """All [T]. melody, bass: MIDI pitch that sounds in a tick, REST for none. melody_on, bass_on: 1 where it begins.

    chord: id that holds in a tick. bar: ticks since the bar began. bar_ticks: 16 or 24. key: (tonic pitch class,
    minor).
    """

    name: str
    melody: Ints
    melody_on: Ints
    bass: Ints
    bass_on: Ints
    chord: Ints
    bar: Ints
    bar_ticks: int
    key: tuple[int, bool]

    def __len__(self) -> int:
        return len(self.melody)


def chord_id(name: str) -> int:
    """`F#:min7/b7` -> id; `N` is NO_CHORD. ValueError for a name outside QUALITIES."""
    if name == "N":
        return NO_CHORD
    root, _, quality = name.partition(":")
    quality = (quality or "maj").partition("/")[0]
    if root[:1] not in LETTERS or quality not in QUALITIES:
        raise ValueError(f"chord {name!r} is not known; qualities are {', '.join(QUALITIES)}")
    return pitch_class(root) * len(QUALITIES) + QUALITY_NAMES.index(quality)


def pitch_class(name: str) -> int:
    return (LETTERS[name[0]] + sum(ACCIDENTALS[mark] for mark in name[1:])) % 12


def chord_tones() -> NDArray[np.float32]:
    """[CHORDS, 12]: 1 where a chord has the pitch class; nothing in NO_CHORD."""
    tones = np.zeros((CHORDS, 12), np.float32)
    for root in range(12):
        for quality, steps in enumerate(QUALITIES.values()):
            tones[root * len(QUALITIES) + quality, [(root + step) % 12 for step in steps]] = 1
    return tones


def transposed(chords: NDArray[Any], semitones: int | NDArray[Any]) -> NDArray[Any]:
    """The same chords, higher by so many semitones (NO_CHORD stays)."""
    count = len(QUALITIES)
    moved = (chords // count + semitones) % 12 * count + chords % count
    return np.where(chords == NO_CHORD, chords, moved)


def splits(names: Sequence[str]) -> dict[str, list[str]]:
    """{"train", "val", "test"} -> names, ordered by the SHA-256 of the name."""
    ordered = sorted(names, key=lambda name: hashlib.sha256(name.encode()).hexdigest())
    cuts = [0, *(round(share * len(ordered)) for share in SHARES), len(ordered)]
    return {split: ordered[a:b] for split, (a, b) in zip(SPLITS, pairwise(cuts), strict=True)}


def load(archive: Path = ARCHIVE, cache: Path = CACHE) -> dict[str, list[Song]]:
    """Split -> songs; the parsed archive is kept in cache. FileNotFoundError: neither is there."""
    if not cache.exists():
        _write(list(read_archive(archive)), cache)
    songs = {song.name: song for song in _read(cache)}
    return {split: [songs[name] for name in names] for split, names in splits(list(songs)).items()}


def read_archive(archive: Path) -> Iterator[Song]:
    """Every song of pop909.tar.xz, in its order. ValueError names a file that cannot be used."""
    folders: dict[str, dict[str, bytes]] = {}
    with tarfile.open(archive) as tar:
        for member in tar:
            file = tar.extractfile(member) if member.isfile() else None
            path = Path(member.name)
            if file and path.parent.name.isdigit() and path.suffix in {".mid", ".txt"}:
                folders.setdefault(path.parent.name, {})[path.name] = file.read()
    for name, files in sorted(folders.items()):
        try:
            yield song_of(name, files)
        except (KeyError, ValueError, IndexError, EOFError, OSError) as error:
            raise ValueError(f"{archive}: song {name}: {error}") from None


def song_of(name: str, files: dict[str, bytes]) -> Song:
    """files: {"<name>.mid", "beat_midi.txt", "chord_midi.txt", "key_audio.txt"} -> their bytes."""
    rows = [line.split() for line in files["beat_midi.txt"].decode().splitlines() if line.strip()]
    beats_s = np.array([float(row[0]) for row in rows])
    bar, bar_ticks = _bars(np.flatnonzero([float(row[2]) for row in rows]), len(rows))
    notes = _notes(mido.MidiFile(file=io.BytesIO(files[f"{name}.mid"]), clip=True))
    melody, melody_on = _line(notes.get("MELODY", []), beats_s, lowest=False)
    bass, bass_on = _line(notes.get("PIANO", []), beats_s, lowest=True)
    chord = _chords(files["chord_midi.txt"].decode(), beats_s)
    return Song(name, melody, melody_on, _folded(bass), bass_on, chord, bar, bar_ticks, _key(files["key_audio.txt"]))


def _key(text: bytes) -> tuple[int, bool]:
    tonic, _, mode = text.decode().split()[2].partition(":")
    return pitch_class(tonic), mode.startswith("min")


def _bars(downbeats: NDArray[np.intp], beats: int) -> tuple[Ints, int]:
    """(ticks since the downbeat [T], ticks per bar); before the first downbeat counted back from it."""
    length = Counter(np.diff(downbeats).tolist()).most_common(1)[0][0]
    beat = np.arange(beats)
    last = np.searchsorted(downbeats, beat, side="right") - 1
    since = np.where(last >= 0, beat - downbeats[np.maximum(last, 0)], (beat - downbeats[0]) % length) % length
    ticks = since[:, None] * TICKS_PER_BEAT + np.arange(TICKS_PER_BEAT)
    return ticks.reshape(-1).astype(np.int16), length * TICKS_PER_BEAT


def _notes(file: mido.MidiFile) -> dict[str, list[tuple[float, float, int]]]:
    """Track name -> (start s, end s, pitch)."""
    second_of = _clock(file)
    found: dict[str, list[tuple[float, float, int]]] = {}
    for track in file.tracks:
        tick = 0
        open_at: dict[int, int] = {}
        notes = found.setdefault(track.name, [])
        for message in track:
            tick += message.time
            if message.type not in {"note_on", "note_off"}:
                continue
            began = open_at.pop(message.note, None)
            if began is not None:
                notes.append((second_of(began), second_of(tick), message.note))
            if message.type == "note_on" and message.velocity:
                open_at[message.note] = tick
    return found


def _clock(file: mido.MidiFile) -> Any:
    """MIDI tick -> seconds, through every set_tempo of the file."""
    changes = {0: 500_000}
    for track in file.tracks:
        tick = 0
        for message in track:
            tick += message.time
            if message.type == "set_tempo":
                changes[tick] = message.tempo
    ticks = np.array(sorted(changes))
    rates_s = np.array([changes[tick] for tick in ticks.tolist()]) * 1e-6 / file.ticks_per_beat
    starts_s = np.concatenate([[0.0], np.cumsum(np.diff(ticks) * rates_s[:-1])])

    def second_of(tick: int) -> float:
        k = np.searchsorted(ticks, tick, side="right") - 1
        return float(starts_s[k] + (tick - ticks[k]) * rates_s[k])

    return second_of


def _line(notes: list[tuple[float, float, int]], beats_s: NDArray[np.float64], lowest: bool) -> tuple[Ints, Ints]:
    """One voice on the grid: the newest note of a melody, the lowest that sounds of a bass; and where it begins."""
    count = len(beats_s) * TICKS_PER_BEAT
    pitch, began = np.full(count, REST, np.int16), np.full(count, -1)
    for start_s, end_s, note in sorted(notes):
        a, b = (round(TICKS_PER_BEAT * float(np.interp(s, beats_s, np.arange(len(beats_s))))) for s in (start_s, end_s))
        span = slice(a, max(b, a + 1))
        over = (pitch[span] == REST) | (note <= pitch[span]) if lowest else np.ones(len(pitch[span]), bool)
        pitch[span][over], began[span][over] = note, a
    on = (pitch != REST) & (began == np.arange(count))
    return pitch, on.astype(np.int16)


def _folded(bass: Ints) -> Ints:
    low = np.where(bass < BASS_LOW, bass + 12 * -(-(BASS_LOW - bass) // 12), bass)
    folded = np.where(low > BASS_HIGH, low - 12 * -(-(low - BASS_HIGH) // 12), low)
    return np.where(bass == REST, REST, folded).astype(np.int16)


def _chords(text: str, beats_s: NDArray[np.float64]) -> Ints:
    """chord_midi.txt -> id per tick; chords begin and end on annotated beats."""
    chord = np.full(len(beats_s) * TICKS_PER_BEAT, NO_CHORD, np.int16)
    for line in text.splitlines():
        start, end, name = line.split()
        a, b = (int(np.argmin(np.abs(beats_s - float(s)))) for s in (start, end))
        last = float(end) > beats_s[-1]
        chord[a * TICKS_PER_BEAT : None if last else b * TICKS_PER_BEAT] = chord_id(name)
    return chord


ARRAYS = ("melody", "melody_on", "bass", "bass_on", "chord", "bar")


def _write(songs: list[Song], cache: Path) -> None:
    cache.parent.mkdir(parents=True, exist_ok=True)
    joined: dict[str, Any] = {name: np.concatenate([getattr(song, name) for song in songs]) for name in ARRAYS}
    rows = [(len(song), song.bar_ticks, song.key[0], int(song.key[1])) for song in songs]
    part = cache.with_suffix(".part.npz")
    np.savez_compressed(part, names=np.array([s.name for s in songs]), rows=np.array(rows), **joined)
    part.replace(cache)


def _read(cache: Path) -> Iterator[Song]:
    try:
        with np.load(cache) as file:
            data = {name: file[name] for name in file.files}
        cuts = np.cumsum(data["rows"][:, 0])[:-1]
        parts = {name: np.split(data[name], cuts) for name in ARRAYS}
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise ValueError(f"{cache}: not a cache of POP909 ({error}); delete it and run again") from None
    for k, (name, (_, bar_ticks, tonic, minor)) in enumerate(zip(data["names"], data["rows"].tolist(), strict=True)):
        arrays: dict[str, Any] = {field: parts[field][k] for field in ARRAYS}
        yield Song(str(name), **arrays, bar_ticks=bar_ticks, key=(tonic, bool(minor)))
