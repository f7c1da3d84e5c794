"""Convert musical facts to integers and back: what one tick holds. A tick is one 16th note, whatever the meter.

In: the dataclasses that the planner uses (BassTick, Reply ...). Out: small integers, one row per tick (see
features.py).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from listener.names import PARTS as PARTS
from listener.types import Meter
from models.music.dials import GUIDANCE, NO_DIALS, Dials
from models.music.plan_tick import PlanTick

TICKS_PER_WHOLE = 16
LINE_LOW, LINE_HIGH = 55, 84  # MIDI pitches the counter-line may have, both included
LINE_PITCHES = LINE_HIGH - LINE_LOW + 1


@dataclass(frozen=True, slots=True)
class DrumPiece:
    """One piece of the kit. key: the General MIDI key it is played on. heard: the GM keys that count as this piece."""

    key: int
    heard: tuple[int, ...]


DRUM_PIECES: dict[str, DrumPiece] = {
    "kick": DrumPiece(36, (35, 36)),
    "snare": DrumPiece(38, (38, 39, 40)),
    "rim": DrumPiece(37, (31, 37)),
    "closed_hat": DrumPiece(42, (42, 44)),
    "open_hat": DrumPiece(46, (46,)),
    "ride": DrumPiece(51, (51, 53, 59)),
    "crash": DrumPiece(49, (49, 52, 55, 57)),
    "low_tom": DrumPiece(45, (41, 43, 45)),
    "high_tom": DrumPiece(50, (47, 48, 50)),
    "shaker": DrumPiece(70, (54, 69, 70, 82)),
}
PIECES = tuple(DRUM_PIECES)
PIECE_OF_KEY = {key: index for index, piece in enumerate(DRUM_PIECES.values()) for key in piece.heard}

QUALITIES: dict[str, tuple[int, ...]] = {  # semitones above the root; the names are those of listener/music/harmony.py
    "maj": (0, 4, 7),
    "min": (0, 3, 7),
    "7": (0, 4, 7, 10),
    "maj7": (0, 4, 7, 11),
    "min7": (0, 3, 7, 10),
    "dim": (0, 3, 6),
    "min7b5": (0, 3, 6, 10),
    "sus4": (0, 5, 7),
}
QUALITY_NAMES = tuple(QUALITIES)

LEVEL_STARTS = (1, 55, 80, 104)  # a velocity's level is how many of these it reaches: 0 (no hit) to 4
LEVEL_VELOCITY = (0, 42, 68, 92, 114)
LEVELS = len(LEVEL_VELOCITY)

HOLD, OFF, SAME, NEW = range(4)  # what the chord does in a tick; SAME: a stroke of the harmony that holds
LINE_HOLD, LINE_OFF, LINE_ON = range(3)

GROUPINGS: dict[tuple[int, int], tuple[int, ...]] = {  # the commonest grouping of a meter that names none
    (5, 4): (3, 2),
    (7, 4): (4, 3),
    (5, 8): (3, 2),
    (7, 8): (2, 2, 3),
    (8, 8): (3, 3, 2),
    (10, 8): (3, 3, 2, 2),
    (11, 8): (3, 3, 3, 2),
    (13, 8): (3, 3, 3, 2, 2),
}


def ticks_per_beat(meter: Meter) -> int:
    """Return the ticks of a beat, the denominator's unit: 4 in x/4, 2 in x/8."""
    return max(TICKS_PER_WHOLE // meter.denominator, 1)


def grouping_of(meter: Meter) -> tuple[int, ...]:
    """Return the meter's own grouping, or its commonest one; it always adds up to the numerator."""
    if meter.grouping:
        return meter.grouping
    if meter.denominator >= 8 and meter.numerator % 3 == 0:
        return (3,) * (meter.numerator // 3)
    return GROUPINGS.get((meter.numerator, meter.denominator), (1,) * meter.numerator)


@dataclass(frozen=True, slots=True)
class Position:
    """A place in the music. tick: 0-based in the bar. bar: bars since the band began to count."""

    tick: int
    bar: int
    meter: Meter

    @property
    def ticks_per_bar(self) -> int:
        return self.meter.numerator * ticks_per_beat(self.meter)


@dataclass(frozen=True, slots=True)
class BassTick:
    """What the bass did in one tick. Pitches are MIDI numbers; sounding_pitch is what sounded at its end."""

    known: bool
    onset_pitch: int | None = None
    velocity: int = 0
    sounding_pitch: int | None = None

    UNKNOWN: ClassVar[BassTick]


BassTick.UNKNOWN = BassTick(False)


@dataclass(frozen=True, slots=True)
class DrumHit:
    """One hit of a piece of the kit."""

    piece: str  # a key of DRUM_PIECES
    velocity: int


@dataclass(frozen=True, slots=True)
class ChordHit:
    """A comping stroke; its harmony holds until the next one.

    voicing: the pitches that are struck, MIDI, rising; () = whoever plays it chooses. The responder does not read it.
    """

    root: int  # pitch class, C = 0
    quality: str  # a key of QUALITIES
    velocity: int
    voicing: tuple[int, ...] = ()

    def on(self, root: int, quality: str) -> ChordHit:
        """Return the stroke on another harmony, unvoiced unless it is the same."""
        same = (root, quality) == (self.root, self.quality)
        return self if same else ChordHit(root, quality, self.velocity)


@dataclass(frozen=True, slots=True)
class LineHit:
    """One note of the counter-line."""

    pitch: int  # MIDI, LINE_LOW to LINE_HIGH
    velocity: int


@dataclass(frozen=True, slots=True)
class Reply:
    """What the band does in one tick; the offs end what sounds when nothing new begins."""

    drums: tuple[DrumHit, ...] = ()
    chord: ChordHit | None = None
    chord_off: bool = False
    line: LineHit | None = None
    line_off: bool = False


EMPTY_REPLY = Reply()


def level_of(velocity: int) -> int:
    """Return the loudness level, 0 (silent) to 4, of a MIDI velocity, 0-127."""
    return sum(velocity >= start for start in LEVEL_STARTS)


def drum_levels(drums: tuple[DrumHit, ...]) -> list[int]:
    """Return one level per piece of DRUM_PIECES; ValueError for an unknown piece."""
    levels = [0] * len(PIECES)
    for hit in drums:
        if hit.piece not in DRUM_PIECES:
            raise ValueError(f"drum piece {hit.piece!r}: allowed are {', '.join(PIECES)}")
        levels[PIECES.index(hit.piece)] = level_of(hit.velocity)
    return levels


def chord_action(reply: Reply, root: int, quality: int) -> int:
    """Return HOLD, OFF, SAME or NEW, given the harmony that held before (root and quality index, -1: none)."""
    if reply.chord is None:
        return OFF if reply.chord_off else HOLD
    return SAME if (reply.chord.root, quality_index(reply.chord.quality)) == (root, quality) else NEW


def quality_index(quality: str) -> int:
    if quality not in QUALITIES:
        raise ValueError(f"chord quality {quality!r}: allowed are {', '.join(QUALITIES)}")
    return QUALITY_NAMES.index(quality)


def line_action(reply: Reply) -> int:
    if reply.line is None:
        return LINE_OFF if reply.line_off else LINE_HOLD
    return LINE_ON


@dataclass(frozen=True, slots=True)
class TickInput:
    """One step's input. position: of the tick about to be played, t; bass, sound, reply: of tick t-1.

    sound: float32 [sound_dim], the mean quantised codec latent over tick t-1, or None when unknown. dials: what is
    asked for; guidance: how strongly (1: as learned; Ho & Salimans 2022). plan: what the song plan has decided of tick
    t, read by responders that know of it.
    """

    position: Position
    bass: BassTick
    sound: NDArray[np.float32] | None
    reply: Reply
    dials: Dials = NO_DIALS
    guidance: float = GUIDANCE
    plan: PlanTick | None = None
