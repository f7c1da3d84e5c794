"""The tail of late wakeups against numpy's quantile."""

import time

import numpy as np
import pytest

from agent.core.channel import channel
from agent.engine.wake_timing import RATIO, REST_S, Wakes


def test_the_99th_percentile_is_right_to_a_quarter_and_the_worst_exact() -> None:
    wakes, late_s = Wakes(0.002), np.random.default_rng(0).lognormal(-9, 1, 20_000)
    for one_s in late_s:
        wakes.add(float(one_s))
    assert 1 <= wakes.p99_s / np.quantile(late_s, 0.99) <= RATIO
    assert wakes.max_s == late_s.max()


@pytest.mark.parametrize(
    ("poll_s", "rests", "longest_s"), [(0.002, False, 0.002), (9.0, False, 0.005), (0.002, True, 0.030)]
)
def test_never_sleeps_past_what_is_due(
    monkeypatch: pytest.MonkeyPatch, poll_s: float, rests: bool, longest_s: float
) -> None:
    slept: list[float] = []
    monkeypatch.setattr("agent.engine.wake_timing.time.sleep", slept.append)
    monkeypatch.setattr("agent.engine.wake_timing.time.monotonic", lambda: 50.0)
    wakes = Wakes(poll_s)
    wakes.sleep(float("inf"), rests)
    wakes.sleep(50.001, rests)
    wakes.sleep(50.0001, rests)
    assert slept == pytest.approx([longest_s, 0.0007])


def test_a_message_ends_a_rest_at_once() -> None:
    sends, hears = channel()
    wakes, begun_s = Wakes(0.002), time.monotonic()
    wakes.sleep(float("inf"), True, (hears,))
    assert time.monotonic() - begun_s >= REST_S
    sends.send("a plan")
    begun_s = time.monotonic()
    for _ in range(20):
        wakes.sleep(float("inf"), True, (hears,))
    assert time.monotonic() - begun_s < 20 * REST_S / 2
    sends.close(), hears.close()
