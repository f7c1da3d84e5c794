"""Train the SSM of ssm.py: whole sequences by chunks, in torch."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from models.backbones.ssm import CONV, EPS, EXPAND, STATE_SIZE, heads_of

LayerState = tuple[Tensor, Tensor]  # [B, CONV - 1, E + 2N], S [B, heads, N, P]
CHUNK = 32  # ticks solved by matrix products at once; 32-64 is the flat bottom of the cost on a CPU
DT_RANGE = (0.01, 0.5)  # ticks: dt at the start, log-uniform; memories of 1/(dt A), some two to a thousand ticks


class SSM(nn.Module):
    """Layers of Mamba-2 over x [B, T, D] and conditioning c [B, T, C] -> y [B, T, H], for training."""

    def __init__(
        self,
        input_dim: int,
        cond_dim: int,
        hidden: int,
        layers: int,
        dropout: float = 0.0,
        state_size: int = STATE_SIZE,
    ) -> None:
        super().__init__()
        self.embed = nn.Linear(input_dim + cond_dim, hidden)
        self.layers = nn.ModuleList(Mamba2(hidden, cond_dim, state_size) for _ in range(layers))
        self.norm = nn.RMSNorm(hidden, EPS)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor, c: Tensor, state: list[LayerState] | None = None) -> tuple[Tensor, list[LayerState]]:
        """Return y and the state after it. state: what an earlier forward returned; None starts anew."""
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
        self.inner, self.state_size, self.heads = inner, state_size, heads_of(inner)
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
    """Compute S_t = exp(dt_t a) S_t-1 + dt_t B_t x_t^T, y_t = C_t S_t + skip x_t, in chunks (listing 1 of the paper).

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
    """Return exp of the log decays from tick j to tick i of a chunk, none from the future: [..., Q] -> [..., Q, Q]."""
    future = torch.ones(run.shape[-1], run.shape[-1], dtype=torch.bool, device=run.device).triu(1)
    return (run[..., :, None] - run[..., None, :]).masked_fill(future, -torch.inf).exp()


def _carried(added: Tensor, decay: Tensor, state: Tensor | None) -> tuple[Tensor, Tensor]:
    """Return the state at the start of every chunk [B, K, heads, N, P], and after the last."""
    if state is None:
        state = torch.zeros_like(added[:, 0])
    before = []
    for index in range(added.shape[1]):
        before.append(state)
        state = state * decay[:, index, :, None, None] + added[:, index]
    return torch.stack(before, 1), state


def _chunked(part: Tensor, chunk: int) -> Tensor:
    """Cut [B, T, ...] into [B, K, chunk, ...]; zeros behind the end neither decay nor add."""
    missing = -part.shape[1] % chunk
    part = F.pad(part, [0, 0] * (part.dim() - 2) + [0, missing]) if missing else part
    return part.reshape(len(part), -1, chunk, *part.shape[2:])


def _log_uniform(count: int, low: float, high: float) -> Tensor:
    return torch.exp(torch.rand(count) * math.log(high / low) + math.log(low))


def _inverse_softplus(x: Tensor) -> Tensor:
    return x + torch.log(-torch.expm1(-x))
