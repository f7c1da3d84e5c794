"""Streamed codes are the encodec package's own offline codes."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from models import checkpoint
from models.codec import START_FRAMES, WEIGHTS, Codec
from models.codec_net import CodecConfig, build_encodec, codes_of

SMALL = CodecConfig()
REFERENCE = CodecConfig(n_filters=32, dim=128, n_codebooks=32)  # encodec's 24 kHz model
SETTLED = START_FRAMES - 1  # the first frame that no later sound can change
CLIPS = Path(__file__).parents[3] / "shared" / "listening" / "clips"


@pytest.fixture(scope="module")
def codec():
    return Codec.load()


@pytest.fixture(scope="module")
def offline():
    """The package's model with the trained weights, loaded without our loader's help."""
    model = build_encodec(CodecConfig.from_dict(json.loads(WEIGHTS.with_suffix(".json").read_text())["config"]))
    model.load_state_dict(load_file(WEIGHTS.with_suffix(".safetensors")))
    return model.eval()


def random_model(config, seed=0):
    """Random weights, with codebooks that lie among the model's own latents so that every code matters."""
    torch.manual_seed(seed)
    model = build_encodec(config).double().eval()
    with torch.no_grad():
        latents = model.encoder(torch.from_numpy(noise(2.0, seed=1)).double()[None, None])[0].T
        for layer in model.quantizer.vq.layers:
            layer._codebook.embed.normal_().mul_(latents.std(0)).add_(latents.mean(0))
            latents = latents - layer._codebook.dequantize(layer._codebook.quantize(latents))
    return model


def noise(seconds, seed=0):
    return np.random.default_rng(seed).normal(0, 0.3, round(seconds * 75) * 320).astype(np.float32)


def bass(seconds):
    """Plucked sawtooth-like notes of E1 to E2, one every 0.4 s."""
    t = np.arange(round(seconds * 75) * 320) / 24_000
    note = np.floor(t / 0.4)
    phase = np.cumsum(41.2 * 2 ** ((note * 5 % 13) / 12)) / 24_000
    partials = sum(np.sin(2 * np.pi * k * phase) / k for k in range(1, 9))
    return (0.25 * partials * np.exp(-4 * (t - note * 0.4))).astype(np.float32)


def streamed(codec, samples):
    state, codes = codec.initial_state(), []
    for frame in samples.reshape(-1, 320):
        one, state = codec.step(frame, state)
        codes.append(one)
    return np.stack(codes, axis=1)


def reference_codes(model, samples):
    return codes_of(model, torch.from_numpy(samples)).numpy()


@pytest.mark.parametrize(("config", "seconds"), [(SMALL, 12.0), (REFERENCE, 1.5)])
def test_random_weights_give_the_packages_codes_in_float64(config, seconds):
    model, samples = random_model(config), noise(seconds)
    wanted = reference_codes(model, samples.astype(np.float64))
    got = streamed(Codec(model, np.float64), samples)
    assert len(np.unique(wanted)) > 30  # not a codec that always says the same
    assert (got != wanted)[:, SETTLED:].sum() == 0


@pytest.mark.parametrize("make", [bass, noise])
def test_trained_weights_give_the_packages_codes_in_float32(codec, offline, make):
    samples = make(20.0)
    wanted = reference_codes(offline, samples)
    assert (streamed(codec, samples) != wanted)[:, SETTLED:].sum() == 0
    assert (codec.forward(samples) != wanted).sum() == 0


def test_the_clips_give_the_packages_codes(codec, offline):
    soundfile = pytest.importorskip("soundfile")
    clips = sorted(CLIPS.glob("*.flac")) or sorted(CLIPS.glob("*.wav"))
    if not clips:
        pytest.skip("../shared/listening/clips is not here")
    import soxr

    for clip in clips[:2]:
        sound, rate = soundfile.read(clip, dtype="float32", always_2d=True)
        samples = soxr.resample(sound.mean(1), rate, 24_000)[: 8 * 24_000].astype(np.float32)
        samples = samples[: len(samples) // 320 * 320]
        assert (streamed(codec, samples) != reference_codes(offline, samples))[:, SETTLED:].sum() == 0


def test_the_first_codes_answer_the_sound_heard_so_far(codec, offline):
    samples = bass(1.0)
    for frames in range(1, START_FRAMES):
        so_far = samples[: frames * 320]
        assert (streamed(codec, so_far)[:, -1] == reference_codes(offline, so_far)[:, -1]).all()


@pytest.mark.parametrize("length", [1, 100, 319, 321, 5_000, 24_001])
def test_forward_takes_any_length_as_the_package_does(length):
    model, samples = random_model(SMALL), noise(2.0)[:length].astype(np.float64)
    assert (Codec(model, np.float64).forward(samples) == reference_codes(model, samples)).all()


def test_forward_in_blocks_is_forward_at_once(monkeypatch):
    codec, samples = Codec(random_model(SMALL), np.float64), noise(4.0)[:-7]
    at_once = codec.forward(samples)
    monkeypatch.setattr("models.codec.BLOCK_FRAMES", 50)
    assert (codec.forward(samples) == at_once).all()


def test_a_step_leaves_the_given_state_alone_and_a_copy_goes_on_identically(codec):
    samples = bass(2.0).reshape(-1, 320)
    state = codec.initial_state()
    for frame in samples[:50]:
        _, state = codec.step(frame, state)
    copy = state.copy()
    first, _ = codec.step(samples[50], state)
    for part in state.history:
        part.setflags(write=False)
    again, _ = codec.step(samples[50], state)
    copied, _ = codec.step(samples[50], copy)
    assert (first == again).all()
    assert (first == copied).all()


def test_embed_is_the_packages_quantised_latent(codec, offline):
    codes = codec.forward(bass(1.0))
    with torch.no_grad():
        wanted = offline.quantizer.decode(torch.from_numpy(codes)[:, None])[0].T.numpy()
    np.testing.assert_allclose(codec.embed(codes), wanted, atol=1e-5)
    np.testing.assert_allclose(codec.embed(codes[:, 7]), wanted[7], atol=1e-5)
    assert codec.embed(codes[:, 7]).shape == (codec.dim,)


def test_the_trained_codec_uses_its_codes(codec):
    codes = codec.forward(bass(20.0))
    assert [len(np.unique(row)) > 50 for row in codes] == [True] * codec.n_codebooks


def test_the_trained_codec_gives_the_sound_back(codec, offline):
    samples = bass(5.0)
    with torch.no_grad():
        got = offline.decode([(torch.from_numpy(codec.forward(samples))[None], None)])[0, 0].numpy()
    error_db = 10 * np.log10(np.sum((got - samples) ** 2) / np.sum(samples**2))
    assert error_db < -3


@pytest.mark.parametrize(
    ("frame", "message"),
    [
        (np.zeros(321, np.float32), r"takes \[320\]"),
        (np.zeros((1, 320), np.float32), r"takes \[320\]"),
        (np.full(320, np.nan, np.float32), "NaN"),
        (np.full(320, np.inf, np.float32), "infinity"),
        (np.zeros(320, np.int16), "int16.*takes floats"),
    ],
)
def test_a_bad_frame_is_refused(codec, frame, message):
    with pytest.raises(ValueError, match=message):
        codec.step(frame, codec.initial_state())


@pytest.mark.parametrize("codes", [[1, 2], [1, 2, 3, 1024], [1, 2, 3, -1], [0.5, 1.0, 2.0, 3.0]])
def test_bad_codes_are_refused(codec, codes):
    with pytest.raises(ValueError, match="codes"):
        codec.embed(np.array(codes))


def test_forward_refuses_what_is_not_mono_sound(codec):
    for samples in (np.zeros((2, 640), np.float32), np.zeros(0, np.float32)):
        with pytest.raises(ValueError, match="forward takes"):
            codec.forward(samples)


def test_weights_of_another_size_are_refused(tmp_path):
    tensors = build_encodec(CodecConfig(dim=32)).state_dict()
    from dataclasses import asdict

    checkpoint.save(tmp_path / "codec", tensors, asdict(SMALL), "")
    with pytest.raises(ValueError, match="do not fit their config"):
        Codec.load(tmp_path / "codec")


def test_a_foreign_config_is_refused(tmp_path):
    checkpoint.save(tmp_path / "codec", {"w": torch.zeros(1)}, {"layers": 3}, "")
    with pytest.raises(ValueError, match="foreign"):
        Codec.load(tmp_path / "codec")


def test_silence_and_full_scale_give_codes(codec):
    for level in (0.0, 1.0, -1.0):
        codes = streamed(codec, np.full(3200, level, np.float32))
        assert 0 <= codes.min() <= codes.max() < codec.bins
