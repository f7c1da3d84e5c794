"""Says how full the band plays where: sparse when the song begins, open in a lively section, bare in a quiet one.

One number, the stage, moves hats, comping, line and voices together, as a band builds and drops.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from agent.parts.bass_bar import BassBar
from agent.song.phrase_feel import DRONE_RISES, DRONE_STAGE, feel_at
from agent.song.song_form import Place
from agent.song.song_plan import Section, SongPlan

FIRST, OPEN, BACK, BARE = -0.3, 0.45, -0.25, -0.75  # stages of a first, a lively, a following and a quiet section
LIVELY = 0.2  # energy beside what was played before, from which a section is lively; below minus it is quiet
RETURN = 0.15  # that a section gains each time it comes back
INTRO, SECOND = -0.35, 0.2  # of a song's first phrase; of every other phrase
HALF_TIME_BELOW = -0.6
LIFTS = (-3.0, -1.0, 1.0, 3.5, -1.0, 1.5, 4.0, 5.5)  # semitones that the chords lie higher, bar by bar of a phrase
PUSHES, PUSH_TICKS = 0.4, 6  # share of a song's phrases whose end is pushed; ticks of their last bar
STAGE_LIFT, SECOND_LIFT = 2.0, 1.0  # at the fullest; in every other phrase


def push_of(plan: SongPlan, place: Place, now: BassBar) -> int | None:
    """Return the tick in the last quarters of a phrase's or section's last bar at which the drummer crashes with the
    bass, in place of the next one; None where they wait for that."""
    luck = float(np.random.default_rng((plan.seed, 37, plan.current, place.phrase % 2)).random())
    late = [note.tick for note in now.notes if note.tick % 2 == 0 and note.tick >= now.ticks - PUSH_TICKS]
    return late[-1] if late and luck < PUSHES else None


def stage_for(sections: Sequence[Section], energy: float, drone: bool = False, sparser: bool = True) -> float:
    """Return the stage, -1 to 1, of a new section.

    sections: the song's so far; energy: -1 to 1, of its bass; drone: whether that bass carries no groove. sparser:
    whether it has fewer notes than what came before; a lower or softer one that drives on is no quiet section.
    """
    if drone:
        return DRONE_STAGE
    if not sections:
        return FIRST
    if energy <= -LIVELY:
        return BARE if sparser else BACK
    if energy >= LIVELY or sections[-1].stage <= 0:
        return OPEN
    return BACK


def stage_in(plan: SongPlan, section: Section, place: Place) -> tuple[float, float]:
    """Return the stage of a bar for (the timekeeper, comping and line): its section's, more when it has come back.

    The song begins sparsely; comping and line grow every other phrase, the timekeeper stays.
    """
    stage = section.stage + RETURN * min(section.returns, 3) + feel_at(plan.feel).full
    if section.stage == DRONE_STAGE:
        stage = section.stage + DRONE_RISES * min(place.phrase + 4 * section.returns, 4)
    opens = not section.returns and plan.current == 0 and place.phrase == 0
    rest = stage + (INTRO if opens else SECOND if place.phrase % 2 else 0.0)
    return min(max(stage, -1.0), 1.0), min(max(rest, -1.0), 1.0)


def lift_of(place: Place, stage: float) -> float:
    """Return the semitones that a bar's chords lie above their usual place: they rise through a phrase and begin low
    again."""
    return LIFTS[place.bar % len(LIFTS)] + STAGE_LIFT * stage + SECOND_LIFT * (place.phrase % 2)
