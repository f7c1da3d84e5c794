"""Hold a song on the tick grid, its split, and the token files that keep many songs."""

from __future__ import annotations

import hashlib
import json
import zipfile
import zlib
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from listener.types import Meter
from models.music.features import Events, Ints
from models.paths import DATA_CACHE

CACHE = DATA_CACHE / "responder.npz"


SPLITS = ("train", "valid", "test")


HELD_PERCENT = {"mma": (10, 8)}  # test, valid


HELD_PERCENT_COMPOSED = (16, 12)  # few pieces: more of them held out


@dataclass(frozen=True, slots=True)
class Song:
    """One piece on the tick grid. has: which parts it has. sound: [T, dim] or None; NaN rows are unknown.

    tempo_bpm: quarters a minute at the start, 0 = not known.
    """

    name: str
    source: str
    split: str
    ticks: Ints
    bars: Ints
    meters: tuple[Meter, ...]
    events: Events
    has: tuple[bool, bool, bool]
    sound: NDArray[np.float32] | None = None
    tempo_bpm: float = 0.0

    @property
    def meter(self) -> Meter:
        """Return the meter that most of its ticks are in."""
        return Counter(self.meters).most_common(1)[0][0]

    def __len__(self) -> int:
        return len(self.ticks)


def split_of(song: str) -> str:
    """Return the side of a song by a hash of its name, so that it never changes sides when others come or go."""
    percent = int(hashlib.sha256(song.encode()).hexdigest(), 16) % 100
    test, valid = HELD_PERCENT.get(song.split("/")[0], HELD_PERCENT_COMPOSED)
    return "test" if percent < test else "valid" if percent < test + valid else "train"


COLUMNS = ("ticks", "bars", "meter", "bass", "drums", "chord", "line")


def save_songs(path: Path, songs: list[Song]) -> None:
    """Write all songs end to end in one npz; sound only for the ticks of songs that have it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    meters = sorted({m for s in songs for m in s.meters}, key=str)
    place = {meter: index for index, meter in enumerate(meters)}
    arrays: dict[str, NDArray[Any]] = {
        "ticks": np.concatenate([s.ticks for s in songs]).astype(np.int16),
        "bars": np.concatenate([s.bars for s in songs]).astype(np.int16),
        "meter": np.concatenate([[place[m] for m in s.meters] for s in songs]).astype(np.int16),
        **{
            name: np.concatenate([getattr(s.events, name) for s in songs]).astype(np.int8)
            for name in ("drums", "chord", "line")
        },
        "bass": np.concatenate([_marked(s.events) for s in songs]).astype(np.int8),
    }
    with_sound = [i for i, s in enumerate(songs) if s.sound is not None]
    about = {
        "songs": [[s.name, s.source, s.split, len(s), list(s.has)] for s in songs],
        "meters": [[m.numerator, m.denominator, list(m.grouping)] for m in meters],
        "with_sound": with_sound,
        "tempi": [round(s.tempo_bpm, 2) for s in songs],
    }
    sound = [songs[i].sound for i in with_sound]
    arrays["sound"] = np.concatenate([s for s in sound if s is not None]) if sound else np.zeros((0, 0), np.float32)
    arrays["about"] = np.array(json.dumps(about))
    np.savez_compressed(path, allow_pickle=False, **arrays)


def _marked(events: Events) -> Ints:
    """Return the bass [T, 3] with velocity -1 where it is unknown."""
    bass = events.bass.copy()
    bass[~events.known, 1] = -1
    return bass


def load_songs(path: Path = CACHE) -> list[Song]:
    """Read the songs of a cache; FileNotFoundError when it has not been built, ValueError when it is damaged."""
    if not path.exists():
        raise FileNotFoundError(f"{path}: no token files yet; build them with `python -m models.data`")
    try:
        with path.open("rb") as raw, np.load(raw) as file:
            about = json.loads(str(file["about"]))
            data = {name: file[name].astype(np.int64) for name in COLUMNS}
            sound = file["sound"].astype(np.float32)
    except (ValueError, KeyError, OSError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        reason = str(error).splitlines()[0]
        raise ValueError(f"{path}: not token files ({reason}); build them again with `python -m models.data`") from None
    meters = [Meter(n, d, tuple(grouping)) for n, d, grouping in about["meters"]]
    lengths = [entry[3] for entry in about["songs"]]
    ends = np.cumsum(lengths)
    sounds = _sounds(sound, lengths, about["with_sound"])
    tempi = about.get("tempi", [0.0] * len(lengths))
    songs = []
    for index, ((name, source, split, length, has), end) in enumerate(zip(about["songs"], ends, strict=True)):
        part = {key: value[end - length : end] for key, value in data.items()}
        known = part["bass"][:, 1] >= 0  # of a piece without a bass the velocity is -1
        events = Events(np.maximum(part["bass"], [-1, 0, -1]), known, part["drums"], part["chord"], part["line"])
        own = tuple(meters[m] for m in part["meter"])
        place = part["ticks"], part["bars"], own
        songs.append(Song(name, source, split, *place, events, tuple(has), sounds.get(index), tempi[index]))
    return songs


def _sounds(sound: NDArray[np.float32], lengths: list[int], with_sound: list[int]) -> dict[int, NDArray[np.float32]]:
    ends = np.cumsum([lengths[i] for i in with_sound])
    return {i: sound[end - lengths[i] : end] for i, end in zip(with_sound, ends, strict=True)}
