"""Every backbone plays what it was trained to: step is forward tick by tick, causal, on states that can be copied."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from models.backbones import registry, ssm_net

NAMES = sorted(registry.BACKBONES)
D, C, HIDDEN, TICKS = 6, 3, 32, 300


def trained(name: str, seed: int = 0) -> nn.Module:
    """A backbone with every number moved off its start, norms and biases too."""
    torch.manual_seed(seed)
    net = registry.build(name, D, C, HIDDEN, layers=2).eval()
    with torch.no_grad():
        for weight in net.parameters():
            weight += 0.1 * torch.randn_like(weight)
    return net


def heard(ticks: int = TICKS, seed: int = 1) -> tuple[Tensor, Tensor]:
    torch.manual_seed(seed)
    return torch.randn(2, ticks, D), torch.randn(2, ticks, C)


def played(player: registry.Step, x: Tensor, c: Tensor, state: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    out = []
    for x_t, c_t in zip(x.numpy(), c.numpy(), strict=True):
        y, state = player.step(x_t, c_t, state)
        out.append(y)
    return np.array(out), state


@pytest.mark.parametrize("name", NAMES)
def test_step_equals_forward(name: str) -> None:
    net, (x, c) = trained(name), heard()
    with torch.inference_mode():
        whole = net(x, c)[0].numpy()
    player = registry.stepper(name, net)
    for row in range(2):
        steps, state = played(player, x[row], c[row], player.initial_state())
        assert steps.shape == (TICKS, player.hidden) and steps.dtype == state.dtype == np.float32
        assert np.abs(steps - whole[row]).max() < 1e-4


@pytest.mark.parametrize(("name", "cut"), list(itertools.product(NAMES, (1, 2, 32, 131))))
def test_forward_carries_its_state_over_a_cut(name: str, cut: int) -> None:
    net, (x, c) = trained(name), heard()
    with torch.inference_mode():
        first, state = net(x[:, :cut], c[:, :cut])
        second, _ = net(x[:, cut:], c[:, cut:], state)
        assert torch.allclose(torch.cat([first, second], 1), net(x, c)[0], atol=1e-4)


@pytest.mark.parametrize("name", NAMES)
def test_forward_is_causal(name: str) -> None:
    net, (x, c) = trained(name), heard(100)
    with torch.inference_mode():
        before = net(x, c)[0]
        x[:, 50], c[:, 50] = 9.0, -9.0
        after = net(x, c)[0]
    assert torch.allclose(before[:, :50], after[:, :50], atol=1e-5)
    assert (before[:, 50] - after[:, 50]).abs().max() > 1e-2


@pytest.mark.parametrize("name", NAMES)
def test_the_conditioning_is_heard(name: str) -> None:
    net, (x, c) = trained(name), heard(20)
    with torch.inference_mode():
        assert (net(x, c)[0] - net(x, c + 1)[0]).abs().max() > 1e-2


@pytest.mark.parametrize("name", NAMES)
def test_a_copied_state_goes_on_alike_and_the_given_one_stays(name: str) -> None:
    x, c = heard(60)
    player = registry.stepper(name, trained(name))
    _, state = played(player, x[0, :30], c[0, :30], player.initial_state())
    kept = state.copy()
    one, _ = played(player, x[0, 30:], c[0, 30:], state)
    assert np.array_equal(state, kept) and state.flags.c_contiguous
    other, _ = played(player, x[0, 30:], c[0, 30:], kept)
    assert np.array_equal(one, other)


def test_a_long_stretch_of_extreme_input_stays_finite() -> None:
    """Decays that underflow must not turn into 0/0, neither here nor in the gradient."""
    net = trained("ssm")
    x, c = heard(500)
    y, _ = net(x * 1e4, c * 1e4)
    y.square().mean().backward()
    assert torch.isfinite(y).all() and all(torch.isfinite(p.grad).all() for p in net.parameters() if p.grad is not None)


def test_the_chunked_form_is_the_recurrence_of_the_paper() -> None:
    """Dao & Gu 2024, equation 1, written out in float64."""
    torch.manual_seed(3)
    length, heads, p, n = 77, 3, 4, 5
    x, dt = torch.randn(1, length, heads, p).double(), torch.rand(1, length, heads).double() * 3
    b, c, a = torch.randn(1, length, n).double(), torch.randn(1, length, n).double(), -torch.rand(heads).double()
    skip, state, expected = torch.randn(heads).double(), torch.zeros(heads, n, p).double(), []
    for t in range(length):
        added = torch.einsum("n,h,hp->hnp", b[0, t], dt[0, t], x[0, t])
        state = torch.exp(dt[0, t] * a)[:, None, None] * state + added
        expected.append(torch.einsum("n,hnp->hp", c[0, t], state) + skip[:, None] * x[0, t])
    y, last = ssm_net.ssd(x, dt, a, b, c, skip)
    assert torch.allclose(y[0], torch.stack(expected)) and torch.allclose(last[0], state)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("wanted", [300_000, 2_000_000])
def test_a_backbone_can_be_had_by_size(name: str, wanted: int) -> None:
    hidden = registry.sized_hidden(name, 100, 20, 2, wanted)
    assert abs(registry.parameters(registry.build(name, 100, 20, hidden, 2)) / wanted - 1) < 0.07


def test_an_unknown_name_says_what_there_is() -> None:
    with pytest.raises(ValueError, match=r"^backbone 'gru' is not known; choose one of elstm, lstm, ssm$"):
        registry.build("gru", 4, 2, 8, 1)
