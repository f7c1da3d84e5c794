"""What a frame is described by, 75 times a second:
our codes, the same untrained, EnCodec's own size untrained, log-mel.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from benchmarks.probe_takes import Take
from benchmarks.untrained import untrained
from listener.types import FRAME_SAMPLES
from models import checkpoint
from models.codec.net import CodecConfig, load_encodec
from models.sounds.bass_tones import RATE

REFERENCE = CodecConfig(n_filters=32, dim=128, n_codebooks=8)  # EnCodec's 24 kHz model at 6 kbps
DEFAULT_BOOKS = 4  # 3 kbps
MELS = 64
WINDOWS = (1024, 2048)  # 43 and 85 ms: the first is sharper in time, the second in pitch
FLOOR = 1e-10
INIT_EVERY = 6  # taught takes that an untrained model is scaled to

Samples = NDArray[np.float32]
Sparse = NDArray[np.int64]  # [T, K] codes, to be read as one-hot
Maker = Callable[[list[Take]], dict[str, list[NDArray[Any]]]]  # name -> per take [T, dim]


@dataclass(frozen=True, slots=True)
class Source:
    """What one model says of every take, kept under `key` so that it is computed once."""

    key: str
    make: Maker


def sources(weights: Path) -> list[Source]:
    saved = checkpoint.load(weights, "codec")
    ours = CodecConfig.from_dict({**saved.config, "n_codebooks": DEFAULT_BOOKS})
    return [
        Source(f"codec-{saved.sha256[:16]}", lambda takes: described(load_encodec(weights), takes, "codec")),
        Source(f"blank-{_blank_key(ours)}", lambda takes: _untrained(ours, takes, "codec untrained")),
        Source(f"reference-{_blank_key(REFERENCE)}", lambda takes: _untrained(REFERENCE, takes, "reference untrained")),
        Source("log-mel", lambda takes: {f"log-mel {n}": [log_mel(take.sound, n) for take in takes] for n in WINDOWS}),
    ]  # fmt: skip


def features(weights: Path, takes: list[Take], cache: Path) -> dict[str, list[NDArray[Any]]]:
    """name -> per take [T, dim] float32 (or [T, K] codes), from the cache where it is there."""
    sound = _digest([hashlib.sha256(take.sound.tobytes()).hexdigest() for take in takes])
    cache.mkdir(parents=True, exist_ok=True)
    found: dict[str, list[NDArray[Any]]] = {}
    for source in sources(weights):
        path = cache / f"{source.key}-{sound}.npz"
        if not path.exists():
            made = source.make(takes)
            np.savez(path, **{name: np.stack(rows) for name, rows in made.items()})  # type: ignore[arg-type]
        with np.load(path) as file:
            found |= {name: list(file[name]) for name in file.files}
    return found


def described(model: Any, takes: list[Take], name: str) -> dict[str, list[NDArray[Any]]]:
    """Quantised latents at 3 kbps and at all there is, the codes of the first, and the latents before quantisation."""
    books = sorted({min(DEFAULT_BOOKS, model.quantizer.n_q), model.quantizer.n_q})
    out: dict[str, list[NDArray[Any]]] = {}
    for take in takes:
        with torch.no_grad():
            latents = model.encoder(torch.from_numpy(take.sound)[None, None])
            codes = model.quantizer.encode(latents, model.frame_rate, None)
            for count in books:
                quantised = model.quantizer.decode(codes[:count])[0].T
                out.setdefault(f"{name} {0.75 * count:g}", []).append(quantised.numpy())
        out.setdefault(f"{name} one-hot", []).append(codes[: books[0], 0].T.numpy())
        out.setdefault(f"{name} latents", []).append(latents[0].T.numpy())
    return out


def _untrained(config: CodecConfig, takes: list[Take], name: str) -> dict[str, list[NDArray[Any]]]:
    """Only the quantised latents; scaled to some of the taught takes."""
    model = untrained(config, [take.sound for take in takes if take.taught and not take.made][::INIT_EVERY])
    made = described(model, takes, name)
    return {name: made[f"{name} {0.75 * config.n_codebooks:g}"]}


def log_mel(sound: Samples, window: int) -> NDArray[np.float32]:
    """[T * 320] -> [T, 64] dB: each window ends with its frame, so nothing is heard sooner than by the codec."""
    import librosa

    bank = librosa.filters.mel(sr=RATE, n_fft=window, n_mels=MELS, fmin=20.0, dtype=np.float64)
    padded = np.concatenate([np.zeros(window - FRAME_SAMPLES), sound.astype(np.float64)])
    frames = np.lib.stride_tricks.sliding_window_view(padded, window)[::FRAME_SAMPLES]
    power = np.abs(np.fft.rfft(frames * np.hanning(window + 1)[:-1])) ** 2
    return np.asarray(10 * np.log10(power @ bank.T + FLOOR), np.float32)


def _blank_key(config: CodecConfig) -> str:
    """Of an untrained model: its size, and how it is made."""
    how = [Path(__file__).with_name(name).read_bytes() for name in ("untrained.py", Path(__file__).name)]
    return _digest([asdict(config), *how])


def _digest(what: object) -> str:
    return hashlib.sha256(repr(what).encode()).hexdigest()[:16]
