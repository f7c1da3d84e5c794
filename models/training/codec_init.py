"""Start a codec as linear transform coding: the Karhunen-Loève transform of the data, laid out in EnCodec's layers.

From random weights the encoder learns the strongest components of the sound first and, within hours of CPU, hardly
anything above 400 Hz (deep linear networks learn mode after mode: Saxe et al. 2014). Here every strided convolution
begins as the principal components of the block it shortens and the decoder's mirror image as their transpose; residual
blocks begin as (nearly) the identity, and biases hold the signals where ELU is linear. Only what a linear transform
cannot do remains to be learned.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

LEVEL = 0.05  # standard deviation of the strongest channel before an ELU
LATENT_LEVEL = 1.0  # and of the latents
BRANCH_GAIN = 0.02  # of what a residual block and an LSTM add at first
NOISE = 0.005  # of a weight's norm: breaks the symmetry of exact zeros
RIDGE = 1e-4

Tensor = torch.Tensor


@torch.no_grad()
def initialise_as_klt(model: Any, samples: Tensor) -> None:
    """Set model's encoder and decoder in place from training samples [B, N]; seeded by torch.manual_seed."""
    encoder, decoder = list(model.encoder.model), list(model.decoder.model)
    strided = [i for i, layer in enumerate(encoder) if _stride(layer) > 1]
    upward = [i for i, layer in enumerate(decoder) if type(layer).__name__ == "SConvTranspose1d"]
    x = _levelled_first(encoder[0], samples)
    for index, up in zip(strided, reversed(upward), strict=True):
        residual, elu, down = encoder[index - 2 : index + 1]
        _as_identity(residual)
        _as_identity(decoder[up + 1])
        x = elu(residual(x))
        _as_components(down.conv.conv, decoder[up].convtr.convtr, x, LEVEL)
        x = down(x)
    lstm, elu, last = encoder[strided[-1] + 1 :]
    _quiet(lstm)
    _quiet(decoder[1])
    _as_components(last.conv.conv, decoder[0].conv.conv, elu(lstm(x)), LATENT_LEVEL)
    _as_inverse(decoder[-1].conv.conv, _through(decoder[:-1], model.encoder(samples[:, None])), samples)


def _levelled_first(layer: Any, samples: Tensor) -> Tensor:
    """Keep the first convolution's random filters, at LEVEL; return its output."""
    conv, x = layer.conv.conv, layer(samples[:, None])
    conv.bias.zero_()
    conv.weight_g.mul_(LEVEL / x.std())
    levelled: Tensor = layer(samples[:, None])
    return levelled


def _as_identity(residual: Any) -> None:
    """Make a SEANet residual block pass its input, plus BRANCH_GAIN of its branch."""
    shortcut, branch = residual.shortcut.conv.conv, residual.block[-1].conv.conv
    _set(shortcut, torch.eye(shortcut.out_channels)[:, :, None])
    shortcut.bias.zero_()
    branch.weight_g.mul_(BRANCH_GAIN)
    branch.bias.zero_()


def _quiet(lstm: Any) -> None:
    for weights in lstm.lstm.parameters():
        weights.mul_(BRANCH_GAIN)


def _as_components(down: Any, up: Any, x: Tensor, level: float) -> None:
    """Make `down` keep the strongest components of each block of `stride` frames of x [B, C, T], and `up` give them
    back.
    """
    stride, kernel, channels = down.stride[0], down.kernel_size[0], x.shape[1]
    blocks = x[:, :, : x.shape[2] // stride * stride].unfold(2, stride, stride)  # [B, C, T', stride]
    rows = blocks.permute(0, 2, 1, 3).flatten(0, 1).flatten(1)  # [N, C * stride]
    basis = principal(rows, down.out_channels)
    gain = level / float((rows @ basis[0]).std())
    basis = basis.view(-1, channels, stride)
    weight = torch.zeros_like(down.weight_v)
    weight[:, :, kernel - stride :] = gain * basis  # causal: the newest inputs are this block
    _set(down, weight)
    mean = x.mean((0, 2))
    down.bias.copy_(-gain * torch.einsum("ocs,c->o", basis, mean))
    back = torch.zeros_like(up.weight_v)
    if isinstance(up, nn.ConvTranspose1d):
        back[:, :, :stride] = basis / gain
    else:
        back[:, :, -1] = basis[:, :, 0].T / gain
    _set(up, back)
    up.bias.copy_(mean)


def principal(rows: Tensor, count: int) -> Tensor:
    """Return the strongest components of rows [N, D], orthonormal [count, D], strongest first."""
    centred = (rows - rows.mean(0)).double()
    _, vectors = torch.linalg.eigh(centred.T @ centred / len(rows))
    basis: Tensor = vectors.flip(1)[:, :count].T.float()
    if len(basis) < count:  # more channels than the block has numbers: the rest hears nothing at first
        basis = torch.cat([basis, 1e-3 * torch.randn(count - len(basis), rows.shape[1])])
    return basis


def _through(layers: list[Any], x: Tensor) -> Tensor:
    for layer in layers:
        x = layer(x)
    return x


def _as_inverse(conv: Any, x: Tensor, samples: Tensor) -> None:
    """Set the decoder's last convolution by least squares from its input x [B, C, N] to the samples [B, N]."""
    kernel = conv.kernel_size[0]
    windows = x.unfold(2, kernel, 1)  # [B, C, N - k + 1, k]
    rows = windows.permute(0, 2, 1, 3).flatten(0, 1).flatten(1).double()
    rows = torch.cat([rows, torch.ones(len(rows), 1, dtype=torch.float64)], 1)
    wanted = samples[:, kernel - 1 :].flatten()[: len(rows)].double()
    gram = rows.T @ rows / len(rows)
    gram += RIDGE * gram.diagonal().mean() * torch.eye(len(gram), dtype=torch.float64)
    found = torch.linalg.solve(gram, rows.T @ wanted / len(rows)).float()
    _set(conv, found[:-1].view(1, -1, kernel), noise=0.0)
    conv.bias.copy_(found[-1:])


def _set(conv: Any, weight: Tensor, noise: float = NOISE) -> None:
    """Set weight norm's two parameters for this weight, with a little noise where it is zero."""
    spread = noise * weight.norm() / weight.numel() ** 0.5
    weight = weight + spread * torch.randn_like(weight)
    conv.weight_v.copy_(weight)
    conv.weight_g.copy_(weight.flatten(1).norm(dim=1).view_as(conv.weight_g))


def _stride(layer: Any) -> int:
    return int(layer.conv.conv.stride[0]) if type(layer).__name__ == "SConv1d" else 1
