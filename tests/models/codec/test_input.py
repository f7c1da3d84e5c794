"""What the codec cannot take, it refuses in one clear line."""

import os
from dataclasses import asdict, replace

import numpy as np
import pytest
import torch

from models import checkpoint
from models.codec.codec import WEIGHTS, Codec
from models.codec.net import CodecConfig, build_encodec, load_encodec

TINY = CodecConfig(n_filters=4, dim=8, n_codebooks=4, bins=16)


@pytest.fixture(scope="module")
def codec():
    return Codec.load()


@pytest.fixture
def saved(tmp_path):
    """A small checkpoint, and its model."""
    model = build_encodec(TINY)
    checkpoint.save(tmp_path / "codec", model.state_dict(), asdict(TINY), "")
    return tmp_path / "codec", model


@pytest.mark.parametrize(
    ("frame", "message"),
    [
        (np.zeros(321, np.float32), r"takes \[320\]"),
        (np.zeros(0, np.float32), r"takes \[320\]"),
        (np.zeros((1, 320), np.float32), r"takes \[320\]"),
        (np.full(320, np.nan, np.float32), "NaN"),
        (np.full(320, np.inf, np.float32), "infinity"),
        (np.full(320, 1e39), "too large"),
        (np.zeros(320, np.int16), "int16.*takes floats"),
    ],
)
def test_a_bad_frame_is_refused(codec, frame, message):
    with pytest.raises(ValueError, match=message):
        codec.step(frame, codec.initial_state())


@pytest.mark.parametrize("codes", [[1, 2], [1, 2, 3, 1024], [1, 2, 3, -1], [0.5, 1.0, 2.0, 3.0], [[1] * 3] * 3])
def test_bad_codes_are_refused(codec, codes):
    codes = np.array(codes)
    for take in (codec.embed, codec.decode, lambda one: codec.step_decode(one, codec.initial_decode_state())):
        with pytest.raises(ValueError, match="codes"):
            take(codes)


def test_codes_of_another_bitrate_are_refused_by_name(codec):
    with pytest.raises(ValueError, match=r"shape \(8,\): at 3 kbps this codec has \[4\].*kbps="):
        codec.step_decode(np.zeros(8, int), codec.initial_decode_state())
    with pytest.raises(ValueError, match=r"shape \(8, 5\): at 3 kbps this codec has \[4\].*kbps="):
        codec.decode(np.zeros((8, 5), int))


def test_forward_and_decode_refuse_what_is_not_mono_sound_or_codes(codec):
    for samples in (np.zeros((2, 640), np.float32), np.zeros(0, np.float32)):
        with pytest.raises(ValueError, match="forward takes"):
            codec.forward(samples)
    for codes in (np.zeros(4, int), np.zeros((4, 0), int)):
        with pytest.raises(ValueError, match="decode takes"):
            codec.decode(codes)


@pytest.mark.parametrize("rate_hz", [48_000, 44_100, 16_000])
def test_another_rate_is_refused(codec, rate_hz):
    with pytest.raises(ValueError, match=f"at {rate_hz} Hz.*24000 Hz.*resample"):
        codec.forward(np.zeros(640, np.float32), rate_hz)


@pytest.mark.parametrize("kbps", [0, -3, 1, 0.74, 24, np.nan, np.inf, "6"])
def test_a_bitrate_that_is_not_there_is_refused(kbps):
    model = build_encodec(CodecConfig(n_filters=4, dim=8, n_codebooks=4))
    with pytest.raises(ValueError, match=r"4 codebooks of 0.75 kbps each; take a multiple of 0.75 up to 3"):
        Codec(model, kbps)


def test_another_architecture_is_refused():
    model = build_encodec(TINY)
    model.sample_rate = 48_000
    with pytest.raises(ValueError, match=r"48000 Hz.*causal 24 kHz mono"):
        Codec(model)
    model = build_encodec(TINY)
    model.encoder.model[0].causal = False
    with pytest.raises(ValueError, match="only EnCodec's causal 24 kHz architecture"):
        Codec(model)
    with pytest.raises(ValueError, match="160 samples a frame"):
        Codec(build_encodec(replace(TINY, ratios=(8, 5, 4))))
    model = build_encodec(TINY)
    model.decoder.model[1] = torch.nn.GELU()
    with pytest.raises(ValueError, match="only EnCodec's causal 24 kHz architecture"):
        Codec(model)


def test_an_engine_that_is_not_there_is_refused():
    with pytest.raises(ValueError, match='"compiled" and "numpy"'):
        Codec(build_encodec(TINY), engine="cuda")
    with pytest.raises(ValueError, match="needs numba and float32"):
        Codec(build_encodec(TINY), dtype=np.float64, engine="compiled")


def test_half_precision_and_no_running_means_are_enough(saved):
    stem, model = saved
    tensors = {name: part.half() for name, part in model.state_dict().items()}
    lean = {name: part for name, part in tensors.items() if "_codebook" not in name or name.endswith("embed")}
    assert len(lean) < len(tensors)
    checkpoint.save(stem, lean, asdict(TINY), "")
    loaded = load_encodec(stem)
    assert not loaded.training
    assert loaded.state_dict().keys() == model.state_dict().keys()
    assert {part.dtype for part in loaded.state_dict().values()} == {torch.float32}
    for name, part in lean.items():
        assert torch.equal(loaded.state_dict()[name], part.float())


def test_a_truncated_checkpoint_is_refused(saved):
    weights = saved[0].with_suffix(".safetensors")
    os.truncate(weights, weights.stat().st_size // 2)
    with pytest.raises(ValueError, match="truncated or altered"):
        Codec.load(saved[0])


def test_other_weights_under_the_same_name_are_refused_by_their_hash(saved):
    stem = saved[0]
    stem.with_suffix(".safetensors").write_bytes(WEIGHTS.with_suffix(".safetensors").read_bytes())
    with pytest.raises(ValueError, match="SHA-256"):
        Codec.load(stem)


def test_weights_of_another_kind_are_refused(tmp_path):
    checkpoint.save(tmp_path / "responder", {"w": torch.zeros(1)}, {}, "")
    with pytest.raises(ValueError, match="weights of a responder, a codec is needed"):
        Codec.load(tmp_path / "responder")


@pytest.mark.parametrize("size", [{"dim": 16}, {"n_codebooks": 2}, {"bins": 32}, {"n_filters": 8}])
def test_weights_of_another_size_are_refused(saved, size):
    stem, model = saved
    checkpoint.save(stem, model.state_dict(), asdict(TINY) | size, "")
    with pytest.raises(ValueError, match="do not fit their config"):
        Codec.load(stem)


@pytest.mark.parametrize("config", [{"layers": 3}, asdict(TINY) | {"dim": "many"}, asdict(TINY) | {"ratios": 8}])
def test_a_foreign_config_is_refused(saved, config):
    stem, model = saved
    checkpoint.save(stem, model.state_dict(), config, "")
    with pytest.raises(ValueError, match="foreign"):
        Codec.load(stem)


def test_weights_that_are_not_numbers_are_refused(saved):
    stem, model = saved
    tensors = model.state_dict()
    tensors["encoder.model.0.conv.conv.bias"].fill_(torch.nan)
    checkpoint.save(stem, tensors, asdict(TINY), "")
    with pytest.raises(ValueError, match="NaN"):
        Codec.load(stem)


def test_a_missing_checkpoint_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="no such weights file"):
        Codec.load(tmp_path / "codec")
