"""The loop falls where it was played, repeats to the sample, does not click, and ends when told."""

from __future__ import annotations

import numpy as np
import pytest

from agent.core.messages import PlayLoop, StopLoop
from agent.engine.looper import FADE_S, SEAM_S, Looper
from listener.ring import Ring

RATE, BLOCK = 48_000, 64
START, PERIOD = 48_000, 24_003


def run(looper: Looper, ring: Ring, sound: np.ndarray, samples: int, ahead: int = 0, told: dict | None = None):
    """Feed `sound` into the ring, silence after it, and render `ahead` of it; told: sample -> message."""
    out = np.zeros((samples, 2), np.float32)
    for at in range(0, samples - BLOCK + 1, BLOCK):
        block = np.zeros((BLOCK, ring.channels), np.float32)
        piece = sound[at : at + BLOCK]
        block[: len(piece)] = piece[:, None]
        ring.write(block)
        for when in [when for when in (told or {}) if when <= at]:
            message = told.pop(when)
            looper.play(message) if isinstance(message, PlayLoop) else looper.stop(message)
        begin = at + ahead
        if begin + BLOCK <= samples:
            looper.mix_into(out[begin : begin + BLOCK], begin)
    return out


def wish(start: int = START, period: int = PERIOD) -> PlayLoop:
    return PlayLoop(start / RATE, (start + period) / RATE)


def riff(samples: int, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    time_s = np.arange(samples) / RATE
    return (0.3 * np.sin(2 * np.pi * 55 * time_s) + 0.02 * rng.standard_normal(samples)).astype(np.float32)


@pytest.mark.parametrize("ahead", [0, 512, 2_048])
def test_it_falls_where_it_was_played_and_the_period_is_exact_over_100_repetitions(ahead: int) -> None:
    ring, sound = Ring(1 << 15, 1), riff(START + PERIOD)  # the ring holds less than the loop
    clicks = START + np.array([0, 6_000, 13_337])
    sound[clicks] = 0.95
    looper = Looper(ring, RATE, level_db=None)
    out = run(looper, ring, sound, START + 102 * PERIOD, ahead, {START // 2: wish()})[:, 0]
    begins = START + PERIOD - round((FADE_S + SEAM_S) * RATE)
    assert not out[:begins].any()
    for click in clicks:
        heard = click + PERIOD * np.arange(1, 101)
        assert (out[heard] > 0.9).all()
        assert (out[heard + 1] < 0.6).all()
    first = out[START + PERIOD : START + 2 * PERIOD - round(0.03 * RATE)]
    np.testing.assert_array_equal(first, sound[START : START + len(first)])
    np.testing.assert_array_equal(first, out[START + 100 * PERIOD :][: len(first)])
    assert looper.lost == 0


def test_no_click_at_the_seam_or_at_the_end() -> None:
    time_s = np.arange(START + PERIOD) / RATE
    sound = (0.5 * np.sin(2 * np.pi * 71.3 * time_s)).astype(np.float32)  # the period is no multiple of its own
    ring = Ring(1 << 16, 1)
    stop = StopLoop((START + 4 * PERIOD) / RATE)
    told = {START // 2: wish(), START + 3 * PERIOD: stop}
    out = run(Looper(ring, RATE, level_db=None), ring, sound, START + 6 * PERIOD, 512, told)[:, 0]
    steepest = np.abs(np.diff(sound)).max()
    assert np.abs(np.diff(out)).max() < steepest + 0.5 * np.pi / 2 / (FADE_S * RATE) * 2
    assert out[START + 4 * PERIOD - 600 : START + 4 * PERIOD - 490].any()
    assert not out[START + 4 * PERIOD :].any()


def test_the_seam_keeps_its_power() -> None:
    noise = (0.2 * np.random.default_rng(1).standard_normal(START + PERIOD)).astype(np.float32)
    ring = Ring(1 << 16, 1)
    out = run(Looper(ring, RATE, level_db=None), ring, noise, START + 40 * PERIOD, 512, {0: wish()})[:, 0]
    ends = START + PERIOD * np.arange(2, 39) - round(SEAM_S * RATE)
    middle = np.concatenate([out[end - 360 : end - 120] for end in ends])
    assert np.sqrt(np.mean(middle**2)) == pytest.approx(0.2, rel=0.1)


def test_both_ends_can_be_mended_until_it_sounds() -> None:
    ring, sound = Ring(1 << 16, 1), riff(START + PERIOD + 400)
    mended = PlayLoop((START + 300) / RATE, (START + 300 + PERIOD + 100) / RATE)
    told = {START // 2: wish(), START + PERIOD - 12_000: mended}
    out = run(Looper(ring, RATE, level_db=None), ring, sound, START + 3 * PERIOD, 512, told)[:, 0]
    begins = START + 300 + PERIOD + 100
    np.testing.assert_array_equal(out[begins : begins + 9_000], sound[START + 300 : START + 9_300])


def test_a_mending_that_comes_too_late_still_makes_it_tight() -> None:
    ring, sound = Ring(1 << 15, 1), riff(START + PERIOD + 400)
    mended = PlayLoop(START / RATE, (START + PERIOD + 300) / RATE)
    told = {START // 2: wish(), START + PERIOD + 3_000: mended}
    out = run(Looper(ring, RATE, level_db=None), ring, sound, START + 5 * PERIOD, 512, told)[:, 0]
    begins = START + 3 * (PERIOD + 300)
    np.testing.assert_array_equal(out[begins : begins + 9_000], sound[START : START + 9_000])


def test_a_loop_that_is_called_off_never_sounds() -> None:
    ring, sound = Ring(1 << 16, 1), riff(START + PERIOD)
    told = {100: wish(), START + 5_000: StopLoop(START / RATE)}
    looper = Looper(ring, RATE)
    assert not run(looper, ring, sound, START + 3 * PERIOD, 512, told).any()
    assert not looper.is_on


def test_a_new_riff_takes_the_place_of_the_old_one() -> None:
    second = START + 3 * PERIOD
    sound = np.concatenate([riff(START + PERIOD), np.zeros(2 * PERIOD, np.float32), riff(PERIOD, seed=5)])
    ring = Ring(1 << 16, 1)
    told = {0: wish(), second - 9_000: wish(second)}
    out = run(Looper(ring, RATE, level_db=None), ring, sound, START + 8 * PERIOD, 512, told)[:, 0]
    assert out[second - 2_000 : second - 500].any()
    assert not out[second : second + PERIOD - 2_000].any()
    begins = second + PERIOD
    np.testing.assert_array_equal(out[begins : begins + 20_000], sound[second : second + 20_000])


def test_a_quiet_bass_is_brought_to_the_bands_level_and_a_loud_one_does_not_clip() -> None:
    for level in (0.02, 0.9):
        ring, sound = Ring(1 << 16, 1), riff(START + PERIOD) * (level / 0.32)
        out = run(Looper(ring, RATE), ring, sound, START + 4 * PERIOD, 512, {0: wish()})
        heard = out[START + 2 * PERIOD : START + 3 * PERIOD, 0]
        assert 20 * np.log10(np.sqrt(np.mean(heard**2))) == pytest.approx(-20, abs=1.5)
        assert np.abs(out).max() <= 0.9


def test_sound_that_is_no_number_does_not_get_into_the_loop() -> None:
    ring, sound = Ring(1 << 16, 2), riff(START + PERIOD)
    sound[START + 50], sound[START + 900] = np.nan, np.inf
    out = run(Looper(ring, RATE), ring, sound, START + 3 * PERIOD, 512, {0: wish()})
    assert np.isfinite(out).all()
    assert out.any()


def kept_wish(at: int, before: int = 12_000) -> PlayLoop:
    return PlayLoop((at - PERIOD) / RATE, at / RATE, path="riff.wav", before_s=before / RATE)


def test_a_kept_riff_repeats_to_the_sample_and_goes_on_where_a_new_process_takes_over() -> None:
    sound, before, at = riff(PERIOD + 24_000), 12_000, START + PERIOD
    first, second = (Looper(Ring(1 << 15, 1), RATE, level_db=None) for _ in range(2))
    for looper in (first, second):
        looper.play_sound(kept_wish(at), sound)
    out, again = np.zeros((at + 6 * PERIOD, 2), np.float32), np.zeros((BLOCK, 2), np.float32)
    for start in range(0, len(out) - BLOCK + 1, BLOCK):
        first.mix_into(out[start : start + BLOCK], start)
    margin = round((FADE_S + SEAM_S) * RATE) + 1
    np.testing.assert_array_equal(out[at : at + PERIOD - margin, 0], sound[before : before + PERIOD - margin])
    for time in range(1, 5):
        begins = at + time * PERIOD
        np.testing.assert_array_equal(out[begins : begins + PERIOD - margin], out[at : at + PERIOD - margin])
    later = at + 3 * PERIOD + 4_000
    second.mix_into(again, later)  # the first process has died
    np.testing.assert_array_equal(again, out[later : later + BLOCK])
