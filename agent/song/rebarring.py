"""Cuts what was heard into bars anew when the band's bar line, meter or level of the beat turns.

The song then goes on as if it had been heard in the new bars from the start: riff, sections and the chords of each bass
bar are known at once.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from agent.parts import drum_groove
from agent.parts.bar_chords import chords_of
from agent.parts.bass_bar import BassBar, bass_bar, likeness
from agent.song.expectation import recognised
from agent.song.song_form import EXAMPLES
from agent.song.song_plan import Section, SongPlan
from models.music.tokens import BassTick, Position

RATIOS = (1.0, 2.0, 0.5, 4.0, 0.25, 3.0, 1 / 3, 1.5, 2 / 3, 0.75, 4 / 3)  # of a 16th to the 16th of another level
SAME_RATIO = 0.06  # octaves times ln 2
LOOK_BACK = 16  # bars
SURE_BARS = (
    0.25  # confidence in meter and downbeat from which bars are sure enough to be cut out, or led in another meter
)
MOVED = 0.15  # likeness that the old bar lines have to gain over the new ones, for the player to have moved


@dataclass(frozen=True, slots=True)
class HeardTick:
    """A 16th of the bass, and the section that the band was in, "" for none."""

    bass: BassTick
    section: str


def ratio_of(before_s: float, after_s: float) -> float | None:
    """Return how many new 16ths an old one has; None where the tempo is another one."""
    ratio = before_s / after_s
    best = min(RATIOS, key=lambda one: abs(math.log(ratio / one)))
    return best if abs(math.log(ratio / best)) < SAME_RATIO else None


def at_level(heard: Sequence[HeardTick], ratio: float) -> list[HeardTick]:
    """Return the ticks as they are on another level, the last one just before the tick that is heard now."""
    if ratio == 1:
        return list(heard)
    count = len(heard)
    length = math.floor(count * ratio + 0.5)
    out: list[HeardTick | None] = [None] * length
    for i, one in enumerate(heard):
        at = length - math.floor((count - i) * ratio + 0.5)
        if not 0 <= at < length:
            continue
        there = out[at]
        if there is None or (there.bass.onset_pitch is None and one.bass.onset_pitch is not None):
            out[at] = one
    whole: list[HeardTick] = []
    for there in out:
        before = whole[-1] if whole else HeardTick(BassTick(True), "")
        whole.append(there or HeardTick(BassTick(True, None, 0, before.bass.sounding_pitch), before.section))
    return whole


def in_bars(heard: Sequence[HeardTick], now: Position) -> tuple[list[BassBar], list[str], list[BassTick]]:
    """Return (bars up to the one that is heard now, the section of each, the ticks of the one heard now)."""
    ticks = now.ticks_per_bar
    end = len(heard) - now.tick
    first = end % ticks if end >= 0 else 0
    bars: list[BassBar] = []
    names: list[str] = []
    for start in range(first, end, ticks):
        before = heard[start - 1].bass.sounding_pitch if start else None
        bar = bass_bar(now.meter, [one.bass for one in heard[start : start + ticks]], before)
        bars.append(recognised(bar, bars))
        names.append(heard[start + ticks // 2].section)
    part = [one.bass for one in heard[max(end, 0) :]]
    return bars, names, [BassTick(True)] * (now.tick - len(part)) + part


def player_moved(old: Sequence[BassBar], new: Sequence[BassBar]) -> bool:
    """Return whether the newest bar, as it is cut now, is rather like the bars as they were cut.

    Then the player moved, not the ears' reading.
    """
    played = [bar for bar in new if bar.notes]
    if len(played) < 2:
        return False

    def known_in(bars: Sequence[BassBar]) -> float:
        likes = [likeness(played[-1], bar) for bar in bars if bar.notes]
        return sum(likes) / len(likes) if likes else 0.0

    return known_in(old[-LOOK_BACK:]) > known_in(played[:-1]) + MOVED


def with_bars(song: SongPlan, bars: Sequence[BassBar], names: Sequence[str], phrase_bars: int) -> SongPlan:
    """Return the song as if it had been heard in these bars, its latest ones.

    names: the section of each; phrase_bars: since the phrase began. A section in the same meter keeps groove, figure
    and motif, and knows its bars as they were cut and as they are.
    """
    meter, ticks = bars[-1].meter, bars[-1].ticks
    sections = list(song.sections)
    for i, old in enumerate(sections):
        own = [bar for bar, name in zip(bars, names, strict=True) if name == old.name and bar.notes]
        if old.ticks == ticks and old.meter == meter and own:
            sections[i] = _with_examples(old, own)
    here = sections[song.current] if song.current >= 0 else None
    stays = here is not None and here.ticks == ticks and here.meter == meter
    memory, held = dict(song.memory), song.held
    for bar in bars:
        chords = chords_of(bar, song.key, held, memory.get(bar.signature, ()))
        if bar.notes and chords:
            memory[bar.signature] = chords
        held = chords[-1] if chords else held
    before = [bar for bar in song.bars if bar.ticks == ticks and bar.meter == meter][
        : max(len(song.bars) - len(bars), 0)
    ]
    return replace(
        song,
        bars=(*before, *bars),
        sections=tuple(sections),
        current=song.current if stays else -1,
        phrase_of=song.heard - phrase_bars,
        memory=memory,
        held=held,
    )


def _with_examples(section: Section, bars: Sequence[BassBar]) -> Section:
    """Return a section with its newest bars as they are cut now; the groove's free kicks go where they play."""
    newest = tuple(bars[-EXAMPLES // 2 :])
    return replace(
        section,
        examples=(*section.examples[-EXAMPLES // 2 :], *newest),
        groove=drum_groove.with_bass(section.groove, newest),
        beside=drum_groove.with_bass(section.beside, newest) if section.beside else None,
        usual=tuple(drum_groove.onset_shares(newest, section.ticks).tolist()),
    )
