"""Build token files from any folder of MIDI: `python -m models.data --midi FOLDER`.

Beside the cache lie what was used and skipped (.report.txt) and the split by song (.split.json). Files with the same
notes, or the same bass line, in whatever key, count as one song.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tqdm import tqdm

from models.corpus.song import SPLITS, Song, save_songs
from models.music import part_roles, tick_grid
from models.music.midi_reader import DRUM_CHANNEL, RawTrack, Score, Unusable, read_score
from models.music.tick_grid import Arrangement, TickGrid
from models.music.tokens import PARTS

SUFFIXES = (".mid", ".midi", ".smf", ".rmi", ".kar")
SOURCE = "own"
HELD_PERCENT = 10  # of the songs for test, and as many for validation
MIN_SONGS = 3  # from here on each side has one
REASONS_SHOWN = 12  # on the terminal; the report has all


@dataclass(frozen=True, slots=True)
class Piece:
    """A usable file. bass: name of its bass track; keys: equal keys mean the same song; mended: what was repaired."""

    name: str
    arrangement: Arrangement
    bass: str
    keys: tuple[str, str]
    mended: str


@dataclass(frozen=True, slots=True)
class Folder:
    """What was found in a folder.

    skipped: (name, reason). side, song: of each piece; a song is named after its first file.
    """

    pieces: tuple[Piece, ...]
    skipped: tuple[tuple[str, str], ...]
    side: dict[str, str]
    song: dict[str, str]


def build(folder: Path, cache: Path) -> list[Song]:
    """Read the folder, write cache, split and report; ValueError when nothing in it can be used."""
    found = read(folder)
    text = report(folder, found, cache)
    beside(cache, "report.txt").parent.mkdir(parents=True, exist_ok=True)
    beside(cache, "report.txt").write_text(text, encoding="utf-8")
    if not found.pieces:
        reason = Counter(general(why) for _, why in found.skipped).most_common(1)[0][0]
        raise ValueError(
            f"{folder}: none of its {len(found.skipped)} MIDI files can be used (mostly: {reason}); "
            f"see {beside(cache, 'report.txt')}"
        )
    songs = [song_of(piece, found.side[piece.name]) for piece in found.pieces]
    save_songs(cache, songs)
    split = {side: [s.name for s in songs if s.split == side] for side in SPLITS}
    beside(cache, "split.json").write_text(json.dumps(split, indent=0) + "\n", encoding="utf-8")
    print(_shortened(folder, found, cache))
    return songs


def beside(cache: Path, suffix: str) -> Path:
    return cache.with_name(f"{cache.stem}.{suffix}")


def read(folder: Path, alone: bool = False) -> Folder:
    """Read every MIDI file below a folder. alone: files with nothing but a bass, too.

    FileNotFoundError: no such folder, or no MIDI file in it.
    """
    if not folder.is_dir():
        raise FileNotFoundError(f"{folder}: no such folder; name one with .mid files in it")
    paths = sorted(p for p in folder.rglob("*") if p.suffix.lower() in SUFFIXES and not p.name.startswith("."))
    if not paths:
        raise FileNotFoundError(f"{folder}: no MIDI files ({', '.join(SUFFIXES)}) in it or below")
    pieces, skipped = [], []
    for path in tqdm(paths, desc="reading", mininterval=2.0):
        name = path.relative_to(folder).as_posix()
        try:
            pieces.append(_piece(path, name, alone))
        except Unusable as reason:
            skipped.append((name, str(reason).removeprefix(f"{path.name}: ").removeprefix(f"{path}: ")))
    song = songs_of(pieces)
    side = sides({p.name: p.keys[1] for p in pieces}, song)
    return Folder(tuple(pieces), tuple(skipped), side, song)


def _piece(path: Path, name: str, alone: bool) -> Piece:
    score = read_score(path)
    arrangement = tick_grid.arrange(score, path.name, guess=True, alone=alone)
    bass = part_roles.bass(score.tracks, path.name, guess=True)
    if not any(arrangement.has) and not alone:
        raise Unusable("nothing but a bass: no drums, chords or line to learn")
    mended = ", ".join(f"{count} {what}" for what, count in score.mended)
    return Piece(name, arrangement, _called(bass), (_bass_key(arrangement), _notes_key(score)), mended)


def _called(track: RawTrack) -> str:
    program = "" if track.program is None else f" program {track.program + 1}"
    return f"{track.name or 'unnamed'} (channel {track.channel + 1}{program})"


def song_of(piece: Piece, side: str) -> Song:
    own = piece.arrangement
    return Song(piece.name, SOURCE, side, own.ticks, own.bars, own.meters, own.events, own.has)


def _notes_key(score: Score) -> str:
    """Make a key of all notes on the tick grid, from the first tick and above the lowest pitch.

    Velocities and tempo do not count.
    """
    grid = TickGrid.of(score)
    played = {(grid.tick(n.start), t.channel == DRUM_CHANNEL, n.pitch) for t in score.tracks for n in t.notes}
    first = min(start for start, _, _ in played)
    lowest = min((pitch for _, drum, pitch in played if not drum), default=0)
    return digest(sorted((start - first, drum, pitch if drum else pitch - lowest) for start, drum, pitch in played))


def _bass_key(piece: Arrangement) -> str:
    first = piece.bass[0]
    return digest([(note.start - first.start, False, note.pitch - first.pitch) for note in piece.bass])


def digest(notes: Iterable[tuple[int, bool, int]]) -> str:
    return hashlib.sha256(repr(list(notes)).encode()).hexdigest()


def songs_of(pieces: Sequence[Piece]) -> dict[str, str]:
    """Map each piece to the first piece of its song: pieces are one song when they share a key, directly or not."""
    parent = {p.name: p.name for p in pieces}

    def top(name: str) -> str:
        while parent[name] != name:
            name = parent[name]
        return name

    first_with: dict[str, str] = {}
    for piece in pieces:
        for key in piece.keys:
            a, b = sorted((top(first_with.setdefault(key, piece.name)), top(piece.name)))
            parent[b] = a
    return {name: top(name) for name in parent}


def sides(notes_key: dict[str, str], song: dict[str, str]) -> dict[str, str]:
    """Map each piece to a side by a hash of its song's notes, so that a song stays where it is when others come or go.

    From MIN_SONGS songs on no side is empty.
    """
    hashes: dict[str, str] = {}
    for name, first in song.items():
        hashes[first] = min(notes_key[name], hashes.get(first, "g"))
    ordered = sorted(hashes, key=lambda first: hashes[first])
    side = {first: _side(int(hashes[first], 16) % 100) for first in ordered}
    for wanted in ("valid", "test") if len(ordered) >= MIN_SONGS else ():
        if wanted not in side.values():
            counts = Counter(side.values())
            side[next(first for first in ordered if counts[side[first]] > 1)] = wanted
    if len(ordered) >= MIN_SONGS and "train" not in side.values():
        counts = Counter(side.values())
        side[next(first for first in ordered if counts[side[first]] > 1)] = "train"
    return {name: side[first] for name, first in song.items()}


def _side(percent: int) -> str:
    return "test" if percent < HELD_PERCENT else "valid" if percent < 2 * HELD_PERCENT else "train"


def report(folder: Path, found: Folder, cache: Path) -> str:
    """Report the counts, then why files were skipped, then every file."""
    return "\n".join([*_counts(folder, found, cache), "", *_reasons(found), "", *_files(found)]) + "\n"


def _counts(folder: Path, found: Folder, cache: Path) -> Iterator[str]:
    used, skipped = len(found.pieces), len(found.skipped)
    yield f"{folder}: {used + skipped} MIDI files, {used} used, {skipped} skipped"
    songs = Counter(found.side[first] for first in set(found.song.values()))
    files = Counter(found.side.values())
    yield "split by song: " + ", ".join(f"{side} {songs[side]} songs in {files[side]} files" for side in SPLITS)
    ticks = sum(len(p.arrangement.ticks) for p in found.pieces)
    has = Counter(part for p in found.pieces for part, there in zip(PARTS, p.arrangement.has, strict=True) if there)
    yield f"{ticks:,} ticks (16ths); files with " + ", ".join(f"{part} {has[part]}" for part in PARTS)
    if len(set(found.song.values())) < MIN_SONGS:
        yield f"fewer than {MIN_SONGS} different songs: there is nothing to validate on; add some before training"
    yield f"token files: {cache}"


def _reasons(found: Folder) -> Iterator[str]:
    for reason, count in Counter(general(why) for _, why in found.skipped).most_common():
        yield f"skipped {count:5d} × {reason}"


def general(reason: str) -> str:
    """Return the reason without what is particular to one file."""
    return re.sub(r"^\d[\d,]*", "N", reason.split(" (")[0])


def _files(found: Folder) -> Iterator[str]:
    rows = [("file", "side", "bars", "meter", "parts", "bass track", "note")]
    for p in found.pieces:
        own, first = p.arrangement, found.song[p.name]
        parts = " ".join(part for part, there in zip(PARTS, own.has, strict=True) if there)
        same = f"same song as {first}" if first != p.name else ""
        meters = "+".join(dict.fromkeys(map(str, own.meters)))
        note = "; ".join(filter(None, (same, p.mended)))
        rows.append((p.name, found.side[p.name], str(own.bars[-1] + 1), meters, parts, p.bass, note))
    rows += [(name, "skipped", "", "", "", "", why) for name, why in found.skipped]
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    for row in rows:
        yield "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()


def _shortened(folder: Path, found: Folder, cache: Path) -> str:
    """Return the report as it is printed: counts, the commonest reasons, the first skipped files."""
    lines = [*_counts(folder, found, cache), *list(_reasons(found))[:REASONS_SHOWN]]
    lines += [f"  {name}: {why}" for name, why in found.skipped[:REASONS_SHOWN]]
    more = len(found.skipped) - REASONS_SHOWN
    return "\n".join([*lines, *([f"  ... and {more} more"] if more > 0 else [])])
