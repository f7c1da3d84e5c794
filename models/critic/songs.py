"""Reads the songs the critic learns from and is measured on, read from shared/data/band and kept in
data_cache/critic.npz.

Held out: the valid and test songs of the responder's split, and every song of shared/band_score, with its original and
its remixes. Composed songs come whole; of the accompaniments made by MMA (whose kick copies the bass) a sample.
"""

from __future__ import annotations

import json
import lzma
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from tqdm import tqdm

from models.corpus import whole_songs
from models.corpus.build_corpus import SPLIT_FILE, mma_meter
from models.corpus.song import Song, load_songs, save_songs, split_of
from models.corpus.whole_songs import BANDS
from models.music import tick_grid
from models.music.tick_grid import Arrangement, Unusable
from models.paths import DATA_CACHE, SHARED

CACHE = DATA_CACHE / "critic.npz"
MMA_PIECES = 420
SAMPLE_SEED = 7
LICENCES = {name: whole_songs.LICENCES[name] for name in (*BANDS, "mma")}
MEASURED = {  # songs of shared/band_score that the responder's split file does not hold out; remixes of such songs too
    "freedoom/d_e2m2.mid",
    "freedoom/d_e2m6.mid",
    "freedoom/d_e4m4.mid",
    "simutrans/15-The-Wayside-Blues.mid",
    "tanner/Faith (love remix).mid",
}


def songs(shared: Path = SHARED, cache: Path = CACHE) -> list[Song]:
    """Return all songs; read once and kept. FileNotFoundError when there is neither a cache nor the data."""
    if cache.exists():
        return load_songs(cache)
    if not (shared / "data" / "band").is_dir():
        raise FileNotFoundError(f"{shared}/data/band: no such folder; name the data's place with --shared")
    found = without_twins(list(_read(shared)))
    save_songs(cache, found)
    return found


def without_twins(found: list[Song]) -> list[Song]:
    """Leave out training songs that share four bars of bass, in any key, with a song held out."""
    held = set().union(*(_phrases(song) for song in found if song.split != "train"))
    return [song for song in found if song.split != "train" or song.source == "mma" or not held & _phrases(song)]


def _phrases(song: Song) -> set[bytes]:
    """Return runs of four bars of bass onsets, as steps between them; of too few notes or one pitch none."""
    starts = np.flatnonzero(np.diff(song.bars, prepend=-1))
    runs = set()
    for first, end in zip(starts[:-4], starts[4:], strict=True):
        onset = song.events.bass[first:end, 0]
        at = np.flatnonzero(onset >= 0)
        if len(at) >= 12 and len(set(onset[at].tolist())) >= 4:
            runs.add(np.stack([at, onset[at] - onset[at[0]]]).tobytes())
    return runs


def _read(shared: Path) -> Iterator[Song]:
    band, listed = shared / "data" / "band", json.loads(SPLIT_FILE.read_text(encoding="utf-8"))
    split = {name: side for side, names in listed.items() for name in names}
    files = [(source, path) for source in BANDS for path in sorted((band / source).glob("*.mid"))]
    for source, path in tqdm(files, desc="composed", mininterval=5):
        name = f"{source}/{path.name}"
        side = "test" if name in MEASURED else split.get(name, split_of(name))
        if source not in ("freedoom", "simutrans"):  # their test songs are those of shared/band_score
            side = "test" if name in MEASURED else "valid" if side == "valid" else "train"
        yield from _song(path, path.name, source, side)
    for folder in sorted((shared / "band_score" / "songs").glob("tanner__*")):
        yield from _song(folder / "truth.mid", folder.name, "tanner", "test")
    yield from _mma(band / "mma", split)


def _mma(where: Path, split: dict[str, str]) -> Iterator[Song]:
    """Return a sample of the training pieces, odd meters first; one piece of a song and groove at most."""
    with lzma.open(where / "index.jsonl.xz", "rt", encoding="utf-8") as lines:
        entries = {f"{entry['i']:05d}": entry for entry in map(json.loads, lines)}
    own = [name for name in entries if split.get(f"mma/{name}.mid") == "train"]
    order = np.random.default_rng(SAMPLE_SEED).permutation(len(own))
    chosen = sorted((own[i] for i in order), key=lambda name: entries[name]["ts"] == "4/4")
    odd = [name for name in chosen if entries[name]["ts"] != "4/4"][: MMA_PIECES // 2]
    wanted = {*odd, *[name for name in chosen if entries[name]["ts"] == "4/4"][: MMA_PIECES - len(odd)]}
    with tempfile.TemporaryDirectory() as folder, tarfile.open(where / "mma-accompaniments.tar.xz") as tar:
        members = [m for m in tar.getmembers() if Path(m.name).stem in wanted and m.name.endswith(".mid")]
        tar.extractall(folder, members=members, filter="data")
        for path in tqdm(sorted(Path(folder).rglob("*.mid")), desc="mma", mininterval=5):
            meter = mma_meter(entries[path.stem])
            try:
                piece = tick_grid.read(path, meter)
            except Unusable:
                continue
            yield _of(piece, path.name, "mma", "train", (*piece.has[:2], False))  # MMA writes no true counter-lines


def _song(path: Path, name: str, source: str, side: str) -> Iterator[Song]:
    try:
        piece = tick_grid.read(path, guess=True)
    except Unusable:
        return
    yield _of(piece, name, source, side, piece.has)


def _of(piece: Arrangement, name: str, source: str, side: str, has: tuple[bool, bool, bool]) -> Song:
    return Song(name, source, side, piece.ticks, piece.bars, piece.meters, piece.events, has)
