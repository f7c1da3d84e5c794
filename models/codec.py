"""Streaming EnCodec: 320 samples in, K codes out, with the codes the encodec package gives offline.

The package's encoder (arXiv:2210.13438, section 3.1) runs as numpy matrix products with weight norm folded in;
every causal convolution's last inputs and the LSTM's state are carried from frame to frame.

The first frames. The reference reflects each layer's input at the start of the signal, so its codes 0, 1 and 2
depend on sound up to 4 frames later (the last convolution, kernel 7 at the frame rate, mirrors latents 1-6). `step`
does not wait: its codes 0-2 are the reference's last codes for the signal heard so far. From frame 3 on nothing
depends on the future and `step` equals the offline codes: exactly in float64, and in float32 up to near-ties.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from listener.types import FRAME_SAMPLES
from models import checkpoint
from models.codec_net import CodecConfig, build_encodec

Floats = NDArray[np.floating[Any]]
Codes = NDArray[np.int64]

WEIGHTS = Path(__file__).parent / "weights" / "codec"
START_FRAMES = 4  # until then the mirrored start may still change, so the signal is encoded anew
BLOCK_FRAMES = 750  # forward works in blocks, so that a long file needs no long activations


@dataclass(frozen=True, slots=True)
class CodecState:
    """frames: steps taken. start: the samples so far, while fewer than START_FRAMES. history: per layer what it
    carries, in layer order (a convolution's last inputs [P, C], the LSTM's h and c [2 * layers, C])."""

    frames: int
    start: Floats
    history: tuple[Floats, ...]

    def copy(self) -> CodecState:
        return CodecState(self.frames, self.start.copy(), tuple(part.copy() for part in self.history))


class Codec:
    """Encoder and residual quantiser. n_codebooks K, bins per codebook, dim of the quantised latent."""

    def __init__(self, model: Any, dtype: type[np.floating[Any]] = np.float32) -> None:
        """model: an encodec.EncodecModel, causal, not normalising; dtype: np.float32, or np.float64 to compare."""
        books = [layer.codebook for layer in model.quantizer.vq.layers]
        self.n_codebooks, self.bins, self.dim = len(books), model.quantizer.bins, model.quantizer.dimension
        self.dtype = dtype
        self._layers = [_layer(module, dtype) for module in model.encoder.model]
        self._books = np.stack([_array(book, dtype) for book in books])
        self._books_t = np.ascontiguousarray(self._books.transpose(0, 2, 1))
        self._norms = (self._books_t**2).sum(1)

    @classmethod
    def load(cls, path: str | Path = WEIGHTS) -> Codec:
        """The codec of a checkpoint stem; FileNotFoundError or ValueError when it is not there or not one."""
        saved = checkpoint.load(path, "codec")
        model = build_encodec(CodecConfig.from_dict(saved.config))
        try:
            model.load_state_dict(saved.tensors)
        except RuntimeError as error:
            reason = str(error).splitlines()[-1].strip()
            raise ValueError(f"{path}: weights do not fit their config ({reason}); {checkpoint.RETRAIN}") from None
        return cls(model)

    def initial_state(self) -> CodecState:
        return CodecState(0, np.zeros(0, self.dtype), ())

    def step(self, frame: NDArray[np.float32], state: CodecState) -> tuple[Codes, CodecState]:
        """frame [320] at 24 kHz, finite -> codes [K] and the next state; the given state is left as it is."""
        samples = self._checked(frame)
        if samples.shape != (FRAME_SAMPLES,):
            raise ValueError(f"frame of shape {samples.shape}: a codec step takes [320] samples, mono at 24 kHz")
        frames, start = state.frames + 1, state.start
        if frames > START_FRAMES:
            latents, history = self._encode(samples, state.history)
        else:
            start = np.concatenate([start, samples])
            latents, history = self._encode(start, None)
        if frames >= START_FRAMES:
            start = start[:0]
        return self._quantise(latents[-1:])[:, 0], CodecState(frames, start, history)

    def forward(self, samples: NDArray[np.float32]) -> Codes:
        """samples [N] at 24 kHz -> codes [K, ceil(N / 320)]: encodec's offline encode of the whole signal."""
        signal = self._checked(samples)
        if signal.ndim != 1 or not len(signal):
            raise ValueError(f"samples of shape {signal.shape}: forward takes [N] samples, mono at 24 kHz, N > 0")
        block, codes, history = BLOCK_FRAMES * FRAME_SAMPLES, [], None
        for first in _block_starts(len(signal), block):
            last = len(signal) if len(signal) - first < 2 * block else first + block
            latents, history = self._encode(signal[first:last], history)
            codes.append(self._quantise(latents))
        return np.concatenate(codes, axis=1)

    def embed(self, codes: Codes) -> NDArray[np.float32]:
        """codes [K] -> quantised latent [dim]; [K, T] -> [T, dim]. The sum of the chosen codebook vectors."""
        codes = np.asarray(codes)
        if codes.ndim not in {1, 2} or len(codes) != self.n_codebooks:
            raise ValueError(f"codes of shape {codes.shape}: this codec has [{self.n_codebooks}] or [.., T]")
        if codes.dtype.kind not in "iu" or (codes.size and not 0 <= codes.min() <= codes.max() < self.bins):
            raise ValueError(f"codes must be integers from 0 to {self.bins - 1}, got {codes.dtype} {codes.ravel()[:8]}")
        total = sum(book[row] for book, row in zip(self._books, codes, strict=True))
        return np.asarray(total, np.float32)

    def _checked(self, samples: NDArray[np.float32]) -> Floats:
        samples = np.asarray(samples)
        if samples.dtype.kind != "f":
            raise ValueError(f"samples of type {samples.dtype}: the codec takes floats, full scale 1.0")
        if not np.isfinite(samples).all():
            raise ValueError("samples contain NaN or infinity: replace them (with 0) before the codec")
        return samples.astype(self.dtype, copy=False)

    def _encode(self, samples: Floats, history: tuple[Floats, ...] | None) -> tuple[Floats, tuple[Floats, ...]]:
        """[N] -> latents [T, D] and what the next samples need; history None: a fresh start, mirrored."""
        carry = _Carry(history)
        x = samples[:, None]
        for layer in self._layers:
            x = layer(x, carry)
        return x, tuple(carry.kept)

    def _quantise(self, latents: Floats) -> Codes:
        """latents [T, D] -> codes [K, T]; the distance is summed in the reference's order, for equal rounding."""
        residual, codes = latents, np.empty((self.n_codebooks, len(latents)), np.int64)
        for k, (book, book_t, norms) in enumerate(zip(self._books, self._books_t, self._norms, strict=True)):
            distance = (residual**2).sum(1, keepdims=True) - (2 * residual) @ book_t + norms
            codes[k] = distance.argmin(1)
            residual = residual - book[codes[k]]
        return codes


class _Carry:
    """Hands each layer what it kept last time (None at the start) and collects what it keeps now."""

    def __init__(self, history: tuple[Floats, ...] | None) -> None:
        self._old: Iterator[Floats] | None = None if history is None else iter(history)
        self.kept: list[Floats] = []

    def take(self) -> Floats | None:
        return None if self._old is None else next(self._old)


@dataclass(frozen=True, slots=True)
class _Conv:
    """encodec's SConv1d, causal: weight [k * C_in, C_out], bias [C_out]."""

    weight: Floats
    bias: Floats
    kernel: int
    stride: int

    def __call__(self, x: Floats, carry: _Carry) -> Floats:
        """[T, C_in] -> [ceil(T / stride), C_out]"""
        if self.kernel == 1:
            return x @ self.weight + self.bias
        pad, ragged = self.kernel - self.stride, -len(x) % self.stride
        left = carry.take()
        if left is None:
            x = _mirrored(x, pad, ragged)
        else:
            x = np.concatenate([left, x])
            if ragged:  # only at the end of a whole signal
                x = np.pad(x, ((0, ragged), (0, 0)), "reflect")
        carry.kept.append(x[len(x) - pad :])
        return self._windows(x) @ self.weight + self.bias

    def _windows(self, x: Floats) -> Floats:
        """[T, C] -> [(T - k) / stride + 1, k * C]; the rows overlap in memory until copied."""
        channels, item = x.shape[1], x.itemsize
        shape = ((len(x) - self.kernel) // self.stride + 1, self.kernel * channels)
        strides = (self.stride * channels * item, item)
        windows: Floats = np.ndarray(shape, x.dtype, x, 0, strides)
        return windows.copy()


def _mirrored(x: Floats, left: int, right: int) -> Floats:
    """encodec's pad1d: reflection, with zeros standing in for what a short signal does not have."""
    missing = max(0, max(left, right) - len(x) + 1)
    x = np.concatenate([x, np.zeros((missing, x.shape[1]), x.dtype)])
    before, after = x[left:0:-1], x[len(x) - 1 - right : len(x) - 1][::-1]
    padded = np.concatenate([before, x, after])
    return padded[: len(padded) - missing]


@dataclass(frozen=True, slots=True)
class _LSTM:
    """encodec's SLSTM: per layer (W_ih^T [C, 4C], W_hh^T [C, 4C], bias [4C]), and the input added at the end."""

    layers: tuple[tuple[Floats, Floats, Floats], ...]

    def __call__(self, x: Floats, carry: _Carry) -> Floats:
        """[T, C] -> [T, C]"""
        state = carry.take()
        state = np.zeros((2 * len(self.layers), x.shape[1]), x.dtype) if state is None else state.copy()
        y = x
        for index, (w_input, w_hidden, bias) in enumerate(self.layers):
            gates = y @ w_input + bias
            y = np.empty_like(x)
            h, c = state[2 * index], state[2 * index + 1]
            for t, gate in enumerate(gates):
                h, c = _lstm_cell(gate + h @ w_hidden, c)
                y[t] = h
            state[2 * index], state[2 * index + 1] = h, c
        carry.kept.append(state)
        return y + x


def _lstm_cell(gates: Floats, c: Floats) -> tuple[Floats, Floats]:
    """PyTorch's order: input, forget, cell, output."""
    size = len(c)
    squashed = 1 / (1 + np.exp(-gates))
    c = squashed[size : 2 * size] * c + squashed[:size] * np.tanh(gates[2 * size : 3 * size])
    return squashed[3 * size :] * np.tanh(c), c


@dataclass(frozen=True, slots=True)
class _Residual:
    """SEANet's residual block: shortcut(x) + ELU, conv, ELU, conv."""

    shortcut: _Conv
    block: tuple[Any, ...]

    def __call__(self, x: Floats, carry: _Carry) -> Floats:
        y = x
        for layer in self.block:
            y = layer(y, carry)
        return self.shortcut(x, carry) + y


def _elu(x: Floats, carry: _Carry) -> Floats:
    below: Floats = np.exp(np.minimum(x, 0)) - 1  # expm1 is three times slower, and no code differs
    return np.maximum(x, 0) + below


def _layer(module: Any, dtype: type[np.floating[Any]]) -> Any:
    """encodec's module -> ours, by its name in the package."""
    makers = {"SConv1d": _conv, "SLSTM": _lstm, "SEANetResnetBlock": _residual, "ELU": lambda *_: _elu}
    layer: Any = makers[type(module).__name__](module, dtype)
    return layer


def _residual(module: Any, dtype: type[np.floating[Any]]) -> _Residual:
    make = partial(_layer, dtype=dtype)
    return _Residual(make(module.shortcut), tuple(make(inner) for inner in module.block))


def _conv(module: Any, dtype: type[np.floating[Any]]) -> _Conv:
    conv = module.conv.conv
    if not module.causal or conv.dilation != (1,) or module.conv.norm_type != "weight_norm":
        raise ValueError("only EnCodec's causal 24 kHz architecture can be streamed (causal, weight_norm)")
    direction, gain = (_array(part, np.float64) for part in (conv.weight_v, conv.weight_g))
    weight = gain * direction / np.sqrt((direction**2).sum((1, 2), keepdims=True))
    folded = np.ascontiguousarray(weight.transpose(2, 1, 0).reshape(-1, len(weight)).astype(dtype))
    return _Conv(folded, _array(conv.bias, dtype), conv.kernel_size[0], conv.stride[0])


def _lstm(module: Any, dtype: type[np.floating[Any]]) -> _LSTM:
    lstm, layers = module.lstm, []
    for index in range(lstm.num_layers):
        w_input, w_hidden, b_input, b_hidden = (
            _array(getattr(lstm, f"{name}_l{index}"), dtype)
            for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
        )
        layers.append((np.ascontiguousarray(w_input.T), np.ascontiguousarray(w_hidden.T), b_input + b_hidden))
    return _LSTM(tuple(layers))


def _array(tensor: Any, dtype: type[np.floating[Any]]) -> Floats:
    return np.ascontiguousarray(tensor.detach().cpu().numpy().astype(dtype))


def _block_starts(length: int, block: int) -> range:
    """The last block takes the remainder, so that none is too short to mirror."""
    return range(0, max(length // block, 1) * block, block)
