"""Write and read weights: `stem.safetensors` + `stem.json` (config, hash) + `stem.md` (model card). No pickles.

`load_arrays` is for playing: it gives numpy arrays and does not import torch.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load as arrays_from_bytes

from listener import weight_file
from listener.weight_file import FORMAT, beside, stem_of
from listener.weight_file import RETRAIN as RETRAIN

if TYPE_CHECKING:
    import torch

Floats = NDArray[np.float32]
Shapes = Mapping[str, tuple[int, ...]]


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """Weights as read, in torch. tensors: name -> tensor. config: what the architecture needs. sha256: of the
    .safetensors file.
    """

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
    from safetensors.torch import save as tensors_to_bytes

    stem = stem_of(stem)
    stem.parent.mkdir(parents=True, exist_ok=True)
    data = tensors_to_bytes({name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()})
    sha256 = hashlib.sha256(data).hexdigest()
    meta = {"format": FORMAT, "kind": kind or stem.name, "config": dict(config), "sha256": sha256}
    _write(beside(stem, "safetensors"), data)
    _write(beside(stem, "md"), card.encode())
    _write(beside(stem, "json"), (json.dumps(meta, indent=2) + "\n").encode())
    return sha256


def load(stem: str | Path, kind: str | None = None) -> Checkpoint:
    """Read stem.json and stem.safetensors; check the hash and, where one is named, the kind.

    FileNotFoundError: a file is missing. ValueError: a foreign, truncated or altered file, or one with NaN in it.
    """
    from safetensors.torch import load as tensors_from_bytes

    file = weight_file.read(stem, kind)
    try:
        tensors = tensors_from_bytes(file.data)
    except SafetensorError as error:
        raise ValueError(f"{file.path}: not a safetensors file ({error}); {RETRAIN}") from None
    weight_file.require_finite(file.path, {name: tensor.float().numpy() for name, tensor in tensors.items()})
    return Checkpoint(tensors, file.config, file.sha256, file.kind)


@dataclass(frozen=True, slots=True)
class Arrays:
    """Weights as read, in numpy. arrays: name -> float32."""

    arrays: dict[str, Floats]
    config: dict[str, Any]
    sha256: str


def load_arrays(stem: str | Path, kind: str) -> Arrays:
    """Do as `load`, in numpy and float32."""
    file = weight_file.read(stem, kind)
    try:
        arrays = arrays_from_bytes(file.data)
    except (SafetensorError, KeyError) as error:  # KeyError: of a type that numpy lacks
        raise ValueError(f"{file.path}: not a safetensors file ({error}); {RETRAIN}") from None
    weight_file.require_finite(file.path, arrays)
    return Arrays(
        {name: array.astype(np.float32, copy=False) for name, array in arrays.items()}, file.config, file.sha256
    )


def split(arrays: Mapping[str, Floats], prefix: str) -> tuple[dict[str, Floats], dict[str, Floats]]:
    """Return (the arrays without the prefix, those with it, which is removed)."""
    inner = {name.removeprefix(prefix): array for name, array in arrays.items() if name.startswith(prefix)}
    return {name: array for name, array in arrays.items() if not name.startswith(prefix)}, inner


def require_shapes(stem: str | Path, arrays: Mapping[str, Floats], wanted: Shapes) -> None:
    """Raise ValueError where an array is missing, superfluous, or of another shape than its config asks for."""
    for name in sorted(set(arrays) | set(wanted)):
        have = arrays[name].shape if name in arrays else "missing"
        need = wanted.get(name, "none")
        if have != need:
            raise ValueError(f"{stem}: weights do not fit their config ({name}: {have}, it says {need}); {RETRAIN}")


Net = TypeVar("Net", bound="torch.nn.Module")


def load_net(stem: str | Path, kind: str, make: Callable[[dict[str, Any]], Net]) -> Net:
    """Return the network make(config["net"]) with the checkpoint's weights.

    Raises what `load` raises, and ValueError where the weights do not fit.
    """
    saved = load(stem, kind)
    try:
        net = make(saved.config["net"])
        net.load_state_dict(saved.tensors)
    except (KeyError, TypeError, RuntimeError) as error:
        reason = str(error).splitlines()[-1].strip()
        raise ValueError(f"{stem}: weights do not fit their config ({reason}); {RETRAIN}") from None
    return net


def _write(path: Path, data: bytes) -> None:
    part = path.with_name(path.name + ".part")
    part.write_bytes(data)
    os.replace(part, path)
