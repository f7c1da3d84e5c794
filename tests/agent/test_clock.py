"""Samples map to monotonic seconds, smoothly, in spite of jitter, skipped pairs and a rate that is a little off."""

import numpy as np
import pytest

from agent.clock import StreamClock

RATE, BLOCK = 48_000, 128


def run(clock: StreamClock, seconds: float, rate: float, jitter_s: float = 0.0, every: int = 1) -> None:
    rng = np.random.default_rng(0)
    for i in range(1, round(seconds * RATE / BLOCK), every):
        clock.update(i * BLOCK, 100.0 + i * BLOCK / rate + rng.uniform(0, jitter_s))


@pytest.mark.parametrize("drift_ppm", [-200, 0, 200])
def test_follows_a_device_whose_rate_is_off(drift_ppm: int) -> None:
    clock, rate = StreamClock(RATE), RATE * (1 + drift_ppm * 1e-6)
    run(clock, 30, rate)
    assert clock.monotonic_of(30.0) == pytest.approx(100 + 30 * RATE / rate, abs=1e-4)


def test_averages_the_callbacks_jitter() -> None:
    clock = StreamClock(RATE)
    run(clock, 30, RATE, jitter_s=0.002, every=3)
    assert clock.monotonic_of(30.0) == pytest.approx(130.001, abs=4e-4)


def test_there_and_back_is_the_same_moment() -> None:
    clock = StreamClock(RATE)
    run(clock, 2, RATE)
    assert clock.stream_of(clock.monotonic_of(1.234)) == pytest.approx(1.234)


def test_says_so_when_nothing_has_been_counted() -> None:
    with pytest.raises(RuntimeError, match="not started"):
        StreamClock(RATE).stream_of(1.0)
