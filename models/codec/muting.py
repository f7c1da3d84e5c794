"""Tell from the codec's latents how far a note is damped: what the notes themselves do not say.

One linear axis, so that the difference of two means says how the playing changed, whatever bass it is. Learned by
models/training/muting from notes of one bass before and after the palm lay on its strings.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from models import checkpoint, paths

WEIGHTS = paths.WEIGHTS / "muting"
KIND = "muting"
ATTACK, BODY = (0, 3), (3, 11)  # frames from the onset's own on, of which the latents are averaged
FRAMES = BODY[1]

Floats = NDArray[np.float32]


def row_of(latents: Sequence[Floats]) -> Floats:
    """Return what is read of a note [2 * D]. latents: its first FRAMES frames [D], the one of its onset first."""
    heard = np.asarray(latents, np.float32)
    return np.concatenate([heard[slice(*ATTACK)].mean(0), heard[slice(*BODY)].mean(0)])


class MutedAxis:
    """Places a note between open and muted. dim: of the latents it reads; axis [2 * dim]."""

    def __init__(self, axis: Floats) -> None:
        self._axis = axis
        self.dim = len(axis) // 2

    def place(self, row: Floats) -> float:
        """Return where a row of `row_of` lies. Only differences between notes of one player mean something: about 1
        from open to muted strings."""
        return float(self._axis @ row)


def load(stem: Path = WEIGHTS) -> MutedAxis:
    """Load the axis that ships. FileNotFoundError: no such weights. ValueError: damaged or foreign ones."""
    saved = checkpoint.load_arrays(stem, KIND)
    dim = saved.config.get("dim")
    if not isinstance(dim, int):
        raise ValueError(f"{stem}: weights do not fit their config (dim: {dim}); {checkpoint.RETRAIN}")
    checkpoint.require_shapes(stem, saved.arrays, {"axis": (2 * dim,)})
    return MutedAxis(saved.arrays["axis"])
