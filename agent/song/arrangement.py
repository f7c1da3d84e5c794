"""How full the band plays where: sparse when the song begins, open in a lively section, bare in a quiet one.

One number, the stage, moves hats, comping, line and voices together, as a band builds and drops.
"""

from __future__ import annotations

from collections.abc import Sequence

from agent.song.song_form import Place
from agent.song.song_plan import Section, SongPlan

FIRST, OPEN, BACK, BARE = -0.3, 0.45, -0.25, -0.75  # stages of a first, a lively, a following and a quiet section
LIVELY = 0.2  # energy beside what was played before, from which a section is lively; below minus it is quiet
RETURN = 0.15  # that a section gains each time it comes back
INTRO, SECOND = -0.35, 0.2  # of a song's first phrase; of every other phrase
HALF_TIME_BELOW = -0.6


def stage_for(sections: Sequence[Section], energy: float) -> float:
    """Return the stage, -1 to 1, of a new section. sections: the song's so far; energy: -1 to 1, of its bass."""
    if not sections:
        return FIRST
    if energy <= -LIVELY:
        return BARE
    if energy >= LIVELY or sections[-1].stage <= 0:
        return OPEN
    return BACK


def stage_in(plan: SongPlan, section: Section, place: Place) -> tuple[float, float]:
    """Return the stage of a bar for (the timekeeper, comping and line): its section's, more when it has come back.

    The song begins sparsely; comping and line grow every other phrase, the timekeeper stays.
    """
    stage = section.stage + RETURN * min(section.returns, 3)
    opens = not section.returns and plan.current == 0 and place.phrase == 0
    rest = stage + (INTRO if opens else SECOND if place.phrase % 2 else 0.0)
    return min(max(stage, -1.0), 1.0), min(max(rest, -1.0), 1.0)
