"""Stores the mind's last state in shared memory, for the process that replaces it. Survives kill -9 at any moment.

Two slots are written in turn. A slot has no number while it is being written, so that kill -9 leaves the previous one
valid (memory writes stay, in program order). Weights are stored by name and taken from the models already in memory.
"""

from __future__ import annotations

import copyreg
import io
import pickle
from collections.abc import Callable, Mapping
from multiprocessing.heap import Arena
from typing import NoReturn, TypeVar

import numpy as np
from numpy.typing import NDArray

from listener.shared_memory import numbers, reserve, shared_zeros

Piece = bytes | memoryview
T = TypeVar("T")

SLOT_BYTES = 6 << 20  # pages that are never written cost nothing
FIELDS = 2  # of a slot: number, bytes
TRIES_MAX = 2  # a state that was loaded so often without a newer one following is not used again


class SnapshotStore:
    """Two slots of shared memory, passed to started processes. One writer at a time."""

    def __init__(self, slot_bytes: int = SLOT_BYTES) -> None:
        self._setup(shared_zeros("u1", 2 * slot_bytes, reserved=False), shared_zeros("i8", 2 * FIELDS + 3))

    def _setup(self, data: Arena, head: Arena) -> None:
        self._raw = data, head
        self._data: NDArray[np.uint8] = numbers(data, "u1").reshape(2, -1)
        whole: NDArray[np.int64] = numbers(head, "i8")
        self._slots, self._marks = whole[: 2 * FIELDS].reshape(2, FIELDS), whole[2 * FIELDS :]

    def __getstate__(self) -> tuple[Arena, Arena]:
        return self._raw

    def __setstate__(self, state: tuple[Arena, Arena]) -> None:
        self._setup(*state)

    @property
    def said(self) -> int:
        """The sample (at ANALYSIS_RATE) up to which the parent has reports. It outlives the mind's process."""
        return int(self._marks[0])

    @said.setter
    def said(self, sample: int) -> None:
        self._marks[0] = sample

    def put(self, *pieces: Piece) -> bool:
        """Store the pieces, joined, as the newest state; False when they do not fit: the previous one stays."""
        sizes, most = [len(piece) for piece in pieces], self._data.shape[1]
        if sum(sizes) > most:
            return False
        number = int(self._slots[:, 0].max()) + 1
        try:
            reserve(self._raw[0], number % 2 * most, max(sum(sizes), 1))
        except OSError:  # no room in the system's shared memory
            return False
        slot = self._slots[number % 2]
        slot[0] = 0
        place, end = memoryview(self._data[number % 2]), 0
        for piece, size in zip(pieces, sizes, strict=True):
            place[end : end + size] = piece
            end += size
        slot[1] = end
        slot[0] = number
        return True

    def newest(self) -> bytes | None:
        """Return the newest whole state; None without one, or when it was loaded TRIES_MAX times in vain."""
        for which in np.argsort(-self._slots[:, 0]):
            number, size = (int(n) for n in self._slots[which])
            if number:
                data = self._data[which, :size].tobytes()
                return data if self._tried(number) <= TRIES_MAX else None
        return None

    def _tried(self, number: int) -> int:
        last, times = self._marks[1], self._marks[2]
        self._marks[1], self._marks[2] = number, times + 1 if last == number else 1
        return int(self._marks[2])


class Pieces(list[Piece]):
    """A file-like list of what is written: large arrays are not copied."""

    def write(self, piece: Piece | pickle.PickleBuffer) -> int:
        self.append(memoryview(piece).cast("B"))
        return len(self[-1])


def dumps(state: object, shared_models: Mapping[str, object]) -> bytes:
    """Pickle state; the shared models (never two of one type) only by name. Raises pickle's errors."""
    return b"".join(pieces(state, shared_models))


def pieces(state: object, shared_models: Mapping[str, object]) -> Pieces:
    """Pickle like `dumps`, in pieces that share memory with state: copy them before it changes."""
    names = {type(thing): name for name, thing in shared_models.items()}
    kept = {kind: _namer(name) for kind, name in names.items()}
    out = Pieces()
    pickler = pickle.Pickler(out, pickle.HIGHEST_PROTOCOL)
    pickler.dispatch_table = {**copyreg.dispatch_table, **kept}
    pickler.dump(state)
    return out


def loads(data: bytes, shared_models: Mapping[str, object], kind: type[T]) -> T:
    """Unpickle a state of `dumps` that is of this kind, with these shared models. Raises UnpicklingError."""
    state = _Loader(data, shared_models).load()
    if not isinstance(state, kind):
        raise pickle.UnpicklingError(f"a {type(state).__name__} was stored, not a {kind.__name__}")
    return state


def _namer(name: str) -> Callable[[object], tuple[Callable[[str], NoReturn], tuple[str]]]:
    return lambda _: (placeholder, (name,))


def placeholder(name: str) -> NoReturn:
    """Pickle stand-in for a shared model; `loads` substitutes the instance already in memory."""
    raise pickle.UnpicklingError(f"{name}: only loads() of agent/mind/snapshot.py can read this")


class _Loader(pickle.Unpickler):
    def __init__(self, data: bytes, shared_models: Mapping[str, object]) -> None:
        super().__init__(io.BytesIO(data))
        self._shared_models = shared_models

    def find_class(self, module: str, name: str) -> object:
        if (module, name) == (__name__, placeholder.__name__):
            return self._shared_models.__getitem__
        return super().find_class(module, name)
