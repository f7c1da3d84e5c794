"""What passes between the agent's rooms: frozen, slotted; times in seconds of the capture stream."""

from __future__ import annotations

from dataclasses import dataclass

from listener.names import PARTS as PARTS
from listener.types import Analysis, Grid

OPEN_NOTE_S = 0.5  # length, drawn or written, of a note whose end did not come
SUSTAINED = frozenset({"chords", "line"})  # a new stroke of these ends what still sounds of the last one


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
    """The next bars.

    committed: notes that are final, each said once. tentative: what would follow to the end of the look-ahead;
    it replaces every tentative note said before and is played only when no later plan arrives in time.
    committed_until_s: no committed note will come any more with on_s before this.
    """

    committed: tuple[PlannedNote, ...]
    tentative: tuple[PlannedNote, ...]
    committed_until_s: float
    created_s: float
    grid: Grid | None = None  # the beat it was made on


@dataclass(frozen=True, slots=True)
class Event:
    """A MIDI message of one part. due_s: when it should be heard. send_s: due_s with the output's latency taken
    out. message: the raw bytes on channel 0. note: the planned note it begins, if it begins one."""

    due_s: float
    send_s: float
    part: str
    message: tuple[int, ...]
    note: PlannedNote | None = None


@dataclass(frozen=True, slots=True)
class Decision:
    """What one frame led to. state: of the band; bar: bars counted; playing: the parts that may sound now."""

    analysis: Analysis
    plan: Plan | None
    state: str
    bar: int
    playing: tuple[str, ...]
    mode: str = "accompany"
    turn: str = ""  # whose bars these are: "together", "yours 2/4", "looping"; see agent/band/modes.py
