"""Says when each preset's notes are heard after their note-on and how loud they are: measured, or from sounds.json.

The table sounds.json, of the SoundFonts that ship, is written by agent/assets/make_sounds.py.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TypedDict

import numpy as np
from numpy.typing import NDArray

from agent.core.paths import SOUNDFONTS, shipped
from agent.mixing.loudness import OFFSET_DB

TABLE = "sounds.json"
DRUM_BANK = 128
ATTACK_FLOOR = 0.1  # -20 dB of the attack's peak: where a note starts to be heard
PROBE_VELOCITIES = (45, 80, 115)
LOUD_VELOCITIES = (80, 115)  # of them: at which loudness is measured
LOWEST, HIGHEST = 24, 100  # keys that are measured
PROBE_KEY_STEP = {True: 1, False: 3}  # by is_drums: each drum key has its own sample, neighbours on a keyboard share
LEAST_POWER = 1e-7
Number = tuple[int, int]  # bank, program


class Row(TypedDict):
    """A preset in sounds.json: [velocities][keys] each."""

    lead_ms: list[list[float]]
    power_db: list[list[float]]


class Font(TypedDict):
    """A SoundFont in sounds.json. bytes: its size; presets: by "bank:program"."""

    bytes: int
    presets: dict[str, Row]


@dataclass(frozen=True, slots=True)
class Measured:
    """What was measured of a preset. keys: [n]; lead_s [velocities, n]; power [loud velocities, n], K-weighted mean
    square of a drum's attack, of the first HELD_S of a pitched note (agent/audio/synth.py)."""

    keys: NDArray[np.int64]
    lead_s: NDArray[np.float64]
    power: NDArray[np.float64]

    @classmethod
    def of(cls, number: Number) -> Measured:
        """Return one that is to be filled."""
        keys = np.arange(LOWEST, HIGHEST, PROBE_KEY_STEP[number[0] == DRUM_BANK])
        return cls(keys, np.zeros((len(PROBE_VELOCITIES), len(keys))), np.zeros((len(LOUD_VELOCITIES), len(keys))))

    def lead_in_s(self, key: int, velocity: int) -> float:
        """Return the seconds from a note-on to when the note is heard."""
        nearest = int(np.abs(np.asarray(PROBE_VELOCITIES) - velocity).argmin())
        return float(self.lead_s[nearest, int(np.abs(self.keys - key).argmin())])

    def lufs(self, keys: NDArray[np.int64] | tuple[int, ...], velocity: int) -> float:
        """Return the LUFS of one note, as a mean over these keys; -70 for silence."""
        columns = [int(np.abs(self.keys - key).argmin()) for key in keys]
        powers = np.maximum(self.power[:, columns].mean(axis=1), LEAST_POWER)
        return float(np.interp(velocity, LOUD_VELOCITIES, 10 * np.log10(powers) + OFFSET_DB))

    def to_json(self) -> Row:
        power_db = 10 * np.log10(np.maximum(self.power, LEAST_POWER))
        return {"lead_ms": np.round(1e3 * self.lead_s, 1).tolist(), "power_db": np.round(power_db, 1).tolist()}

    @classmethod
    def from_json(cls, number: Number, given: Row) -> Measured:
        power = 10 ** (np.array(given["power_db"]) / 10)
        return cls(cls.of(number).keys, np.array(given["lead_ms"]) / 1e3, np.where(power > LEAST_POWER, power, 0.0))


def known(soundfont: Path) -> dict[Number, Measured]:
    """Return what is known of a SoundFont beforehand: of one that ships, unchanged, everything; else nothing."""
    if soundfont.name not in SOUNDFONTS or soundfont.parent != shipped():
        return {}
    table = _table().get(soundfont.name)
    if table is None or table["bytes"] != soundfont.stat().st_size:
        return {}
    return {number: Measured.from_json(number, row) for number, row in _rows(table["presets"])}


def _rows(presets: dict[str, Row]) -> list[tuple[Number, Row]]:
    pairs = [(name.split(":"), row) for name, row in presets.items()]
    return [((int(bank), int(program)), row) for (bank, program), row in pairs]


@cache
def _table() -> dict[str, Font]:
    try:
        table: dict[str, Font] = json.loads(shipped(TABLE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return table


def lead_in_of(attack: NDArray[np.float32], sample_rate: int) -> float:
    """Seconds of float [n] before its 1 ms RMS first passes -20 dB of its greatest; 0 for silence."""
    width = sample_rate // 1000
    energy = np.cumsum(np.concatenate([np.zeros(1), attack.astype(np.float64) ** 2]))
    rms = np.sqrt((energy[width:] - energy[:-width]) / width)
    if rms.max() < 1e-6:
        return 0.0
    return (int(np.argmax(rms >= ATTACK_FLOOR * rms.max())) + width / 2) / sample_rate
