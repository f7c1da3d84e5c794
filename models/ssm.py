"""A selective state-space backbone that hears the metre in every layer: forward in torch by chunks, step in numpy.

Mamba-2 / SSD (Dao & Gu 2024, arXiv:2405.21060, sections 5-7), its letters kept: head h carries S_t = exp(dt_t A_h) S_t-1
+ dt_t x_t B_t^T and y_t = S_t C_t + D_h x_t, where dt, B and C are functions of the input and A < 0 is one number a head.
Departures: the conditioning c_t (phase and meter) enters every layer's projection, and one group of B and C serves all heads.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

Floats = NDArray[np.float32]
State = Floats  # [layers, (CONV - 1) * (E + 2N) + N * E]: the last inputs of the convolution, then S
LayerState = tuple[Tensor, Tensor]  # [B, CONV - 1, E + 2N], S [B, heads, N, P]
CONV = 4  # taps of the short convolution
CHUNK = 32  # ticks solved by matrix products at once; 32-64 is the flat bottom of the cost on a CPU
EXPAND = 2  # inner width E over hidden
HEAD_DIM = 64  # P at most
DT_RANGE = (0.01, 0.5)  # ticks: dt at the start, log-uniform; memories of 1/(dt A), some two to a thousand ticks
EPS = 1e-5


class SSM(nn.Module):
    """The training side: layers of Mamba-2 over x [B, T, D] and conditioning c [B, T, C] -> y [B, T, H]."""

    def __init__(
        self, input_dim: int, cond_dim: int, hidden: int, layers: int, dropout: float = 0.0, state_size: int = 32
    ) -> None:
        super().__init__()
        self.embed = nn.Linear(input_dim + cond_dim, hidden)
        self.layers = nn.ModuleList(Mamba2(hidden, cond_dim, state_size) for _ in range(layers))
        self.norm = nn.RMSNorm(hidden, EPS)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor, c: Tensor, state: list[LayerState] | None = None) -> tuple[Tensor, list[LayerState]]:
        """state: what an earlier forward returned; None is silence."""
        x = self.embed(torch.cat([x, c], -1))
        after = []
        for index, layer in enumerate(self.layers):
            y, kept = layer(x, c, state[index] if state else None)
            x = x + self.dropout(y)
            after.append(kept)
        return self.dropout(self.norm(x)), after


class Mamba2(nn.Module):
    """One block: norm, projection with c, short causal convolution, SSD, gate, norm, projection; no residual."""

    def __init__(self, hidden: int, cond_dim: int, state_size: int) -> None:
        super().__init__()
        inner = EXPAND * hidden
        head_dim = next(size for size in range(min(HEAD_DIM, inner), 0, -1) if inner % size == 0)
        self.inner, self.state_size, self.heads = inner, state_size, inner // head_dim
        self.mixed = inner + 2 * state_size  # what the convolution sees: x, B, C
        self.norm_in = nn.RMSNorm(hidden, EPS)
        self.project_in = nn.Linear(hidden + cond_dim, inner + self.mixed + self.heads, bias=False)
        self.taps = nn.Parameter((2 * torch.rand(CONV, self.mixed) - 1) / math.sqrt(CONV))
        self.conv_bias = nn.Parameter(torch.zeros(self.mixed))
        self.dt_bias = nn.Parameter(_inverse_softplus(_log_uniform(self.heads, *DT_RANGE)))
        self.log_a = nn.Parameter(torch.log(torch.linspace(0.1, 1.0, self.heads)))
        self.skip = nn.Parameter(torch.ones(self.heads))
        self.norm_out = nn.RMSNorm(inner, EPS)
        self.project_out = nn.Linear(inner, hidden, bias=False)

    def forward(self, x: Tensor, c: Tensor, state: LayerState | None = None) -> tuple[Tensor, LayerState]:
        projected = self.project_in(torch.cat([self.norm_in(x), c], -1))
        gate, mixed, dt = torch.split(projected, [self.inner, self.mixed, self.heads], -1)
        mixed, window = self._convolved(mixed, state[0] if state else None)
        x, b, c = torch.split(mixed, [self.inner, self.state_size, self.state_size], -1)
        dt = F.softplus(dt + self.dt_bias)
        heads = x.reshape(*x.shape[:2], self.heads, -1)
        y, s = ssd(heads, dt, -self.log_a.exp(), b, c, self.skip, state[1] if state else None)
        return self.project_out(self.norm_out(y.flatten(-2) * F.silu(gate))), (window, s)

    def _convolved(self, mixed: Tensor, window: Tensor | None) -> tuple[Tensor, Tensor]:
        if window is None:
            window = mixed.new_zeros(len(mixed), CONV - 1, self.mixed)
        padded = torch.cat([window, mixed], 1)
        length = mixed.shape[1]
        taps = self.taps.unbind()
        total = self.conv_bias.expand_as(mixed)
        for k in range(CONV):  # a sum of shifted products: faster here than a grouped convolution
            total = torch.addcmul(total, padded[:, k : k + length], taps[k])
        return F.silu(total), padded[:, length:]


def ssd(
    x: Tensor, dt: Tensor, a: Tensor, b: Tensor, c: Tensor, skip: Tensor, state: Tensor | None = None
) -> tuple[Tensor, Tensor]:
    """S_t = exp(dt_t a) S_t-1 + dt_t B_t x_t^T, y_t = C_t S_t + skip x_t, in chunks (listing 1 of the paper).

    x [B, T, heads, P], dt [B, T, heads] > 0, a [heads] < 0, b and c [B, T, N], skip [heads], state [B, heads, N, P] ->
    y [B, T, heads, P] and the state after the last tick. Decays only meet as differences of logs that are <= 0. What
    scales a tick scales b, c or the Q x Q products, never x: those are smaller.
    """
    length = x.shape[1]
    chunk = min(CHUNK, length)
    x, dt, b, c = (_chunked(part, chunk) for part in (x, dt, b, c))
    x, dt = x.transpose(2, 3), dt.transpose(2, 3)  # [B, K, heads, Q, P], [B, K, heads, Q]
    run = (dt * a[:, None]).cumsum(-1)
    within = _decays(run) * (c @ b.mT)[:, :, None] * dt[..., None, :] + skip[:, None, None] * torch.eye(chunk).to(x)
    kept = (run[..., -1:] - run).exp() * dt  # of each tick at the end of its chunk
    added = (b.mT[:, :, None] * kept[..., None, :]) @ x  # [B, K, heads, N, P]
    before, state = _carried(added, run[..., -1].exp(), state)
    y = torch.cat([within, c[:, :, None] * run.exp()[..., None]], -1) @ torch.cat([x, before], -2)
    return y.transpose(2, 3).flatten(1, 2)[:, :length], state


def _decays(run: Tensor) -> Tensor:
    """exp of the log decays from tick j to tick i of a chunk, nothing from the future: [..., Q] -> [..., Q, Q]."""
    future = torch.ones(run.shape[-1], run.shape[-1], dtype=torch.bool, device=run.device).triu(1)
    return (run[..., :, None] - run[..., None, :]).masked_fill(future, -torch.inf).exp()


def _carried(added: Tensor, decay: Tensor, state: Tensor | None) -> tuple[Tensor, Tensor]:
    """The state at the start of every chunk [B, K, heads, N, P], and after the last."""
    if state is None:
        state = torch.zeros_like(added[:, 0])
    before = []
    for index in range(added.shape[1]):
        before.append(state)
        state = state * decay[:, index, :, None, None] + added[:, index]
    return torch.stack(before, 1), state


def _chunked(part: Tensor, chunk: int) -> Tensor:
    """[B, T, ...] -> [B, K, chunk, ...]; zeros behind the end neither decay nor add."""
    missing = -part.shape[1] % chunk
    part = F.pad(part, [0, 0] * (part.dim() - 2) + [0, missing]) if missing else part
    return part.reshape(len(part), -1, chunk, *part.shape[2:])


def _log_uniform(count: int, low: float, high: float) -> Tensor:
    return torch.exp(torch.rand(count) * math.log(high / low) + math.log(low))


def _inverse_softplus(x: Tensor) -> Tensor:
    return x + torch.log(-torch.expm1(-x))


class SSMStep:
    """The playing side of a trained SSM: one tick, no torch, the state one contiguous float32 array."""

    def __init__(self, ssm: SSM) -> None:
        self._embed, self._bias = _numpy(ssm.embed.weight).T.copy(), _numpy(ssm.embed.bias)
        self._layers = [_folded(layer) for layer in ssm.layers]
        self._norm = _numpy(ssm.norm.weight)
        self.hidden = len(self._norm)

    def initial_state(self) -> State:
        layer = self._layers[0]
        window, inner = (CONV - 1) * layer.taps.shape[1], len(layer.project_out)
        return np.zeros((len(self._layers), window + inner * layer.state_size), np.float32)

    def step(self, x: Floats, c: Floats, state: State) -> tuple[Floats, State]:
        """x [D], c [C] -> y [H] and the next state; the given one is left as it is."""
        after = np.empty_like(state)
        x = np.concatenate([x, c]) @ self._embed + self._bias
        for index, layer in enumerate(self._layers):
            x = x + _block(layer, x, c, state[index], after[index])
        return _normed(x) * self._norm, after


class _Layer(NamedTuple):
    """One Mamba2's numbers, the norms' gains folded into the projections, the heads' numbers spread over E."""

    project_in: Floats  # [H + C, 2E + 2N + heads]
    taps: Floats  # [CONV, E + 2N]
    conv_bias: Floats
    dt_bias: Floats
    a: Floats  # [heads], negative
    skip: Floats  # [E]
    project_out: Floats  # [E, H]
    state_size: int


def _block(layer: _Layer, x: Floats, c: Floats, state: Floats, after: Floats) -> Floats:
    """One layer's tick; writes its next state into after."""
    inner, size, heads = len(layer.skip), layer.state_size, len(layer.a)
    projected = np.concatenate([_normed(x), c]) @ layer.project_in
    x, b, c = np.split(_convolved(layer, projected[inner:-heads], state, after), [inner, inner + size])
    dt = np.logaddexp(projected[-heads:] + layer.dt_bias, np.float32(0))
    spread = inner // heads
    s = after[-size * inner :].reshape(size, inner)
    np.multiply(state[-size * inner :].reshape(size, inner), np.repeat(np.exp(dt * layer.a), spread), out=s)
    s += b[:, None] * (np.repeat(dt, spread) * x)
    y = (c @ s + layer.skip * x) * _silu(projected[:inner])
    return _normed(y) @ layer.project_out


def _convolved(layer: _Layer, mixed: Floats, state: Floats, after: Floats) -> Floats:
    width = len(mixed)
    window = after[: (CONV - 1) * width].reshape(CONV - 1, width)
    past = state[: (CONV - 1) * width].reshape(CONV - 1, width)
    window[:-1], window[-1] = past[1:], mixed
    return _silu((layer.taps[1:] * window).sum(0) + layer.taps[0] * past[0] + layer.conv_bias)


def _normed(x: Floats) -> Floats:
    return x * np.float32(1.0 / math.sqrt(float(x @ x) / len(x) + EPS))


def _silu(x: Floats) -> Floats:
    gate: Floats = np.tanh(np.float32(0.5) * x)
    gate += np.float32(1)
    gate *= np.float32(0.5)
    gate *= x
    return gate


def _numpy(weight: Tensor) -> Floats:
    return np.array(weight.detach().cpu().numpy(), np.float32)


def _folded(layer: nn.Module) -> _Layer:
    assert isinstance(layer, Mamba2)
    project_in = _numpy(layer.project_in.weight).T.copy()
    project_in[: layer.norm_in.weight.numel()] *= _numpy(layer.norm_in.weight)[:, None]
    return _Layer(
        project_in=project_in,
        taps=_numpy(layer.taps),
        conv_bias=_numpy(layer.conv_bias),
        dt_bias=_numpy(layer.dt_bias),
        a=-np.exp(_numpy(layer.log_a)),
        skip=np.repeat(_numpy(layer.skip), layer.inner // layer.heads),
        project_out=_numpy(layer.project_out.weight).T * _numpy(layer.norm_out.weight)[:, None],
        state_size=layer.state_size,
    )
