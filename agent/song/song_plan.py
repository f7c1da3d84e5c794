"""The plan of a song, advanced once a bar: what it is so far, and what the band plays in the next bar.

`plan_bar` is a pure function: the same plan, the same bass and the same grooves give the same bar. The plan is a value:
it is kept in snapshots and copied to look further ahead.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from agent.core.types import Choice
from agent.song import comping, counter_line, drum_fill, drum_groove
from agent.song.bar_chords import ChordAt, chords_of, coloured
from agent.song.bass_bar import BassBar, group_starts, likeness
from agent.song.comping import Figure, Stroke
from agent.song.counter_line import LineNote, Motif
from agent.song.drum_groove import DrumBar, Groove, Traits
from agent.song.groove_library import GrooveLibrary
from agent.song.judging import comping_scores, motif_scores
from agent.song.level import Level, hear_level
from agent.song.song_form import (
    EXAMPLES,
    KNOWN_FROM,
    LEAST_BARS,
    NEW_BELOW,
    WINDOW,
    Place,
    alike,
    cycle_of,
    phrase_bars,
    place_in,
)
from agent.song.song_key import SongKey, hear_bar
from listener.types import Meter
from models.critic.critic import Critic
from models.music.dials import Dials

HISTORY = 160  # bars that are kept
SECTIONS_MAX = 24
MEMORY_MAX = 512  # bass bars whose chords are remembered
BREAK_VELOCITY = 84
BREAK_NOTES_MAX = 3  # of a bar in which the bass stops
HALF_FILL = 0.22  # chance of a short fill in the middle of a phrase


@dataclass(frozen=True, slots=True)
class Section:
    """A part of the song that is recognised when it returns, and gets its own back.

    examples: its bass bars; returns: how often it came back.
    """

    name: str
    meter: Meter
    ticks: int
    examples: tuple[BassBar, ...]
    groove: Groove
    figure: Figure
    variation: Figure
    motif: Motif | None
    ride: bool = False
    returns: int = 0
    usual: tuple[float, ...] = ()  # share of its bars with a bass onset at each tick


@dataclass(frozen=True, slots=True)
class Wish:
    """What is asked of the band as a whole, each 0 to 1 with 0.5 as usual: density, tension, syncopation, intensity,
    register, and chance (how much of luck is in a choice, 0.25 as usual)."""

    density: float = 0.5
    tension: float = 0.5
    syncopation: float = 0.5
    intensity: float = 0.5
    register: float = 0.5
    chance: float = 0.25


def wish_of(dials: Dials) -> Wish:
    """The dials as the song plan takes them; what is not asked for is as usual."""

    def value(given: float | None) -> float:
        return 0.5 if given is None else given

    chance = 0.25 if dials.surprise is None else 0.05 + 0.6 * dials.surprise
    return Wish(
        value(dials.density),
        value(dials.tension),
        value(dials.syncopation),
        value(dials.intensity),
        value(dials.register),
        chance,
    )


@dataclass(frozen=True, slots=True)
class BarPlan:
    """What the band plays in one bar, tick by tick or stroke by stroke. harmony: what is remembered of chords, which
    may have more colour."""

    number: int
    section: str
    place: Place
    harmony: tuple[ChordAt, ...]
    chords: tuple[ChordAt, ...]
    drums: DrumBar
    strokes: tuple[Stroke, ...]
    line: tuple[LineNote, ...]
    is_fill: bool = False
    is_break: bool = False
    has_crash: bool = False
    choices: tuple[Choice, ...] = ()


@dataclass(frozen=True, slots=True)
class SongPlan:
    """What is known of the song before the next bar. style: of the drummer's library, None = whatever fits best."""

    seed: int = 0
    style: str | None = None
    swung: bool = False
    sevenths: bool = False
    wish: Wish = field(default_factory=Wish)
    key: SongKey = field(default_factory=SongKey)
    level: Level = field(default_factory=Level)
    bars: tuple[BassBar, ...] = ()  # heard, the newest last
    heard: int = 0  # bars heard in all
    sections: tuple[Section, ...] = ()
    current: int = -1
    began: int = 0  # bar in which the current section came in
    phrase_of: int = 0  # bar from which its phrases are counted
    length: int = 8  # bars of its phrases
    memory: Mapping[frozenset[tuple[int, int]], tuple[ChordAt, ...]] = field(default_factory=dict)
    held: ChordAt | None = None
    statement: ChordAt | None = None  # the chord on which the line's last motif began


def hear(plan: SongPlan, bar: BassBar, played: BarPlan | None = None) -> SongPlan:
    """Return the plan after one more bar was heard. played: what the band did in it."""
    memory = plan.memory
    held = plan.held
    if played and played.harmony:
        held = played.harmony[-1]
        if bar.notes:
            memory = {**memory, bar.signature: played.harmony}
            if len(memory) > MEMORY_MAX:
                memory = dict(list(memory.items())[-MEMORY_MAX:])
    sections = plan.sections
    if plan.current >= 0 and bar.notes and bar.ticks == sections[plan.current].ticks:
        own = sections[plan.current]
        like, young = alike([bar], own.examples), plan.heard - plan.began < LEAST_BARS
        if like <= 0.95 and (like >= NEW_BELOW or young):  # a bar of something new is no example of this section
            examples = (*own.examples, bar)[-EXAMPLES:]
            own = replace(own, examples=examples, usual=tuple(drum_groove.onset_shares(examples, bar.ticks).tolist()))
            sections = (*sections[: plan.current], own, *sections[plan.current + 1 :])
    return replace(
        plan,
        key=hear_bar(plan.key, bar),
        level=hear_level(plan.level, bar),
        bars=(*plan.bars, bar)[-HISTORY:],
        heard=plan.heard + 1,
        memory=memory,
        held=held,
        sections=sections,
    )


def foretell(plan: SongPlan, meter: Meter, ticks: int) -> BassBar:
    """Return the bass bar that is expected next: what followed the last time the newest bars came (suffix match)."""
    bars = plan.bars
    for back in (4, 3, 2, 1):
        if len(bars) <= back:
            continue
        for at in range(len(bars) - 1, back - 1, -1):
            same = all(likeness(bars[at - back + i], bars[len(bars) - back + i]) > 0.8 for i in range(back))
            if same and bars[at].ticks == ticks:
                return bars[at]
    newest = bars[-1] if bars else None
    return newest if newest and newest.ticks == ticks else BassBar(meter, ticks)


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
    plan, choices = _section(plan, ahead, library, certain, imagined, critic)
    section = plan.sections[plan.current]
    place = place_in(number - plan.phrase_of, plan.length)
    rng = np.random.default_rng((plan.seed, 7, number))
    level = _level_of(plan, now, certain)
    harmony = _harmony(plan, now)
    chords = coloured(harmony, plan.key, _colour(plan, place), rng)
    ends = place.is_last or (certain and _turns(plan, ahead[1:]))
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


def _section(
    plan: SongPlan,
    ahead: Sequence[BassBar],
    library: GrooveLibrary,
    certain: bool,
    imagined: Sequence[Traits],
    critic: Critic | None,
) -> tuple[SongPlan, tuple[Choice, ...]]:
    """Decide which section the next bar belongs to: the one that goes on, an earlier one come back, or a new one."""
    now, number = ahead[0], plan.heard
    window = [bar for bar in (ahead[:WINDOW] if certain else plan.bars[-2:]) if bar.ticks == now.ticks]
    if plan.current >= 0 and plan.sections[plan.current].ticks == now.ticks:
        here = plan.sections[plan.current]
        age = number - plan.began
        like = alike(window, here.examples)
        opens = not certain or alike([now], here.examples) < 0.6
        if age < LEAST_BARS or like >= NEW_BELOW or not opens or not any(bar.notes for bar in window):
            return plan, ()
    known = [
        (alike(window, one.examples), i)
        for i, one in enumerate(plan.sections)
        if i != plan.current and one.ticks == now.ticks and one.meter == now.meter
    ]
    best = max(known, default=(0.0, -1))
    since = (
        0
        if not plan.sections
        else (
            number
            if certain or plan.current < 0 or plan.sections[plan.current].ticks != now.ticks
            else number - min(2, number - plan.began)
        )
    )
    cycle, _ = cycle_of([*plan.bars[-8:], *ahead] if not certain else list(ahead))
    length = phrase_bars(cycle)
    if best[1] >= 0 and best[0] >= KNOWN_FROM:
        old = plan.sections[best[1]]
        back = replace(old, returns=old.returns + 1)
        sections = (*plan.sections[: best[1]], back, *plan.sections[best[1] + 1 :])
        told = Choice("section", f"{old.name} again", "a new one", f"its bars come again: likeness {best[0]:.2f}")
        return replace(plan, sections=sections, current=best[1], began=number, phrase_of=since, length=length), (told,)
    section, choices = _new_section(plan, ahead, library, certain, imagined, critic)
    sections = (*plan.sections, section)
    if len(sections) > SECTIONS_MAX:
        sections = sections[-SECTIONS_MAX:]
    plan = replace(plan, sections=sections, current=len(sections) - 1, began=number, phrase_of=since, length=length)
    return plan, choices


def _new_section(
    plan: SongPlan,
    ahead: Sequence[BassBar],
    library: GrooveLibrary,
    certain: bool,
    imagined: Sequence[Traits],
    critic: Critic | None,
) -> tuple[Section, tuple[Choice, ...]]:
    now = ahead[0]
    name = chr(ord("A") + len(plan.sections) % 26)
    rng = np.random.default_rng((plan.seed, 11, len(plan.sections), now.ticks))
    bass = _belonging(ahead[:8] if certain else [now, *reversed(plan.bars[-4:])])
    bass = bass or [now]
    density = float(np.mean([len(bar.notes) * 16 / bar.ticks for bar in bass]))
    energy = _energy_of(plan, bass)
    wanted = {"swung": float(plan.swung), "density": density, "energy": energy, "chance": plan.wish.chance}
    if plan.sections:
        wanted[f"style {plan.sections[0].groove.style}"] = 0.9
    if plan.style:
        wanted[f"style {plan.style}"] = 2.0
    wanted |= {f"groove {one.groove.name}": -1.5 for one in plan.sections}
    found = [
        *drum_groove.played_grooves(library, now.meter, now.ticks),
        *(one for one in imagined if one.kicks.shape[1] == now.ticks),
    ]
    best, second = drum_groove.choose(found, bass, wanted, rng)
    groove = drum_groove.with_bass(best.groove, bass)
    scale = plan.key.scale
    chords = [chords_of(bar, plan.key, None) for bar in bass[:2]]
    chords = [one or (ChordAt(0, max(plan.key.tonic, 0), "maj"),) for one in chords]
    figures = comping.figures_for(now.meter, now.ticks)
    logits = comping_scores(critic, bass, chords, figures) if critic else ()
    taken = [one.figure.name for one in plan.sections]
    figure, other = comping.choose(figures, bass, plan.style, rng, taken, logits)
    motifs = counter_line.motifs_for(bass[:2], rng)
    if motifs and critic:
        belongs = motif_scores(critic, bass, chords, [motif for _, motif in motifs], scale)
        motifs = sorted(
            (
                (worth + comping.CRITIC_SAY * logit, motif)
                for (worth, motif), logit in zip(motifs, belongs, strict=True)
            ),
            key=lambda one: -one[0],
        )
    motif = motifs[0][1] if motifs else None
    usual = tuple(drum_groove.onset_shares(bass, now.ticks).tolist())
    why = ", ".join(f"{reason} {value:+.1f}" for reason, value in sorted(best.reasons.items(), key=lambda r: -r[1])[:3])
    choices = (
        Choice("section", name, reason="the bass plays something new" if plan.sections else "the song begins"),
        Choice("groove", best.groove.name, second.groove.name, why),
        Choice("comping", figure.name, other.name, f"{density:.0f} bass notes a bar"),
    )
    ride = bool(plan.sections) and len(plan.sections) % 2 == 1
    return Section(
        name,
        now.meter,
        now.ticks,
        tuple(bass[:EXAMPLES]),
        groove,
        figure,
        comping.variation_of(figure, now.ticks, rng),
        motif,
        ride,
        0,
        usual,
    ), choices


def _belonging(ahead: Sequence[BassBar]) -> list[BassBar]:
    """Return the bars from the first on that belong together: up to one that is unlike all before it, at least two."""
    found: list[BassBar] = []
    for bar in ahead:
        if bar.ticks != ahead[0].ticks or (len(found) >= 2 and bar.notes and alike([bar], found) < NEW_BELOW):
            break
        if bar.notes:
            found.append(bar)
    return found


def _energy_of(plan: SongPlan, bass: Sequence[BassBar]) -> float:
    """Return -1 to 1: how lively these bass bars are beside what was played so far (density, loudness, register)."""
    asked = 2 * (plan.wish.density - 0.5)
    before, bass = [bar for bar in plan.bars if bar.notes], [bar for bar in bass if bar.notes]
    if len(before) < LEAST_BARS or not bass:
        return asked
    notes = [np.mean([len(bar.notes) * 16 / bar.ticks for bar in bars]) for bars in (before, bass)]
    loud = [np.mean([bar.velocity or 0.0 for bar in bars]) for bars in (before, bass)]
    high = [np.mean([note.pitch for bar in bars for note in bar.notes]) for bars in (before, bass)]
    lively = 0.8 * np.log2(notes[1] / notes[0]) + (loud[1] - loud[0]) / 14 + (high[1] - high[0]) / 12
    return float(np.clip(lively + asked, -1, 1))


def _turns(plan: SongPlan, later: Sequence[BassBar]) -> bool:
    """Return whether another section begins after this bar, as far as the bass is known."""
    if not later or plan.heard - plan.began < LEAST_BARS - 1:
        return False
    here = plan.sections[plan.current]
    if later[0].ticks != here.ticks:
        return True
    window = [bar for bar in later[:WINDOW] if bar.ticks == here.ticks]
    return (
        any(b.notes for b in window)
        and alike(window, here.examples) < NEW_BELOW
        and alike(later[:1], here.examples) < 0.6
    )


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
    number = place.bar + place.phrase * place.length
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
