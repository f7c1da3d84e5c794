"""The counterpoint benchmark counts as Bai et al. 2018 count, and its networks say what they may know."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest
import torch

from benchmarks import counterpoint as cp
from benchmarks.baselines.pianoroll import KEYS, NADE, OUTPUTS, PianoRoll, phases


def rolls(lengths: tuple[int, ...] = (9, 5, 12), seed: int = 0) -> cp.Rolls:
    rng = np.random.default_rng(seed)
    return [(rng.random((length, KEYS)) < 0.05).astype(np.uint8) for length in lengths]


def network(output: str = "bernoulli", backbone: str = "ssm") -> PianoRoll:
    torch.manual_seed(0)
    return PianoRoll(backbone, 16, 1, 0.0, output).eval()


def test_the_score_is_bai_et_als_whatever_the_batches() -> None:
    """Their loop: a piece at a time, the trace of their two matrix products, summed over pieces, over all frames."""
    net, pieces = network(), rolls()
    total, count = 0.0, 0
    for piece in pieces:
        frames = torch.from_numpy(piece.astype(np.float32))
        y = frames[1:]
        ones, zeros = (net_probabilities(net, frames, key) for key in (1.0, 0.0))
        total -= float(torch.trace(y @ torch.log(ones).T + (1 - y) @ torch.log(zeros).T))
        count += len(y)
    assert cp.score(net, pieces) == pytest.approx(total / count, rel=1e-4)


def net_probabilities(net: PianoRoll, frames: torch.Tensor, key: float) -> torch.Tensor:
    """p(key k has this value) [T - 1, 88], from the logits."""
    past = frames[None, :-1]
    with torch.inference_mode():
        y, _ = net.backbone(past, phases(past))
        logits = net.output.logits(torch.cat([y, past], -1)) + net.around(past, y)
    return torch.sigmoid(logits if key else -logits)[0]


@pytest.mark.parametrize(("output", "backbone"), list(itertools.product(OUTPUTS, ("lstm", "ssm"))))
def test_a_frame_is_judged_by_the_past_alone(output: str, backbone: str) -> None:
    net, frames = network(output, backbone), torch.from_numpy(rolls((40,))[0].astype(np.float32))[None]
    changed = frames.clone()
    changed[:, 20:] = 1 - changed[:, 20:]
    with torch.inference_mode():
        assert torch.allclose(net(frames)[:, :19], net(changed)[:, :19], atol=1e-4)


def test_nade_is_a_distribution_over_frames() -> None:
    """Over the keys that may sound, the probabilities of all frames sum to 1."""
    torch.manual_seed(1)
    output = NADE(4, hidden=8)
    torch.nn.init.constant_(output.bias.bias, -30.0)
    torch.nn.init.zeros_(output.bias.weight)
    torch.nn.init.normal_(output.seen.weight)
    with torch.no_grad():
        output.bias.bias[[3, 17, 40, 41]] = torch.tensor([0.3, -0.5, 0.1, 1.0])
        frames = torch.zeros(16, KEYS)
        frames[:, [3, 17, 40, 41]] = torch.tensor(list(itertools.product((0.0, 1.0), repeat=4)))
        nats = output(torch.randn(4).expand(16, 4), frames, torch.zeros(16, KEYS))
    assert float(torch.exp(-nats).sum()) == pytest.approx(1, abs=1e-4)


def test_nade_hears_the_lower_keys_of_the_frame_and_no_higher_one() -> None:
    """Its conditionals, key by key, against the sum written out as in Larochelle & Murray 2011."""
    torch.manual_seed(2)
    output, features = NADE(4, hidden=8), torch.randn(4)
    keys = (torch.rand(KEYS) < 0.1).float()
    logits = []
    with torch.no_grad():
        start, bias = output.start(features), output.bias(features)
        for k in range(KEYS):
            hidden = torch.relu(start + output.seen.weight[:, :k] @ keys[:k])
            logits.append(bias[k] + output.logits.weight[k] @ hidden)
        expected = torch.nn.functional.binary_cross_entropy_with_logits(torch.stack(logits), keys, reduction="sum")
        assert output(features, keys, torch.zeros(KEYS)) == pytest.approx(float(expected), rel=1e-5)


def test_trivial_rules_know_what_they_can() -> None:
    still = [np.tile(roll[:1], (50, 1)) for roll in rolls()]
    assert cp.repeat_last(still, still) < 0.2 < cp.key_frequencies(still, still)


def test_a_transposed_piece_keeps_its_intervals() -> None:
    pieces = [np.tile(np.eye(KEYS, dtype=np.uint8)[[40]] + np.eye(KEYS, dtype=np.uint8)[[44]], (6, 1))] * 50
    moved = cp.transposed(pieces, 1.0, np.random.default_rng(0))
    lowest = {int(np.flatnonzero(roll[0])[0]) for roll in moved}
    assert lowest == set(range(35, 47)) and all(np.ptp(np.flatnonzero(roll[0])) == 4 for roll in moved)
    kept = cp.transposed(pieces, 0.0, np.random.default_rng(0))
    assert all(np.array_equal(one, other) for one, other in zip(kept, pieces, strict=True))


def test_batches_hold_every_piece_once() -> None:
    pieces = rolls(tuple(range(3, 30)))
    seen = [len(roll) for batch in cp.batches(pieces, 64, np.random.default_rng(0)) for roll in batch]
    assert sorted(seen) == list(range(3, 30))


def test_training_keeps_the_epoch_that_validation_likes_best() -> None:
    data = {split: [np.tile(np.eye(KEYS, dtype=np.uint8)[[40, 44, 47, 52]], (8, 1))] * 4 for split in cp.SPLITS}
    torch.manual_seed(0)
    net = PianoRoll("ssm", 16, 1, 0.0)
    untrained = cp.score(net, data["valid"])
    best, valid = cp.train(net, data, cp.Recipe(0, 1, 0.0, 1e-2, 0.0, 12, 64, averaging=0.5), "test")
    assert valid == pytest.approx(cp.score(best, data["valid"])) and valid < 0.5 * untrained


def test_the_splits_are_boulanger_lewandowskis(shared: Path) -> None:
    counts = {name: [len(part) for part in cp.load(name).values()] for name in cp.RECIPES}
    assert counts == {"JSB_Chorales": [229, 76, 77], "Nottingham": [694, 173, 170]}


def test_an_unknown_output_says_what_there_is() -> None:
    with pytest.raises(ValueError, match=r"^output 'rbm' is not known; choose one of bernoulli, nade$"):
        PianoRoll("ssm", 16, 1, 0.0, "rbm")
