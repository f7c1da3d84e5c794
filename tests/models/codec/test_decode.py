"""Streamed samples are the encodec package's own decoder's."""

import numpy as np
import pytest

from models.codec.codec import DECODE_START_FRAMES, Codec
from tests.models.codec.codec_cases import (
    BITRATES,
    REFERENCE,
    SMALL,
    bass,
    random_model,
    reference_samples,
    streamed_back,
    take,
    trained_model,
)

SETTLED = (DECODE_START_FRAMES - 1) * 320  # the first sample that no later code can change


@pytest.fixture(scope="module")
def codec():
    return Codec.load()


@pytest.fixture(scope="module")
def offline():
    return trained_model()


def random_codes(codec, frames, seed=0):
    return np.random.default_rng(seed).integers(0, codec.bins, (codec.n_codebooks, frames))


@pytest.mark.parametrize("kbps", BITRATES)
@pytest.mark.parametrize(("config", "frames"), [(SMALL, 200), (REFERENCE, 40)])
def test_any_weights_give_the_packages_samples_in_float64(config, frames, kbps):
    model = random_model(config)
    codec = Codec(model, kbps, dtype=np.float64)
    codes = random_codes(codec, frames)
    wanted = reference_samples(model, codes)
    assert np.ptp(wanted) > 0.01
    np.testing.assert_allclose(streamed_back(codec, codes)[SETTLED:], wanted[SETTLED:], atol=1e-10, rtol=0)
    np.testing.assert_allclose(codec.decode(codes), wanted, atol=1e-10, rtol=0)


@pytest.mark.parametrize("engine", ["compiled", "numpy"])
def test_trained_weights_give_the_packages_samples_in_float32(offline, engine):
    codec = Codec(offline, engine=engine)
    for codes in (codec.forward(take(20.0)), random_codes(codec, 500)):
        wanted = reference_samples(offline, codes)
        close = 1e-5 * np.abs(wanted).max()
        np.testing.assert_allclose(streamed_back(codec, codes)[SETTLED:], wanted[SETTLED:], atol=close, rtol=0)
        np.testing.assert_allclose(codec.decode(codes), wanted, atol=close, rtol=0)


def test_the_first_samples_do_depend_on_later_codes(offline):
    """Else SETTLED would be larger than it must be: the last code that is waited for changes the frame before."""
    codec = Codec(offline, dtype=np.float64)
    codes = random_codes(codec, 20)
    changed = codes.copy()
    changed[:, DECODE_START_FRAMES - 1] = (changed[:, DECODE_START_FRAMES - 1] + 1) % codec.bins
    moved = np.abs(codec.decode(codes) - codec.decode(changed)).reshape(-1, 320).max(1)
    assert (moved[: DECODE_START_FRAMES - 1] > 0).all()
    changed = codes.copy()
    changed[:, DECODE_START_FRAMES] = (changed[:, DECODE_START_FRAMES] + 1) % codec.bins
    moved = np.abs(codec.decode(codes) - codec.decode(changed)).reshape(-1, 320).max(1)
    assert (moved[:DECODE_START_FRAMES] == 0).all() and moved[DECODE_START_FRAMES] > 0


def test_the_first_samples_answer_the_codes_so_far(codec, offline):
    codes = codec.forward(bass(1.0))
    for frames in range(1, DECODE_START_FRAMES):
        so_far = codes[:, :frames]
        got, wanted = streamed_back(codec, so_far)[-320:], reference_samples(offline, so_far)[-320:]
        np.testing.assert_allclose(got, wanted, atol=1e-5)


def test_decode_in_blocks_is_decode_at_once(monkeypatch):
    codec = Codec(random_model(SMALL), dtype=np.float64)
    codes = random_codes(codec, 233)
    at_once = codec.decode(codes)
    monkeypatch.setattr("models.codec.codec.BLOCK_FRAMES", 50)
    np.testing.assert_allclose(codec.decode(codes), at_once, atol=1e-12)


def test_the_trained_codec_gives_the_sound_back(codec):
    samples = bass(5.0)
    error_db = 10 * np.log10(np.sum((codec.decode(codec.forward(samples)) - samples) ** 2) / np.sum(samples**2))
    assert error_db < -3
