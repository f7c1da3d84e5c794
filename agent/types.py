"""What passes between the agent's rooms: frozen, slotted; times in seconds of the capture stream."""

from __future__ import annotations

from dataclasses import dataclass

PARTS = ("drums", "chords", "line")


@dataclass(frozen=True, slots=True)
class PlannedNote:
    """One note of the band. on_s, off_s: when it should be heard beside the bass. tick: its place in the grid."""

    part: str  # one of PARTS
    on_s: float
    off_s: float
    pitch: int  # MIDI 0-127 (drums: General MIDI percussion key)
    velocity: int  # 1-127
    tick: int


@dataclass(frozen=True, slots=True)
class Plan:
    """The next bars. Notes with on_s < committed_until_s are final; later ones replace all tentative ones before."""

    notes: tuple[PlannedNote, ...]
    committed_until_s: float
    created_s: float


@dataclass(frozen=True, slots=True)
class Event:
    """A MIDI message for one part, due_s: when it should be heard. message: the raw bytes."""

    due_s: float
    part: str
    message: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Direction:
    """What the player asks of the band (issue 6 fills the vocabulary): a target, a dimension, and how far."""

    target: str
    dimension: str
    change: str
    value: str | None = None
