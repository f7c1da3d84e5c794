"""`Settings` says how one bar is to be played: the sum of all edits that concern it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from listener.types import Meter
from models.music.dials import NO_DIALS, Dials

INSTRUMENTS: dict[str, tuple[str, ...]] = {  # target of an edit -> voices of the mix
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
    """The settings of one bar; the defaults change nothing.

    Maps are keyed by voice (a drum piece, drums, chords, line, bass): level_db in dB, of the mix; touch_db in dB, of
    how hard it is struck; late_s in seconds (positive = behind the beat), semitones (of the bass: as far as the whole
    band moves into another key), bright_octaves, reverb, pan and width -1 to 1; density by target, -2 to 2. sounds:
    part -> instrument of agent/sounds. tempo_factor: times the player's tempo. variation: share of a bar that is played
    anew, 0 to 1; None = as the responder draws it.
    """

    dials: Dials = NO_DIALS
    level_db: Mapping[str, float] = field(default_factory=dict)
    touch_db: Mapping[str, float] = field(default_factory=dict)
    late_s: Mapping[str, float] = field(default_factory=dict)
    semitones: Mapping[str, float] = field(default_factory=dict)
    bright_octaves: Mapping[str, float] = field(default_factory=dict)
    reverb: Mapping[str, float] = field(default_factory=dict)
    pan: Mapping[str, float] = field(default_factory=dict)
    width: Mapping[str, float] = field(default_factory=dict)
    density: Mapping[str, float] = field(default_factory=dict)
    muted: frozenset[str] = frozenset()
    moves: tuple[str, ...] = ()
    harmony_moves: tuple[str, ...] = ()
    sounds: Mapping[str, str] = field(default_factory=dict)
    swing: float | None = None
    tempo_bpm: float | None = None
    tempo_factor: float = 1.0
    meter: Meter | None = None
    looseness: float | None = None
    variation: float | None = None
    resolves: bool | None = None
    open_fifths: bool = False  # chords without their thirds
    triplets: frozenset[str] = frozenset()  # voices whose 16ths fall on the triplet grid
    rubs: bool = False  # each chord gets a note of the key that lies a semitone from one of its own
    through: float = 0.0  # how far a gradual edit has come, 0 to 1
