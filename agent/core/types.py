"""Defines the notes, plans and decisions that pass between the agent's packages; times in capture-stream seconds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypedDict

from listener.names import PARTS as PARTS
from listener.types import Analysis, Grid, Meter

OPEN_NOTE_S = 0.5  # length, drawn or written, of a note whose end did not come
SUSTAINED = frozenset({"chords", "line"})  # a new chord or line note ends what still sounds of the last one


@dataclass(frozen=True, slots=True)
class PlannedNote:
    """One planned note of the band. on_s, off_s: when it should be heard. tick: its 16th in the grid."""

    part: str  # one of PARTS
    on_s: float
    off_s: float
    pitch: int  # MIDI 0-127 (drums: General MIDI percussion key)
    velocity: int  # 1-127
    tick: int


@dataclass(frozen=True, slots=True)
class Plan:
    """What the band will play in the next bars.

    committed: final notes, each sent once. tentative: what would follow up to the end of the look-ahead; it replaces
    every tentative note sent before and is played only when no later plan arrives in time.
    committed_until_s: no later plan will commit a note with on_s before this.
    """

    committed: tuple[PlannedNote, ...]
    tentative: tuple[PlannedNote, ...]
    committed_until_s: float
    created_s: float
    grid: Grid | None = None  # the beat the plan was made on


@dataclass(frozen=True, slots=True)
class Event:
    """A MIDI message of one part.

    due_s: when it should be heard. send_s: due_s less the output's latency. message: raw bytes, channel bits zero.
    note: the planned note it begins, if it begins one.
    """

    due_s: float
    send_s: float
    part: str
    message: tuple[int, ...]
    note: PlannedNote | None = None


class SentRecord(TypedDict):
    """A note-on or note-off that left, as events.jsonl has it; the times are those at which it is heard."""

    type: Literal["sent"]
    output: str  # synth, midi
    part: str
    on: bool
    pitch: int
    velocity: int
    due_s: float
    sent_s: float


@dataclass(frozen=True, slots=True)
class Choice:
    """A decision of the song plan, for the log: what was decided in which bar, instead of what, and why."""

    what: str
    chosen: str
    runner_up: str = ""
    reason: str = ""
    bar: int = 0


@dataclass(frozen=True, slots=True)
class SongView:
    """Where in the song the band is, for the display. bar: of the phrase, from 0; chords: root and quality of this bar
    and the next ones, as far as they are planned; coming: "fill", "break" or ""; groove, pattern: of the section, by
    name and by its kicks and snares."""

    section: str
    bar: int
    bars: int
    chords: tuple[tuple[int, str], ...] = ()
    coming: str = ""
    groove: str = ""
    pattern: str = ""


@dataclass(frozen=True, slots=True)
class DrawnTick:
    """One 16th as the band decided it, before the player's directions shape it, and as the bass played it.

    drums: (piece, velocity); chord: (root, quality, velocity, voicing); line, bass: (pitch, velocity); sounding: the
    bass pitch that sounds at its end.
    """

    drums: tuple[tuple[str, int], ...] = ()
    chord: tuple[int, str, int, tuple[int, ...]] | None = None
    chord_off: bool = False
    line: tuple[int, int] | None = None
    line_off: bool = False
    bass: tuple[int, int] | None = None
    sounding: int | None = None


@dataclass(frozen=True, slots=True)
class DrawnBar:
    """A whole bar that was played. bar: as the planner counts, from 0; parts: those that sounded in it.

    start_s, end_s: seconds of the stream; take: of a riff that loops, 0 = none.
    """

    bar: int
    meter: Meter
    ticks: tuple[DrawnTick, ...]
    parts: frozenset[str]
    start_s: float = 0.0
    end_s: float = 0.0
    take: int = 0


TEMPO_GIVEN_UP = 0


@dataclass(frozen=True, slots=True)
class Decision:
    """What was heard and decided in one frame. state: of the band; bar: from 0; playing: parts that may sound.

    song: where in the song the band is, None before it plays; choices: what the song plan decided in this frame; drawn:
    the bar that has just been completed, on which directions are measured.
    """

    analysis: Analysis
    plan: Plan | None
    state: str
    bar: int
    playing: tuple[str, ...]
    mode: str = "accompany"
    turn: str = ""  # whose bars these are: "together", "yours 2/4", "looping"; see agent/band/modes.py
    song: SongView | None = None
    choices: tuple[Choice, ...] = ()
    drawn: DrawnBar | None = None
    not_kept: str = ""  # why what is played cannot be kept as a section now, "" where it can
    bars_sure: bool = True  # whether the band knows where its bars are: it set them itself, or the ears are sure enough
    kept: object = None  # a section that was to be kept (agent/song/kept.py), or why not, in one line
    leads: str = ""  # what the band leads and where: "7/8 next", "to 120"
    says: tuple[str, ...] = ()  # what the band has to say of it, each once
    gave_up: tuple[int, ...] = ()  # led no more, each once: bars of the cycle, from 1, in another meter; TEMPO_GIVEN_UP


@dataclass(frozen=True, slots=True)
class MixWish:
    """What a direction asks of a lane or part of the mix; level and pan are added to what it has.

    level_db: dB. pan: -1 left to 1 right. reverb: -1 (none) to 1 (much). bright_octaves: 6 dB each above the shelf.
    width: -1 (mono) to 1 (twice the side).
    """

    level_db: float = 0.0
    pan: float = 0.0
    reverb: float = 0.0
    bright_octaves: float = 0.0
    width: float = 0.0


def added(one: MixWish | None, other: MixWish | None) -> MixWish:
    """Return the sum of two wishes, each within its range."""
    one, other = one or MixWish(), other or MixWish()
    pan, reverb, width = (
        min(max(getattr(one, name) + getattr(other, name), -1.0), 1.0) for name in ("pan", "reverb", "width")
    )
    return MixWish(one.level_db + other.level_db, pan, reverb, one.bright_octaves + other.bright_octaves, width)
