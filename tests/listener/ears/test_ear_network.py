"""The ear network step by step is the network that was trained, and its front end sees periods and rises."""

import copy

import numpy as np
import pytest
import torch

from listener.ears import ear_network, frontend
from listener.ears.ear_network import EarNet
from listener.ears.frontend import HOP, LAG_MIDI, FrontEnd
from models.training.ears_net import EarConfig
from models.training.ears_net import EarNet as Trained

RNG = np.random.default_rng(0)
FEATURES = RNG.normal(0, 1, (120, frontend.SIZE)).astype(np.float32)


@pytest.fixture(scope="module")
def trained() -> Trained:
    tensors, config = ear_network._read(ear_network.WEIGHTS)
    net = Trained(EarConfig(**config)).eval()
    net.load_state_dict({name: torch.from_numpy(np.array(value)) for name, value in tensors.items()})
    return net


def test_steps_in_numpy_are_the_sequence_in_torch(trained):
    with torch.no_grad():
        outputs = [out[0].softmax(-1).numpy() for out in trained(torch.from_numpy(FEATURES)[None])]
    net = ear_network.load()
    for i, features in enumerate(FEATURES):
        for said, expected in zip(net.step(features), outputs, strict=True):
            assert np.allclose(said, expected[i], atol=1e-4)


def test_a_copied_net_goes_on_identically_and_alone():
    one = ear_network.load()
    for features in FEATURES[:50]:
        one.step(features)
    two = copy.deepcopy(one)
    first = [one.step(f)[1].tolist() for f in FEATURES[50:]]
    assert [two.step(f)[1].tolist() for f in FEATURES[50:]] == first
    assert ear_network.load().step(FEATURES[0])[1].tolist() == ear_network.load().step(FEATURES[0])[1].tolist()


def test_foreign_weights_are_refused_in_one_line(tmp_path):
    with pytest.raises(FileNotFoundError, match="no such weights"):
        ear_network.load(tmp_path / "nothing")
    assert isinstance(ear_network.load(), EarNet)


@pytest.mark.parametrize("midi", [21, 28, 33, 45, 57])
def test_a_string_correlates_most_with_itself_one_period_ago(midi):
    f0_hz = 440 * 2 ** ((midi - 69) / 12)
    t = np.arange(6000) / 24_000
    sound = sum(np.sin(2 * np.pi * k * f0_hz * t) / k for k in range(1, 8)).astype(np.float32)
    front = FrontEnd()
    for i in range(0, len(sound), HOP):
        seen = front.step(sound[i : i + HOP])
    lags_end = frontend.VIEWS - frontend.FINE_BINS
    long_window = seen[lags_end - len(LAG_MIDI) - 1 : lags_end - 1]
    at_period = long_window[np.argmin(np.abs(LAG_MIDI - midi))]
    higher = long_window[(midi + 2 < LAG_MIDI)]
    assert at_period > 0.97
    assert at_period > higher.max()


def test_features_stay_finite_whatever_comes():
    front = FrontEnd()
    for block in (np.zeros(HOP), np.ones(HOP), RNG.normal(0, 4, HOP), np.full(HOP, -4.0), np.zeros(HOP)):
        assert np.isfinite(front.step(block.astype(np.float32))).all()
