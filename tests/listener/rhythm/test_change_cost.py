"""Another reading replaces the held one when its evidence outweighs what the change costs."""

import pytest

from listener.rhythm.change_cost import ChangeCost
from listener.rhythm.readings import SHAPES, Reading, Weighed

HELD = Reading(1.0, 0.0, SHAPES[0], 0.1, 0.1)
GAP_S, HELD_FOR_S, BPM = 0.5, 60.0, 90.0


def seconds_until(*pulses: float, age_s: float = HELD_FOR_S, bpm: float = BPM, most: int = 400) -> float:
    """Return how long rivals of these pulses, in turn nine times as likely as the held one, take to replace it."""
    cost = ChangeCost()
    for n in range(most):
        best = Reading(pulses[n % len(pulses)], 0.0, SHAPES[0], 0.89, 0.89)
        if cost.level(Weighed(best, HELD, 0.1, 0.1), 1.0, bpm, GAP_S, age_s):
            return n * GAP_S
    return most * GAP_S


def test_a_new_grid_changes_at_once_and_one_that_was_held_later():
    assert seconds_until(1.5, age_s=0.0) < 1.0
    assert 15 < seconds_until(1.5) < 60


@pytest.mark.parametrize("pulse", [0.75, 1.5, 1 / 3])
def test_evidence_adds_up_for_one_rival_and_not_over_several(pulse):
    assert seconds_until(pulse, 3.0) > 1.5 * seconds_until(pulse)


def test_a_pulse_that_is_as_good_to_tap_is_hardly_worth_a_change():
    """Half of 120 is as good as 120; half of 200 is what a player would tap."""
    assert seconds_until(2.0, bpm=120.0) > 2.5 * seconds_until(2.0, bpm=200.0)
    assert seconds_until(2.0, bpm=200.0) < 60
