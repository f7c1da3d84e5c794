"""Measure how much of a reply is copied: the longest run of bars of harmony and line shared with the training songs.

Bars are compared in any key and octave: chords and line pitch classes as intervals from the bar's first root, and the
step from the root before. Drums do not count (a one-bar groove is common property). What ships is a set of hashes, not
music.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load as arrays_from_bytes

from listener import weight_file
from models import checkpoint, paths
from models.corpus.song import load_songs
from models.music.features import Events, Ints
from models.music.tokens import LINE_LOW, LINE_ON, NEW, SAME

WEIGHTS = paths.WEIGHTS / "copycheck"
LONGEST = 4  # bars that may be shared; a run beyond is refused
FEWEST_EVENTS = 2  # different harmonies or line notes a run must have per bar, else it is common property
Hashes = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar, in any key.

    content: harmony and line from the first root, by tick; root: that root or None; events: how much there is.
    """

    content: tuple[tuple[int, ...], ...]
    root: int | None
    events: int


def bars_of(events: Events, bars: Ints) -> list[Bar]:
    """Cut events into one Bar each. bars [T]: the bar of every tick."""
    starts = np.flatnonzero(np.diff(bars, prepend=bars[0] - 1))
    ends = [*starts[1:], len(bars)]
    return [_bar(events.chord[a:b], events.line[a:b]) for a, b in zip(starts, ends, strict=True)]


def _bar(chord: Ints, line: Ints) -> Bar:
    roots = chord[chord[:, 2] >= 0, 2]
    root = int(roots[0]) if len(roots) else None
    base = root or 0
    content = []
    for tick in range(len(chord)):
        if chord[tick, 0] >= SAME:
            content.append((tick, 0, int(chord[tick, 2] - base) % 12, int(chord[tick, 3])))
        if line[tick, 0] == LINE_ON:
            content.append((tick, 1, int(line[tick, 2] + LINE_LOW - base) % 12, 0))
    distinct = int((chord[:, 0] == NEW).sum() + (line[:, 0] == LINE_ON).sum())
    return Bar(tuple(content), root, distinct)


def runs(bars: Sequence[Bar], length: int) -> Iterable[int | None]:
    """Return the hash of every run of `length` bars; None where it holds too little to be characteristic."""
    for first in range(len(bars) - length + 1):
        own = bars[first : first + length]
        if sum(bar.events for bar in own) < FEWEST_EVENTS * length:
            yield None
            continue
        steps = [_step(a, b) for a, b in pairwise(own)]
        digest = hashlib.blake2b(repr(([bar.content for bar in own], steps)).encode(), digest_size=8).digest()
        yield int.from_bytes(digest, "little", signed=True)


def _step(before: Bar, after: Bar) -> int:
    return -1 if before.root is None or after.root is None else (after.root - before.root) % 12


class CopyCheck:
    """Knows every run of 1 to LONGEST + 1 bars of the training songs by its hash."""

    def __init__(self, known: dict[int, Hashes]) -> None:
        self._known = known

    @classmethod
    def of(cls, songs: Iterable[tuple[Events, Ints]]) -> CopyCheck:
        """Collect the runs of the training songs. songs: (events, bar of every tick)."""
        found: dict[int, set[int]] = {length: set() for length in range(1, LONGEST + 2)}
        for events, places in songs:
            bars = bars_of(events, places)
            for length, own in found.items():
                own.update(value for value in runs(bars, length) if value is not None)
        return cls({length: np.array(sorted(own), np.int64) for length, own in found.items()})

    @classmethod
    def load(cls, stem: str | Path = WEIGHTS) -> CopyCheck:
        """Load the hashes; FileNotFoundError or ValueError when they are not there or damaged."""
        file = weight_file.read(stem, "copycheck")
        try:
            return cls({int(name): own for name, own in arrays_from_bytes(file.data).items()})
        except (SafetensorError, KeyError) as error:
            raise ValueError(f"{file.path}: not a safetensors file ({error}); {checkpoint.RETRAIN}") from None

    def save(self, stem: str | Path, card: str) -> str:
        import torch  # it loads slowly, and who only reads needs none of it

        tensors = {str(length): torch.from_numpy(own) for length, own in self._known.items()}
        return checkpoint.save(stem, tensors, {"longest": LONGEST}, card, "copycheck")

    def longest_run(self, bars: Sequence[Bar]) -> int:
        """Return the bars of the longest run shared with the training songs, at most LONGEST + 1."""
        for length in sorted(self._known, reverse=True):
            if any(value is not None and self._has(length, value) for value in runs(bars, length)):
                return length
        return 0

    def refuses(self, bars: Sequence[Bar]) -> bool:
        """Return whether a run longer than LONGEST bars is shared."""
        return self.longest_run(bars) > LONGEST

    def _has(self, length: int, value: int) -> bool:
        known = self._known[length]
        at = int(np.searchsorted(known, value))
        return at < len(known) and int(known[at]) == value


CARD = """# Copy check: {counts} hashes of runs of 1 to 5 bars

64-bit BLAKE2b hashes of every run of bars of harmony and line in the training split of
`models/corpus/build_corpus.py` ({songs} songs: Freedoom BSD-3-Clause, Simutrans Artistic-1.0, accompaniments made with
MMA), in any key. No music can be read back from them. Runs with fewer than two events a bar are common property and
left out. Made by `python -m models.corpus.copy_check`. Not a model: nothing is trained.
"""


def main() -> int:
    """Build the hashes from data_cache/responder.npz."""
    from tqdm import tqdm

    songs = [song for song in load_songs() if song.split == "train"]
    check = CopyCheck.of((song.events, song.bars) for song in tqdm(songs, desc="runs", mininterval=5))
    counts = sum(len(own) for own in check._known.values())
    print(f"{WEIGHTS}: {check.save(WEIGHTS, CARD.format(counts=f'{counts:,}', songs=f'{len(songs):,}'))}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
