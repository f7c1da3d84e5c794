"""`CommonGround` finds what is right in both readings of the music while the ears are not sure of its bars.

A drummer who is not sure keeps time on the cymbal, strikes the kick with the bass, and the snare only where it has its
place in either reading.
"""

from __future__ import annotations

import math
from dataclasses import replace
from enum import Enum, auto

from agent.band.bar_reading import DOUBTED
from agent.band.drum_cues import without_marks
from agent.band.held_bars import is_other
from agent.band.ticks import straight
from agent.parts.bass_bar import group_starts
from listener.types import Analysis, Grid
from models.music.tokens import DrumHit, Position, Reply, ticks_per_beat

BARS = 8  # after an entrance in which nothing else is played; then the band stands by its own
GONE_S = 2.5  # without a word of it, after which the other reading is none any more
NEAR_S = 0.030  # of a place
SAME_TEMPO = 0.05


class Role(Enum):
    """What a place in the bar is to a drummer."""

    KICK = auto()  # the one and what lies in its place
    SNARE = auto()  # the felt beats between
    EIGHTH = auto()
    OTHER = auto()


PULSES = {Role.KICK, Role.SNARE}


class CommonGround:
    """Call hear(analysis, own, bars_in) once a frame. other: the reading that is not played; None = no doubt."""

    def __init__(self) -> None:
        self.other: Grid | None = None
        self._told_s = 0.0  # when it was told last
        self._sure = False  # they have been sure since the band came in

    def hear(self, analysis: Analysis, own: Grid | None, bars_in: int) -> None:
        """own: the grid that the band plays on; bars_in: since it came in, 0 before."""
        ears = analysis.grid
        self._sure = bool(bars_in) and self._sure
        if own is None or ears is None:
            self.other = None
            return
        self._sure = self._sure or ears.meter_confidence >= DOUBTED
        others = [grid for grid in (analysis.rival, ears) if grid is not None and is_other(grid, own)]
        if others:
            other = others[0]
            swing = own.swing if abs(math.log(other.period_s / own.period_s)) < SAME_TEMPO else other.swing
            self.other, self._told_s = replace(other, swing=swing), analysis.time_s
        if self._sure or bars_in >= BARS or analysis.time_s - self._told_s > GONE_S:
            self.other = None


def common(reply: Reply, at: Position, time_s: float, other: Grid, with_bass: bool) -> Reply:
    """Return what of a tick's reply is right in another reading, too.

    at: its place in the band's; time_s: when it is played; with_bass: whether the bass is expected to play there.
    """
    here, there = _role(at), role_at(other, time_s)
    drums = tuple(hit for hit in without_marks(reply.drums) if _fits(hit, here, there, with_bass))
    chord = reply.chord if here in PULSES and there in PULSES else None
    return replace(reply, drums=drums, chord=chord, line=None, line_off=True)


def role_at(grid: Grid, time_s: float) -> Role:
    """Return what a moment is in a reading."""
    per_beat = ticks_per_beat(grid.meter)
    place = grid.beat_at(time_s)
    whole = math.floor(place)
    tick = (whole + straight(place - whole, grid.swing)) * per_beat
    nearest = round(tick)
    if abs(tick - nearest) * grid.period_s / per_beat > NEAR_S:
        return Role.OTHER
    beat, sub = divmod(nearest, per_beat)
    return _role(Position((grid.position_of(beat) - 1) * per_beat + sub, 0, grid.meter))


def _role(at: Position) -> Role:
    starts = group_starts(at.meter, at.ticks_per_bar)
    if at.tick in starts:
        return Role.SNARE if starts.index(at.tick) % 2 else Role.KICK
    return Role.OTHER if at.tick % 2 else Role.EIGHTH


def _fits(hit: DrumHit, here: Role, there: Role, with_bass: bool) -> bool:
    match hit.piece:
        case "kick":
            return (here == there == Role.KICK) or (with_bass and Role.SNARE not in (here, there))
        case "snare" | "rim":
            return here == there == Role.SNARE
        case _:  # time goes on, on the band's own beats at least
            return here in PULSES or there != Role.OTHER
