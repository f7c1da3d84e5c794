"""A band that plays changes its bars when the ears insist on others or stand by them; a clear new tempo at once."""

from __future__ import annotations

from dataclasses import replace

import pytest

from agent.band.held_bars import HeldBars, ReadingAge
from listener.types import Grid, Meter

OWN = Grid(10.0, 20, 1, 0.5, Meter(4, 4), 0.8, 0.7)
DOUBLE = Grid(10.0, 20, 1, 0.25, Meter(6, 8), 0.8, 0.3)
OFF_BEAT = Grid(10.25, 20, 1, 0.5, Meter(4, 4), 0.8, 0.3)
TURNED = Grid(10.0, 20, 3, 0.5, Meter(4, 4), 0.8, 0.3)
FRAME_S = 0.1


def turned_after(bars: HeldBars, reading: Grid, stood: bool = False) -> float:
    """Return the seconds until a reading is followed, 60 at the most."""
    for frame in range(600):
        now_s = 10.0 + frame * FRAME_S
        stood_bars = frame * FRAME_S / (reading.period_s * reading.meter.numerator) if stood else 0.0
        if bars.hold(reading, OWN, True, now_s, stood_bars) == reading:
            return now_s - 10.0
    return 60.0


@pytest.mark.parametrize("reading", [DOUBLE, OFF_BEAT, TURNED], ids=["double", "off-beat", "turned"])
def test_a_reading_that_wavers_is_not_taken(reading: Grid) -> None:
    bars = HeldBars(0.5)
    for second in range(10, 30):
        held = bars.hold(reading, OWN, True, float(second))
        assert (held.meter, held.period_s) == (OWN.meter, OWN.period_s)
        assert held.position_of(20) == 1


@pytest.mark.parametrize("reading", [OFF_BEAT, TURNED], ids=["off-beat", "turned"])
def test_sure_ears_turn_the_bars_after_two_bars_at_their_downbeat(reading: Grid) -> None:
    sure = replace(reading, meter_confidence=0.8)
    after_s = turned_after(HeldBars(0.5), sure)
    assert 4.0 < after_s < 6.1
    assert sure.position_of(int(sure.beat_at(10.0 + after_s + 0.35))) == 1


@pytest.mark.parametrize(("reading", "bars"), [(DOUBLE, 3), (TURNED, 1)], ids=["double", "turned"])
def test_unsure_ears_that_stand_by_a_reading_turn_the_bars_too_a_wrong_entrance_sooner(
    reading: Grid, bars: int
) -> None:
    bar_s = reading.period_s * reading.meter.numerator
    assert bars * bar_s <= turned_after(HeldBars(0.5), reading, stood=True) <= (bars + 1.2) * bar_s


def test_bars_in_which_ears_and_band_agreed_are_not_given_up_so_soon() -> None:
    bars = HeldBars(0.5)
    for frame in range(200):
        bars.hold(OWN, OWN, True, -10.0 + frame * FRAME_S)
    assert turned_after(bars, TURNED, stood=True) > turned_after(HeldBars(0.5), TURNED, stood=True)


def test_bars_that_were_counted_in_are_held_until_the_band_stops() -> None:
    sure = replace(TURNED, meter_confidence=0.8)
    for reading, stood in ((sure, False), (TURNED, True)):
        bars = HeldBars(0.5)
        bars.counted = True
        assert turned_after(bars, reading, stood) > 4 * turned_after(HeldBars(0.5), reading, stood)
    bars = HeldBars(0.5)
    bars.counted = True
    for playing in (False, True, False):
        bars.hold(OWN, OWN, playing, 9.0)
    assert not bars.counted and turned_after(bars, sure) == turned_after(HeldBars(0.5), sure)


def test_a_reading_that_the_ears_never_were_sure_of_is_given_up_sooner() -> None:
    bars, doubted = HeldBars(0.5), replace(OWN, confidence=0.3, meter_confidence=0.1)
    for frame in range(200):
        bars.hold(doubted, doubted, True, -10.0 + frame * FRAME_S)
    assert (
        turned_after(bars, replace(DOUBLE, meter_confidence=0.8))
        < 3.0
        < 4.0
        < turned_after(HeldBars(0.5), replace(TURNED, meter_confidence=0.8))
    )


def test_neither_a_beat_a_16th_away_nor_a_faint_jump_of_the_tempo_is_the_players() -> None:
    bars = HeldBars(0.5)
    for reading in (replace(OWN, anchor_s=10.125), replace(OWN, period_s=0.465, confidence=0.3)):
        held = bars.hold(reading, OWN, True, 12.0, stood_bars=1.0)
        assert (held.period_s, held.anchor_s) == (OWN.period_s, OWN.anchor_s)


def test_a_band_that_does_not_play_takes_any_reading() -> None:
    assert HeldBars(0.5).hold(DOUBLE, OWN, False, 10.0) == DOUBLE


def test_another_tempo_is_followed_at_once_where_it_is_clear() -> None:
    faster = replace(OWN, period_s=0.42, meter_confidence=0.2)
    assert HeldBars(0.5).hold(faster, OWN, True, 10.0) == faster
    bars, faint = HeldBars(0.5), replace(faster, confidence=0.2)
    assert bars.hold(faint, OWN, True, 10.0).period_s == OWN.period_s
    assert bars.hold(faint, OWN, True, 17.0) == faint


def test_the_age_of_a_reading_counts_from_its_last_change() -> None:
    age = ReadingAge()
    for now_s, grid in ((10.0, OWN), (12.0, replace(OWN, anchor_s=12.0, index=24)), (14.0, TURNED), (15.0, TURNED)):
        age.push(grid, now_s)
    assert age.bars(TURNED, 16.0) == pytest.approx(1.0)
