"""Says what the song plan has decided of a tick, as the responder reads it (models/music/plan_values.py)."""

from __future__ import annotations

from agent.song.level import HARDEST
from agent.song.song_plan import BarPlan, SongPlan
from models.music.plan_tick import PlanTick
from models.music.tokens import PIECES, drum_levels, quality_index


def plan_tick(bar: BarPlan, song: SongPlan, tick: int) -> PlanTick:
    """Return what is decided of a tick of the bar. song: with that bar's section decided.

    A section's first bars are new ones; whether a later bar repeats one is left to the responder.
    """
    chord = next((one for one in reversed(bar.chords) if one.tick <= tick), None)
    harmony = (chord.root, quality_index(chord.quality), chord.tick == tick) if chord else None
    if not 0 <= song.current < len(song.sections):
        return PlanTick(harmony, phrase=(bar.place.bar, bar.place.length))
    section = song.sections[song.current]
    age = max(bar.number - song.began, 0)
    hits = section.groove.bar(bar.place.bar)
    groove = tuple(drum_levels(hits[tick])) if tick < len(hits) else (0,) * len(PIECES)
    level = min(max(song.level.now / HARDEST, -1.0), 1.0)
    again = "new" if age == 0 and not section.returns else None
    return PlanTick(harmony, (age, section.returns > 0), (bar.place.bar, bar.place.length), again, level, groove)
