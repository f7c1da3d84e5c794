"""Know the songs that measure the band, so that none of them is learned from, under whatever name.

Measured are the songs of shared/band_score and the valid and test songs of the responder's split. Others are the same
song when the title is, or when they share four bars of bass, in any key, that are not common property.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from models.corpus.song import Song
from models.music import tick_grid
from models.music.features import Events, Ints
from models.music.tick_grid import Unusable
from models.paths import WEIGHTS

SPLIT_FILE = WEIGHTS / "responder_split.json"
BARS = 4
LEAST_NOTES, LEAST_PITCHES = 12, 4  # of four bars that are somebody's own
SHARED_RUNS = 2  # runs of four bars that two songs may share by chance
TITLED = {"freedoom", "simutrans", "tanner", "easyrpg"}  # sources whose files are named after the song


def phrases(events: Events, bars: Ints) -> set[bytes]:
    """Return the runs of four bars of bass onsets, as steps between them; of too few notes or pitches none."""
    starts = np.flatnonzero(np.diff(bars, prepend=-1))
    runs = set()
    for first, end in zip(starts[:-BARS], starts[BARS:], strict=True):
        onset = events.bass[first:end, 0]
        at = np.flatnonzero(onset >= 0)
        if len(at) >= LEAST_NOTES and len(set(onset[at].tolist())) >= LEAST_PITCHES:
            runs.add(np.stack([at, onset[at] - onset[at[0]]]).tobytes())
    return runs


def title_of(name: str) -> tuple[str, ...]:
    """Return the words of a title: "09-A Memory_Away.mid" -> (a, memory, away). Numbers before it are left out."""
    words = re.sub(r"[^a-z0-9]+", " ", name.lower().removesuffix(".mid").replace("'", "")).split()
    return tuple(words[1:] if len(words) > 1 and words[0].isdigit() else words)


@dataclass(frozen=True, slots=True)
class HeldSongs:
    """names: source/file; titles: by source; runs: four bars of bass -> the song they are of."""

    names: frozenset[str]
    titles: frozenset[tuple[str, tuple[str, ...]]]
    runs: dict[bytes, str]

    @classmethod
    def of(cls, shared: Path) -> HeldSongs:
        """Collect them from shared/band_score/songs and the split file; the songs alone where the split names them."""
        split = json.loads(SPLIT_FILE.read_text(encoding="utf-8"))
        names = {name for side in ("valid", "test") for name in split[side]}
        titles, runs = set(), dict[bytes, str]()
        for folder in sorted((shared / "band_score" / "songs").glob("*__*")):
            source, title = folder.name.split("__", 1)
            titles.add((source, title_of(title)))
            runs |= dict.fromkeys(_phrases_in(folder / "truth.mid"), folder.name)
        for name in sorted(names):
            path = shared / "data" / "band" / name
            titles.add((name.split("/")[0], title_of(path.name)))
            runs |= dict.fromkeys(_phrases_in(path), name)
        return cls(frozenset(names), frozenset(titles), runs)

    def why(self, song: Song) -> str | None:
        """Return why a song is not to be learned from, None: nothing speaks against it."""
        if song.source == "mma":
            return "in the split file" if f"mma/{song.name}" in self.names else None
        title = title_of(song.name)
        for source, held in self.titles if song.source in TITLED else ():
            if source == song.source and title[: len(held)] == held:
                return f"titled as {' '.join(held)}"
        return self.shared_with([song])

    def shared_with(self, songs: Iterable[Song]) -> str | None:
        """Return which measured song these share more bars with than chance gives, None: none."""
        counts: dict[str, int] = {}
        for song in songs:
            for run in phrases(song.events, song.bars) & self.runs.keys():
                counts[self.runs[run]] = counts.get(self.runs[run], 0) + 1
        most = max(counts, key=lambda name: counts[name], default=None)
        return f"shares {counts[most]} runs of four bars with {most}" if most and counts[most] > SHARED_RUNS else None


def _phrases_in(path: Path) -> set[bytes]:
    try:
        piece = tick_grid.read(path, guess=True)
    except (Unusable, OSError):
        return set()
    return phrases(piece.events, piece.bars)
