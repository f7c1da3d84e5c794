"""What the band plays in the next bar of a song.

`plan_bar` is a pure function: the same plan, the same bass and the same grooves give the same bar.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from agent.song import comping, counter_line, drum_fill, drum_groove
from agent.song.bar_chords import ChordAt, chords_of, coloured
from agent.song.bass_bar import BassBar, group_starts
from agent.song.comping import Stroke
from agent.song.counter_line import LineNote
from agent.song.drum_groove import DrumBar, Traits
from agent.song.expectation import turn_of_groove
from agent.song.groove_library import GrooveLibrary
from agent.song.level import hear_level
from agent.song.sections import decide_section, turns
from agent.song.song_form import (
    Place,
    place_in,
)
from agent.song.song_plan import BarPlan, Section, SongPlan
from models.critic.critic import Critic

BREAK_VELOCITY = 84
BREAK_NOTES_MAX = 3  # of a bar in which the bass stops
HALF_FILL = 0.22  # chance of a short fill in the middle of a phrase


def plan_bar(
    plan: SongPlan,
    ahead: Sequence[BassBar],
    library: GrooveLibrary,
    certain: bool,
    imagined: Sequence[Traits] = (),
    critic: Critic | None = None,
) -> tuple[SongPlan, BarPlan]:
    """Return (the plan with its section decided, the next bar).

    ahead: the bass of the next bar and as many after it as are known or foretold, at least one. certain: whether they
    are known, as in a file that was read. imagined: the responder's grooves, candidates beside the played ones. critic:
    judges comping and line; None = rules alone.
    """
    now, number = ahead[0], plan.heard
    plan, choices = decide_section(plan, ahead, library, certain, imagined, critic)
    section = plan.sections[plan.current]
    place = place_in(number - plan.phrase_of, plan.length)
    rng = np.random.default_rng((plan.seed, 7, number))
    level = _level_of(plan, now, certain)
    harmony = _harmony(plan, now)
    chords = coloured(harmony, plan.key, _colour(plan, place), rng)
    ends = place.is_last or (certain and turns(plan, ahead[1:]))
    starts = number == plan.began or (place.bar == 0 and place.phrase > 0)
    over = certain and not any(bar.notes for bar in ahead[1:]) and len(ahead) > 1
    drums, is_fill, is_break = _drums(plan, section, now, place, ends and not over, level, library, rng, certain)
    crash = starts and not is_break
    if crash:
        drums = drum_groove.with_crash(drums, int(104 + 8 * level))
    figure = section.variation if place.bar % 4 == 3 or (place.phrase % 2 and place.bar % 4 == 1) else section.figure
    strokes = (
        comping.strokes_of(figure, chords, now.ticks, level, ends, rng) if chords and (now.notes or not certain) else ()
    )
    if is_break:
        strokes = tuple(Stroke(note.tick, min(note.length, 2), BREAK_VELOCITY) for note in now.notes)
    plan, line = _line(plan, section, now, chords, level, number)
    if is_break or over:
        line = ()
    bar = BarPlan(number, section.name, place, harmony, chords, drums, strokes, line, is_fill, is_break, crash, choices)
    return plan, bar


def _level_of(plan: SongPlan, now: BassBar, certain: bool) -> float:
    return (hear_level(plan.level, now) if certain else plan.level).now


def _harmony(plan: SongPlan, now: BassBar) -> tuple[ChordAt, ...]:
    remembered = plan.memory.get(now.signature, ()) if now.notes else ()
    if remembered and remembered[-1].tick >= now.ticks:
        remembered = ()
    return chords_of(now, plan.key, plan.held, remembered, plan.sevenths)


def _colour(plan: SongPlan, place: Place) -> float:
    """Return the share of chords with a seventh: none in a section's first phrase, more later or when asked for."""
    asked = 2 * (plan.wish.tension - 0.5)
    return float(np.clip((0.0, 0.45, 0.2, 0.6)[place.phrase % 4] + asked, 0.0, 1.0))


def _drums(
    plan: SongPlan,
    section: Section,
    now: BassBar,
    place: Place,
    ends: bool,
    level: float,
    library: GrooveLibrary,
    rng: np.random.Generator,
    certain: bool,
) -> tuple[DrumBar, bool, bool]:
    """Return (the bar of drums, whether it ends in a fill, whether it is a break)."""
    number = place.bar + place.phrase * place.length if certain else turn_of_groove(plan.bars, now, place.bar)
    bar = section.groove.bar(number)[: now.ticks]
    bar = (*bar, *((),) * (now.ticks - len(bar)))
    if section.ride and level > -0.8:
        bar = drum_groove.on_ride(bar)
    if _is_break(plan, section, now):
        return drum_groove.break_bar(now), False, True
    same = np.random.default_rng((plan.seed, 13, plan.current, number % 2, _number_of(now)))
    usual = np.array(section.usual) if section.usual else np.zeros(now.ticks)
    much = 0.7 if place.bar % 4 == 3 else 0.15
    bar = drum_groove.varied(bar, now, usual[: now.ticks], same, much)
    is_fill = False
    rests = now.notes and now.ticks - (now.notes[-1].tick + now.notes[-1].length) >= now.ticks // 2
    if ends or (rests and rng.random() < 0.5) or (place.bar % 4 == 3 and rng.random() < HALF_FILL):
        wanted = 8 if ends or rests else 4
        fill = drum_fill.choose(library, min(wanted, now.ticks), section.groove.style, rng)
        if fill is not None:
            bar, is_fill = drum_fill.filled(bar, fill), True
    if certain and not now.notes and plan.bars and not plan.bars[-1].notes:
        bar = drum_groove.thinned(bar)
    bar = drum_groove.at_level(bar, level)
    return bar, is_fill, False


def _number_of(bar: BassBar) -> int:
    """Return a number that is the same whenever this bar comes again, in every process."""
    total = 17
    for tick, pitch in sorted(bar.signature):
        total = (total * 1_000_003 + tick * 131 + pitch) % 2**31
    return total


def _is_break(plan: SongPlan, section: Section, now: BassBar) -> bool:
    """Return whether the bass stops in this bar, as it did before: then the band stops with it."""
    if not now.notes or len(now.notes) > BREAK_NOTES_MAX:
        return False
    usual = float(np.sum(section.usual)) if section.usual else 0.0
    silent = now.notes[-1].tick + now.notes[-1].length <= now.ticks // 2
    known = any(old.signature == now.signature for old in plan.bars[-48:])
    return silent and usual >= 5 and known


def _line(
    plan: SongPlan, section: Section, now: BassBar, chords: tuple[ChordAt, ...], level: float, number: int
) -> tuple[SongPlan, tuple[LineNote, ...]]:
    if section.motif is None or not chords:
        return plan, ()
    turn, half = counter_line.turn_of(number - plan.phrase_of, section.returns)
    if turn == "rest":
        return replace(plan, statement=None), ()
    first = plan.statement if half == 1 and plan.statement else chords[0]
    motif = counter_line.transformed(section.motif, turn, section.returns)
    beats = group_starts(now.meter, now.ticks)
    line = counter_line.line_of(motif, half, section.ticks, chords, first, plan.key.scale, beats, level)
    return replace(plan, statement=first), line
