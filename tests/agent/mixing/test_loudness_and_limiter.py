"""Loudness against pyloudnorm, true peaks against fourfold resampling, filters against SciPy, reverb against NumPy."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pyloudnorm
import pytest
from scipy import signal

from agent.mixing.bass_reference import BassReference
from agent.mixing.bass_strip import BassStrip
from agent.mixing.block_filter import BLOCK, BlockFilter, high_pass
from agent.mixing.hop_power import HopPower
from agent.mixing.lanes import BASS_LUFS
from agent.mixing.limiter import CEILING, Limiter
from agent.mixing.loudness import integrated_lufs
from agent.mixing.master import MASTER_LUFS, mastered
from agent.mixing.reverb import ROOM, SPACES, FileReverb, Reverb, impulse_response

RATE = 48_000
RNG = np.random.default_rng(0)


def music(seconds: float, rate: int = RATE, level: float = 0.1) -> np.ndarray:
    """Plucks over noise, with a pause, stereo."""
    time_s = np.arange(int(seconds * rate)) / rate
    pluck = np.sin(2 * np.pi * 80 * time_s) * np.exp(-4 * (time_s % 0.5))
    sound = level * (pluck[:, None] + 0.2 * RNG.standard_normal((len(time_s), 2)))
    sound[len(sound) // 2 : len(sound) // 2 + rate] *= 0.001
    return sound.astype(np.float32)


@pytest.mark.parametrize("rate", [22_050, 44_100, 48_000, 96_000])
def test_loudness_is_what_pyloudnorm_measures(rate: int) -> None:
    sound = music(6.0, rate)
    assert integrated_lufs(sound, rate) == pytest.approx(pyloudnorm.Meter(rate).integrated_loudness(sound), abs=0.15)


def test_silence_has_no_loudness() -> None:
    assert integrated_lufs(np.zeros((RATE, 2), np.float32), RATE) == -np.inf


@pytest.mark.parametrize("loud", [0.5, 2.0, 20.0])
def test_the_limiter_holds_true_peaks_under_one_db(loud: float) -> None:
    noise = signal.lfilter(*signal.butter(6, 16_000, fs=RATE), RNG.standard_normal((RATE, 2)), axis=0)
    sound = (0.05 * noise).astype(np.float32)
    sound[10_000:20_000] *= loud * 20
    limiter = Limiter(RATE)
    out = np.concatenate([*(limiter.step(s) for s in np.split(sound, 25)), limiter.flush()])[BLOCK:]
    peak = np.abs(signal.resample_poly(out, 4, 1, axis=0)).max()
    assert 20 * np.log10(peak) <= -1.0
    np.testing.assert_array_equal(out[:9_000], sound[:9_000])


def test_the_limiter_turns_both_sides_down_alike() -> None:
    sound = (RNG.standard_normal((RATE // 5 // BLOCK * BLOCK, 2)) * 0.6).astype(np.float32)
    limiter = Limiter(RATE)
    out = np.concatenate([limiter.step(sound), limiter.flush()])[BLOCK:]
    left, right = (out / sound).T
    np.testing.assert_allclose(left, right, rtol=1e-4)
    assert np.abs(out).max() <= CEILING + 1e-6


def test_the_block_filter_is_the_filter() -> None:
    sound = RNG.standard_normal((2, 20 * BLOCK))
    b0, b1, b2, a1, a2 = section = high_pass(60.0, RATE)
    ours = BlockFilter((section,), 2, np.float64)
    blocks = np.concatenate([ours(sound[:, i : i + BLOCK]) for i in range(0, sound.shape[1], BLOCK)], axis=1)
    np.testing.assert_allclose(blocks, signal.lfilter((b0, b1, b2), (1, a1, a2), sound), atol=1e-9)
    whole = BlockFilter((section,), 2, np.float64)
    pieces = [whole.whole(sound[:, : 7 * BLOCK]), whole.whole(sound[:, 7 * BLOCK :])]
    np.testing.assert_allclose(np.concatenate(pieces, axis=1), blocks, atol=1e-9)


def test_hops_are_the_same_in_one_piece_and_in_blocks() -> None:
    sound = RNG.standard_normal((2, 400 * BLOCK)).astype(np.float32)
    blocks, pieces = HopPower(RATE, 1, sides=2, dtype=np.float64), HopPower(RATE, 1, sides=2, dtype=np.float64)
    one = [power for i in range(400) if (power := blocks(sound[:, BLOCK * i : BLOCK * (i + 1)], 0.5)) is not None]
    cuts = [0, 0, 1, 40, 76, 390, 400]
    more = [power for a, b in pairwise(cuts) for power in pieces.whole(sound[:, BLOCK * a : BLOCK * b], 0.5)]
    np.testing.assert_allclose(more, one, rtol=1e-5)
    assert len(one) == 5


@pytest.mark.parametrize("for_file", [False, True])
def test_the_reverb_is_the_convolution_with_its_spaces_one_part_later(for_file: bool) -> None:
    n = 60 * 512
    sends = RNG.standard_normal((2, 1, n)).astype(np.float32)
    if for_file:
        reverb, cuts = FileReverb(RATE, 1, 4_800), [0, 64, *range(4_800, n, 4_736), n]
    else:
        reverb, cuts = Reverb(RATE, 1), list(range(0, n + 1, BLOCK))
    blocks = [reverb(sends[:, :, i:j]).copy() for i, j in pairwise(cuts)]
    ours = np.concatenate(blocks, axis=2)[0]
    responses = [impulse_response(space, RATE, i + 1) for i, space in enumerate(SPACES)]
    for side in (0, 1):
        room, plate = (np.convolve(sends[i, 0], responses[i][:, side])[:n] for i in (0, 1))
        np.testing.assert_allclose(ours[side, 512:], room[: n - 512] + plate[: n - 512], atol=1e-4)


def test_a_room_decays_in_its_time_and_is_unlike_on_both_sides() -> None:
    response = impulse_response(ROOM, RATE)
    left_db = 10 * np.log10(np.cumsum(response[::-1, 0] ** 2)[::-1])
    begin, end = (int(np.argmax(left_db < db)) for db in (-5, -35))
    assert 2 * (end - begin) / RATE == pytest.approx(ROOM.decay_s, rel=0.35)
    assert abs(np.corrcoef(response.T)[0, 1]) < 0.3


@pytest.mark.parametrize("level", [0.005, 0.05, 0.5])
def test_the_bass_comes_to_its_level_however_it_is_recorded(level: float) -> None:
    time_s = np.arange(8 * RATE) / RATE
    bass = (level * np.sin(2 * np.pi * 82 * time_s) * np.exp(-3 * (time_s % 0.5))).astype(np.float32)
    strip = BassStrip(RATE)
    strip.observe(bass)
    mixed = np.repeat(strip.process(bass)[:, None], 2, axis=1)
    assert integrated_lufs(mixed, RATE) == pytest.approx(BASS_LUFS, abs=2.0)


@pytest.mark.parametrize("plucked", [3.0, 30.0])
def test_the_reference_is_as_loud_as_the_bass_in_the_mix_however_it_comes_in_pieces(plucked: float) -> None:
    time_s = np.arange(16 * RATE) / RATE
    bass = 0.3 * np.sin(2 * np.pi * 82 * time_s) * np.exp(-plucked * (time_s % 0.5))
    bass = signal.sosfilt(signal.butter(2, 40, "highpass", fs=RATE, output="sos"), bass).astype(np.float32)
    strip, whole, pieces = BassStrip(RATE), BassReference(RATE), BassReference(RATE)
    strip.observe(bass[: 4 * RATE])
    mixed = np.repeat(strip.process(bass)[:, None], 2, axis=1)
    whole.hear(bass)
    for piece in np.array_split(bass, 999):
        pieces.hear(piece)
    assert whole.away_db == pieces.away_db
    assert whole.away_db == pytest.approx(integrated_lufs(mixed[-8 * RATE :], RATE) - BASS_LUFS, abs=0.7)
    assert (whole.away_db < -1.0) == (plucked > 10)  # clicks stay soft beside their peaks


def test_a_strip_does_not_lift_the_noise_of_a_silent_input() -> None:
    noise = (1e-4 * RNG.standard_normal(5 * RATE // BLOCK * BLOCK)).astype(np.float32)
    strip = BassStrip(RATE)
    strip.observe(noise)
    assert np.abs(strip.process(noise)).max() < 1e-3


def test_a_master_has_its_loudness_to_one_lu() -> None:
    for level in (0.01, 0.3):
        _, out = mastered(music(6.0, level=level), RATE)
        assert pyloudnorm.Meter(RATE).integrated_loudness(out) == pytest.approx(MASTER_LUFS, abs=1.0)
        assert 20 * np.log10(np.abs(signal.resample_poly(out, 4, 1, axis=0)).max()) <= -1.0
