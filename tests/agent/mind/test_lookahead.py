"""How far ahead: C >= R and L >= 2R at every planning time, up at once, down slowly."""

import numpy as np
import pytest

from agent.mind.lookahead import CEILING_S, ENOUGH, FIRST_S, FLOOR_S, STALL_S, STEP_S, Pace, wanted_commit_s


@pytest.mark.parametrize("plan_s", [0.0, 0.005, 0.02, 0.08, 0.15, 0.24])
def test_it_settles_in_the_feasible_region(plan_s):
    pace = Pace()
    for _ in range(3_000):
        pace.record_planning(plan_s)
    ahead = pace.ahead
    assert ahead.plan_p95_s == pytest.approx(plan_s)
    assert ahead.commit_s >= plan_s and ahead.lookahead_s >= 2 * plan_s
    assert FLOOR_S <= ahead.commit_s <= CEILING_S


def test_p95_is_numpys():
    times = np.random.default_rng(0).gamma(2, 0.01, 256)
    pace = Pace()
    for time_s in times:
        pace.record_planning(float(time_s))
    assert pace.plan_p95_s == pytest.approx(np.quantile(times, 0.95, method="inverted_cdf"))


def test_it_rises_at_once_and_falls_by_steps():
    pace = Pace()
    for _ in range(ENOUGH):
        pace.record_planning(0.005)
    low = pace.ahead.commit_s
    assert low == FIRST_S - STEP_S
    for _ in range(16):
        pace.record_planning(0.2)
    assert pace.ahead.commit_s == wanted_commit_s(0.2) > low
    high = pace.ahead.commit_s
    for _ in range(300):
        pace.record_planning(0.005)
    assert high - 300 // ENOUGH * STEP_S <= pace.ahead.commit_s < high


def test_a_little_jitter_changes_nothing():
    rng, pace = np.random.default_rng(1), Pace()
    for _ in range(2_000):
        pace.record_planning(float(rng.uniform(0.018, 0.022)))
    settled = pace.ahead.commit_s
    seen = set()
    for _ in range(2_000):
        pace.record_planning(float(rng.uniform(0.018, 0.022)))
        seen.add(pace.ahead.commit_s)
    assert seen == {settled}


def test_a_process_that_stood_still_was_not_planning():
    pace = Pace()
    pace.record_planning(2 * STALL_S)
    assert (pace.stalls, pace.plan_p95_s, pace.ahead.commit_s) == (1, 0.0, FIRST_S)


def test_a_commit_that_was_given_stays():
    pace = Pace(0.3)
    for _ in range(500):
        pace.record_planning(0.2)
    assert pace.ahead.commit_s == 0.3
