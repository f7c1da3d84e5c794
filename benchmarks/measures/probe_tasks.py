"""Define the probes' tasks: which frames each is asked about, and the right answers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.inputs.probe_takes import LOWEST, TECHNIQUES, Take
from models.sounds.technique_notes import SETS

AUDIBLE_DB = -60.0

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Rng = np.random.Generator


@dataclass(frozen=True, slots=True)
class Task:
    """context: frames a decision sees, the asked one the last. classes 0: a number is wanted (dB)."""

    name: str
    context: int
    classes: int


TASKS = (
    Task("pitch class", 4, 12),
    Task("octave", 4, 3),
    Task("semitone", 4, 36),
    Task("articulation", 8, len(TECHNIQUES)),
    Task("onset", 4, 2),
    Task("loudness", 4, 0),
)


@dataclass(frozen=True, slots=True)
class Rows:
    """Frames asked about: take [R] and frame [R] (indices), y [R]."""

    take: Ints
    frame: Ints
    y: Floats

    def where(self, mask: NDArray[np.bool_]) -> Rows:
        return Rows(self.take[mask], self.frame[mask], self.y[mask])


def labels(task: Task, take: Take) -> tuple[Ints, Floats]:
    """(frames [R], y [R]) of one take: which frames the task is asked of, and what is right."""
    frames = np.arange(len(take.since))
    sounding = (take.pitch > 0) & (take.level_db > AUDIBLE_DB)
    settled = sounding & (take.since >= 4) & (take.since <= 16) & (take.since % 2 == 0)
    wanted: dict[str, tuple[NDArray[np.bool_], NDArray[Any]]] = {
        "pitch class": (settled & (not take.made), take.pitch % 12),
        "octave": (settled & (not take.made), (take.pitch - LOWEST) // 12),
        "semitone": (settled & (not take.made), take.pitch - LOWEST),
        "articulation": (
            (take.since == 7) & (take.technique != ""),
            np.full(len(frames), TECHNIQUES.index(take.technique or TECHNIQUES[0])),
        ),
        "onset": ((frames >= task.context) & (not take.made), (take.since >= 0) & (take.since <= 1)),
        "loudness": ((frames >= task.context) & (take.level_db > AUDIBLE_DB) & (not take.made), take.level_db),
    }
    mask, y = wanted[task.name]
    mask = mask & (frames >= task.context - 1)
    return frames[mask], y[mask].astype(np.float64)


def rows_of(task: Task, of: list[Take], taught: bool) -> Rows:
    parts = [(i, *labels(task, take)) for i, take in enumerate(of) if take.taught == taught]
    take = np.concatenate([np.full(len(frames), i) for i, frames, _ in parts])
    return Rows(take, np.concatenate([f for _, f, _ in parts]), np.concatenate([y for *_, y in parts]))


def at_most(rows: Rows, count: int, rng: Rng) -> Rows:
    keep = np.zeros(len(rows.y), bool)
    keep[rng.permutation(len(rows.y))[:count]] = True
    return rows.where(keep)


def instrument(take: Take) -> str:
    """Several sets, and the palm-muted copies, may be of one bass."""
    name = take.bank.split("+")[0]
    return name.rsplit("-", 1)[0] if take.made else SETS.get(name, (name,))[0]
