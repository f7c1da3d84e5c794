"""What is kept as a section is whole cycles of the riff, though some of its notes were lost or misheard."""

from __future__ import annotations

import random

import pytest

from agent.parts.bass_bar import BassBar, BassNote
from agent.song.kept import kept_of
from agent.song.song_plan import SongPlan
from agent.songbook.chart import song_of
from listener.types import Meter

FOUR = Meter(4, 4)
PITCHES = (28, 31, 33, 35, 38, 40)
SECTION = song_of("riff", "Em7 | Em7 | Em7 | Em7", tempo_bpm=120).sections[0].section


def riff(bars: int, rng: random.Random) -> list[dict[int, int]]:
    """Bars on one rhythm, each with pitches of its own."""
    ticks = sorted(rng.sample(range(16), 7))
    return [{tick: rng.choice(PITCHES) for tick in ticks} for _ in range(bars)]


def heard(bar: dict[int, int], lost: float, rng: random.Random) -> BassBar:
    """A bar of which a share of the notes was lost, or heard a 16th late."""
    notes = [(tick + (rng.random() < lost / 2), pitch) for tick, pitch in bar.items() if rng.random() > lost / 2]
    return BassBar(FOUR, 16, tuple(BassNote(min(tick, 15), 1, pitch, 90) for tick, pitch in notes))


def bars_kept(of: int, played: int, lost: float, seed: int) -> int:
    rng = random.Random(seed)
    mine = riff(of, rng)
    bars = tuple(heard(mine[at % of], lost, rng) for at in range(played))
    kept = kept_of(SongPlan(sections=(SECTION,), current=0, bars=bars, heard=played), "riff", 100.0)
    assert kept
    return len(kept.bars)


@pytest.mark.parametrize("of", [1, 2, 4])
def test_a_riff_of_one_two_or_four_bars_is_kept_whole_however_it_was_damaged(of: int) -> None:
    found = {bars_kept(of, 5 + seed % 28, lost, seed) for seed in range(60) for lost in (0.0, 0.1, 0.2, 0.3)}
    assert found <= {4, 8, 16} and 4 in found


@pytest.mark.parametrize("of", [3, 6])
def test_a_riff_of_three_or_six_bars_is_known_as_one(of: int) -> None:
    assert [bars_kept(of, 30, 0.05, seed) for seed in range(20)] == [of] * 20
