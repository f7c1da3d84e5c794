"""Weights come back as they were saved; anything else is refused in one line."""

import json

import pytest
import torch

from models import checkpoint


@pytest.fixture
def stem(tmp_path):
    checkpoint.save(tmp_path / "codec", {"w": torch.arange(6.0).reshape(2, 3)}, {"dim": 3}, "# card\n", "codec")
    return tmp_path / "codec"


def test_what_is_saved_comes_back(stem):
    saved = checkpoint.load(stem)
    assert torch.equal(saved.tensors["w"], torch.arange(6.0).reshape(2, 3))
    assert (saved.config, saved.kind) == ({"dim": 3}, "codec")
    assert stem.with_suffix(".md").read_text() == "# card\n"


def test_the_file_itself_names_the_same_checkpoint(stem):
    assert checkpoint.load(stem.with_suffix(".safetensors")).sha256 == checkpoint.load(stem).sha256


def test_a_stem_may_hold_a_dot(tmp_path):
    checkpoint.save(tmp_path / "codec.v2", {"w": torch.zeros(1)}, {}, "")
    assert checkpoint.load(tmp_path / "codec.v2").kind == "codec.v2"


@pytest.mark.parametrize("missing", ["json", "safetensors"])
def test_a_missing_file_is_named(stem, missing):
    stem.with_suffix(f".{missing}").unlink()
    with pytest.raises(FileNotFoundError, match=rf"codec\.{missing}.*make train"):
        checkpoint.load(stem)


def test_a_truncated_file_is_refused(stem):
    path = stem.with_suffix(".safetensors")
    path.write_bytes(path.read_bytes()[:-3])
    with pytest.raises(ValueError, match="truncated or altered"):
        checkpoint.load(stem)


def test_one_changed_bit_is_refused(stem):
    path = stem.with_suffix(".safetensors")
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    with pytest.raises(ValueError, match="SHA-256"):
        checkpoint.load(stem)


def test_weights_of_another_kind_are_refused(stem):
    with pytest.raises(ValueError, match="weights of a codec, a responder is needed"):
        checkpoint.load(stem, "responder")


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"format": 1}', "\x00\xff"])
def test_a_foreign_json_is_refused(stem, text):
    stem.with_suffix(".json").write_text(text)
    with pytest.raises(ValueError, match="make train"):
        checkpoint.load(stem)


def test_a_later_format_is_refused(stem):
    path = stem.with_suffix(".json")
    path.write_text(json.dumps(json.loads(path.read_text()) | {"format": 99}))
    with pytest.raises(ValueError, match="format 99, this Antiphon reads 1"):
        checkpoint.load(stem)


def test_foreign_weights_with_the_right_hash_are_refused(stem):
    import hashlib

    data = b"this is not a safetensors file"
    stem.with_suffix(".safetensors").write_bytes(data)
    path = stem.with_suffix(".json")
    path.write_text(json.dumps(json.loads(path.read_text()) | {"sha256": hashlib.sha256(data).hexdigest()}))
    with pytest.raises(ValueError, match="not a safetensors file"):
        checkpoint.load(stem)


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_weights_with_nan_in_them_are_refused(tmp_path, bad):
    checkpoint.save(tmp_path / "responder", {"fine": torch.zeros(3), "w": torch.tensor([1.0, bad])}, {}, "")
    with pytest.raises(ValueError, match=r"1 of 2 numbers in w are NaN or infinite.*make train"):
        checkpoint.load(tmp_path / "responder")
