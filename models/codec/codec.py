"""Stream EnCodec (Défossez et al. 2022, arXiv:2210.13438): 320 samples in, K codes out, and back.

The codes and samples are those that the encodec package gives offline. The package's layers run with weight norm folded
in; every causal convolution's last inputs and the LSTMs' state are carried from frame to frame. One list of layers
(layers.py) has two engines: numpy for any number of frames, and, where numba is installed, a compiled one (compiled.py)
for one float32 frame of the stream.

The first frames. The reference mirrors the first inputs of each convolution at the start of a signal, so that what
comes first depends on what comes later. In the encoder that reaches codes 0, 1 and 2: the last convolution (kernel 7,
at the frame rate) puts latents 1-6 before latent 0. In the decoder it reaches samples 0 to 1919, frames 0-5: the first
convolution does the same, its first output, made of latents 1-6, enters the LSTM, and the LSTM forgets nothing. `step`
and `step_decode` do not wait: until then each frame is the reference's answer, its last codes or its last 320 samples,
for the signal so far (so that a seam may be heard in the first 80 ms). From code frame 3, and from sample 1920, nothing
depends on the future: in float64 codes are equal and samples within 1e-10; in float32 codes are equal up to near-ties,
which trained weights hardly have, and samples within 1e-5 of the loudest.
"""

from __future__ import annotations

import math
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from listener.types import FRAME_SAMPLES
from models import paths
from models.codec.layers import Dtype, Floats, Layer, digest, history_size, run
from models.codec.shape import SAMPLE_RATE, CodecParts, folded, load_parts
from models.codec.state import RESTART
from models.codec.state import CodecState as CodecState

Codes = NDArray[np.int64]

WEIGHTS = paths.WEIGHTS / "codec"
DEFAULT_KBPS = 3.0
START_FRAMES = 4  # until then the mirrored start may still change, so the signal is encoded anew
DECODE_START_FRAMES = 7
BLOCK_FRAMES = 750  # offline work goes in blocks, so that a long file needs no long activations
LOUDEST = 1e6  # far above any sound, and layers stay finite in float32
FRAME_RATE = SAMPLE_RATE // FRAME_SAMPLES


def _compiler() -> ModuleType | None:
    from models.codec import compiled

    try:
        compiled.warm_up()
    except ImportError:  # no numba: the numpy engine does everything
        return None
    return compiled


def warm_up() -> None:
    """Compile the engine, or load it from the cache: ten seconds in a new checkout, then a moment.

    Call it before the first frame.
    """
    _compiler()


class Codec:
    """Encoder, residual quantiser and decoder. n_codebooks K in use, `bins` vectors each, dim of the latent, kbps.

    An instance serves one stream at a time, or several in turns: engines have scratch memory, states are values.
    """

    def __init__(
        self, model: Any, kbps: float | None = None, dtype: Dtype = np.float32, engine: str | None = None
    ) -> None:
        """Fold a model for streaming. ValueError: another architecture, or a kbps or engine that does not exist.

        model: an encodec.EncodecModel, causal, 24 kHz, mono, or what `folded` makes of one. kbps: 0.75 for every
        codebook of 1024 in use; None: 3, or all there is. dtype: np.float32, or np.float64 to compare. engine:
        "compiled" or "numpy"; None: the fastest available.
        """
        parts = model if isinstance(model, CodecParts) else folded(model, dtype)
        self.bins, self.dim, self.dtype = parts.bins, parts.dim, dtype
        book_kbps = math.log2(self.bins) * FRAME_RATE / 1000
        self.n_codebooks = _books_in_use(kbps, book_kbps, len(parts.books))
        self.kbps = self.n_codebooks * book_kbps
        self._books = np.stack(parts.books[: self.n_codebooks])
        self._books_t = np.ascontiguousarray(self._books.transpose(0, 2, 1))
        self._norms = (self._books_t**2).sum(1)
        compiler = _chosen(engine, dtype)
        self.engine = "compiled" if compiler else "numpy"
        self._nearest = compiler.Quantiser(self._books, self._norms) if compiler else None
        self._encoder = _Stream("encoder", parts.encoder, FRAME_SAMPLES, START_FRAMES, dtype, compiler)
        self._decoder = _Stream("decoder", parts.decoder, 1, DECODE_START_FRAMES, dtype, compiler)

    @classmethod
    def load(cls, path: str | Path = WEIGHTS, kbps: float | None = None) -> Codec:
        """Load the codec of a checkpoint stem; FileNotFoundError or ValueError when it is missing or not a codec."""
        return cls(load_parts(path), kbps)

    def initial_state(self) -> CodecState:
        """Return the state of `step` before any sound."""
        return self._encoder.initial_state(1)

    def initial_decode_state(self) -> CodecState:
        """Return the state of `step_decode` before any codes."""
        return self._decoder.initial_state(self.dim)

    def step(self, frame: NDArray[np.float32], state: CodecState) -> tuple[Codes, CodecState]:
        """Encode a frame [320] at 24 kHz, finite: return codes [K] and the next state. `state` is not changed."""
        samples = self._checked(frame)
        if samples.shape != (FRAME_SAMPLES,):
            raise ValueError(f"frame of shape {samples.shape}: a codec step takes [320] samples, mono at 24 kHz")
        latents, state = self._encoder.step(samples[:, None], state)
        codes = self._nearest(latents[-1]) if self._nearest else self._quantise(latents[-1:])[:, 0]
        return codes, state

    def step_decode(self, codes: Codes, state: CodecState) -> tuple[Floats, CodecState]:
        """Decode codes [K]: return samples [320] at 24 kHz and the next state. `state` is not changed."""
        codes = np.asarray(codes)
        if codes.ndim != 1:
            raise ValueError(f"codes of shape {codes.shape}: step_decode takes one frame, [{self.n_codebooks}]")
        samples, state = self._decoder.step(self._latents(codes)[None], state)
        return samples[-FRAME_SAMPLES:, 0].copy(), state

    def forward(self, samples: NDArray[np.float32], rate_hz: float = SAMPLE_RATE) -> Codes:
        """Encode samples [N] at 24 kHz as encodec does offline: return codes [K, ceil(N / 320)] of the whole signal."""
        if rate_hz != SAMPLE_RATE:
            raise ValueError(f"samples at {rate_hz:g} Hz: the codec hears 24000 Hz; resample them first")
        signal = self._checked(samples)
        if signal.ndim != 1 or not len(signal):
            raise ValueError(f"samples of shape {signal.shape}: forward takes [N] samples, mono at 24 kHz, N > 0")
        latents = self._encoder.blocks(signal[:, None])
        return np.concatenate([self._quantise(block) for block in latents], axis=1)

    def decode(self, codes: Codes) -> Floats:
        """Decode codes [K, T] as encodec does offline, before it cuts to the first length: return samples [320 T] at 24
        kHz.
        """
        codes = np.asarray(codes)
        if codes.ndim != 2 or not codes.shape[1]:
            raise ValueError(f"codes of shape {codes.shape}: decode takes [{self.n_codebooks}, T], T > 0")
        return np.concatenate([block[:, 0] for block in self._decoder.blocks(self._latents(codes))])

    def embed(self, codes: Codes) -> NDArray[np.float32]:
        """Sum the chosen codebook vectors: codes [K] -> quantised latent [dim]; [K, T] -> [T, dim]."""
        return np.asarray(self._latents(codes), np.float32)

    def _latents(self, codes: Codes) -> Floats:
        codes = np.asarray(codes)
        if codes.ndim not in {1, 2} or len(codes) != self.n_codebooks:
            raise ValueError(
                f"codes of shape {codes.shape}: at {self.kbps:g} kbps this codec has [{self.n_codebooks}] or [.., T]; "
                f"codes of another bitrate need Codec(.., kbps=..)"
            )
        if codes.dtype.kind not in "iu" or (codes.size and not 0 <= codes.min() <= codes.max() < self.bins):
            raise ValueError(f"codes must be integers from 0 to {self.bins - 1}, got {codes.dtype} {codes.ravel()[:8]}")
        total: Floats = sum(book[row] for book, row in zip(self._books, codes, strict=True))
        return total

    def _checked(self, samples: NDArray[np.float32]) -> Floats:
        samples = np.asarray(samples)
        if samples.dtype.kind != "f":
            raise ValueError(f"samples of type {samples.dtype}: the codec takes floats, full scale 1.0")
        if not np.isfinite(samples).all():
            raise ValueError("samples contain NaN or infinity: replace them (with 0) before the codec")
        if len(samples) and np.abs(samples).max() > LOUDEST:
            raise ValueError(f"samples up to {np.abs(samples).max():g} are too large: full scale is 1.0")
        return samples.astype(self.dtype, copy=False)

    def _quantise(self, latents: Floats) -> Codes:
        """Quantise latents [T, D] to codes [K, T]; distances are summed in the reference's order for equal rounding."""
        residual, codes = latents, np.empty((self.n_codebooks, len(latents)), np.int64)
        for k, (book, book_t, norms) in enumerate(zip(self._books, self._books_t, self._norms, strict=True)):
            distance = (residual**2).sum(1, keepdims=True) - (2 * residual) @ book_t + norms
            codes[k] = distance.argmin(1)
            residual = residual - book[codes[k]]
        return codes


class _Stream:
    """Runs one net, `rows` rows a frame: whole signals in blocks, or frame by frame, recomputing the first."""

    def __init__(
        self, name: str, layers: list[Layer], rows: int, start_frames: int, dtype: Dtype, compiler: ModuleType | None
    ) -> None:
        self._layers, self._rows, self._start_frames, self._dtype = layers, rows, start_frames, dtype
        self._name = f"{name} {digest(self._layers)}"
        self._size = history_size(self._layers)
        self._compiled = compiler.CompiledNet(self._layers, rows) if compiler else None

    def initial_state(self, channels: int) -> CodecState:
        return CodecState(self._name, 0, np.zeros((0, channels), self._dtype), np.zeros(0, self._dtype))

    def step(self, x: Floats, state: CodecState) -> tuple[Floats, CodecState]:
        """Read x [rows, C]; return (the last rows of the output, valid until the next step, and the next state)."""
        self._check(state)
        frames, start = state.frames + 1, state.start
        if frames > self._start_frames:
            y, history = (
                self._compiled.step(x, state.history) if self._compiled else run(self._layers, x, state.history)
            )
        else:
            start = np.concatenate([start, x])
            y, history = run(self._layers, start, None)
        if frames == self._start_frames:
            start = start[:0].copy()
        return y, CodecState(self._name, frames, start, history)

    def blocks(self, x: Floats) -> list[Floats]:
        """Yield the output for a whole signal [N, C], in parts."""
        block, out, history = BLOCK_FRAMES * self._rows, [], None
        for first in _block_starts(len(x), block):
            last = len(x) if len(x) - first < 2 * block else first + block
            y, history = run(self._layers, x[first:last], history)
            out.append(y)
        return out

    def _check(self, state: CodecState) -> None:
        if state.net != self._name:
            raise ValueError(f"state of {state.net}, this codec steps {self._name}: {RESTART} of this codec")
        early = state.frames < self._start_frames
        if len(state.start) != state.frames * self._rows * early or (state.frames and len(state.history) != self._size):
            raise ValueError(f"a damaged state of {self._name}, after {state.frames} frames: {RESTART}")


def _chosen(engine: str | None, dtype: Dtype) -> ModuleType | None:
    """Return the compiled engine's module, None for numpy."""
    if engine not in {None, "compiled", "numpy"}:
        raise ValueError(f'engine {engine!r}: allowed are "compiled" and "numpy", and None for the fastest')
    compiler = _compiler() if engine != "numpy" and dtype == np.float32 else None
    if engine == "compiled" and compiler is None:
        raise ValueError("the compiled engine needs numba and float32; engine=None takes numpy where it must")
    return compiler


def _books_in_use(kbps: float | None, book_kbps: float, available: int) -> int:
    if kbps is None:
        return max(1, min(available, round(DEFAULT_KBPS / book_kbps)))
    books = kbps / book_kbps if isinstance(kbps, int | float) else math.nan
    if not (math.isfinite(books) and abs(books - round(books)) < 1e-6 and 1 <= round(books) <= available):
        raise ValueError(
            f"kbps {kbps}: this codec has {available} codebooks of {book_kbps:g} kbps each; "
            f"take a multiple of {book_kbps:g} up to {available * book_kbps:g}"
        )
    return round(books)


def _block_starts(length: int, block: int) -> range:
    """Return where blocks start; the last block takes the remainder, so that none is too short to mirror."""
    return range(0, max(length // block, 1) * block, block)
