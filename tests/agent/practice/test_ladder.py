"""The ladder rises while a player plays cleanly, waits once, then goes back."""

import pytest

from agent.practice.ladder import Ladder, at_next_line, steady
from agent.practice.timing import Clean
from listener.types import Grid, Meter

CLEAN, LOOSE = Clean(32, 0.95, 0.005, True), Clean(32, 0.5, 0.0, False)


def test_it_rises_waits_and_goes_back():
    ladder, tempi = Ladder(2.0, 8, 100.0), []
    for heard in (CLEAN, CLEAN, LOOSE, LOOSE, CLEAN):
        ladder, said = ladder.after(heard)
        tempi.append(ladder.bpm)
        assert said
    assert tempi == [102, 104, 104, 102, 104]
    assert ladder.best == 102


def test_a_new_tempo_begins_with_the_bar_line_and_not_before():
    grid = steady(Grid(10.0, 20, 3, 0.61, Meter(4, 4), 0.9, 0.9), 100)
    faster = at_next_line(grid, 10.1, 102)
    assert faster.time_of(21) == pytest.approx(10.6)
    assert faster.time_of(22) == pytest.approx(11.2)
    assert faster.time_of(23) == pytest.approx(11.2 + 60 / 102)
    assert faster.position_of(22) == 1
    again = at_next_line(faster, 13.0, 104)
    assert again.time_of(25) == pytest.approx(11.2 + 3 * 60 / 102)
    assert again.position_of(26) == 1
