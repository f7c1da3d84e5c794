"""Read weights from disk: `stem.safetensors` + `stem.json` (format, kind, config, hash). No pickles.

The listener's weights lie in listener/weights, the models' in models/weights; `models/checkpoint.py` writes both.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from listener.plain_file import read_plain

FORMAT = 1
MOST_BYTES, MOST_META_BYTES = 4 << 30, 16 << 20
RETRAIN = "restore it with `git checkout listener models` or train it again with `make train`"


@dataclass(frozen=True, slots=True)
class WeightFile:
    """A weights file as read. path, data: the .safetensors file. config: what the architecture needs. sha256: of the
    data.
    """

    path: Path
    data: bytes
    config: dict[str, Any]
    sha256: str
    kind: str


def read(stem: str | Path, kind: str | None = None) -> WeightFile:
    """Read stem.json and stem.safetensors; check the hash and, where one is named, the kind.

    FileNotFoundError: a file is missing. ValueError: a foreign, truncated or altered file.
    """
    stem = stem_of(stem)
    meta = _read_meta(beside(stem, "json"), kind)
    path = beside(stem, "safetensors")
    data = _read(path)
    sha256 = hashlib.sha256(data).hexdigest()
    if sha256 != meta["sha256"]:
        raise ValueError(
            f"{path}: {len(data)} bytes with SHA-256 {sha256[:8]}, but {stem.name}.json says "
            f"{str(meta['sha256'])[:8]}: truncated or altered; {RETRAIN}"
        )
    return WeightFile(path, data, meta["config"], sha256, meta["kind"])


def require_finite(path: Path, arrays: Mapping[str, NDArray[Any]]) -> None:
    """Raise ValueError when an array holds NaN or infinity, which would silence the band or stop it from hearing."""
    for name, array in arrays.items():
        bad = int(array.size - np.isfinite(array).sum())
        if bad:
            raise ValueError(f"{path}: {bad} of {array.size} numbers in {name} are NaN or infinite; {RETRAIN}")


def _read_meta(path: Path, kind: str | None) -> dict[str, Any]:
    try:
        meta = json.loads(_read(path, MOST_META_BYTES))
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{path}: not readable as JSON ({error}); {RETRAIN}") from None
    keys = {"format": int, "kind": str, "config": dict, "sha256": str}
    if not isinstance(meta, dict) or not all(isinstance(meta.get(key), type_) for key, type_ in keys.items()):
        raise ValueError(f"{path}: not an Antiphon checkpoint, which has the keys {', '.join(keys)}; {RETRAIN}")
    if meta["format"] != FORMAT:
        raise ValueError(f"{path}: checkpoint format {meta['format']}, this Antiphon reads {FORMAT}; {RETRAIN}")
    if kind is not None and meta["kind"] != kind:
        raise ValueError(f"{path}: weights of a {meta['kind']}, a {kind} is needed; give the path of {kind} weights")
    return meta


def stem_of(stem: str | Path) -> Path:
    path = Path(stem)
    return path.with_suffix("") if path.suffix in {".safetensors", ".json", ".md"} else path


def beside(stem: Path, suffix: str) -> Path:
    return stem.with_name(f"{stem.name}.{suffix}")


def _read(path: Path, most_bytes: int = MOST_BYTES) -> bytes:
    try:
        return read_plain(path, most_bytes)
    except (FileNotFoundError, NotADirectoryError):
        raise FileNotFoundError(f"{path}: no such weights file; {RETRAIN}") from None
    except OSError as error:
        raise OSError(f"{path}: cannot be read ({error.strerror}); {RETRAIN}") from None
