"""What players read of a checkpoint is what its network has: names, shapes, and the codec's layers to the bit."""

import numpy as np
import pytest

from models import checkpoint
from models.codec.codec import WEIGHTS as CODEC
from models.codec.layers import arrays_of
from models.codec.net import load_encodec
from models.codec.shape import folded, load_parts
from models.responder.net import ResponderConfig, ResponderNet
from models.timing.net import TimingConfig, TimingNet


@pytest.mark.parametrize("backbone", ["ssm", "lstm"])
@pytest.mark.parametrize("grown", [False, True])
def test_the_responders_shapes_are_its_networks(backbone, grown):
    config = ResponderConfig(hidden=24, layers=3, sound_dim=4, backbone=backbone, dials=grown, foresee=grown)
    net = ResponderNet(config)
    assert config.shapes == {name: tuple(tensor.shape) for name, tensor in net.state_dict().items()}


def test_the_timings_shapes_are_its_networks():
    config = TimingConfig(hidden=8, head=12)
    assert config.shapes == {name: tuple(tensor.shape) for name, tensor in TimingNet(config).state_dict().items()}


def test_the_codec_is_folded_the_same_with_and_without_torch():
    ours, reference = load_parts(CODEC), folded(load_encodec(CODEC), np.float32)
    for side in ("encoder", "decoder"):
        mine, wanted = getattr(ours, side), getattr(reference, side)
        assert [type(layer) for layer in mine] == [type(layer) for layer in wanted]
        assert all(np.array_equal(a, b) for a, b in zip(arrays_of(mine), arrays_of(wanted), strict=True))
    assert all(np.array_equal(a, b) for a, b in zip(ours.books, reference.books, strict=True))
    assert (ours.bins, ours.dim) == (reference.bins, reference.dim)


def test_weights_that_do_not_fit_name_the_array(tmp_path):
    arrays = {"a": np.zeros(3, np.float32), "b": np.zeros(1, np.float32)}
    with pytest.raises(ValueError, match=r"b: \(1,\), it says none"):
        checkpoint.require_shapes(tmp_path, arrays, {"a": (3,)})
    with pytest.raises(ValueError, match=r"c: missing, it says \(2,\)"):
        checkpoint.require_shapes(tmp_path, {}, {"c": (2,)})
