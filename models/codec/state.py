"""Hold what a streaming codec carries from frame to frame: a value that can be copied, saved and restored."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from models.codec.layers import Floats

RESTART = "begin with a fresh state"


@dataclass(frozen=True, slots=True)
class CodecState:
    """The state of a streaming codec.

    net: direction, weights and precision it belongs to. frames: steps taken. start: the net's inputs so far [n, C],
    while the mirrored start can still change. history: what its layers carry, flat, in layer order.
    """

    net: str
    frames: int
    start: Floats
    history: Floats

    def copy(self) -> CodecState:
        return replace(self, start=self.start.copy(), history=self.history.copy())

    def save(self, path: str | Path) -> None:
        """Write the state as one safetensors file."""
        tensors = {"start": np.ascontiguousarray(self.start), "history": np.ascontiguousarray(self.history)}
        save_file(tensors, path, {"net": self.net, "frames": str(self.frames)})

    @classmethod
    def load(cls, path: str | Path) -> CodecState:
        """Read a state. FileNotFoundError when the file is missing, ValueError when it is no codec state.

        `step` checks whether it belongs to the codec.
        """
        if not Path(path).is_file():
            raise FileNotFoundError(f"{path}: no such codec state; {RESTART}")
        try:
            with safe_open(path, "numpy") as file:
                about, start, history = file.metadata() or {}, file.get_tensor("start"), file.get_tensor("history")
            return cls(about["net"], int(about["frames"]), start, history)
        except (SafetensorError, KeyError, ValueError) as error:
            raise ValueError(f"{path}: not a codec state, or cut short ({error}); {RESTART}") from None
