"""Count what a corpus teaches, beside what real bands play: does the kick copy the bass, how many bars are distinct.

`python -m models.corpus.corpus_figures [--folder DIR]` prints one row a source, medians over its songs.
"""

from __future__ import annotations

import argparse
import itertools
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from models.corpus import whole_songs
from models.corpus.song import Song
from models.music import tokens
from models.music.tokens import PIECES

KICK, SNARE = PIECES.index("kick"), PIECES.index("snare")
LEAST_KICKS, LEAST_BARS = 16, 8


def bars_of(song: Song, rows: NDArray[np.generic]) -> list[bytes]:
    """Return the whole bars of rows [T, ...], those in which nothing happens left out."""
    starts = [*np.flatnonzero(song.ticks == 0).tolist(), len(song)]
    cut = [np.ascontiguousarray(rows[a:b]) for a, b in itertools.pairwise(starts)]
    return [bar.tobytes() for bar in cut if bar.any()]


def distinct(bars: Sequence[bytes]) -> float | None:
    """Return the share of the bars that are there for the first time; None: too few bars."""
    return len(set(bars)) / len(bars) if len(bars) >= LEAST_BARS else None


def kicks_on_bass(song: Song) -> float | None:
    """Return the share of the kicks that fall on a bass onset; None: few kicks, or no bass."""
    kicks = (song.events.drums[:, KICK] > 0) & song.events.known
    if kicks.sum() < LEAST_KICKS or not (song.events.bass[:, 0] >= 0).any():
        return None
    return float((song.events.bass[kicks, 0] >= 0).mean())


def bass_on_kicks(song: Song) -> float | None:
    """Return the share of the bass onsets under which there is a kick."""
    onsets = (song.events.bass[:, 0] >= 0) & song.events.known
    if onsets.sum() < LEAST_KICKS or not song.has[0]:
        return None
    return float((song.events.drums[onsets, KICK] > 0).mean())


def harmony_moves(song: Song) -> float | None:
    """Return the share of changes of harmony that come with a bass onset."""
    moves = song.events.chord[:, 0] == tokens.NEW
    if moves.sum() < LEAST_BARS or not song.has[1]:
        return None
    return float((song.events.bass[moves, 0] >= 0).mean())


FIGURES: Mapping[str, Callable[[Song], float | None]] = {
    "kicks on a bass onset": kicks_on_bass,
    "bass onsets with a kick": bass_on_kicks,
    "distinct drum bars": lambda song: distinct(bars_of(song, song.events.drums > 0)) if song.has[0] else None,
    "distinct kick and snare bars": lambda song: (
        distinct(bars_of(song, song.events.drums[:, [KICK, SNARE]] > 0)) if song.has[0] else None
    ),
    "distinct bass rhythms": lambda song: distinct(bars_of(song, song.events.bass[:, :1] >= 0)),
    "harmony moves with the bass": harmony_moves,
}


def figures(songs: Iterable[Song]) -> dict[str, float]:
    """Return the median of each figure over the songs that show it, NaN where none does."""
    listed = list(songs)
    out = {}
    for name, measure in FIGURES.items():
        values = [value for song in listed if (value := measure(song)) is not None]
        out[name] = float(np.median(values)) if values else float("nan")
    return out


def table(rows: Mapping[str, Mapping[str, float]]) -> str:
    """Return the rows as a table in Markdown."""
    lines = ["| | " + " | ".join(FIGURES) + " |", "|---" * (len(FIGURES) + 1) + "|"]
    for name, row in rows.items():
        lines.append(f"| {name} | " + " | ".join("-" if v != v else f"{v:.2f}" for v in row.values()) + " |")
    return "\n".join(lines)


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m models.corpus.corpus_figures", description=__doc__)
    parser.add_argument("--folder", type=Path, default=whole_songs.FOLDER)
    args = parser.parse_args(argv)
    print(table({source: figures(whole_songs.load(args.folder, (source,))) for source in whole_songs.LICENCES}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
