"""Build the corpus of whole songs: real bands, melodies over chords, played drums over basses, made accompaniments.

`python -m models.data --songs` writes data_cache/songs/SOURCE.npz, a file a source: what is there is not built again,
so that a build that was stopped goes on. Songs that measure the band (held_songs.py) are left out and named. How it
differs from what real bands play: corpus_figures.py.
"""

from __future__ import annotations

import hashlib
import json
import lzma
import tarfile
import tempfile
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from models.corpus import melodies, pairing
from models.corpus.build_corpus import mma_meter
from models.corpus.held_songs import SPLIT_FILE, HeldSongs
from models.corpus.song import Song, load_songs, save_songs
from models.music import tick_grid
from models.music.tick_grid import Arrangement, Unusable
from models.paths import DATA_CACHE

FOLDER = DATA_CACHE / "songs"
REPORT = "report.txt"
BANDS = ("freedoom", "simutrans", "tanner", "easyrpg")
MMA_PIECES, SEED = 900, 7
VALID_PERCENT = 8  # of the bands' songs that measure nothing else
LICENCES = {
    "freedoom": "BSD-3-Clause",
    "simutrans": "Artistic-1.0",
    "tanner": "CC BY 4.0, Tanner Helland",
    "easyrpg": "CC BY 4.0, Juan Manuel Nigretti, and CC0 (EasyRPG RTP)",
    "mma": "made with MMA grooves, GPL-2+",
    "pop909": "MIT, Wang et al. 2020; the compositions are commercial songs",
    "openewld": "MIT, of tunes in the public domain by its README; lines alone",
    "rock": "CC BY 4.0, de Clercq & Temperley 2011; lines alone",
    "chorales": "Bach, public domain; lines alone",
    "groove": "CC BY 4.0, Gillick et al. 2019; drums alone, over others' basses",
    "hydrogen": "CC BY-SA, Hydrogen's patterns; drums alone, over others' basses",
    "jjswing": "LGPL-2.1, JJazzLab; drums alone, over its basses",
}


def build(shared: Path, drums: Sequence[Song], folder: Path = FOLDER) -> None:
    """Write the files that are missing. drums: songs of drums alone, with tempo; FileNotFoundError without data."""
    if not (shared / "data" / "band").is_dir():
        raise FileNotFoundError(f"{shared}/data/band: no such folder; name the data's place with --shared")
    folder.mkdir(parents=True, exist_ok=True)
    held = HeldSongs.of(shared)
    skipped: Counter[str] = Counter()
    readers: dict[str, Callable[[], Iterator[Song]]] = {
        **{source: _reader(shared, source, skipped) for source in BANDS},
        "mma": lambda: _mma(shared / "data" / "band" / "mma"),
        "chorales": lambda: melodies.chorales(shared),
        "rock": lambda: melodies.rock_songs(shared),
        "openewld": lambda: melodies.lead_sheets(shared),
        "pop909": lambda: melodies.pop_songs(shared),
    }
    for source, read in readers.items():
        _keep(folder, source, read, held)
    basses = [s for s in load(folder, (*BANDS, "pop909")) if s.split == "train"]
    basses += pairing.swing_basses(shared)
    for source in ("groove", "hydrogen"):
        alone = [song for song in drums if song.source == source and song.split != "test"]
        _keep(folder, source, partial(pairing.paired, alone, basses, SEED, 2), held)
    _keep(folder, "jjswing", lambda: _jjswing(shared), held)
    for reason, count in skipped.most_common():
        print(f"skipped {count} × {reason}")


def load(folder: Path = FOLDER, sources: Sequence[str] = tuple(LICENCES)) -> list[Song]:
    """Read the songs of the sources; FileNotFoundError when one was not built."""
    return [song for source in sources for song in load_songs(folder / f"{source}.npz")]


def _keep(folder: Path, source: str, read: Callable[[], Iterator[Song]], held: HeldSongs) -> None:
    """Write the songs of a source but those that measure, unless its file is there."""
    path = folder / f"{source}.npz"
    if path.exists():
        return
    kept, out = [], []
    for song in tqdm(read(), desc=source, mininterval=5):
        why = held.why(song)
        if why is None:
            kept.append(song)
        else:
            out.append(f"{source}/{song.name}: left out, {why}")
    part = path.with_suffix(".part.npz")
    save_songs(part, kept)
    with (folder / REPORT).open("a", encoding="utf-8") as report:
        report.writelines(f"{line}\n" for line in [*out, _line(source, kept)])
    print(_line(source, kept))
    part.replace(path)


def _line(source: str, songs: Sequence[Song]) -> str:
    sides = Counter(song.split for song in songs)
    return f"{source}: {len(songs)} pieces ({dict(sides)}), {sum(map(len, songs)):,} ticks"


def _reader(shared: Path, source: str, skipped: Counter[str]) -> Callable[[], Iterator[Song]]:
    def read() -> Iterator[Song]:
        for path in sorted((shared / "data" / "band" / source).glob("*.mid")):
            try:
                piece = tick_grid.read(path, guess=True)
            except Unusable as reason:
                skipped[f"{source}: {str(reason).split(': ', 1)[-1].split(' (')[0]}"] += 1
                continue
            side = "valid" if _percent(f"{source}/{path.name}") < VALID_PERCENT else "train"
            yield _song(piece, path.name, source, side, piece.has)

    return read


def _percent(name: str) -> int:
    """Return 0 to 99 by a hash of the name, so that a song never changes sides."""
    return int(hashlib.sha256(name.encode()).hexdigest(), 16) // 100 % 100


def mma_entries(where: Path) -> dict[str, dict[str, Any]]:
    """Return the index of the generated accompaniments, by the stem of a piece's file."""
    with lzma.open(where / "index.jsonl.xz", "rt", encoding="utf-8") as lines:
        return {f"{entry['i']:05d}": entry for entry in map(json.loads, lines)}


def mma_pieces(
    where: Path, wanted: Collection[str], entries: Mapping[str, dict[str, Any]]
) -> Iterator[tuple[str, Arrangement]]:
    """Yield (file name, piece) of the wanted stems, without those that cannot be used."""
    with tempfile.TemporaryDirectory() as folder, tarfile.open(where / "mma-accompaniments.tar.xz") as tar:
        members = [m for m in tar.getmembers() if Path(m.name).stem in wanted and m.name.endswith(".mid")]
        tar.extractall(folder, members=members, filter="data")
        for path in sorted(Path(folder).rglob("*.mid")):
            try:
                yield path.name, tick_grid.read(path, mma_meter(entries[path.stem]))
            except Unusable:
                continue


def _mma(where: Path) -> Iterator[Song]:
    """Yield a sample of the pieces whose songs measure nothing: half of them in other meters than 4/4."""
    split = json.loads(SPLIT_FILE.read_text(encoding="utf-8"))
    mine = {Path(name).stem for name in split["train"] if name.startswith("mma/")}
    entries = mma_entries(where)
    own = [name for name in entries if name in mine]
    order = [own[i] for i in np.random.default_rng(SEED).permutation(len(own))]
    four = [name for name in order if entries[name]["ts"] == "4/4"]
    odd = [name for name in order if entries[name]["ts"] != "4/4"][: MMA_PIECES // 2]
    wanted = {*odd, *four[: MMA_PIECES - len(odd)]}
    for name, piece in mma_pieces(where, wanted, entries):
        yield _song(piece, name, "mma", "train", (*piece.has[:2], False))  # MMA writes no true counter-lines


def _jjswing(shared: Path) -> Iterator[Song]:
    drums, basses = pairing.swing_drums(shared), pairing.swing_basses(shared)
    for one in pairing.paired(drums, basses, SEED, 6):
        yield replace(one, source="jjswing")


def _song(piece: Arrangement, name: str, source: str, side: str, has: tuple[bool, bool, bool]) -> Song:
    return Song(
        name, source, side, piece.ticks, piece.bars, piece.meters, piece.events, has, None, float(piece.tempo_bpm)
    )
