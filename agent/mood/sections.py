"""Which section of endless music comes next, and its bass: a new theme, or an earlier one that returns transformed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from agent.making.bass_writer import RIFF_BARS, RIFF_OF, BassWriter, moved
from agent.making.brief import Arc, Brief
from agent.making.form import bar_s
from agent.making.harmony_cycles import chords_of_cycle, cycle_for
from agent.making.moods import Mood, cues_of
from agent.making.outline import Given, Outline
from agent.mood.transformed import WAYS, transformed
from agent.parts.bar_chords import ChordAt
from agent.parts.bass_bar import BassBar
from listener.music.key import SCALES
from listener.types import Key, Meter
from models.responder.responder import Responder

LEAST_S, MOST_S = 70.0, 150.0  # of a section
KEPT_THEMES = 6
NEW_SHARE = 0.4  # of the sections that have a new theme, once there are two
SAME_KEY = 0.5  # share of the sections that stay in the key
NEAR = (5, 7, 9, 3)  # semitones to the keys that are gone to
NAMES = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
Cycle = tuple[tuple[int, str], ...]


@dataclass(frozen=True, slots=True)
class Theme:
    """What comes back. number: counted from 0; role: how full it is; last: the section it was last heard in;
    halves: whether its bars have two chords of the cycle each."""

    number: int
    role: str
    key: Key
    cycle: Cycle
    riff: tuple[BassBar, ...]
    last: int
    halves: bool = False

    @property
    def name(self) -> str:
        """A, B ... Z, AA ..."""
        return (NAMES[self.number // 26 - 1] if self.number >= 26 else "") + NAMES[self.number % 26]


@dataclass(frozen=True, slots=True)
class Order:
    """What section is to be written: enough to write it again and get the same. theme: that returns, None = a new one;
    way: of transformed.WAYS, "" = as it was; theme_number: of a new one."""

    seed: int
    number: int
    mood: Mood
    quarter_bpm: float
    key: Key
    meter: Meter
    bars: int
    role: str
    theme_number: int
    style: str | None = None
    theme: Theme | None = None
    way: str = ""


@dataclass(frozen=True, slots=True)
class Section:
    """A section that is written. swing: of its beat; style: of its drums."""

    order: Order
    theme: Theme
    bars: tuple[BassBar, ...]
    harmonies: tuple[tuple[ChordAt, ...], ...]
    style: str
    swing: float

    @property
    def says(self) -> str:
        """What it is, for the log."""
        how = f"returns {self.order.way}" if self.order.theme else "is new"
        return f"{self.theme.name} {how}"


def next_order(
    seed: int,
    number: int,
    themes: Sequence[Theme],
    before: Section | None,
    mood: Mood,
    quarter_bpm: float,
    meter: Meter,
    style: str | None = None,
    key: Key | None = None,
) -> Order:
    """Return what comes after `before`; the same arguments give the same. key: one that is asked for."""
    rng = np.random.default_rng((seed, 701, number))
    bars = bars_for(float(rng.uniform(LEAST_S, MOST_S)), meter, quarter_bpm)
    last = before.theme.number if before else -1
    back = sorted((one for one in themes if one.number != last), key=lambda one: one.last)
    returns = bool(back) and float(rng.random()) >= NEW_SHARE
    theme = back[0] if returns else None
    way = str(rng.choice(sorted(WAYS))) if theme else ""
    role = _role(theme, before, mood, rng)
    minor = cues_of(mood).minor
    fits = before is not None and (minor >= 0.5) == (before.order.key.mode == "min")
    if key is None:
        key = _key(before.order.key if before and fits else None, minor, rng)
    fresh = 1 + max((one.number for one in themes), default=-1)
    return Order(seed, number, mood, quarter_bpm, key, meter, bars, role, fresh, style, theme, way)


def bars_for(seconds: float, meter: Meter, quarter_bpm: float) -> int:
    """Return the bars of a section of about so many seconds: whole phrases of eight."""
    return max(round(seconds / bar_s(meter, quarter_bpm) / 8), 1) * 8


def _role(theme: Theme | None, before: Section | None, mood: Mood, rng: np.random.Generator) -> str:
    if theme is not None:
        return theme.role
    usual = ["verse", "chorus", "bridge"] if mood.steady < 0.5 else ["verse", "bridge"]
    if before is not None:
        usual = [role for role in usual if role != before.order.role]
    return str(usual[int(rng.integers(len(usual)))]) if before else "verse"


def _key(before: Key | None, minor: float, rng: np.random.Generator) -> Key:
    """Return the key of a section: mostly the one before, or near it. before: None = another mode, or none."""
    chance, step, tonic = float(rng.random()), int(rng.integers(len(NEAR))), int(rng.integers(12))
    if before is None:
        return Key(tonic, "min" if float(rng.random()) < minor else "maj", 1.0)
    return before if chance < SAME_KEY else replace(before, tonic=(before.tonic + NEAR[step]) % 12)


def write(order: Order, responder: Responder) -> Section:
    """Write a section: some seconds on one core."""
    given = Given()
    if order.theme is not None:
        cycle, riff = _carried(order.theme, order)
        given = Given(cycle=cycle, riff=riff, halves=order.theme.halves)
    brief = Brief(
        bars=order.bars,
        bpm=(order.quarter_bpm, order.quarter_bpm),
        key=order.key,
        mode=order.key.mode,
        meter=order.meter,
        blend=order.mood,
        style=order.style,
        arc=Arc(open=True),
        roles=(order.role,),
    )
    seed = order.seed * 100_003 + order.number
    outline = Outline(brief, seed, given)
    writer = BassWriter(outline, responder)
    themes = writer.themes(seed)
    bass, harmonies = writer.written(seed, themes)
    role = RIFF_OF.get(order.role, order.role)
    number = order.theme.number if order.theme else order.theme_number
    cycle, riff = themes.cycles[role], themes.riffs[role]
    kept = order.theme or Theme(number, order.role, order.key, cycle, riff, 0, writer.halves(role, cycle, seed))
    theme = replace(kept, last=order.number)
    return Section(order, theme, tuple(bass), tuple(harmonies), outline.style, outline.swing or 0.5)


def _carried(theme: Theme, order: Order) -> tuple[Cycle, tuple[BassBar, ...]]:
    """Return the cycle and the riff of a theme in another key, and transformed."""
    scale = frozenset((order.key.tonic + step) % 12 for step in SCALES[order.key.mode])
    cycle = theme.cycle
    if theme.key.mode != order.key.mode:
        rng = np.random.default_rng((order.seed, 709, order.number))
        cues = cues_of(order.mood)
        cycle = cycle_for(theme.role, order.key, cues.resolution, cues.density, (), rng)
    old, new = chords_of_cycle(theme.cycle, theme.key), chords_of_cycle(cycle, order.key)
    fits = all(bar.meter == order.meter for bar in theme.riff)
    riff = tuple(moved(bar, old[at % len(old)][0], new[at % len(new)][0], scale) for at, bar in enumerate(theme.riff))
    if not fits:
        return cycle, ()
    return cycle, transformed(riff[:RIFF_BARS], order.way, scale, order.number) if order.way else riff
