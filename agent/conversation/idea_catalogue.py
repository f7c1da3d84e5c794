"""`IDEAS` is the table of what the band may propose: when an idea fits, its edits, and how it is worded.

An idea names its edits (agent/directions/edit.py), so that a proposal is played, and measured, like a direction.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from agent.directions.edit import Edit
from listener.types import Meter


@dataclass(frozen=True, slots=True)
class RiffFacts:
    """What is known of a phrase when an idea is chosen.

    bars: of the phrase; similar: how alike the rhythms of its bars are, 0 to 1; per_beat: notes a beat; offbeat: share
    of notes off the beat; span: semitones; pitches: different pitch classes; behind_s: behind the beat; closes: whether
    it ends like an answer, None = not known; hook: whether something keeps coming back; walks: whether it is a walking
    bass; returns_days: days since it was heard last.
    """

    bars: int
    meter: Meter
    tempo_bpm: float
    similar: float = 0.0
    per_beat: float = 1.5
    offbeat: float = 0.3
    span: int = 12
    pitches: int = 4
    behind_s: float = 0.0
    closes: bool | None = None
    hook: bool = False
    walks: bool = False
    mode: str = "min"
    returns_days: float | None = None


OFTEN_BARS = 4


@dataclass(frozen=True, slots=True)
class Idea:
    """One idea. fits: how well it suits a phrase, 0 to 1; edits: their short forms; says, why: its wording, with {odd},
    {third}, {span} and {ago} filled in; kin: its kind, which "more like that" keeps. true: whether `why` holds of a
    phrase; otherwise: the reason where it does not."""

    name: str
    fits: Callable[[RiffFacts], float]
    edits: Callable[[RiffFacts], tuple[str, ...]]
    says: str
    why: str
    kin: str = "rhythm"
    true: Callable[[RiffFacts], bool] = lambda heard: True
    otherwise: str = ""

    def reason(self, heard: RiffFacts) -> str:
        """Return why, true of what was heard."""
        return self.why if self.true(heard) else self.otherwise

    def made(self, heard: RiffFacts) -> tuple[Edit, ...]:
        return tuple(map(Edit.read, self.edits(heard)))


def odd_meter(meter: Meter) -> str:
    """Return the meter an eighth shorter: 7/8 for 4/4, 5/8 for 3/4 and for 6/8."""
    eighths = meter.numerator * 8 // meter.denominator
    return f"{eighths - 1}/8"


def _third(heard: RiffFacts) -> int:
    """Return the number of the bar before the last, from 1: a surprise there is resolved by the last bar."""
    return max(heard.bars - 1, 1)


def _four(heard: RiffFacts) -> float:
    return 1.0 if heard.meter.denominator == 4 else 0.4


def _missed(heard: RiffFacts) -> float:
    """A hook is missed once it has been said often, or on another day."""
    often = heard.hook and heard.bars > OFTEN_BARS
    return 0.9 if often or heard.returns_days is not None else 0.8 if heard.hook else 0.0


def _expected(heard: RiffFacts) -> float:
    """A short bar is felt where the next one is expected: most over a hook, over other lines as far as bars are alike;
    it wants bars before it that are whole."""
    enough = (1.0 if heard.bars >= 3 else 0.3) * (1.0 if heard.meter.numerator >= 3 else 0.3)
    return enough * (1.0 if heard.hook else 0.3 + 0.4 * heard.similar)


IDEAS: tuple[Idea, ...] = (
    Idea(
        "odd bar",
        _expected,
        lambda h: (f"form.meter set {odd_meter(h.meter)} @bar:{_third(h)}",),
        "What if we put a {odd} bar in bar {third}?",
        "It surprises without breaking the feel.",
    ),
    Idea(
        "displacement",
        lambda h: 0.7 * (1 - h.offbeat) * h.similar,
        lambda h: ("drums.syncopation more", "harmony.pattern set stabs"),
        "What if the band comes in off the beat against you?",
        "You are square on it, so there is room to lean.",
        true=lambda h: h.offbeat < 0.3,
        otherwise="Your off-beats would have something to push against.",
    ),
    Idea(
        "reharmonisation",
        lambda h: 0.9 if h.pitches <= 5 else 0.6,
        lambda h: ("harmony.dissonance more", "harmony.resolution off"),
        "What if the chords move under your notes and never come home?",
        "The line holds still enough to carry it.",
        "harmony",
        lambda h: h.pitches <= 5,
        "Most of your notes fit more than one chord.",
    ),
    Idea(
        "pedal",
        lambda h: 0.8 if h.pitches >= 5 else 0.35,
        lambda h: ("harmony.pattern set pedal",),
        "What if the harmony stands on one note while you move?",
        "Your line has the movement already.",
        "harmony",
        lambda h: h.pitches >= 5,
        "Then every note of yours changes the chord.",
    ),
    Idea(
        "polyrhythm",
        lambda h: 0.55 * _four(h) * (0.6 + 0.4 * h.similar),
        lambda h: ("hat.pattern set three-over-four",),
        "What if the hat plays threes over your fours?",
        "Everything else is steady, so it turns over by itself.",
        true=lambda h: h.similar > 0.5,
        otherwise="It comes back to your one at every bar line.",
    ),
    Idea(
        "call and response",
        lambda h: (0.9 if h.closes is False else 0.5) * (1.0 if h.per_beat < 2.2 else 0.5),
        lambda h: ("line.pattern set answer", "line.level more"),
        "What if I answer you in the gaps?",
        "You end like a question.",
        "line",
        lambda h: h.closes is False,
        "There is room between your notes.",
    ),
    Idea(
        "half-time",
        lambda h: (0.9 if h.tempo_bpm > 100 else 0.45) * _four(h),
        lambda h: ("drums.pattern set half-time",),
        "What if the drums go half-time?",
        "At this tempo your line sounds heavier over a slow backbeat.",
        "groove",
        lambda h: h.tempo_bpm > 100,
        "One backbeat a bar gives your notes more weight.",
    ),
    Idea(
        "drop-out",
        lambda h: 0.75 if h.hook else 0.45,
        lambda h: ("drums.mute on @bar:last",),
        "What if the drums drop out in the last bar?",
        "Then your hook stands alone before it comes round.",
        "groove",
        lambda h: h.hook,
        "Then you stand alone before it comes round.",
    ),
    Idea(
        "motif return",
        _missed,
        lambda h: ("line.pattern set repeat-hook @bar:last", "line.register more @bar:last"),
        "What if your line comes back up high at the end?",
        "It has been said often enough to be missed.",
        "line",
        lambda h: h.hook and h.returns_days is None,
        "You played it {ago} ago; another voice has not said it yet.",
    ),
    Idea(
        "register shift",
        lambda h: 0.6 if h.span <= 12 else 0.35,
        lambda h: ("line.register more", "harmony.register less"),
        "What if the line goes up and the chords come down?",
        "You stay within {span} semitones: there is room above and below.",
        "line",
        lambda h: 0 < h.span <= 24,
        "There is room above and below you.",
    ),
    Idea(
        "metric modulation",
        lambda h: 0.5 * _four(h) * (1.0 if h.tempo_bpm < 130 else 0.5),
        lambda h: (f"drums.pattern set double-time @bar:{_third(h)}",),
        "What if bar {third} goes double-time and falls back?",
        "It shakes the floor without moving it.",
    ),
    Idea(
        "lay back",
        lambda h: 0.7 if h.behind_s > 0.008 else 0.4,
        lambda h: ("feel.timing less", "snare.timing less ~small"),
        "What if we all sit further behind the beat?",
        "You lean back already; I can lean with you.",
        "groove",
        lambda h: h.behind_s > 0.008,
        "You are right on it, so it will be the band that drags.",
    ),
)
BY_NAME = {idea.name: idea for idea in IDEAS}
