"""Weights on disk: `stem.safetensors` + `stem.json` (config, hash) + `stem.md` (model card). No pickles."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load as tensors_from_bytes
from safetensors.torch import save as tensors_to_bytes

FORMAT = 1
RETRAIN = "restore it with `git checkout models/weights` or train it again with `make train`"


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """tensors: name -> tensor. config: what the architecture needs. sha256: of the .safetensors file."""

    tensors: dict[str, torch.Tensor]
    config: dict[str, Any]
    sha256: str
    kind: str


def save(
    stem: str | Path,
    tensors: Mapping[str, torch.Tensor],
    config: Mapping[str, Any],
    card: str,
    kind: str = "",
) -> str:
    """Write stem.safetensors, stem.json and stem.md; returns the SHA-256 of the weights.

    kind: "codec", "responder"; the stem's own name when left out. The JSON comes last, so a save cut short
    is found by its hash.
    """
    stem = _stem(stem)
    stem.parent.mkdir(parents=True, exist_ok=True)
    data = tensors_to_bytes({name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()})
    sha256 = hashlib.sha256(data).hexdigest()
    meta = {"format": FORMAT, "kind": kind or stem.name, "config": dict(config), "sha256": sha256}
    _write(_beside(stem, "safetensors"), data)
    _write(_beside(stem, "md"), card.encode())
    _write(_beside(stem, "json"), (json.dumps(meta, indent=2) + "\n").encode())
    return sha256


def load(stem: str | Path, kind: str | None = None) -> Checkpoint:
    """Read stem.json and stem.safetensors and check the hash (and the kind, where one is named).

    FileNotFoundError: a file is missing. ValueError: a foreign, truncated or altered file.
    """
    stem = _stem(stem)
    meta = _read_meta(_beside(stem, "json"), kind)
    path = _beside(stem, "safetensors")
    data = _read(path)
    sha256 = hashlib.sha256(data).hexdigest()
    if sha256 != meta["sha256"]:
        raise ValueError(
            f"{path}: {len(data)} bytes with SHA-256 {sha256[:8]}, but {stem.name}.json says "
            f"{str(meta['sha256'])[:8]}: truncated or altered; {RETRAIN}"
        )
    try:
        tensors = tensors_from_bytes(data)
    except SafetensorError as error:
        raise ValueError(f"{path}: not a safetensors file ({error}); {RETRAIN}") from None
    return Checkpoint(tensors, meta["config"], sha256, meta["kind"])


def _read_meta(path: Path, kind: str | None) -> dict[str, Any]:
    try:
        meta = json.loads(_read(path))
    except ValueError as error:
        raise ValueError(f"{path}: not readable as JSON ({error}); {RETRAIN}") from None
    keys = {"format": int, "kind": str, "config": dict, "sha256": str}
    if not isinstance(meta, dict) or not all(isinstance(meta.get(key), type_) for key, type_ in keys.items()):
        raise ValueError(f"{path}: not an Antiphon checkpoint, which has the keys {', '.join(keys)}; {RETRAIN}")
    if meta["format"] != FORMAT:
        raise ValueError(f"{path}: checkpoint format {meta['format']}, this Antiphon reads {FORMAT}; {RETRAIN}")
    if kind is not None and meta["kind"] != kind:
        raise ValueError(f"{path}: weights of a {meta['kind']}, a {kind} is needed; give the path of {kind} weights")
    return meta


def _stem(stem: str | Path) -> Path:
    path = Path(stem)
    return path.with_suffix("") if path.suffix in {".safetensors", ".json", ".md"} else path


def _beside(stem: Path, suffix: str) -> Path:
    return stem.with_name(f"{stem.name}.{suffix}")


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        raise FileNotFoundError(f"{path}: no such weights file; {RETRAIN}") from None
    except OSError as error:
        raise OSError(f"{path}: cannot be read ({error.strerror}); {RETRAIN}") from None


def _write(path: Path, data: bytes) -> None:
    part = path.with_name(path.name + ".part")
    part.write_bytes(data)
    os.replace(part, path)
