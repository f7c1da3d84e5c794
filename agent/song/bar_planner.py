"""Plans what the band plays in the next bar of a song.

`plan_bar` is a pure function: the same plan, the same bass and the same grooves give the same bar.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import takewhile

import numpy as np

from agent.parts import chord_colour, comping, counter_line, drum_dials, drum_fill, drum_groove, harmony_plans, tune
from agent.parts.bar_chords import ChordAt, chords_of
from agent.parts.bass_bar import BassBar, group_starts
from agent.parts.comping import Stroke
from agent.parts.counter_line import LineNote, Motif
from agent.parts.drum_groove import DrumBar
from agent.parts.groove_choice import Likely
from agent.parts.groove_library import GrooveLibrary
from agent.parts.imagination import ImaginedBars
from agent.parts.line_memory import SAID_MAX, Saying, Statement, suits_again
from agent.parts.line_placing import line_of, shift_of
from agent.parts.song_key import SongKey
from agent.parts.voicing import voiced
from agent.song import ending
from agent.song.arrangement import HALF_TIME_BELOW, lift_of, push_of, stage_in
from agent.song.expectation import turn_of_groove
from agent.song.level import hear_level
from agent.song.phrase_feel import DRONE_STAGE, changes, feel_at, swelled
from agent.song.sections import decide_section, turns, with_liked_groove, with_section
from agent.song.song_form import Place, number_of, phrase_heard, place_in
from agent.song.song_plan import BarPlan, Section, SongPlan
from models.critic.critic import Critic

STAGE_HATS, STAGE_COMPING, STAGE_LINE = 0.8, 0.5, 0.4  # shares of the arrangement's stage that each part follows
SETTLED_HATS = 0.4  # of a song whose form is given: its drummer keeps the time as it is
WIDE_FROM = 0.4  # of the stage, from which chords are spread
BASS_HATS = 0.5  # of a busier or barer bass bar, in the timekeeper
LEADING_LINE = 1.0  # density of a line that is the tune
LIVELY_STAGE = 0.2  # of a section, from which its tune is lively
INTENSITY_SAY = 0.3  # of a velocity, at the dial's ends
BREAK_VELOCITY = 84
BREAK_NOTES_MAX = 3  # of a bar in which the bass stops
LEAST_NOTES, STOP_FROM = 3.0, 1.2  # notes a bar as usual, and in its second half, from which a rest there is a stop
STOP_RINGS = 1  # ticks into the second half
FORM_KNOWN = (24, 32)  # bars of a section, after which its phrases may turn out to be of 12 or 16
HALF_FILL = 0.18  # chance of a short fill in the middle of a phrase
SETTLED_FILL = 0.13  # and, of a settled drummer, in every second bar: fills only where sections end sound counted
HELD_VELOCITY = 66
SOFT_TOUCH = -0.55  # bend of intensity over a drone, over muted strings and in a drop: the rim for the snare, softer


def plan_bar(
    plan: SongPlan,
    ahead: Sequence[BassBar],
    library: GrooveLibrary,
    certain: bool,
    imagined: Sequence[ImaginedBars] = (),
    critic: Critic | None = None,
    likely: Likely | None = None,
    stops: bool = True,
) -> tuple[SongPlan, BarPlan]:
    """Return (the plan with its section decided, the next bar).

    ahead: the bass of the next bar and as many after it as are known or foretold, at least one. certain: whether they
    are known, as in a file that was read. imagined: by the responder, candidates beside the others. critic:
    judges comping and line; None = rules alone. likely: how surprising a groove is to the responder. stops: whether the
    band may stop with the bass.
    """
    now, number = ahead[0], plan.heard
    plan, choices = decide_section(plan, ahead, library, certain, imagined, critic, likely)
    plan, another = with_liked_groove(plan, library, certain, imagined, likely)
    if not certain and number - plan.phrase_of in FORM_KNOWN:
        plan = replace(plan, length=phrase_heard(plan.bars[plan.phrase_of - number :], plan.length))
    section = plan.sections[plan.current]
    place = place_in(number - plan.phrase_of, plan.length)
    if number == plan.began:
        plan = replace(plan, feel=0, feel_of=number)
    elif changes(plan.feel, number - plan.feel_of, place.bar, plan.bars, ahead if certain else plan.bars[-2:]):
        plan = replace(plan, feel=plan.feel + 1, feel_of=number)
    rng = np.random.default_rng((plan.seed, 7, number))
    starts = number == plan.began or (place.bar == 0 and place.phrase > 0)
    over = certain and not any(bar.notes for bar in ahead[1:])
    other = certain and turns(plan, ahead[1:])
    ends = place.is_last or other
    bar = _Bar(
        plan, section, place, now, ahead[1] if len(ahead) > 1 else None, ends, other, starts, over, certain, stops
    )
    plan, chords = _chords(bar, rng)
    drums, is_fill, is_break = _drums(bar, library, rng)
    crashed = number - plan.crashed <= 1
    crash = starts and not is_break and not crashed and (bool(now.notes) or not certain)
    if crash:
        plan = replace(plan, crashed=number)
        drums = drum_groove.with_crash(drums, int((104 + 8 * bar.level) * (1 + 0.1 * plan.wish.bend("intensity"))))
    push = push_of(plan, place, now) if plan.settled and ends and not (is_break or over) else None
    if push is not None:
        plan = replace(plan, crashed=number)
        drums = drum_groove.with_push(drums, push, int((100 + 8 * bar.level) * bar.loud))
    strokes = _strokes(bar, chords, rng) if chords else ()
    if certain and not now.notes and strokes:
        strokes = (Stroke(0, now.ticks, round(HELD_VELOCITY * bar.loud)),)  # the chord rings while the bass rests
    if is_break:
        held = place.is_last or other
        strokes = tuple(Stroke(n.tick, n.length if held else min(n.length, 2), BREAK_VELOCITY) for n in now.notes)
    stop = None if is_break or over else _stop(bar)
    if stop is not None:
        drums, strokes = drum_groove.stopped(drums, stop), ending.cut(strokes, stop, now)
    plan, line = _line(replace(bar, plan=plan), chords)
    if stop is not None:
        line = tuple(note for note in line if note.tick < stop)
    if is_break or not strokes or (over and not now.notes):
        line = ()
    if over and now.notes:
        drums, strokes, line = (*ending.last_bar(drums, strokes, now), ending.last_line(line, chords, now))
    harmony = _harmony(plan, now)
    return plan, BarPlan(
        number,
        section.name,
        place,
        harmony,
        chords,
        drums,
        strokes,
        line,
        is_fill,
        is_break,
        crash,
        (*choices, *another),
    )


@dataclass(frozen=True, slots=True)
class _Bar:
    """What is known of the bar to plan. later: the bass of the bar after it, None = not known."""

    plan: SongPlan
    section: Section
    place: Place
    now: BassBar
    later: BassBar | None
    ends: bool  # a phrase or section
    turns: bool  # another section follows
    starts: bool  # a phrase or section
    over: bool  # the bass plays no more after it
    certain: bool
    stops: bool

    @property
    def level(self) -> float:
        return (hear_level(self.plan.level, self.now) if self.certain else self.plan.level).now

    @property
    def loud(self) -> float:
        """Return what the dial makes of a velocity, as a factor."""
        return 1 + INTENSITY_SAY * self.plan.wish.bend("intensity")

    @property
    def busy(self) -> float:
        """Return how many notes the bass plays beside what is usual in the section: -1 (half) to 1 (twice)."""
        usual = float(np.sum(self.section.usual)) if self.section.usual else 0.0
        return float(np.clip(np.log2((len(self.now.notes) + 1) / (usual + 1)), -1, 1)) if usual else 0.0

    @property
    def stage(self) -> tuple[float, float]:
        return stage_in(self.plan, self.section, self.place)

    def density(self, stage: float) -> float:
        """Return how full to play, -1 to 1: the dial, and what the arrangement says beside it."""
        return min(max(self.plan.wish.bend("density") + stage, -1.0), 1.0)


def _harmony(plan: SongPlan, now: BassBar) -> tuple[ChordAt, ...]:
    remembered = plan.memory.get(now.signature, ()) if now.notes else ()
    if remembered and remembered[-1].tick >= now.ticks:
        remembered = ()
    return chords_of(now, plan.key, plan.held, remembered, plan.sevenths)


def _chords(bar: _Bar, rng: np.random.Generator) -> tuple[SongPlan, tuple[ChordAt, ...]]:
    """Return the plan and the bar's chords in the light that is asked for, voiced."""
    plan, wish = bar.plan, bar.plan.wish
    chords = _harmony(plan, bar.now)
    if bar.later is not None and not bar.over:
        coming = _harmony(replace(plan, held=chords[-1] if chords else plan.held), bar.later)
        chords = chord_colour.with_cadence(
            chords, coming, bar.now, wish.bend("resolution"), bar.place.bar, bar.ends and not bar.over
        )
    luck = (plan.seed, 29, plan.current)
    chords = chord_colour.coloured(
        chords, plan.key, _sevenths(bar), wish.bend("tension"), bar.place.bar + bar.place.phrase, rng, luck
    )
    chords = chord_colour.unresolved(chords, plan.struck, plan.key, bar.now, wish.bend("resolution"), bar.starts)
    centre = (plan.centre or (plan.key.tonic, plan.key.mode)) if wish.harmony and plan.key.tonic >= 0 else None
    plan = replace(plan, centre=centre)
    chords = harmony_plans.planned(wish.harmony, chords, _key(plan), bar.place.bar, bar.now.highest)
    chords = _voiced(replace(bar, plan=plan), chords)
    return replace(plan, struck=chords[-1]) if chords else plan, chords


def _key(plan: SongPlan) -> SongKey:
    """Return the key on which a harmony that is asked for stays, else the song's."""
    return replace(plan.key, tonic=plan.centre[0], mode=plan.centre[1]) if plan.centre else plan.key


def _voiced(bar: _Bar, chords: Sequence[ChordAt]) -> tuple[ChordAt, ...]:
    """Return the chords laid out over the bass, each led to from the one before; those laid out already stay."""
    plan, wish = bar.plan, bar.plan.wish
    out: list[ChordAt] = []
    before = plan.struck.voicing if plan.struck else ()
    for number, chord in enumerate(chords):
        until = chords[number + 1].tick if number + 1 < len(chords) else bar.now.ticks
        under = [note.pitch for note in bar.now.notes if note.tick < until and note.tick + note.length > chord.tick]
        pedal = (harmony_plans.pedal_pitch(_key(plan), max(under, default=None)),) if wish.harmony == "pedal" else ()
        before = chord.voicing or voiced(
            chord.root,
            chord.quality,
            chord.added,
            before,
            max((*under, *pedal), default=None),
            plan.style or bar.section.groove.style,
            wish.bend("register"),
            wish.bend("tension"),
            lift_of(bar.place, bar.stage[1]),
            bar.place.bar % 2 == 1,
            bar.stage[1] >= WIDE_FROM,
        )
        out.append(replace(chord, voicing=(*pedal, *before)))
    return tuple(out)


def _sevenths(bar: _Bar) -> float:
    """Return the share of chords with a seventh: none in a section's first phrase, more later or when asked for."""
    usual, tension = (0.0, 0.45, 0.2, 0.6)[bar.place.phrase % 4], bar.plan.wish.bend("tension")
    return usual * (1 + tension) if tension < 0 else usual + (1 - usual) * min(1.5 * tension, 1.0)


def _strokes(bar: _Bar, chords: tuple[ChordAt, ...], rng: np.random.Generator) -> tuple[Stroke, ...]:
    section, place, now, wish = bar.section, bar.place, bar.now, bar.plan.wish
    varied = place.bar % 4 == 3 or rng.random() < wish.surprise - 0.5
    figure = section.figure
    other = feel_at(bar.plan.feel).figure and section.other is not None
    if other and section.other:
        figure = section.other
    if varied and wish.surprise > 0.1:
        own = np.random.default_rng((bar.plan.seed, 23, bar.plan.current))
        figure = comping.variation_of(figure, now.ticks, own) if other else section.variation
    figure = comping.bent(
        figure, now.meter, now.ticks, bar.density(STAGE_COMPING * bar.stage[1]), wish.bend("syncopation")
    )
    return comping.strokes_of(figure, chords, now.ticks, bar.level, bar.ends, rng, bar.loud)


def _drums(bar: _Bar, library: GrooveLibrary, rng: np.random.Generator) -> tuple[DrumBar, bool, bool]:
    """Return (the bar of drums, whether it ends in a fill, whether it is a break)."""
    plan, section, now, place = bar.plan, bar.section, bar.now, bar.place
    in_song = place.bar + place.phrase * place.length
    number, varies = (in_song, False) if bar.certain else turn_of_groove(plan.bars, now, place.bar)
    feel = feel_at(plan.feel)
    groove = section.beside if feel.kicks and section.beside else section.groove
    drums = groove.bar(number)
    drums = (drum_groove.turned(drums, groove.bar(number + 1)) if varies else drums)[: now.ticks]
    drums = (*drums, *((),) * (now.ticks - len(drums)))
    if section.stage <= HALF_TIME_BELOW or feel.half:
        drums = drum_dials.half_time(drums)
    drone = section.stage == DRONE_STAGE
    if drone and not place.phrase and not section.returns:
        drums = drum_groove.thinned(drums)  # time alone, until it has settled
    if drone or ((section.ride != feel.moves) and bar.level > -0.8):
        drums = drum_groove.on_ride(drums)
    if bar.stops and _is_break(plan, section, now, bar.ends and not bar.over):
        return drum_groove.break_bar(now), False, True
    wish = plan.wish
    settled = plan.settled
    hats = SETTLED_HATS if settled else STAGE_HATS
    full = bar.density(hats * bar.stage[0] + BASS_HATS * bar.busy * (not settled))
    drums = drum_dials.at_density(drums, now.meter, full, settled or wish.density == 0.5, plan.quarter_bpm)
    drums = drum_dials.syncopated(drums, now.meter, wish.bend("syncopation"))
    same = np.random.default_rng((plan.seed, 13, plan.current, number % 2, number_of(now)))
    usual = np.array(section.usual) if section.usual else np.zeros(now.ticks)
    much = (0.6 if place.bar % (8 if settled else 4) == 3 else 0.08) * 2 * wish.surprise
    drums = drum_groove.varied(drums, now, usual[: now.ticks], same, min(much, 1.0))
    is_fill = False
    rests = now.notes and now.ticks - (now.notes[-1].tick + now.notes[-1].length) >= now.ticks // 2
    short = place.bar % 4 == 3 and rng.random() < HALF_FILL * 2 * wish.surprise
    rests = rests and place.bar % 4 == 3
    near = place.length - place.bar <= 2 and not bar.ends  # the phrase's own fill comes next
    if settled:
        short = place.bar % 2 == 1 and not bar.ends and rng.random() < SETTLED_FILL * 2 * wish.surprise
    fills = bar.turns or short if settled else bar.ends or (rests and rng.random() < 0.35) or short
    if not bar.over and not near and fills:
        wanted = 8 if bar.ends and (place.phrase % 2 or bar.turns) else 4
        own = np.random.default_rng((plan.seed, 19, plan.current, place.phrase % 2, place.bar % 4 == 3, wanted))
        luck = rng if rng.random() < wish.surprise - 0.35 else own  # a section mostly has its own two fills
        fill = drum_fill.choose(library, min(wanted, now.ticks), section.groove.style, luck)
        if fill is not None:
            drums, is_fill = drum_fill.filled(drums, fill, quarter_bpm=plan.quarter_bpm), True
    if bar.certain and not now.notes and plan.bars and not plan.bars[-1].notes:
        drums = drum_groove.thinned(drums)
    drums = drum_groove.at_level(drums, bar.level)
    if feel.builds:
        drums = swelled(drums, now.meter, place)
    if plan.muted and not is_fill:
        drums = drum_groove.on_closed_hat(drums)
    if drone or feel.drops or (plan.muted and not is_fill):
        drums = drum_dials.at_intensity(drums, now.meter, SOFT_TOUCH)
    if wish.intensity != 0.5:
        drums = drum_dials.at_intensity(drums, now.meter, wish.bend("intensity"))
    return drum_groove.two_handed(drums), is_fill, False


def _is_break(plan: SongPlan, section: Section, now: BassBar, ends: bool) -> bool:
    """Return whether the bass stops in this bar, as it did before, or holds its last note at an end: the band stops."""
    if not now.notes or len(now.notes) > BREAK_NOTES_MAX:
        return False
    silent = now.notes[-1].tick + now.notes[-1].length <= now.ticks // 2
    known = any(old.signature == now.signature for old in plan.bars[-48:])
    holds = ends and now.notes[-1].tick <= now.ticks // 2 and now.notes[-1].length >= now.ticks // 2
    return _usually_goes_on(section, now.ticks) and ((silent and known) or holds)


def _usually_goes_on(section: Section, ticks: int) -> bool:
    """Return whether the bass mostly plays in a bar's second half too, so that a rest there is a stop."""
    usual = section.usual
    return bool(usual) and sum(usual) >= LEAST_NOTES and sum(usual[ticks // 2 :]) >= STOP_FROM


def _stop(bar: _Bar) -> int | None:
    """Return the tick of the bass's last note before it is silent for the bar's second half, as it was the last time;
    None where it plays on. The band hits it together with the bass from the second time on.
    """
    now = bar.now
    if len(now.notes) <= BREAK_NOTES_MAX or not _usually_goes_on(bar.section, now.ticks):
        return None
    last = now.notes[-1]
    silent = last.tick + last.length <= now.ticks // 2 + STOP_RINGS and last.tick <= now.ticks // 2
    known = any(old.signature == now.signature for old in bar.plan.bars[-48:])
    often = sum(old.signature == now.signature for old in bar.plan.bars[-8:]) > 2  # it is the riff, not a stop
    return last.tick if silent and known and not often else None


def _line(bar: _Bar, chords: tuple[ChordAt, ...]) -> tuple[SongPlan, tuple[LineNote, ...]]:
    plan, section, wish = bar.plan, bar.section, bar.plan.wish
    motif = plan.answers[0] if plan.answers and plan.answers[0] else section.motif
    if motif is None or not chords:
        return plan, ()
    turn, lift = _turn(bar, motif)
    if turn.says == "rest":
        return replace(plan, statement=None), ()
    motif = tune.said_as(counter_line.developed(motif, turn, section.returns), turn.way, section.ticks)
    beats = group_starts(bar.now.meter, bar.now.ticks)
    motif = counter_line.syncopated(motif, beats, section.ticks, wish.bend("syncopation"))
    begun = plan.statement if turn.half == 1 and plan.statement else Statement(chords[0])
    answers = turn.says == "answer" and not plan.answers
    first = turn.says == "answer" and turn.number == counter_line.FIRST_ANSWER and not section.returns

    def say(known: Mapping[int, int] | None = None) -> tuple[LineNote, ...]:
        return line_of(
            motif,
            turn.half,
            section.ticks,
            chords,
            begun.chord,
            plan.key.scale,
            beats,
            bar.level,
            wish.bend("register"),
            bar.loud,
            lift,
            answers,
            first,
            known,
        )

    saying = Saying(motif, answers, lift + shift_of(wish.bend("register")))
    start = turn.half * section.ticks
    again = begun.again
    if not begun.pitches and not first:
        again = suits_again(section.said, saying, start, say)
    line = say(dict(again.pitches) if again else None)
    pitches = (*begun.pitches, *((start + note.tick, note.pitch) for note in line))
    is_whole = turn.half == counter_line.bars_of_motif(section.ticks) - 1
    if is_whole and pitches and not again and not first:
        said = (*section.said, replace(saying, pitches=pitches))[-SAID_MAX:]
        plan = with_section(plan, replace(section, said=said))
    return replace(plan, statement=Statement(begun.chord, again, pitches)), line


def _turn(bar: _Bar, motif: Motif) -> tuple[counter_line.Turn, int]:
    """Return what the line does in the bar, and the semitones that it lies higher."""
    plan, section = bar.plan, bar.section
    if plan.answers:
        turn = counter_line.Turn("answer" if plan.answers[0] else "call", plan.answers[1])
        return turn, counter_line.lift_of(turn)
    more = LEADING_LINE if plan.line_leads else STAGE_LINE * bar.stage[1]
    opens = section.name == plan.sections[0].name
    if plan.line_leads and plan.form:
        return _turn_of_tune(bar, motif, bar.density(more), opens)
    ticks = next(one.ticks for one in plan.sections if one.name == section.name)  # of several meters the first counts
    since = plan.phrase_of
    if not opens and not section.returns:  # live, it was heard before it was known
        count = counter_line.bars_of_motif(ticks)
        since += -(-(plan.began - since) // count) * count
    turn = counter_line.turn_of(plan.heard - since, section.returns, bar.density(more), ticks, opens)
    return turn, counter_line.lift_of(turn)


def _turn_of_tune(bar: _Bar, motif: Motif, density: float, opens: bool) -> tuple[counter_line.Turn, int]:
    """Return what a line that is the tune does in a bar of a section whose length is known, and how much higher."""
    plan, section = bar.plan, bar.section
    ahead = sum(1 for _ in takewhile(plan.form[0].__eq__, plan.form))
    silent = counter_line.bars_silent(density, section.ticks) if opens and not section.returns else 0
    number = plan.heard - plan.began - silent
    if number < 0:
        return counter_line.Turn("rest", number % counter_line.bars_of_motif(section.ticks)), 0
    at = tune.Stretch(number, number + ahead, section.returns, section.stage >= LIVELY_STAGE)
    turn = tune.turn_in(at, density, section.ticks)
    return turn, tune.lift_of(at, turn.way, motif)
