"""While the ears are not sure of the meter, the bars begin with the player's first note."""

from __future__ import annotations

import pytest

from agent.band.bar_reading import BarReading
from listener.types import Analysis, Grid, Meter, Note

FOUR = Meter(4, 4)


def heard(now_s: float, *onsets_s: float) -> Analysis:
    notes = tuple(Note(onset_s, now_s, None, 40, 90) for onset_s in onsets_s)
    return Analysis(now_s, now_s, 0.0, None, 0.0, -20.0, notes=notes)


def grid(sure: float, position: int = 3, index: int = 4) -> Grid:
    return Grid(2.0, index, position, 0.5, FOUR, 0.6, sure)


def test_ears_that_are_not_sure_of_the_meter_leave_the_one_to_the_first_note() -> None:
    reading = BarReading(0.5)
    reading.read(heard(0.6, 0.52), None)
    read = reading.read(heard(2.1, 2.0), grid(0.3))
    assert read is not None
    assert read.position_of(1) == 1  # the beat at 0.5 s
    assert reading.began_s == pytest.approx(0.52)


def test_ears_that_are_sure_are_believed_from_then_on() -> None:
    reading = BarReading(0.5)
    reading.read(heard(0.6, 0.52), None)
    assert reading.read(heard(2.1), grid(0.8)) == grid(0.8)
    assert reading.read(heard(2.2), grid(0.3)) == grid(0.3)


def test_a_first_note_between_the_beats_is_no_downbeat() -> None:
    reading = BarReading(0.5)
    reading.read(heard(0.8, 0.75), None)
    assert reading.read(heard(2.1), grid(0.3)) == grid(0.3)


def test_a_line_begins_anew_after_a_long_silence() -> None:
    reading = BarReading(0.5)
    reading.read(heard(0.6, 0.5), None)
    reading.read(heard(20.1, 20.0), grid(0.3, index=44))
    assert reading.began_s == pytest.approx(20.0)
