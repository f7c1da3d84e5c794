"""Says what changes when a section goes on for long: as a drummer moves to the ride, takes another kick figure, drops
and builds, so that one riff does not get one groove for minutes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from agent.parts import drum_dials, drum_groove
from agent.parts.bass_bar import BassBar, group_starts, likeness
from agent.parts.drum_groove import DrumBar
from agent.song.song_form import Place
from listener.types import Meter

PHRASE = 8  # bars of a feel
SAME_BASS = 0.6  # likeness of a phrase to the one before, under which the drummer changes with the bass
DRONE_NOTES = 1.2  # onsets in 16 ticks, up to which a bass that holds its notes is a drone
DRONE_SOUNDING = 0.7  # share of the time that it sounds
DRONE_PITCHES = 2
DRONE_STAGE, DRONE_RISES = -1.0, 0.25  # of the band over a drone, and what it gains every phrase
SWELL = (0.86, 1.08)  # factors on the velocities over a phrase that builds


@dataclass(frozen=True, slots=True)
class Feel:
    """moves: the timekeeper goes from hat to ride, or back; kicks: other kicks; figure: another comping figure;
    drops: softer, on the rim; half: half-time; full: added to how full the band plays; builds: grows towards the next
    phrase."""

    moves: bool = False
    kicks: bool = False
    figure: bool = False
    drops: bool = False
    half: bool = False
    full: float = 0.0
    builds: bool = False


PLAIN, OTHER = Feel(), Feel(moves=True, figure=True)
FEELS = (
    PLAIN,
    OTHER,
    Feel(full=0.15),
    Feel(drops=True, full=-0.4, builds=True),
    Feel(moves=True, full=0.3, figure=True),
    Feel(kicks=True),
    Feel(moves=True, full=0.15),
    Feel(half=True, full=-0.3, builds=True),
    Feel(full=0.3, figure=True),
)
AGAIN = 1  # place in FEELS after the last one
LASTS = 24  # bars of a feel, where the bass does not change before; one that builds lasts one phrase


def feel_at(number: int) -> Feel:
    """Return the feel after so many changes within a section."""
    return FEELS[number if number < len(FEELS) else AGAIN + (number - AGAIN) % (len(FEELS) - AGAIN)]


def changes(number: int, lasted: int, bar: int, before: Sequence[BassBar], coming: Sequence[BassBar]) -> bool:
    """Return whether the feel changes with the next bar: with the bass, or when it has gone on for long.

    number: of the feel; lasted: bars; bar: of the phrase. before: bass bars heard, the newest last; coming: the next.
    """
    if bar % PHRASE or lasted < PHRASE:
        return False
    if lasted >= LASTS or feel_at(number).builds:
        return True
    pairs = [(now, old) for now, old in zip(coming, before[-PHRASE:], strict=False) if now.notes or old.notes]
    return bool(pairs) and sum(likeness(now, old) for now, old in pairs) < SAME_BASS * len(pairs)


def is_drone(bass: Sequence[BassBar]) -> bool:
    """Return whether a bass holds one or two notes and moves no more: it carries no groove."""
    heard = [bar for bar in bass if bar.notes]
    ticks = sum(bar.ticks for bar in bass)
    if not heard or len(bass) < 2:
        return False
    notes = [note for bar in heard for note in bar.notes]
    sounding = sum(min(note.length, bar.ticks - note.tick) for bar in heard for note in bar.notes)
    sounding += sum(bar.ticks for bar in bass if not bar.notes and bar.sounding is not None)
    pitches = {note.pitch % 12 for note in notes}
    few = len(notes) * 16 <= DRONE_NOTES * ticks
    return few and len(pitches) <= DRONE_PITCHES and sounding >= DRONE_SOUNDING * ticks


def swelled(bar: DrumBar, meter: Meter, place: Place) -> DrumBar:
    """Return a bar of a phrase that builds: louder from bar to bar, in the last but one with a kick on every beat."""
    low, high = SWELL
    at = (place.bar % PHRASE) / max(min(place.length, PHRASE) - 1, 1)
    louder = drum_groove.gained(bar, low + (high - low) * at)
    if place.bar != place.length - 2:
        return louder
    return drum_dials.with_kicks(louder, group_starts(meter, len(bar)))
