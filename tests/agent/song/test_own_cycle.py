"""A cycle that is kept is as long as the player's own and begins with their notes, wherever the ears' bar lines are."""

from __future__ import annotations

import random
from itertools import product

import pytest

from agent.song.own_cycle import Onset, own_cycle

SCATTER_S = 0.006  # standard deviation of the player's onsets
LENGTH_S, LINE_S = 0.010, 0.012  # in which a length and a bar line are met
BEGAN_S = 20.0


def riff(rng: random.Random, ticks: int, bars: int, steady: bool) -> list[tuple[int, int]]:
    """Return (16th, pitch) of a cycle that has a note on each bar's first 16th. steady: eighths on one pitch."""
    notes: list[tuple[int, int]] = []
    for bar in range(bars):
        places = range(0, ticks, 2) if steady else sorted({0, *rng.sample(range(1, ticks), ticks // 3)})
        root = rng.choice((28, 31, 33, 36))
        notes += [(bar * ticks + at, root if steady else root + rng.choice((0, 0, 3, 5, 7))) for at in places]
    return notes


def played(rng: random.Random, notes: list[tuple[int, int]], ticks: int, tick_s: float, times: int) -> list[Onset]:
    """Return the riff as a player plays it so many times: with scatter, one note in twenty not heard."""
    return [
        (BEGAN_S + (time * ticks + at) * tick_s + rng.gauss(0, SCATTER_S), pitch)
        for time in range(times)
        for at, pitch in notes
        if rng.random() > 0.05
    ]


def met(rng: random.Random, meter: int, bars: int, bpm: float, late_s: float, steady: bool = False) -> None:
    """Check that the last cycle, or the last four bars of shorter ones, is met though the ears' lines are late, and the
    last one is somewhere else again."""
    tick_s, kept = 15 / bpm, max(bars, 4)
    onsets = played(rng, riff(rng, meter, bars, steady), meter * bars, tick_s, 4 * kept // bars)
    begin_s = BEGAN_S + 3 * kept * meter * tick_s
    lines = [begin_s + bar * meter * tick_s + late_s for bar in range(kept + 1)]
    lines[-1] += 0.0 if steady else rng.choice((0.0, 0.05, -0.05, tick_s, -tick_s))
    start_s, end_s = own_cycle(onsets, lines, [meter] * kept)
    assert abs(end_s - start_s - kept * meter * tick_s) < LENGTH_S
    assert abs(start_s - begin_s) < LINE_S


@pytest.mark.parametrize(("bars", "late_ms"), [*product((1, 2, 4, 8), (-60, -40, -20, 0, 20, 40, 60))])
def test_a_cycle_is_the_players_own(bars: int, late_ms: int) -> None:
    for seed in range(12):
        met(random.Random(seed), 16, bars, 96.0, late_ms / 1000)


@pytest.mark.parametrize("late_ms", [-50, -20, 20, 50])
@pytest.mark.parametrize("meter", [10, 12, 14, 20])
def test_so_it_is_in_odd_meters(meter: int, late_ms: int) -> None:
    for seed in range(12):
        met(random.Random(seed), meter, 4, 104.0, late_ms / 1000)


@pytest.mark.parametrize("late_ms", [-50, -20, 20, 50])
def test_and_over_steady_eighths(late_ms: int) -> None:
    for seed in range(12):
        met(random.Random(seed), 16, 4, 110.0, late_ms / 1000, steady=True)


def test_a_bar_that_comes_again_says_how_long_four_are() -> None:
    """Five bars were played: too few for four of them to come again."""
    for seed in range(12):
        rng, tick_s = random.Random(seed), 0.15
        onsets = played(rng, riff(rng, 16, 1, False), 16, tick_s, 5)
        lines = [BEGAN_S + bar * 16 * tick_s + 0.04 for bar in range(1, 6)]
        lines[-1] += 0.05
        start_s, end_s = own_cycle(onsets, lines, [16] * 4)
        assert abs(end_s - start_s - 64 * tick_s) < 2 * LENGTH_S
        assert abs(start_s - (BEGAN_S + 16 * tick_s)) < 2 * LINE_S


def test_a_cycle_that_came_once_is_as_long_as_the_ears_have_it_and_begins_on_its_notes() -> None:
    tick_s = 0.15
    for seed in range(12):
        rng = random.Random(seed)
        onsets = played(rng, riff(rng, 16, 4, False), 64, tick_s, 1)
        lines = [BEGAN_S + 0.04 + bar * 16.02 * tick_s for bar in range(5)]
        start_s, end_s = own_cycle(onsets, lines, [16] * 4)
        assert end_s - start_s == pytest.approx(lines[-1] - lines[0])
        assert abs(start_s - BEGAN_S) < 0.035


def test_pushed_ones_are_not_taken_for_bar_lines() -> None:
    rng, tick_s = random.Random(1), 0.15
    notes = [(at - 1 if at % 16 == 0 and at else at, pitch) for at, pitch in riff(rng, 16, 4, True)]
    onsets = played(rng, notes, 64, tick_s, 4)
    lines = [BEGAN_S + (3 * 64 + bar * 16) * tick_s + 0.03 for bar in range(5)]
    start_s, _ = own_cycle(onsets, lines, [16] * 4)
    assert abs(start_s - (BEGAN_S + 192 * tick_s)) < LINE_S


def test_a_riff_of_beats_begins_on_one_though_the_ears_are_a_16th_late() -> None:
    rng, tick_s = random.Random(1), 0.125
    onsets = played(rng, [(at, 33 + at % 3) for at in range(0, 64, 4)], 64, tick_s, 3)
    start_s, _ = own_cycle(onsets, [BEGAN_S + (64 + bar * 16 + 1) * tick_s for bar in range(5)], [16] * 4)
    assert abs(start_s - (BEGAN_S + 64 * tick_s)) < LINE_S


def test_of_nothing_played_the_ears_lines_are_kept() -> None:
    assert own_cycle([(3.0, 40)], [100.0, 102.0, 104.0], [16, 16]) == (100.0, 104.0)
