"""Build token files: `python -m models.data [--shared ../shared] [--sound N]` writes data_cache/responder.npz.

`python -m models.data --midi FOLDER` writes data_cache/midi_FOLDER.npz from MIDI of your own (own_midi.py). Pieces are
split by song (train, valid, test); MMA pieces over one song stay together. With --sound N the basses of N pieces are
rendered with FluidSynth and put through the codec: sound [T, dim], its mean latent in each tick.
"""

from __future__ import annotations

import argparse
import json
import lzma
import sys
import tarfile
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tqdm import tqdm

from listener.types import Meter
from models.corpus import own_midi
from models.corpus.song import CACHE, SPLITS, Song, save_songs, split_of
from models.music import tick_grid
from models.music.tick_grid import Arrangement, Unusable
from models.paths import SHARED, WEIGHTS

SPLIT_FILE = WEIGHTS / "responder_split.json"
LICENCES = {
    "freedoom": "BSD-3-Clause",
    "simutrans": "Artistic-1.0",
    "mma": "made with MMA grooves, GPL-2+",
    "groove": "CC-BY-4.0, Gillick et al. 2019; drums alone",
}


def mma_meter(entry: dict[str, Any]) -> Meter:
    """Return the meter of the index's time signature; its groups are in quarters ([2, 1.5] of 7/8), ours in beats."""
    numerator, denominator = map(int, entry["ts"].split("/"))
    groups = [round(group * denominator / 4) for group in entry["groups"] or []]
    if denominator >= 8:  # cut from 4/4 patterns: pairs of eighths, the odd one at the end of its group
        groups = [size for group in groups for size in pairs(group)]
    return Meter(numerator, denominator, tuple(groups) if sum(groups) == numerator else ())


def pairs(group: int) -> list[int]:
    """Split a number of beats into groups of two, the last of three when it is odd: 7 -> [2, 2, 3]."""
    return [2] * (group // 2 - 1) + [2 + group % 2] if group > 1 else [group]


def arrangements(shared: Path, skipped: Counter[str]) -> Iterator[tuple[str, str, str, Arrangement]]:
    """Yield (source, name, song for the split, arrangement) of every usable file."""
    band = shared / "data" / "band"
    files = [(source, path) for source in ("freedoom", "simutrans") for path in sorted((band / source).glob("*.mid"))]
    for source, path in tqdm(files, desc="composed", mininterval=2.0):
        try:
            yield source, path.name, f"{source}/{path.name}", tick_grid.read(path)
        except Unusable as reason:
            skipped[f"{source}: {str(reason).split(': ', 1)[-1].split(' (')[0]}"] += 1
    with tempfile.TemporaryDirectory() as folder:
        yield from _mma(band / "mma", Path(folder), skipped)


def _mma(where: Path, folder: Path, skipped: Counter[str]) -> Iterator[tuple[str, str, str, Arrangement]]:
    with tarfile.open(where / "mma-accompaniments.tar.xz") as tar:
        tar.extractall(folder, filter="data")
    paths = {path.stem: path for path in folder.rglob("*.mid")}
    with lzma.open(where / "index.jsonl.xz", "rt", encoding="utf-8") as lines:
        entries = [json.loads(line) for line in lines]
    for entry in tqdm(entries, desc="mma", mininterval=2.0):
        path = paths.get(f"{entry['i']:05d}")
        try:
            if path is None:
                raise Unusable("mma: not in the archive")
            yield "mma", path.name, f"mma/{entry['song']}", tick_grid.read(path, mma_meter(entry))
        except Unusable as reason:
            skipped[f"mma: {str(reason).split(': ', 1)[-1].split(' (')[0]}"] += 1


def build(shared: Path, cache: Path = CACHE, with_sound: int = 0) -> list[Song]:
    """Read everything, write the cache and the split file; FileNotFoundError when the data is not there."""
    if not (shared / "data" / "band").is_dir():
        raise FileNotFoundError(f"{shared}/data/band: no such folder; name the data's place with --shared")
    skipped: Counter[str] = Counter()
    songs: list[Song] = []
    heard = 0
    renderer: Any = None
    if with_sound:
        from models.corpus.piece_sound import BassSound

        renderer = BassSound()
    for source, name, song, piece in arrangements(shared, skipped):
        parts = piece.has if source != "mma" else (*piece.has[:2], False)  # MMA writes no true counter-lines
        sound = None
        if renderer and heard < with_sound and (source != "mma" or piece.meters[0] != Meter(4, 4)):
            sound, heard = renderer.latents(piece, heard), heard + 1
        songs.append(
            Song(name, source, split_of(song), piece.ticks, piece.bars, piece.meters, piece.events, parts, sound)
        )
    save_songs(cache, songs)
    _write_split(songs)
    _report(songs, skipped)
    return songs


def _write_split(songs: list[Song]) -> None:
    split = {name: [f"{s.source}/{s.name}" for s in songs if s.split == name] for name in SPLITS}
    SPLIT_FILE.write_text(json.dumps(split, indent=0) + "\n", encoding="utf-8")


def _report(songs: list[Song], skipped: Counter[str]) -> None:
    for source in LICENCES:
        mine = [s for s in songs if s.source == source]
        sizes = ", ".join(f"{name} {sum(s.split == name for s in mine)}" for name in SPLITS)
        ticks, lines = sum(map(len, mine)), sum(s.has[2] for s in mine)
        print(f"{source}: {len(mine)} pieces ({sizes}), {ticks:,} ticks, {lines} lines")
    for reason, count in skipped.most_common():
        print(f"skipped {count} × {reason}")


def main(argv: list[str] | None = None) -> int:
    """Run the command and return its exit code: 2 after a mistake in the arguments, explained in one line."""
    parser = argparse.ArgumentParser(prog="python -m models.data", description=__doc__)
    parser.add_argument("--shared", type=Path, default=SHARED, help="folder with data/band (default ../shared)")
    parser.add_argument("--midi", type=Path, metavar="FOLDER", help="train on the MIDI files in and below this folder")
    parser.add_argument("--cache", type=Path, help="the token files to write (default: in data_cache)")
    parser.add_argument(
        "--sound", type=int, default=0, help="pieces whose bass goes through synth and codec (default 0)"
    )
    args = parser.parse_args(argv)
    try:
        _run(args)
    except (ValueError, OSError) as mistake:
        print(f"models.data: {mistake}", file=sys.stderr)
        return 2
    return 0


def _run(args: argparse.Namespace) -> None:
    if args.midi is None:
        build(args.shared, args.cache or CACHE, args.sound)
        return
    if args.sound:
        raise ValueError("--sound with --midi: own MIDI is read without its sound; leave one of the two out")
    own_midi.build(args.midi, args.cache or CACHE.parent / f"midi_{args.midi.resolve().name}.npz")


if __name__ == "__main__":
    sys.exit(main())
