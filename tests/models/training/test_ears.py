"""A grown ear network begins as the one it was grown from."""

import numpy as np
import torch

from models.training.ears_net import EarConfig, EarNet, grow

SMALL = EarConfig(features=527 - 3 * 2 * 4 - 96, dense=24, hidden=32, head=16, pitches=49, lowest=21)


def test_a_grown_net_says_what_the_small_one_said():
    torch.manual_seed(0)
    small, large = EarNet(SMALL), EarNet(EarConfig())
    tensors = {name: value.numpy() for name, value in small.state_dict().items()}
    old = {name: getattr(SMALL, name) for name in ("features", "dense", "hidden", "head", "pitches", "lowest")}
    grow(large, EarConfig(), tensors, old)
    seen = torch.zeros(1, 40, EarConfig().features)
    seen[..., :107] = torch.randn(1, 40, 107)  # the bands, which both read at the same places
    with torch.no_grad():
        was, now = small(seen[..., : SMALL.features] * mask(SMALL.features)), large(seen)
    first = SMALL.lowest - EarConfig().lowest
    assert np.allclose(was[0], now[0], atol=1e-5)
    assert np.allclose(was[1][..., 1:], now[1][..., 1 + first : 1 + first + SMALL.pitches], atol=1e-5)
    assert np.allclose(was[2], now[2], atol=1e-5)


def mask(size: int) -> torch.Tensor:
    return (torch.arange(size) < 107).float()
