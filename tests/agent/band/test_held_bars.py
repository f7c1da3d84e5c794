"""A band that plays changes its bars only when the ears insist on others; another tempo it follows at once."""

from __future__ import annotations

from dataclasses import replace

import pytest

from agent.band.held_bars import HeldBars
from listener.types import Grid, Meter

OWN = Grid(10.0, 20, 1, 0.5, Meter(4, 4), 0.8, 0.7)
DOUBLE = Grid(10.0, 20, 1, 0.25, Meter(6, 8), 0.8, 0.3)
OFF_BEAT = Grid(10.25, 20, 1, 0.5, Meter(4, 4), 0.8, 0.3)
TURNED = Grid(10.0, 20, 3, 0.5, Meter(4, 4), 0.8, 0.3)


@pytest.mark.parametrize("reading", [DOUBLE, OFF_BEAT, TURNED], ids=["double", "off-beat", "turned"])
def test_another_reading_is_taken_only_when_the_ears_are_sure_of_it_for_two_bars(reading: Grid) -> None:
    bars = HeldBars(0.5)
    for second in range(10, 30):
        held = bars.hold(reading, OWN, True, float(second))
        assert (held.meter, held.period_s) == (OWN.meter, OWN.period_s)
        assert held.position_of(20) == 1
    sure = replace(reading, meter_confidence=0.8)
    assert bars.hold(sure, OWN, True, 30.0) != sure
    assert bars.hold(sure, OWN, True, 34.1) == sure


def test_a_band_that_does_not_play_takes_any_reading() -> None:
    assert HeldBars(0.5).hold(DOUBLE, OWN, False, 10.0) == DOUBLE


def test_another_tempo_is_followed_at_once() -> None:
    faster = replace(OWN, period_s=0.42, meter_confidence=0.2)
    assert HeldBars(0.5).hold(faster, OWN, True, 10.0) == faster
