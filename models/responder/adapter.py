"""Adapt the responder to a player: small low-rank additions to its weights, folded in once when they are loaded.

LoRA (Hu et al. 2021, arXiv:2106.09685): W + up @ down for a few matrices, b + add for a few vectors. An adapter belongs
to one set of base weights, named by their SHA-256. Playing costs nothing more, and the state is the same. No torch.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import save as bytes_of

from listener.weight_file import FORMAT, beside, stem_of
from models import checkpoint
from models.music.past import COLUMNS, MOST_BARS

Floats = NDArray[np.float32]
Shapes = Mapping[str, tuple[int, ...]]
KIND = "adapter"
UP, DOWN, ADD = ":up", ":down", ":add"
START = "hidden:start"  # the backbone's state to begin with: after bars of the player
BARS, KEPT_BARS = "bars:", 16  # by ticks of a bar, what was done in the player's last ones (models/music/past.py)
CARD = """# Adapter of the responder

Learned on this machine from one player's own lines and liked takes ({pieces} pieces, {ticks} ticks); it stays here.
Fits the weights `{base}` only. {steps} steps, rank {rank}, {kilobytes:.0f} kB.

| held out | before | after (nats a tick) |
|---|---|---|
{rows}
"""


@dataclass(frozen=True, slots=True)
class Adapter:
    """A player's additions to the weights.

    arrays: "name:up" [out, rank] and "name:down" [rank, in] of a matrix, "name:add" of a vector, START of the state,
    BARS with a bar's ticks [n, ticks, columns] of what is recalled at first.
    base: SHA-256 of the weights it adds to. about: how it was made, with its scores.
    """

    arrays: Mapping[str, Floats]
    base: str
    about: Mapping[str, Any]

    @property
    def start(self) -> Floats | None:
        """Return the backbone's state to begin with; None: the base's own."""
        return self.arrays.get(START)

    @property
    def bars(self) -> dict[int, NDArray[np.int8]]:
        """Return the player's last bars [n, ticks, columns], by their ticks."""
        found = {key.removeprefix(BARS): array for key, array in self.arrays.items() if key.startswith(BARS)}
        return {int(ticks): array.astype(np.int8) for ticks, array in found.items() if ticks.isdecimal()}

    @property
    def bytes(self) -> int:
        return sum(array.nbytes for array in self.arrays.values())

    def merged(self, weights: Mapping[str, Floats]) -> dict[str, Floats]:
        """Return the base weights with this added; the given ones are not changed."""
        out = dict(weights)
        for key, array in self.arrays.items():
            name, part = key.rsplit(":", 1)
            if key.startswith(BARS):
                continue
            if part == "add":
                out[name] = out[name] + array
            elif part == "up":
                out[name] = out[name] + array @ self.arrays[name + DOWN]
        return out


def targets(shapes: Shapes, rank: int, wanted: tuple[str, ...]) -> Shapes:
    """Return the shapes of an adapter's arrays, for every weight whose name ends with one of `wanted`."""
    found: dict[str, tuple[int, ...]] = {}
    for name, shape in shapes.items():
        if not name.endswith(wanted):
            continue
        if len(shape) == 1:
            found[name + ADD] = shape
        else:
            found |= {name + UP: (shape[0], rank), name + DOWN: (rank, shape[1])}
    return found


def save(stem: str | Path, adapter: Adapter) -> str:
    """Write stem.safetensors, stem.md and, last, stem.json, in half precision; return the SHA-256 of the arrays."""
    stem = stem_of(stem)
    stem.parent.mkdir(parents=True, exist_ok=True)
    data = bytes_of({name: np.ascontiguousarray(array, np.float16) for name, array in adapter.arrays.items()})
    sha256 = hashlib.sha256(data).hexdigest()
    config = {"base": adapter.base, **adapter.about}
    meta = {"format": FORMAT, "kind": KIND, "config": config, "sha256": sha256}
    _write(beside(stem, "safetensors"), data)
    _write(beside(stem, "md"), card(adapter, len(data)).encode())
    _write(beside(stem, "json"), (json.dumps(meta, indent=2) + "\n").encode())
    return sha256


def load(stem: str | Path, base: str, shapes: Shapes) -> Adapter:
    """Load the adapter at a stem, for the base weights of this SHA-256 and these shapes.

    FileNotFoundError: there is none. ValueError: damaged, or made for other weights.
    """
    saved = checkpoint.load_arrays(stem, KIND)
    about = dict(saved.config)
    if (own := about.pop("base", "")) != base:
        raise ValueError(f"{stem}: made for other weights ({str(own)[:12]}, these are {base[:12]}); practise again")
    _require_fit(stem, saved.arrays, shapes)
    return Adapter(saved.arrays, base, about)


def card(adapter: Adapter, size: int) -> str:
    """Return the model card, written for the player."""
    about = adapter.about
    rows = [f"| {name} | {a:.3f} | {b:.3f} |" for name, (a, b) in dict(about.get("scores", {})).items()]
    facts = {name: about.get(name, 0) for name in ("pieces", "ticks", "steps", "rank")}
    return CARD.format(base=adapter.base[:12], kilobytes=size / 1000, rows="\n".join(rows), **facts)


def _require_fit(stem: str | Path, arrays: Mapping[str, Floats], shapes: Shapes) -> None:
    for key, array in arrays.items():
        if key == START:
            continue  # the responder knows its own state's shape
        if key.startswith(BARS):
            _require_bars(stem, key, array)
            continue
        name, _, part = key.rpartition(":")
        rank = array.shape[0 if part == "down" else -1] if array.ndim else 0
        whole = shapes.get(name, ())
        fitting: dict[str, Shapes] = {
            "add": {name + ADD: whole},
            "up": {name + UP: (*whole[:1], rank), name + DOWN: (rank, *whole[1:])},
        }
        wanted = fitting.get("up" if part == "down" else part)
        if not whole or wanted is None or any(arrays.get(k, array[:0]).shape != w for k, w in wanted.items()):
            raise ValueError(f"{stem}: {key} {array.shape} does not fit the responder; practise again")


def _require_bars(stem: str | Path, key: str, array: Floats) -> None:
    ticks = key.removeprefix(BARS)
    fits = ticks.isdecimal() and array.ndim == 3 and array.shape[1:] == (int(ticks), COLUMNS)
    if not fits or len(array) > MOST_BARS or np.abs(array).max(initial=0) > 127:
        raise ValueError(f"{stem}: {key} {array.shape} are no bars that can be recalled; practise again")


def _write(path: Path, data: bytes) -> None:
    part = path.with_name(path.name + ".part")
    part.write_bytes(data)
    os.replace(part, path)
