"""`Brief` says what song is asked for; `brief_of` reads it from sentences.

A sentence is cut into wishes at commas. Length, tempo, key, meter, odd bars, arcs, forms, moods and scenes are read
here; what is left goes to the reader of directions (agent/language), so that all its words mean what they mean live.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from agent.core.errors import UserError
from agent.directions.edit import Edit
from agent.making.moods import MOODS, Mood
from listener.types import Key, Meter

SECONDS_RANGE = (8.0, 900.0)
BPM_RANGE = (40.0, 240.0)
USUAL_S = 120.0  # of a song whose length is not said
CHARACTERS_MAX, SENTENCES_MAX = 1_000, 100
OPPOSED = 1.35  # of arousal or valence, between two moods that contradict each other
ROLES = ("intro", "verse", "chorus", "bridge", "outro")


@dataclass(frozen=True, slots=True)
class OddBar:
    """A bar of another meter. before: the role of the section that it leads to, "" = every section."""

    meter: Meter
    before: str


@dataclass(frozen=True, slots=True)
class Arc:
    """How the song grows. starts, ends: sparse, alone, full, quiet or "" as usual; fades: the end; stops: cut short;
    slows: at the end; open: none at all, more comes. peak_s: the moment of its peak, None = where the form has it;
    steady: no arc at all."""

    starts: str = ""
    ends: str = ""
    peak_s: float | None = None
    fades: bool = False
    stops: bool = False
    slows: bool = False
    open: bool = False
    steady: bool = False


@dataclass(frozen=True, slots=True)
class Brief:
    """What is asked for; None and () are left to the maker. bpm: (least, most) in quarters a minute; scenes: names;
    edits: directions, with the section they are for as @section:ROLE; directions: the words of those that were said.
    blend: a mood between those that have names, in place of `moods`. roles: the form, in order; told: what was made of
    which words; cannot: what is asked for and cannot be; strange: words that nobody knows."""

    sentences: tuple[str, ...] = ()
    seconds: float | None = None
    bars: int | None = None
    bpm: tuple[float, float] | None = None
    key: Key | None = None
    mode: str | None = None
    meter: Meter | None = None
    odd: tuple[OddBar, ...] = ()
    moods: tuple[str, ...] = ()
    blend: Mood | None = None
    scene_words: tuple[str, ...] = ()
    style: str | None = None
    edits: tuple[Edit, ...] = ()
    directions: tuple[str, ...] = ()
    arc: Arc = field(default_factory=Arc)
    roles: tuple[str, ...] = ()
    told: tuple[str, ...] = ()
    cannot: tuple[str, ...] = ()
    strange: tuple[str, ...] = ()

    @property
    def mood(self) -> Mood | None:
        """Return the mood asked for: the middle of those that are named."""
        if self.blend is not None:
            return self.blend
        found = [MOODS[name] for name in self.moods]
        if not found:
            return None
        count = len(found)
        minors = [one.minor for one in found if one.minor is not None]
        return Mood(
            sum(one.valence for one in found) / count,
            sum(one.arousal for one in found) / count,
            (),
            sum(one.tension for one in found) / count,
            max(one.low for one in found),
            sum(minors) / len(minors) if minors else None,
            max(one.steady for one in found),
        )


def checked(brief: Brief) -> None:
    """Raise UserError, in one line, where a brief cannot be played."""
    low, high = SECONDS_RANGE
    if brief.seconds is not None and not low <= brief.seconds <= high:
        raise UserError(f"a song of {_minutes(brief.seconds)}; give {low:g} seconds to {high / 60:g} minutes")
    length = brief.seconds or (USUAL_S if brief.bars is None else None)
    if brief.arc.peak_s is not None and length and brief.arc.peak_s >= length:
        minutes, seconds = divmod(round(brief.arc.peak_s), 60)
        raise UserError(f"peaks at {minutes}:{seconds:02d}: the song lasts {_minutes(length)}; give an earlier moment")
    for one in brief.odd:
        if brief.roles and one.before and one.before not in brief.roles[1:]:
            raise UserError(f"a {one.meter} bar before each {one.before}: none comes in {' '.join(brief.roles)}")
    if brief.bars is not None and not 2 <= brief.bars <= 512:
        raise UserError(f"a song of {brief.bars} bar{'s' * (brief.bars != 1)}; give 2 to 512")
    if brief.bpm and not (BPM_RANGE[0] <= brief.bpm[0] and brief.bpm[1] <= BPM_RANGE[1]):
        said = brief.bpm[0] if brief.bpm[0] < BPM_RANGE[0] else brief.bpm[1]
        where = f"{brief.meter} at " if brief.meter else ""
        raise UserError(f"{where}{said:g} bpm: give {BPM_RANGE[0]:g} to {BPM_RANGE[1]:g} quarters a minute")
    for meter in (brief.meter, *(one.meter for one in brief.odd)):
        if meter and (not 2 <= meter.numerator <= 24 or meter.denominator not in (4, 8, 16)):
            raise UserError(f"meter {meter}: give 2 to 24 beats over 4, 8 or 16, such as 7/8")
        if meter and meter.numerator * 16 // meter.denominator > 48:
            raise UserError(f"meter {meter}: a bar longer than three of 4/4; give a shorter one")


def _minutes(seconds: float) -> str:
    return f"{seconds / 60:g} minutes" if seconds == 0 or abs(seconds) >= 60 else f"{seconds:g} seconds"
