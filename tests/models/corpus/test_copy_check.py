"""The copy check: finds what was learned by heart, in any key; leaves common property alone."""

from pathlib import Path

import numpy as np
import pytest

from models.corpus.copy_check import LONGEST, CopyCheck, bars_of
from models.music.features import Events, Ints
from models.music.tokens import LINE_ON, NEW, PIECES

BARS = np.arange(8 * 16) // 16


def song(seed: int, transposed: int = 0) -> tuple[Events, Ints]:
    """8 bars of two chords a bar and a line in eighths."""
    rng, ticks = np.random.default_rng(seed), len(BARS)
    chord, line = np.tile([0, 0, 0, 0], (ticks, 1)), np.tile([0, 0, -1], (ticks, 1))
    roots = np.repeat(rng.integers(0, 12, ticks // 8), 8)
    chord[:, 2] = (roots + transposed) % 12
    chord[::8, :2] = NEW, 3
    line[::2, 0], line[::2, 2] = LINE_ON, rng.integers(0, 12, ticks // 2) + roots[::2] + transposed
    events = Events(np.full((ticks, 3), -1), np.ones(ticks, bool), np.zeros((ticks, len(PIECES)), int), chord, line)
    return events, BARS


@pytest.fixture(scope="module")
def check() -> CopyCheck:
    return CopyCheck.of([song(1), song(2)])


def spliced(own: Events, other: Events, bars: int) -> Events:
    """The first bars of one, the rest of the other."""
    at = bars * 16
    chord, line = (np.concatenate([a[:at], b[at:]]) for a, b in ((own.chord, other.chord), (own.line, other.line)))
    return Events(own.bass, own.known, own.drums, chord, line)


def test_a_training_song_is_refused_in_any_key(check: CopyCheck) -> None:
    for semitones in range(12):
        assert check.refuses(bars_of(*song(1, semitones)))
    assert not check.refuses(bars_of(*song(7)))


@pytest.mark.parametrize("bars", [1, 3, LONGEST])
def test_the_longest_run_is_reported(check: CopyCheck, bars: int) -> None:
    mixed = spliced(song(1)[0], song(7)[0], bars)
    assert check.longest_run(bars_of(mixed, BARS)) == bars
    assert not check.refuses(bars_of(mixed, BARS))


def test_one_bar_more_than_four_is_refused(check: CopyCheck) -> None:
    assert check.refuses(bars_of(spliced(song(2)[0], song(7)[0], LONGEST + 1), BARS))


def test_silence_and_a_single_chord_are_nobodys(check: CopyCheck) -> None:
    held = song(1)[0]
    chord, line = np.tile([0, 0, 0, 0], (128, 1)), np.tile([0, 0, -1], (128, 1))
    empty = Events(held.bass, held.known, held.drums, chord, line)
    assert CopyCheck.of([(empty, BARS)]).longest_run(bars_of(empty, BARS)) == 0


def test_hashes_are_saved_and_found_again(check: CopyCheck, tmp_path: Path) -> None:
    check.save(tmp_path / "c", "# card\n")
    assert CopyCheck.load(tmp_path / "c").longest_run(bars_of(*song(2))) == LONGEST + 1
