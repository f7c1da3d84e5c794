"""Samples map to monotonic seconds, smoothly, in spite of jitter, skipped pairs and a rate that is a little off."""

import time
from unittest import mock

import numpy as np
import pytest

from agent.audio.stream_clock import SharedStamp, StreamClock

RATE, BLOCK = 48_000, 128


def run(clock: StreamClock, seconds: float, rate: float, jitter_s: float = 0.0, every: int = 1) -> list[float]:
    """The clock's error at each pair, in seconds, against the jitter's mean."""
    rng, errors = np.random.default_rng(0), []
    for i in range(1, round(seconds * RATE / BLOCK), every):
        clock.update(i * BLOCK, 100.0 + i * BLOCK / rate + rng.uniform(0, jitter_s))
        errors.append(clock.monotonic_of(i * BLOCK / RATE) - (100.0 + i * BLOCK / rate + jitter_s / 2))
    return errors


@pytest.mark.parametrize("drift_ppm", [-200, 0, 200])
def test_follows_a_device_whose_rate_is_off(drift_ppm: int) -> None:
    clock, rate = StreamClock(RATE), RATE * (1 + drift_ppm * 1e-6)
    run(clock, 30, rate)
    assert clock.monotonic_of(30.0) == pytest.approx(100 + 30 * RATE / rate, abs=1e-4)


@pytest.mark.parametrize("drift_ppm", [-200, 200])
def test_jitter_of_two_milliseconds_and_drift_leave_a_tenth_of_a_millisecond(drift_ppm: int) -> None:
    rate = RATE * (1 + drift_ppm * 1e-6)
    clock = StreamClock(RATE)
    settled = np.array(run(clock, 60, rate, jitter_s=0.002))[round(10 * RATE / BLOCK) :]
    assert np.sqrt(np.mean(settled**2)) < 1e-4
    assert np.abs(settled).max() < 2.5e-4
    assert clock.pair[2] * rate == pytest.approx(1.0, abs=50e-6)  # the period is known to 50 ppm


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


def test_goes_on_without_pairs_at_the_period_it_has_found() -> None:
    clock, rate = StreamClock(RATE), RATE * (1 + 200e-6)
    run(clock, 60, rate)
    for now_s in np.arange(160.0, 460.0, 0.005):  # five minutes without a card
        clock.coast(float(now_s))
    assert clock.stream_of(460.0) * RATE / rate == pytest.approx(360, abs=2e-3)


def test_another_loop_goes_on_where_the_last_one_was() -> None:
    clock, again = StreamClock(RATE), StreamClock(RATE)
    run(clock, 30, RATE * 1.0001)
    stamp = SharedStamp()
    assert stamp.read() is None
    stamp.write(clock.pair)
    read = stamp.read()
    assert read == clock.pair
    again.resume(read)
    assert again.stream_of(200.0) == clock.stream_of(200.0)


def test_a_writer_that_died_in_the_middle_leaves_a_stamp_that_can_be_read_and_written() -> None:
    stamp = SharedStamp()
    stamp.write((1, 2.0, 3.0))
    stamp._values[0] += 1  # killed before it was done
    assert stamp.read() == (1, 2.0, 3.0)
    stamp.write((4, 5.0, 6.0))
    assert stamp.read() == (4, 5.0, 6.0)
    assert int(stamp._values[0]) % 2 == 0


def test_the_time_of_day_may_step_by_an_hour() -> None:
    """Nothing of the stream's time asks for it: with time.time an hour off, and then unusable, all goes on."""
    from agent.audio.stream import Stream
    from listener.ring import Ring

    ring = Ring(RATE, 1)
    line = Stream(RATE, BLOCK, (ring,), SharedStamp(), None)
    line.start()
    began_s, lead = time.monotonic(), []
    for offset_s in (0.0, 3_600.0, -3_600.0):
        with mock.patch("time.time", lambda offset_s=offset_s: 1.8e9 + offset_s):
            time.sleep(0.02)
            line.poll(time.monotonic())
            lead.append(line.clock.stream_of(time.monotonic()) - (time.monotonic() - began_s))
    with mock.patch("time.time", side_effect=AssertionError("the time of day was asked for")):
        line.poll(time.monotonic())
    assert np.ptp(lead) < 1e-3
    assert ring.written == pytest.approx((time.monotonic() - began_s) * RATE - 4 * BLOCK, abs=RATE * 0.02)
