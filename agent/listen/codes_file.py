"""Reads and writes codes files: one .npz with the codes [K, T] and what is needed to decode them."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from agent.core.errors import UserError
from listener.types import ANALYSIS_RATE, FRAME_SAMPLES

SUFFIX = ".npz"
FRAME_RATE_HZ = ANALYSIS_RATE / FRAME_SAMPLES


@dataclass(frozen=True, slots=True)
class StoredCodes:
    """Codes and what is needed to decode them.

    codes: uint16 [K, T], K codebooks, T frames of FRAME_SAMPLES at sample_rate_hz.
    samples: length of the sound; the rest of the T * FRAME_SAMPLES is silence that fills the last frame.
    weights_sha256: of the codec's weights, without which the codes mean nothing. source: name of the sound's file.
    """

    codes: NDArray[np.uint16]
    samples: int
    kbps: float
    weights_sha256: str
    source: str
    sample_rate_hz: int = ANALYSIS_RATE
    frame_rate_hz: float = FRAME_RATE_HZ


@contextmanager
def whole(path: Path) -> Iterator[Path]:
    """A place beside `path` to write to: it becomes `path` at the end, and nothing if anything went wrong."""
    part = path.with_name(f"{path.name}.part")
    try:
        yield part
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)


def write_codes(path: Path, stored: StoredCodes) -> None:
    """Write the file whole or not at all. Raises OSError."""
    with whole(path) as part, part.open("wb") as file:
        np.savez_compressed(
            file,
            codes=stored.codes,
            samples=np.asarray(stored.samples),
            kbps=np.asarray(stored.kbps),
            weights_sha256=np.asarray(stored.weights_sha256),
            source=np.asarray(stored.source),
            sample_rate_hz=np.asarray(stored.sample_rate_hz),
            frame_rate_hz=np.asarray(stored.frame_rate_hz),
        )


def read_codes(path: Path) -> StoredCodes:
    """What write_codes wrote. Raises UserError for anything else; nothing is unpickled."""
    try:
        with path.open("rb") as opened, np.load(opened, allow_pickle=False) as file:
            values = {field.name: file[field.name] for field in fields(StoredCodes)}
        stored = StoredCodes(**{name: value if value.ndim else value.item() for name, value in values.items()})
    except FileNotFoundError:
        raise UserError(f"{path}: no such file; give codes written by `antiphon codes FILE -o codes.npz`") from None
    except (OSError, ValueError, KeyError, EOFError, AttributeError, zipfile.BadZipFile) as cause:
        raise _foreign(path, f"{cause}") from None
    return _checked(path, stored)


def _checked(path: Path, stored: StoredCodes) -> StoredCodes:
    kinds: dict[str, type | tuple[type, ...]] = {
        "codes": np.ndarray,
        "samples": int,
        "kbps": (int, float),
        "weights_sha256": str,
        "source": str,
        "sample_rate_hz": int,
    }
    for name, kind in kinds.items():
        if not isinstance(value := getattr(stored, name), kind):
            raise _foreign(path, f"{name} is {_shown(value)}")
    codes = stored.codes
    if codes.ndim != 2 or not codes.size or codes.dtype.kind != "u":
        raise _foreign(path, f"codes are {codes.dtype} {list(codes.shape)}, not uint16 [K, T]")
    if not 0 <= codes.shape[1] * FRAME_SAMPLES - stored.samples < FRAME_SAMPLES:
        raise _foreign(path, f"{stored.samples} samples in {codes.shape[1]} frames of {FRAME_SAMPLES}")
    if stored.sample_rate_hz != ANALYSIS_RATE:
        raise _foreign(path, f"{stored.sample_rate_hz} Hz, the codec works at {ANALYSIS_RATE} Hz")
    return stored


def _shown(value: NDArray[np.generic] | float | str) -> str:
    return type(value).__name__ if isinstance(value, np.ndarray) else repr(value)


def _foreign(path: Path, why: str) -> UserError:
    reason = why.splitlines()[0][:120] if why else "empty"
    return UserError(f"{path}: not a codes file ({reason}); write one with `antiphon codes FILE -o codes.npz`")
