"""Holds what is known of a song, and how it goes on when a bar was heard. The plan is a value: it is kept in snapshots
and copied to look further ahead. `bar_planner` says what the band plays in the next bar.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from agent.core.types import Choice
from agent.parts import drum_groove
from agent.parts.bar_chords import ChordAt
from agent.parts.bass_bar import BassBar
from agent.parts.comping import Figure, Stroke
from agent.parts.counter_line import LineNote, Motif
from agent.parts.drum_groove import DrumBar, Groove
from agent.parts.line_memory import Saying, Statement
from agent.parts.song_key import SongKey, hear_bar
from agent.song.level import Level, hear_level
from agent.song.song_form import (
    EXAMPLES,
    KNOWN_FROM,
    LEAST_BARS,
    NEW_BELOW,
    Place,
    alike,
    goes_otherwise,
)
from agent.song.wish import Wish as Wish
from agent.song.wish import wish_of as wish_of
from listener.types import Meter

HISTORY = 160  # bars that are kept
MEMORY_MAX = 512  # bass bars whose chords are remembered


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
    beside: Groove | None = None  # its groove with other kicks, for its later phrases
    stage: float = 0.0  # how full the band plays in it, -1 to 1 (agent/song/arrangement.py)
    other: Figure | None = None  # of comping, for its later phrases
    declined: tuple[tuple[Groove, Groove | None], ...] = ()  # grooves (and beside) that the player took away, in turn
    said: tuple[Saying, ...] = ()  # statements of its motif, the oldest first


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
    """What is known of the song before the next bar. style: of the drummer's library, None = whatever fits best.

    quarter_bpm: the tempo, 0 = not known.
    """

    seed: int = 0
    style: str | None = None
    swung: bool = False
    quarter_bpm: float = 0.0
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
    statement: Statement | None = None  # of the line's motif, while it goes on
    crashed: int = -9  # the last bar that began with a crash
    struck: ChordAt | None = None  # the last chord as it was played, with its voicing
    centre: tuple[int, str] | None = None  # tonic and mode on which a pedal or a modal plan stays while it is asked for
    line_leads: bool = False  # it is the tune, from the first bar on; else it answers the player
    feel: int = 0  # how often the drummer has changed within the section (agent/song/phrase_feel.py)
    feel_of: int = 0  # bar in which they did last
    answers: tuple[Motif | None, int] | None = None  # what the line says in this bar, None = its own; bar 0 or 1 of it
    liking: Mapping[str, float] = field(default_factory=dict)  # of grooves by the player, -1 to 1, by kicks and snares
    declined: frozenset[str] = frozenset()  # names of grooves that the player wants no more
    form: tuple[str, ...] = ()  # sections of this bar and those after it, where they are given; () = as the bass has it
    muted: bool = False  # the player damps the strings: the drummer plays the rim and closed hats, softer
    settled: bool = False  # the drummer has one groove for verse and chorus, and fills where sections end

    def as_decided_in(self, other: SongPlan) -> SongPlan:
        """Return this plan with the section, its phrases and the line's statement as another plan decided them."""
        names = (
            "sections",
            "current",
            "began",
            "phrase_of",
            "length",
            "statement",
            "struck",
            "crashed",
            "feel",
            "feel_of",
        )
        return replace(self, **{name: getattr(other, name) for name in names})


def hear(plan: SongPlan, bar: BassBar, played: BarPlan | None = None, doubts: bool = False) -> SongPlan:
    """Return the plan after one more bar was heard.

    played: what the band did in it. doubts: a bar of another rhythm may be the first of something new, and is no
    example of the section yet.
    """
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
        others = (one.examples for i, one in enumerate(sections) if i != plan.current and one.ticks == bar.ticks)
        foreign = any(alike([bar], examples) > max(like, KNOWN_FROM) for examples in others)
        # a bar of something new, or of another section, is no example of this one
        doubtful = doubts and not young and goes_otherwise(bar, own.examples)
        if like <= 0.95 and not foreign and (like >= NEW_BELOW or young) and not doubtful:
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
