"""step is forward, one tick at a time."""

import numpy as np
import torch

from models.backbones import registry
from models.backbones.lstm_net import LSTM


def test_step_equals_forward() -> None:
    torch.manual_seed(0)
    net = LSTM(input_dim=12, cond_dim=5, hidden=24, layers=3).eval()
    x, c = torch.randn(1, 200, 12), torch.randn(1, 200, 5)
    with torch.inference_mode():
        whole = net(x, c)[0][0].numpy()
    player = registry.stepper("lstm", net)
    state, out = player.initial_state(), []
    for x_t, c_t in zip(x[0].numpy(), c[0].numpy(), strict=True):
        y, state = player.step(x_t, c_t, state)
        out.append(y)
    assert np.abs(np.array(out) - whole).max() < 1e-5


def test_step_leaves_the_given_state_alone() -> None:
    torch.manual_seed(1)
    player = registry.stepper("lstm", LSTM(4, 2, 8, 2))
    state = player.initial_state()
    player.step(np.ones(4, np.float32), np.ones(2, np.float32), state)
    assert not state.any()


def test_forward_carries_its_state_over_a_cut() -> None:
    torch.manual_seed(2)
    net = LSTM(4, 2, 8, 2).eval()
    x, c = torch.randn(2, 30, 4), torch.randn(2, 30, 2)
    with torch.inference_mode():
        first, state = net(x[:, :13], c[:, :13])
        second, _ = net(x[:, 13:], c[:, 13:], state)
        assert torch.allclose(torch.cat([first, second], 1), net(x, c)[0], atol=1e-6)
