"""`KeptSection` is a section of a song with a name, as it is saved and gone back to: its riff bar by bar, the chords of
each bar, groove, comping, motif, key and tempo."""

from __future__ import annotations

from dataclasses import dataclass, replace

from agent.core.messages import KeptName
from agent.parts.bar_chords import ChordAt
from agent.parts.bass_bar import BassBar
from agent.parts.song_key import SongKey
from agent.song.song_form import cycle_of, phrase_bars
from agent.song.song_plan import Section, SongPlan
from listener.types import Meter

BARS_MAX = 32
USUAL_BARS = 4
NOTHING_TO_KEEP = "There is nothing to keep yet: play it once, with the band, and say it again"
UNSURE_OF_BARS = "I am not sure of your bars yet: play it once more, or tap the one, and say it again"
EVEN = (1, 2, 4, 8, 16)  # bars of a cycle
ODD_TIMES = 3  # that a cycle of 3, 6 or 12 bars was heard, before it is one
ODD_MARGIN = 0.12  # by which its bars have to be more alike than those of any other


@dataclass(frozen=True, slots=True)
class KeptSection(KeptName):
    """A named section. bars: one cycle of its bass; chords: of each of them; quarter_bpm: 0 = not known.

    start_s, end_s: where the cycle was played in its session, seconds of the stream; both 0 where nobody played it.
    """

    section: Section
    bars: tuple[BassBar, ...]
    chords: tuple[tuple[ChordAt, ...], ...]
    tonic: int = -1
    mode: str = "maj"
    quarter_bpm: float = 0.0
    start_s: float = 0.0
    end_s: float = 0.0
    odd: tuple[tuple[int, Meter], ...] = ()  # bars of the cycle, from 0, that are led in another meter
    written: bool = False  # in a chart: nobody has played it yet


def plays_a_section(song: SongPlan) -> bool:
    """Return whether there is a section to keep: the band plays one, and the bass was heard in it lately."""
    return song.current >= 0 and any(bar.notes for bar in song.bars[-USUAL_BARS:])


def kept_of(song: SongPlan, name: str, quarter_bpm: float) -> KeptSection | None:
    """Return what the song plan knows of the section that is played, under a name; None before anything was played.

    Its cycle is the riff's, as it was last played, from the riff's first bar on.
    """
    if not plays_a_section(song):
        return None
    section = song.sections[song.current]
    mine = [bar for bar in song.bars if bar.ticks == section.ticks]
    cycle, like = cycle_of(mine)
    if cycle & (cycle - 1):  # three bars, say, are a chance likeness until they have come often, and nothing else has
        even, even_like = cycle_of(mine, EVEN)
        cycle = even if len(mine) < ODD_TIMES * cycle or like < even_like + ODD_MARGIN else cycle
    if cycle < USUAL_BARS:  # chords and drums go in fours over a shorter riff
        cycle = USUAL_BARS if not cycle or USUAL_BARS % cycle == 0 else cycle
    cycle = min(cycle, len(mine))
    since = (song.heard - song.phrase_of) % cycle  # bars of a cycle that is not whole yet
    whole = mine[: len(mine) - since] if len(mine) - since >= cycle else mine
    bars = tuple(whole[-cycle:])[-BARS_MAX:]
    chords = tuple(song.memory.get(bar.signature, ()) for bar in bars)
    named = replace(section, name=name)
    return KeptSection(name, named, bars, chords, song.key.tonic, song.key.mode, quarter_bpm)


def with_kept(song: SongPlan, kept: KeptSection) -> SongPlan:
    """Return the song as it is when a kept section begins with its next bar: all that belongs to it is as it was."""
    sections = [one for one in song.sections if one.name != kept.name]
    before = next((one for one in song.sections if one.name == kept.name), None)
    sections.append(replace(kept.section, returns=(before.returns if before else kept.section.returns) + 1))
    memory = {**song.memory}
    for bar, chords in zip(kept.bars, kept.chords, strict=True):
        if chords:
            memory.pop(bar.signature, None)
            memory[bar.signature] = chords
    key = song.key
    if kept.tonic >= 0 and (key.tonic, key.mode) != (kept.tonic, kept.mode):
        key = SongKey(tonic=kept.tonic, mode=kept.mode)
    return replace(
        song,
        sections=tuple(sections),
        current=len(sections) - 1,
        began=song.heard,
        phrase_of=song.heard,
        length=phrase_bars(len(kept.bars)),
        memory=memory,
        key=key,
        bars=(*song.bars, *kept.bars, *kept.bars),
        held=None,
        statement=None,
        feel=0,
        feel_of=song.heard,
    )
