"""The riff's cycle is found by what comes again, and names the bar while the ears are unsure of the meter."""

from __future__ import annotations

from dataclasses import replace

import pytest

from agent.band.bar_reading import BarReading
from agent.band.riff_cycle import RiffCycle, cycle_in
from listener.types import Analysis, Grid, Meter, Note

RIFF = ((0, 39), (2, 34), (4, 37), (6, 39), (10, 37))  # of twelve 16ths


@pytest.mark.parametrize("ticks", [12, 14, 20])
def test_a_riff_that_comes_again_has_its_length(ticks: int) -> None:
    assert cycle_in([(tick + turn * ticks, pitch) for turn in range(3) for tick, pitch in RIFF]) == ticks


def test_equal_notes_say_nothing_of_a_cycle_and_neither_does_a_line_that_goes_on() -> None:
    assert cycle_in([(4 * n, 40) for n in range(16)]) == 0
    assert cycle_in([(4 * n, 40 + n) for n in range(16)]) == 0


def test_bars_of_four_are_read_in_three_where_the_riff_takes_three_beats() -> None:
    reading, read = BarReading(0.5), None
    unsure = Grid(0.0, 0, 1, 0.5, Meter(4, 4), 0.6, 0.2)
    for turn in range(3):
        for tick, pitch in RIFF:
            at_s = 0.125 * (tick + 12 * turn)
            note = Note(at_s, at_s + 0.06, None, pitch, 90)
            read = reading.read(Analysis(at_s + 0.06, at_s + 0.06, 0.0, None, 0.0, -20.0, notes=(note,)), unsure)
    assert read is not None
    assert read.meter.numerator == 3
    assert read.position_of(3) == 1
    assert reading.read(Analysis(5.0, 5.0, 0.0, None, 0.0, -20.0), replace(unsure, meter_confidence=0.8)) is not None


def test_a_riff_that_moves_to_another_root_keeps_the_cycle_it_was_known_to_have() -> None:
    cycle, found = RiffCycle(), []
    grid = Grid(0.0, 0, 1, 0.5, Meter(4, 4), 0.6, 0.2)
    for turn, up in enumerate((0, 0, 0, 5, -2)):
        for tick, pitch in RIFF:
            at_s = 0.125 * (tick + 12 * turn)
            cycle.push([Note(at_s, at_s + 0.06, None, pitch + up, 90)], grid)
            found.append(cycle.ticks)
    assert set(found[2 * len(RIFF) + 2 :]) == {12}


def test_a_compound_meter_gives_way_to_a_riff_of_four_quarters() -> None:
    reading, read = BarReading(0.5), None
    unsure = Grid(0.0, 0, 1, 0.25, Meter(12, 8, (3, 3, 3, 3)), 0.6, 0.2)
    for turn in range(3):
        for tick, pitch in (*RIFF, (13, 41)):
            at_s = 0.125 * (tick + 16 * turn)
            note = Note(at_s, at_s + 0.06, None, pitch, 90)
            read = reading.read(Analysis(at_s + 0.06, at_s + 0.06, 0.0, None, 0.0, -20.0, notes=(note,)), unsure)
    assert read is not None and read.meter == Meter(8, 8)
