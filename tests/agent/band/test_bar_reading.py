"""While the ears are not sure of the meter, the bars begin with the player's first note."""

from __future__ import annotations

from dataclasses import replace

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


def entry_s(reading: BarReading, grids: dict[float, Grid]) -> float:
    """Return when the band may come in. grids: from when on which one is heard; the line begins at 0.5 s."""
    reading.read(heard(0.6, 0.52), None)
    for tenth in range(7, 120):
        now_s = tenth / 10
        found = [one for since_s, one in grids.items() if since_s <= now_s]
        if found and (read := reading.read(heard(now_s), found[-1])) and reading.may_enter(read, now_s):
            return now_s
    return 99.0


def test_an_unsure_band_waits_until_the_reading_has_stood_for_a_bar() -> None:
    steady, late = {1.0: grid(0.3)}, {1.0: grid(0.3), 3.9: replace(grid(0.3), period_s=0.375, index=8)}
    assert entry_s(BarReading(0.5), steady) == pytest.approx(4.1, abs=0.15)
    assert entry_s(BarReading(0.5), late) >= 4.9


def test_short_bars_are_no_reason_to_come_in_sooner() -> None:
    fast = {1.0: replace(grid(0.3), period_s=0.15)}
    assert entry_s(BarReading(0.5), fast) > 0.5 + 1.7 * 1.4


@pytest.mark.parametrize(("notes", "sure", "bars"), [(8, 0.4, 1), (8, 0.3, 2), (3, 0.4, 2)])
def test_a_long_bar_full_of_notes_is_enough(notes: int, sure: float, bars: int) -> None:
    reading, slow = BarReading(0.5), replace(grid(sure), period_s=0.75)  # bars of 3 s
    reading.read(heard(0.6, 0.5), slow)
    read = reading.read(heard(3.4, *(0.5 + 0.36 * k for k in range(1, notes))), slow)
    assert read is not None
    assert [reading.may_enter(read, 0.5 + 3 * bar) for bar in (1, 2)].index(True) + 1 == bars


def test_the_band_comes_in_an_even_number_of_short_bars_after_the_player() -> None:
    reading = BarReading(0.5)
    reading.read(heard(0.6, 0.5), None)
    short = replace(grid(0.9), period_s=0.3)  # bars of 1.2 s
    assert [reading.may_enter(short, 0.5 + 1.2 * bar) for bar in (1, 2, 3, 4)] == [False, True, False, True]
