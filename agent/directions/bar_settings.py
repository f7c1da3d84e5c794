"""How one bar is to be played: what all that was asked for comes to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from listener.types import Meter
from models.music.dials import NO_DIALS, Dials

INSTRUMENTS: dict[str, tuple[str, ...]] = {  # a target -> the voices of the mix it means
    "kick": ("kick",),
    "snare": ("snare", "rim"),
    "hat": ("closed_hat", "open_hat"),
    "ride": ("ride",),
    "toms": ("low_tom", "high_tom"),
    "cymbals": ("crash", "ride"),
    "percussion": ("shaker",),
    "drums": ("drums",),
    "harmony": ("chords",),
    "line": ("line",),
    "bass": ("bass",),
    "band": ("drums", "chords", "line"),
    "form": ("drums", "chords", "line"),
    "feel": ("drums", "chords", "line"),
}


@dataclass(frozen=True, slots=True)
class Settings:
    """One bar's. Maps go from a voice (a drum piece, drums, chords, line, bass) to: level_db, late_s (positive =
    behind), semitones, bright_octaves, reverb and pan (0-1, -1 to 1). density: of a target, -2 to 2. width: -1 to 1.
    tempo_factor: times the player's. variation: how much of a bar is played anew, 0-1; None = as it comes."""

    dials: Dials = NO_DIALS
    level_db: Mapping[str, float] = field(default_factory=dict)
    late_s: Mapping[str, float] = field(default_factory=dict)
    semitones: Mapping[str, float] = field(default_factory=dict)
    bright_octaves: Mapping[str, float] = field(default_factory=dict)
    reverb: Mapping[str, float] = field(default_factory=dict)
    pan: Mapping[str, float] = field(default_factory=dict)
    density: Mapping[str, float] = field(default_factory=dict)
    muted: frozenset[str] = frozenset()
    moves: tuple[str, ...] = ()
    harmony_moves: tuple[str, ...] = ()
    width: float = 0.0
    swing: float | None = None
    tempo_bpm: float | None = None
    tempo_factor: float = 1.0
    meter: Meter | None = None
    looseness: float | None = None
    variation: float | None = None
    resolves: bool | None = None
    open_fifths: bool = False  # chords without their thirds
    triplets: frozenset[str] = frozenset()  # voices whose 16ths fall on the triplet grid
    rubs: bool = False  # a note of the key a semitone from one of the chord's is added to it
    through: float = 0.0  # how far through its bars a gradual wish is, 0-1
