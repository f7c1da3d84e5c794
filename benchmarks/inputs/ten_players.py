"""Ten players, seven of them real corpora that the responder was not trained on, each with pieces to learn from and
others held out; what the base is measured on; and bass lines that none of them played over.

Read from shared/data (licences: its README) and kept in data_cache/voices/songs.npz. Three like one habit, by rule,
over held-out accompaniments (players.py).
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import TypeVar

import numpy as np

from benchmarks.inputs.players import half_time, open_fourths, tresillo
from models.corpus import melodies, pairing
from models.corpus.build_corpus import SPLIT_FILE
from models.corpus.song import Song, load_songs, save_songs
from models.corpus.whole_songs import BANDS, mma_entries, mma_pieces
from models.music import tick_grid, tokens
from models.music.features import Events
from models.music.tick_grid import FOUR, Unusable
from models.paths import DATA_CACHE, SHARED
from models.training.evaluate import held_out, part_of

CACHE = DATA_CACHE / "voices" / "songs.npz"
BARS = 16  # of a piece
LEARNS, HELD_OUT = 4, 6  # pieces of each player; of the swing drummer three are held out
BUSY = 0.8  # of a piece's bars in which the parts play
FOUR_FOUR_MMA, OTHER_MMA, MOST = 80, 3, 40  # pieces read, by side and meter; of POP909 and the lead sheets
SEED = 7
LINES = {"mma": 10, "openewld": 7, "pop909": 7}  # bass lines by source

Item = TypeVar("Item")
Rule = Callable[[Song], Song]
KINDS: dict[str, tuple[str, str, Rule | None]] = {  # name -> liking, source, rule
    "Tanner": ("film and game music by Tanner Helland", "tanner", None),
    "Freya": ("Freedoom's rock, metal and ambient songs", "freedoom", None),
    "Cleo": ("Simutrans' game music", "simutrans", None),
    "Eva": ("POP909's songs: chords and melodies", "pop909", None),
    "Bach": ("his chorales: the soprano as line", "chorales", None),
    "Rory": ("rock melodies over their changes", "rock", None),
    "Jo": ("swing drums as JJazzLab's drummer played them", "jjswing", None),
    "Ada": ("half-time on the ride, by rule", "mma", half_time),
    "Ben": ("tresillo and shaker, by rule", "mma", tresillo),
    "Dan": ("suspended chords off the beat, by rule", "mma", open_fourths),
}


@dataclass(frozen=True, slots=True)
class OneOfTen:
    """learns: pieces of BARS bars; held_out: other pieces of the same player."""

    name: str
    liking: str
    is_real: bool
    learns: tuple[Song, ...]
    held_out: tuple[Song, ...]

    def first(self, bars: int) -> list[Song]:
        """Return the first bars of what is learned: of the first piece, or whole pieces."""
        if bars >= BARS:
            return list(self.learns[: bars // BARS])
        one = self.learns[0]
        return [part_of(one, 0, int(np.flatnonzero(one.bars == bars)[0]))]


@dataclass(frozen=True, slots=True)
class Inputs:
    """base: test pieces of the responder's own corpus; lines: pieces whose bass alone is used."""

    players: list[OneOfTen]
    base: list[Song]
    lines: list[Song]


def inputs(path: Path = CACHE, shared: Path = SHARED) -> Inputs:
    """Return the players, the base's pieces and the lines; no piece is in two of them."""
    if not path.exists():
        save_songs(path, list(read(shared)))
    songs = load_songs(path)
    rng = np.random.default_rng(SEED)
    drawn = {source: _shuffled([s for s in songs if s.source == source and usable(s)], rng) for source in SOURCES}
    made, taken = [], set[str]()
    for name, (liking, source, rule) in KINDS.items():
        own = [drawn[source].pop() for _ in range(min(LEARNS + HELD_OUT, len(drawn[source])))]
        taken |= {song.name for song in own}
        pieces = tuple(busiest(rule(song) if rule else song) for song in own)
        made.append(OneOfTen(name, liking, rule is None, pieces[:LEARNS], pieces[LEARNS:]))
    lines = [busiest(drawn[source].pop()) for source, count in LINES.items() for _ in range(count)]
    taken |= {song.name for song in lines}
    own = [s for s in songs if s.source in ("mma", "freedoom", "simutrans") and s.name not in taken]
    return Inputs(made, held_out(own, "test", 1) + [s for s in own if s.source != "mma" and s.split == "valid"], lines)


SOURCES = sorted({source for _, source, _ in KINDS.values()} | set(LINES))


def usable(song: Song) -> bool:
    """Return whether a piece is long enough, in 4/4, and has a bass; accompaniments by rule need drums and chords."""
    whole = song.source != "mma" or (song.split == "test" and all(song.has[:2]))
    return whole and song.meter == FOUR and int(song.bars[-1]) >= BARS - 1 and bool(song.events.known.any())


def busiest(song: Song) -> Song:
    """Return BARS bars, the first in which the parts that it has play through; else its first ones."""
    e, plays = song.events, np.zeros(len(song), bool)
    parts = (e.drums > 0).any(1), e.chord[:, 0] >= tokens.SAME, e.line[:, 0] == tokens.LINE_ON
    for has, on in zip(song.has, parts, strict=True):
        plays |= on & has
    starts = [*np.flatnonzero(song.ticks == 0).tolist(), len(song)]
    active = np.array([plays[a:b].any() for a, b in pairwise(starts)])
    found = (i for i in range(len(active) - BARS + 1) if active[i : i + BARS].mean() >= BUSY)
    first = next(found, 0)
    return part_of(song, starts[first], starts[min(first + BARS, len(starts) - 1)])


def read(shared: Path) -> Iterator[Song]:
    """Yield the pieces of every source that the responder was not trained on."""
    split = json.loads(SPLIT_FILE.read_text(encoding="utf-8"))
    side = {name: of for of, names in split.items() for name in names}
    for source in BANDS:
        for path in sorted((shared / "data" / "band" / source).glob("*.mid")):
            known = side.get(f"{source}/{path.name}", "train" if source in ("freedoom", "simutrans") else "test")
            if known != "train" and (piece := _piece(path)) is not None:
                yield _song(piece, path.name, source, known, piece.has)
    yield from melodies.chorales(shared)
    yield from melodies.rock_songs(shared)
    drums, basses = pairing.swing_drums(shared), pairing.swing_basses(shared)
    for song in pairing.paired([*map(_joined, drums[::2], drums[1::2])], basses, SEED, 1):
        yield replace(song, source="jjswing")
    for songs in (melodies.pop_songs(shared), melodies.lead_sheets(shared)):
        yield from [song for song in songs if song.split == "test"][:MOST]
    yield from _accompaniments(shared / "data" / "band" / "mma", side)


def _accompaniments(where: Path, side: dict[str, str]) -> Iterator[Song]:
    entries = mma_entries(where)
    mine = sorted(Path(name).stem for name, of in side.items() if name.startswith("mma/") and of == "test")
    wanted, counts = set[str](), Counter[str]()
    for name in _shuffled(mine, np.random.default_rng(SEED)):
        meter = entries[name]["ts"]
        if counts[meter] < (FOUR_FOUR_MMA if meter == "4/4" else OTHER_MMA):
            counts[meter] += 1
            wanted.add(name)
    for name, piece in mma_pieces(where, wanted, entries):
        yield _song(piece, name, "mma", "test", (*piece.has[:2], False))


def _joined(first: Song, second: Song) -> Song:
    """Return two pieces of drums alone as one."""
    a, b = first.events, second.events
    events = Events(
        *(np.concatenate([getattr(a, n), getattr(b, n)]) for n in ("bass", "known", "drums", "chord", "line"))
    )
    ticks = np.concatenate([first.ticks, second.ticks])
    bars = np.concatenate([first.bars, second.bars + first.bars[-1] + 1])
    return replace(first, ticks=ticks, bars=bars, meters=first.meters + second.meters, events=events)


def _piece(path: Path) -> tick_grid.Arrangement | None:
    try:
        return tick_grid.read(path, guess=True)
    except Unusable:
        return None


def _song(piece: tick_grid.Arrangement, name: str, source: str, side: str, has: tuple[bool, bool, bool]) -> Song:
    return Song(name, source, side, piece.ticks, piece.bars, piece.meters, piece.events, has)


def _shuffled(items: Sequence[Item], rng: np.random.Generator) -> list[Item]:
    return [items[i] for i in rng.permutation(len(items))]
