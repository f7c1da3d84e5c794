"""Hold EnCodec's encoder and decoder as a list of folded layers, and the numpy engine that runs any number of steps.

Weight norm and the ELU before a convolution are folded in; a transposed convolution of kernel 2r and stride r is a
convolution of kernel 2 whose outputs are cut into r; a residual block's two last convolutions are one product. Signals
are [T, C]. What a layer carries from one call to the next lies in one flat array, the history, in layer order.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating[Any]]
Dtype = type[np.floating[Any]]
Normed = tuple[Floats, Floats]  # weight norm's direction and gain


class Carry:
    """Hands each layer what it kept last time (None at the start of a signal) and collects what it keeps now."""

    def __init__(self, history: Floats | None) -> None:
        self._old, self._at, self._kept = history, 0, list[Floats]()

    def take(self, rows: int, channels: int) -> Floats | None:
        if self._old is None:
            return None
        start, self._at = self._at, self._at + rows * channels
        return self._old[start : self._at].reshape(rows, channels)

    def keep(self, rows: Floats) -> None:
        self._kept.append(rows.ravel())

    def history(self) -> Floats:
        return np.concatenate(self._kept)


@dataclass(frozen=True, slots=True)
class Conv:
    """encodec's causal convolutions: weight [k * C_in, up * C_out], bias [up * C_out].

    up: outputs per step (a transposed convolution's stride). elu: applied to the input. mirrored: the start of the
    signal is reflected (SConv1d), else zero (SConvTranspose1d).
    """

    weight: Floats
    bias: Floats
    kernel: int
    stride: int = 1
    up: int = 1
    elu: bool = False
    mirrored: bool = True

    @property
    def channels(self) -> int:
        return len(self.weight) // self.kernel

    @property
    def kept(self) -> int:
        """Return the rows of the past that the next call needs."""
        return self.kernel - self.stride

    def __call__(self, x: Floats, carry: Carry) -> Floats:
        """Convolve [T, C_in] to [ceil(T / stride) * up, C_out]."""
        x = self._padded(_elu(x) if self.elu else x, carry)
        return (self._windows(x) @ self.weight + self.bias).reshape(-1, len(self.bias) // self.up)

    def _padded(self, x: Floats, carry: Carry) -> Floats:
        ragged = -len(x) % self.stride  # only at the end of a whole signal
        left = carry.take(self.kept, self.channels)
        if left is not None:
            x = np.concatenate([left, x])
            x = np.pad(x, ((0, ragged), (0, 0)), "reflect") if ragged else x
        elif self.mirrored:
            x = _mirrored(x, self.kept, ragged)
        else:
            x = np.pad(x, ((self.kept, 0), (0, 0)))
        carry.keep(x[len(x) - self.kept :])
        return x

    def _windows(self, x: Floats) -> Floats:
        """Return the windows of [T, C]: [(T - k) / stride + 1, k * C]; the rows overlap in memory until copied."""
        channels, item = x.shape[1], x.itemsize
        shape = ((len(x) - self.kernel) // self.stride + 1, self.kernel * channels)
        strides = (self.stride * channels * item, item)
        windows: Floats = np.ndarray(shape, x.dtype, x, 0, strides)
        return windows.copy()


@dataclass(frozen=True, slots=True)
class Residual:
    """SEANet's residual block, shortcut(x) + last(ELU(conv(ELU(x)))): weight [C + H, C] holds shortcut and last."""

    conv: Conv
    weight: Floats
    bias: Floats

    def __call__(self, x: Floats, carry: Carry) -> Floats:
        """[T, C] -> [T, C]"""
        return np.concatenate([x, _elu(self.conv(x, carry))], axis=1) @ self.weight + self.bias


@dataclass(frozen=True, slots=True)
class LSTM:
    """encodec's SLSTM: per layer weight [2C, 4C] (of the input, then of h) and bias [4C]; adds the input at the end."""

    layers: tuple[tuple[Floats, Floats], ...]

    def __call__(self, x: Floats, carry: Carry) -> Floats:
        """[T, C] -> [T, C]"""
        size = x.shape[1]
        old = carry.take(2 * len(self.layers), size)
        state = np.zeros((2 * len(self.layers), size), x.dtype) if old is None else old.copy()
        y = x
        for index, (weight, bias) in enumerate(self.layers):
            gates = y @ weight[:size] + bias
            y = np.empty_like(x)
            h, c = state[2 * index], state[2 * index + 1]
            for t, gate in enumerate(gates):
                h, c = _lstm_cell(gate + h @ weight[size:], c)
                y[t] = h
            state[2 * index], state[2 * index + 1] = h, c
        carry.keep(state)
        return y + x


Layer = Conv | Residual | LSTM


def run(layers: Sequence[Layer], x: Floats, history: Floats | None) -> tuple[Floats, Floats]:
    """Run x [T, C] through the layers; return ([T', C'], the history that the next x needs). history None: a signal
    starts.
    """
    carry = Carry(history)
    for layer in layers:
        x = layer(x, carry)
    return x, carry.history()


def history_size(layers: Sequence[Layer]) -> int:
    """Return how many numbers the history of these layers has."""
    convs = [layer.conv if isinstance(layer, Residual) else layer for layer in layers]
    return sum(
        sum(len(bias) // 2 for _, bias in layer.layers) if isinstance(layer, LSTM) else layer.kept * layer.channels
        for layer in convs
    )


def digest(layers: Sequence[Layer]) -> str:
    """Return eight hex digits that distinguish these weights, in this precision, from others."""
    total = hashlib.sha256()
    for array in arrays_of(layers):
        total.update(array.dtype.str.encode() + repr(array.shape).encode() + array.tobytes())
    return total.hexdigest()[:8]


def arrays_of(layers: Sequence[Layer]) -> list[Floats]:
    """Return every weight and bias, in layer order."""
    found: list[Floats] = []
    for layer in layers:
        if isinstance(layer, LSTM):
            found += [array for pair in layer.layers for array in pair]
        elif isinstance(layer, Residual):
            found += [layer.conv.weight, layer.conv.bias, layer.weight, layer.bias]
        else:
            found += [layer.weight, layer.bias]
    return found


def fold(modules: Any, dtype: Dtype) -> list[Layer]:
    """Fold encodec's SEANetEncoder.model or SEANetDecoder.model into layers; ValueError unless it is causal."""
    layers: list[Layer] = []
    elu = False
    for module in modules:
        kind = type(module).__name__
        if kind == "ELU":
            elu = True
            continue
        if kind not in _MAKERS:
            raise ValueError(f"a layer of type {kind}: only EnCodec's causal 24 kHz architecture can be streamed")
        layer: Layer = _MAKERS[kind](module, dtype)
        layers.append(replace(layer, elu=elu) if isinstance(layer, Conv) else layer)
        elu = False
    return layers


def _conv(module: Any, dtype: Dtype) -> Conv:
    conv = module.conv.conv
    _check_causal(module, conv, module.conv.norm_type)
    return conv_of(_normed_of(conv), array(conv.bias, dtype), conv.stride[0])


def conv_of(normed: Normed, bias: Floats, stride: int) -> Conv:
    """Return a causal convolution of weight norm's two arrays, direction [out, in, k], in the precision of its bias."""
    weight = _unnormed(*normed).transpose(2, 1, 0)  # [k, in, out]
    folded = np.ascontiguousarray(weight.reshape(-1, weight.shape[2]).astype(bias.dtype))
    return Conv(folded, bias, len(weight), stride)


def _transposed(module: Any, dtype: Dtype) -> Conv:
    conv = module.convtr.convtr
    _check_causal(module, conv, module.convtr.norm_type)
    up = conv.stride[0]
    if conv.kernel_size != (2 * up,) or module.trim_right_ratio != 1:
        raise ValueError(f"a transposed convolution of kernel {conv.kernel_size}, stride {up}: EnCodec has twice that")
    return transposed_of(_normed_of(conv), array(conv.bias, dtype))


def transposed_of(normed: Normed, bias: Floats) -> Conv:
    """Return a transposed convolution as one with kernel 2. direction: [in, out, 2r].

    Output t * r + i is x[t] W[i] + x[t - 1] W[r + i]: a window of two rows gives r outputs.
    """
    weight = _unnormed(*normed)
    new_old = weight.transpose(0, 2, 1).reshape(len(weight), 2, -1)  # [in, newest or last, r * out]
    folded = np.concatenate([new_old[:, 1], new_old[:, 0]]).astype(bias.dtype)
    up = weight.shape[2] // 2
    return Conv(folded, np.tile(bias, up), 2, up=up, mirrored=False)


def _residual(module: Any, dtype: Dtype) -> Residual:
    conv, last = fold(module.block, dtype)
    shortcut = _conv(module.shortcut, dtype)
    assert isinstance(conv, Conv) and isinstance(last, Conv)
    return residual_of(conv, last, shortcut)


def residual_of(conv: Conv, last: Conv, shortcut: Conv) -> Residual:
    """Return a residual block. conv: with an ELU before it, as `last`; the last two are of kernel 1."""
    assert last.kernel == shortcut.kernel == 1
    return Residual(conv, np.concatenate([shortcut.weight, last.weight]), shortcut.bias + last.bias)


def _lstm(module: Any, dtype: Dtype) -> LSTM:
    lstm, layers = module.lstm, []
    for index in range(lstm.num_layers):
        names = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
        layers.append(tuple(array(getattr(lstm, f"{name}_l{index}"), dtype) for name in names))
    return lstm_of(layers)


def lstm_of(layers: Sequence[tuple[Floats, ...]]) -> LSTM:
    """Return an LSTM. layers: PyTorch's weight_ih, weight_hh, bias_ih, bias_hh of each."""
    return LSTM(tuple((np.concatenate([w.T, v.T]), b + c) for w, v, b, c in layers))


_MAKERS: dict[str, Callable[[Any, Dtype], Layer]] = {
    "SConv1d": _conv,
    "SConvTranspose1d": _transposed,
    "SLSTM": _lstm,
    "SEANetResnetBlock": _residual,
}


def _check_causal(module: Any, conv: Any, norm: str) -> None:
    if not module.causal or conv.dilation != (1,) or norm != "weight_norm":
        raise ValueError("only EnCodec's causal 24 kHz architecture can be streamed (causal, weight_norm)")


def _normed_of(conv: Any) -> Normed:
    return array(conv.weight_v, np.float64), array(conv.weight_g, np.float64)


def _unnormed(direction: Floats, gain: Floats) -> NDArray[np.float64]:
    """Undo weight norm: the direction's own norm, over all but the first axis, becomes the gain."""
    direction, gain = direction.astype(np.float64), gain.astype(np.float64)
    weight: NDArray[np.float64] = gain * direction / np.sqrt((direction**2).sum((1, 2), keepdims=True))
    return weight


def array(tensor: Any, dtype: Dtype) -> Floats:
    """Return a torch tensor as a contiguous numpy array."""
    return np.ascontiguousarray(tensor.detach().cpu().numpy().astype(dtype))


def _mirrored(x: Floats, left: int, right: int) -> Floats:
    """Pad as encodec's pad1d: by reflection, with zeros in place of what a short signal does not have."""
    missing = max(0, max(left, right) - len(x) + 1)
    x = np.concatenate([x, np.zeros((missing, x.shape[1]), x.dtype)])
    before, after = x[left:0:-1], x[len(x) - 1 - right : len(x) - 1][::-1]
    padded = np.concatenate([before, x, after])
    return padded[: len(padded) - missing]


def _elu(x: Floats) -> Floats:
    below: Floats = np.exp(np.minimum(x, 0)) - 1  # expm1 is three times slower, and no code differs
    return np.maximum(x, 0) + below


def _lstm_cell(gates: Floats, c: Floats) -> tuple[Floats, Floats]:
    """Step one LSTM layer, the gates in PyTorch's order: input, forget, cell, output."""
    size = len(c)
    squashed = 1 / (1 + np.exp(-gates))
    c = squashed[size : 2 * size] * c + squashed[:size] * np.tanh(gates[2 * size : 3 * size])
    return squashed[3 * size :] * np.tanh(c), c
