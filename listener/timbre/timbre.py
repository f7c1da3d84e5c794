"""Find how each note was played and sounds: technique, brightness, attack, dynamics, about 140 ms after its onset.

A small network (trained by models/training/timbre.py) reads listener/timbre/features.py; dynamics are marked within the
player's own range.
"""

from __future__ import annotations

import copy
from collections import deque
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load as arrays_from_bytes

from listener import paths, weight_file
from listener.ears.pitch import to_hz
from listener.timbre.features import (
    BRIGHTNESS_S,
    LEAD,
    LENGTH_S,
    NAMES,
    SHORTEST_S,
    SIZE,
    WINDOW,
    brightness_hz,
    features,
)
from listener.types import ANALYSIS_RATE, Frame, Note, Timbre

WEIGHTS = paths.WEIGHTS / "timbre"
KIND = "timbre"
RING = round(0.4 * ANALYSIS_RATE)
OUTLIER = 4.0  # standard deviations
PLUCKED = "normal"  # the only articulation whose attack shows the technique
FORGET = 0.88  # weight of the notes before: the belief stands on about the last eight
MARKS = ("pp", "p", "mp", "mf", "f", "ff")
RANGE_NOTES, RANGE_DB = 48, 15.0  # a player's range is at least this wide
RANGE_SHARES = (0.08, 0.92)  # of its notes are below its ends
KNOWN_NOTES = 10.0  # that a range stands on; more say little more
ALONE_DB = 12.0  # a note that rises so much above what sounded before it is heard alone
ATTACK_BLOCK, ATTACK_BLOCKS = 24, 60  # of 1 ms
BLOCK = 480  # samples: level is that of the loudest 20 ms
PENDING = 4

Floats = NDArray[np.float64]


class TechniqueNet:
    """Maps features [SIZE] to the probability of each class [C], calibrated on instruments it was not trained on."""

    def __init__(self, tensors: dict[str, NDArray[np.float32]], config: dict[str, Any]) -> None:
        if config["features"] != SIZE:
            raise ValueError(
                f"timbre weights for {config['features']} features, but a note has {SIZE}; {weight_file.RETRAIN}"
            )
        self._w = {name: tensor.astype(np.float64) for name, tensor in tensors.items()}
        self.classes: tuple[str, ...] = tuple(config["classes"])
        self._temperature = float(config["temperature"])
        self._stem: Path | None = None  # where the weights came from: a pickle names them

    def __reduce__(self) -> str | tuple[Any, ...]:
        return super().__reduce__() if self._stem is None else (load, (self._stem,))

    def __deepcopy__(self, memo: dict[int, Any]) -> TechniqueNet:
        return self

    def __call__(self, x: Floats) -> Floats:
        w = self._w
        z = np.clip(np.nan_to_num((x - w["mean"]) / w["spread"]), -OUTLIER, OUTLIER)
        z = w["out.weight"] @ np.maximum(w["in.weight"] @ z + w["in.bias"], 0) + w["out.bias"]
        e = np.exp((z - z.max()) / self._temperature)
        return np.asarray(e / e.sum())


@cache
def load(stem: Path = WEIGHTS) -> TechniqueNet:
    """Load the network that ships. FileNotFoundError: no such weights. ValueError: damaged or foreign ones."""
    file = weight_file.read(stem, KIND)
    try:
        arrays = arrays_from_bytes(file.data)
        weight_file.require_finite(file.path, arrays)
        net = TechniqueNet(arrays, file.config)
    except (SafetensorError, KeyError) as error:
        raise ValueError(f"{file.path}: not timbre weights ({error}); {weight_file.RETRAIN}") from None
    net._stem = stem
    return net


class Dynamics:
    """Turns levels in dB into dynamic marks, relative to the range of the player's last notes."""

    def __init__(self) -> None:
        self._levels: deque[float] = deque(maxlen=RANGE_NOTES)

    @property
    def sure(self) -> float:
        """Return how far the range is known, 0 to 1."""
        return 1 - float(np.exp(-len(self._levels) / KNOWN_NOTES))

    def mark(self, level_db: float) -> str:
        """Return the mark of a note, which counts for the range of the next ones."""
        return marked(self.place(level_db))

    def place(self, level_db: float) -> float:
        """Return where a note lies in the range, 0 to 1; it counts for the range."""
        self._levels.append(level_db)
        ranked = sorted(self._levels)
        low, high = (ranked[round(share * (len(ranked) - 1))] for share in RANGE_SHARES)
        spare = max(0.0, RANGE_DB - (high - low)) / 2
        return float(np.clip((level_db - low + spare) / (high - low + 2 * spare), 0.0, 1.0))


def marked(place: float) -> str:
    """Return the dynamic mark of a place in the player's range, 0 to 1."""
    return MARKS[min(int(place * len(MARKS)), len(MARKS) - 1)]


class TimbreTracker:
    """Reports the timbre of each note: step(...) -> what is new. At most one note per step, so that no step is long."""

    def __init__(self, net: TechniqueNet | None = None) -> None:
        self._net = net or load()
        self._ring = np.zeros(RING, np.float32)
        self._pending: deque[tuple[Note, float]] = deque(maxlen=PENDING)  # and when its sound ends at the latest
        self._dynamics = Dynamics()
        self._belief: Floats = np.full(len(self._net.classes), 1 / len(self._net.classes))

    def __deepcopy__(self, memo: dict[int, Any]) -> TimbreTracker:
        twin = object.__new__(TimbreTracker)
        twin.__dict__ = {name: copy.copy(value) for name, value in self.__dict__.items()}
        twin._ring, twin._dynamics = self._ring.copy(), copy.deepcopy(self._dynamics, memo)
        return twin

    def step(
        self, frame: Frame, notes: tuple[Note, ...], ended: tuple[Note, ...], revised: tuple[Note, ...] = ()
    ) -> tuple[Timbre, ...]:
        """Read one frame.

        notes: newly named in this frame; ended: completed with their duration; revised: with a better pitch.
        """
        n = len(frame.samples)
        self._ring[:-n] = self._ring[n:]
        self._ring[-n:] = frame.samples
        for note in ended:
            self._cut(note.onset_s, note.onset_s + (note.duration_s or 0.0))
        for note in notes:
            self._cut(None, note.onset_s)
            self._pending.append((note, note.onset_s + LENGTH_S))
        for note in revised:
            self._pending = deque([(note if p.onset_s == note.onset_s else p, u) for p, u in self._pending], PENDING)
        if self._pending and self._pending[0][1] <= frame.end_s:
            return (self._tell(frame, *self._pending.popleft()),)
        return ()

    def _cut(self, onset_s: float | None, at_s: float) -> None:
        """End the note of that onset (None: every earlier one) at at_s."""
        mine = [(p, min(u, at_s) if onset_s in (None, p.onset_s) else u) for p, u in self._pending]
        self._pending = deque(mine, PENDING)

    def _tell(self, frame: Frame, note: Note, until_s: float) -> Timbre:
        sound = self._heard(frame, note.onset_s, until_s)
        body = sound[LEAD:]
        x, known = np.full(SIZE, np.nan), len(body) >= round(SHORTEST_S * ANALYSIS_RATE)
        if known:
            x = features(sound, to_hz(note.pitch + note.cents / 100))
        if known and note.articulation == PLUCKED:
            chances = self._net(x)
            self._belief = FORGET * self._belief + (1 - FORGET) * chances
        else:
            chances = self._belief
        named, believed = int(np.argmax(chances)), int(np.argmax(self._belief))
        level_db = _level_db(body)
        strength, sure = self._dynamics.place(level_db), self._dynamics.sure
        alone = _alone(x) * min(1.0, len(body) / (LENGTH_S * ANALYSIS_RATE))
        return Timbre(
            onset_s=note.onset_s,
            emit_s=frame.emit_s,
            technique=self._net.classes[named],
            confidence=float(chances[named]),
            brightness_hz=brightness_hz(body[: round(BRIGHTNESS_S * ANALYSIS_RATE)]),
            bite_db=_of(x, "attack1_2800"),
            noise_db=_of(x, "noise0_mid"),
            level_db=level_db,
            dynamic=marked(strength),
            player=self._net.classes[believed],
            player_confidence=float(self._belief[believed]),
            strength=strength,
            strength_sure=sure,
            attack_ms=_attack_ms(body) if known else None,
            attack_sure=alone if known else 0.0,
            brightness_sure=alone,
        )

    def _heard(self, frame: Frame, onset_s: float, until_s: float) -> NDArray[np.float32]:
        """Return the note's sound, float32 [at most WINDOW], from LEAD before the onset."""
        last = frame.start_sample + len(frame.samples)
        start = min(max(round(onset_s * ANALYSIS_RATE) - LEAD - last + RING, 0), RING - 2 * LEAD)
        end = min(round(until_s * ANALYSIS_RATE) - last + RING, start + WINDOW, RING)
        return self._ring[start : max(end, start + 2 * LEAD)]


def _of(x: Floats, name: str) -> float | None:
    value = float(x[NAMES.index(name)])
    return value if np.isfinite(value) else None


def _alone(x: Floats) -> float:
    """Return how far a note is heard without the one before it, 0 to 1, from its features."""
    rise_db = _of(x, "rise")
    return float(np.clip((rise_db or 0.0) / ALONE_DB, 0.0, 1.0))


def _attack_ms(body: NDArray[np.float32]) -> float:
    """Return how long a note takes to half of its loudest amplitude in its first 60 ms."""
    blocks = body[: ATTACK_BLOCKS * ATTACK_BLOCK].astype(np.float64).reshape(-1, ATTACK_BLOCK)
    loudest = np.abs(blocks).max(1)
    return float(np.argmax(loudest >= 0.5 * loudest.max()) * ATTACK_BLOCK / ANALYSIS_RATE * 1000)


def _level_db(body: NDArray[np.float32]) -> float:
    """Return the RMS of the loudest 20 ms, dB re full scale."""
    blocks = body[: max(len(body) // BLOCK * BLOCK, min(len(body), BLOCK))].astype(np.float64)
    power = np.square(blocks).reshape(-1, min(len(blocks), BLOCK)).mean(1)
    return float(10 * np.log10(power.max() + 1e-12))
