"""A chirp is found to the sample; what cannot be found is refused with what to try."""

from __future__ import annotations

import numpy as np
import pytest

from agent.audio.calibrate import judge, onset_delays
from agent.audio.chirp import arrivals, chirp
from agent.core.errors import UserError

RATE = 48_000
STARTS = [10_000 + 100_000 * k for k in range(5)]


def heard(delay: int, gain: float = 0.25, noise: float = 0.0, room: bool = False, rate: int = RATE) -> np.ndarray:
    """What comes in when the chirps at STARTS went out."""
    rng = np.random.default_rng(5)
    sound = np.zeros(STARTS[-1] + 2 * rate)
    for at in STARTS:
        sound[at : at + len(chirp(rate))] = gain * chirp(rate)
    sound = np.concatenate([np.zeros(delay), sound])
    if room:
        tail = rng.standard_normal(rate // 5) * np.exp(-np.arange(rate // 5) / (0.03 * rate)) * 0.1
        tail[0], tail[1:100] = 1.0, 0.0
        tail[310] = -0.8  # a wall
        sound = 0.3 * np.convolve(sound, tail)
    return sound + noise * rng.standard_normal(len(sound))


@pytest.mark.parametrize("rate", [44_100, 48_000, 96_000])
@pytest.mark.parametrize("delay", [0, 1, 128, 905, 12_345])
def test_the_delay_is_found_to_the_sample(delay: int, rate: int) -> None:
    found = arrivals(heard(delay, rate=rate), rate, STARTS, 0.5)
    assert [one.delay_samples for one in found] == [delay] * 5 and min(one.clarity_db for one in found) > 30


@pytest.mark.parametrize("how", [{"noise": 0.05}, {"room": True}, {"room": True, "noise": 0.01}, {"gain": -0.25}])
def test_also_in_noise_and_in_a_room_and_upside_down(how: dict[str, float]) -> None:
    assert judge(arrivals(heard(2_000, **how), RATE, STARTS, 0.5), RATE)[0] == 2_000


def test_chirps_that_were_drowned_are_left_out() -> None:
    sound = heard(700)
    sound[STARTS[1] : STARTS[1] + 30_000] = 0.2 * np.random.default_rng(0).standard_normal(30_000)
    assert judge(arrivals(sound, RATE, STARTS, 0.5), RATE)[0] == 700


@pytest.mark.parametrize(
    ("sound", "says"),
    [
        (np.zeros(300_000), "nothing was heard"),
        (np.clip(8 * heard(700), -1, 1), "clips"),
        (0.1 * np.random.default_rng(1).standard_normal(300_000), "not found"),
        (2e-4 * np.random.default_rng(1).standard_normal(300_000), "very quiet"),
    ],
)
def test_what_cannot_be_found_is_refused_in_a_line(sound: np.ndarray, says: str) -> None:
    with pytest.raises(UserError, match=says):
        judge(arrivals(sound, RATE, STARTS, 0.5), RATE)


def clicks(delay_s: float, sent_s: list[float], noise: float) -> np.ndarray:
    rng = np.random.default_rng(2)
    sound = noise * rng.uniform(-1, 1, round((sent_s[-1] + 1) * RATE))
    hit = 0.3 * rng.standard_normal(2_000).clip(-2, 2) * np.exp(-np.arange(2_000) / 400)
    for at_s in sent_s:
        at = round((at_s + delay_s) * RATE)
        sound[at : at + len(hit)] += hit
    return sound


@pytest.mark.parametrize("noise", [0.0, 0.01])
def test_a_click_is_heard_when_it_begins(noise: float) -> None:
    sent_s = [0.5 + 0.53 * k for k in range(8)]
    delays_s = onset_delays(clicks(0.0123, sent_s, noise), RATE, sent_s)
    assert len(delays_s) == 8 and np.median(delays_s) == pytest.approx(0.0123, abs=0.0005)


def test_clicks_in_noise_are_refused() -> None:
    sent_s = [0.5 + 0.53 * k for k in range(8)]
    with pytest.raises(UserError, match="stood out"):
        onset_delays(0.3 * np.random.default_rng(0).uniform(-1, 1, 300_000), RATE, sent_s)
    with pytest.raises(UserError, match="nothing was heard"):
        onset_delays(np.zeros(300_000), RATE, sent_s)
