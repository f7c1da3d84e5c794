"""Lays out a song's sections over its bars: what comes, what returns, how it builds and where it is at its height."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from agent.making.brief import Arc, Brief, OddBar
from listener.types import Meter
from models.music.tokens import Position

PHRASE = 4  # bars; sections are made of whole ones, but for the last
LEVEL = {"intro": 0.3, "verse": 0.45, "chorus": 0.75, "bridge": 0.35, "outro": 0.4}  # of each role
RETURN = 0.12  # that a section gains each time it comes back
EDGE = {"sparse": 0.1, "alone": 0.0, "quiet": 0.2, "full": 0.95, "": 0.4}  # levels where an arc begins or ends
ARC_SAY = 0.75  # of an arc that is asked for; the rest is the sections' own
LEAN_VERSE = ("intro", "verse", "chorus", "verse", "chorus", "bridge", "chorus", "outro")


@dataclass(frozen=True, slots=True)
class Part:
    """A section of the song. number: which time it comes, from 0; first, bars: where it lies."""

    role: str
    number: int
    first: int
    bars: int

    @property
    def name(self) -> str:
        return self.role if self.role in ("intro", "outro") else f"{self.role} {self.number + 1}"

    @property
    def end(self) -> int:
        return self.first + self.bars


@dataclass(frozen=True, slots=True)
class Form:
    """The sections in order, the meter of every bar, the level of every bar, 0 to 1."""

    parts: tuple[Part, ...]
    meters: tuple[Meter, ...]
    levels: tuple[float, ...]

    def part_at(self, bar: int) -> Part:
        return next(part for part in reversed(self.parts) if part.first <= bar)


def bar_s(meter: Meter, quarter_bpm: float) -> float:
    return 60 / quarter_bpm * 4 * meter.numerator / meter.denominator


def form_of(brief: Brief, meter: Meter, quarter_bpm: float, seconds: float, begun: bool = False) -> Form:
    """Return the form of a song, of as many bars as come nearest to its length. begun: whether it goes on from other
    music, without an intro of its own."""
    bars = brief.bars or max(round(seconds / bar_s(meter, quarter_bpm)), 2)
    peak = None
    if brief.arc.peak_s is not None:
        peak = min(brief.arc.peak_s / bar_s(meter, quarter_bpm), bars - 1)
    parts = _parts(brief.roles, bars, peak, begun)
    if peak is not None:  # it is where the chorus comes in, not some bars later
        peak = _nearest(parts, peak)
    meters = _meters(parts, meter, brief.odd)
    return Form(parts, meters, _levels(parts, brief.arc, peak, bars))


def _parts(roles: Sequence[str], bars: int, peak: float | None, begun: bool) -> tuple[Part, ...]:
    """Return the sections. peak: the bar at which a chorus is to come in, None = anywhere."""
    layouts = [_laid_out(roles, bars)] if roles else _layouts(bars)
    if peak is not None and not roles and bars >= 12:
        layouts = [_around(bars, peak), *layouts]
    if begun and not roles:
        layouts = [_without_intro(layout) for layout in layouts]
    found = [_placed(layout) for layout in layouts]
    if peak is None:
        return found[0]

    def misses(parts: tuple[Part, ...]) -> float:
        loud = [part for part in parts if part.role == "chorus"] or list(parts)
        return min(min(abs(part.first - peak), abs(part.first + part.bars / 2 - peak) + 1) for part in loud)

    return min(found, key=misses)


def _without_intro(layout: Sequence[tuple[str, int]]) -> list[tuple[str, int]]:
    """Return a layout whose intro's bars belong to the section after it."""
    (first, bars), *rest = layout
    if first != "intro" or not rest:
        return list(layout)
    return [(rest[0][0], bars + rest[0][1]), *rest[1:]]


def _nearest(parts: Sequence[Part], peak: float) -> float:
    starts = [float(part.first) for part in parts if part.role == "chorus"] or [peak]
    return min(starts, key=lambda at: abs(at - peak))


def _laid_out(roles: Sequence[str], bars: int) -> list[tuple[str, int]]:
    """Return (role, bars) of a form that is given: whole phrases, the longest for verse and chorus, the rest last."""
    roles = list(roles)
    while len(roles) > 1 and len(roles) * 2 > bars:
        roles.pop()
    weights = [1.0 if role in ("intro", "outro") else 2.0 for role in roles]
    lengths = []
    left, weight_left = bars, sum(weights)
    for number, weight in enumerate(weights):
        share = left * weight / weight_left
        last = number == len(weights) - 1
        unit = PHRASE if share >= PHRASE else 2
        length = left if last else max(round(share / unit) * unit, min(unit, 2))
        length = min(length, left - 2 * (len(weights) - number - 1)) if not last else length
        lengths.append(length)
        left, weight_left = left - length, weight_left - weight
    return [(role, length) for role, length in zip(roles, lengths, strict=True) if length > 0]


def _layouts(bars: int) -> list[list[tuple[str, int]]]:
    """Return layouts of so many bars, the usual one first."""
    if bars < 8:
        return [[("verse", bars)]]
    if bars < 16:
        return [[("verse", bars // 2 // 2 * 2), ("chorus", bars - bars // 2 // 2 * 2)]]
    found = []
    for long in (8, 16) if bars > 112 else (8,) if bars >= 28 else (4,):
        for intro in (long // 2, long, 0):
            for bridge in (long, long // 2, 0):
                for times in range(1, 24):
                    for last in (1, 2):
                        for outro in range(2, long + 1):
                            core = times * 2 * long + bridge + (last * long if bridge else (last - 1) * long)
                            if intro + core + outro == bars and not (bridge and times < 2 and bars < 48):
                                found.append(((intro, bridge, times, last, outro), long))
    found.sort(key=lambda one: _oddness(one[0], one[1]))
    return [_layout(*one) for one in found] or [_laid_out(LEAN_VERSE[1:5], bars)]


def _oddness(shape: tuple[int, int, int, int, int], long: int) -> float:
    """Return how far a layout is from the usual: a short intro, one bridge, an outro of a phrase."""
    intro, bridge, times, last, outro = shape
    usual_times = 2.0 if long == 8 else 2.5
    return (
        2.0 * (intro == 0)
        + 1.0 * (intro == long)
        + 0.8 * (bridge == 0)
        + 0.4 * (bridge == long // 2)
        + abs(times - usual_times) * 0.7
        + 0.3 * (last == 2)
        + 0.15 * abs(outro - PHRASE)
        + 0.5 * (outro % 2)
    )


def _layout(shape: tuple[int, int, int, int, int], long: int) -> list[tuple[str, int]]:
    intro, bridge, times, last, outro = shape
    found = [("intro", intro)] if intro else []
    found += [("verse", long), ("chorus", long)] * times
    if bridge:
        found += [("bridge", bridge), ("chorus", last * long)]
    elif last == 2:
        found[-1] = ("chorus", 2 * long)
    return [*found, ("outro", outro)]


def _around(bars: int, peak: float) -> list[tuple[str, int]]:
    """Return a layout in which a chorus comes in on the phrase nearest to `peak`."""
    before = min(max(round(peak / PHRASE) * PHRASE, 0), (bars - 4) // PHRASE * PHRASE)
    found: list[tuple[str, int]] = []
    left = before
    if left % 8 or left >= 24:
        found.append(("intro", PHRASE + 4 * (left % 8 == 0)))
        left -= found[0][1]
    order = ("verse", "bridge") if left == 16 else ("verse", "chorus", "verse", "bridge")
    for number in range(left // 8):
        found.append((order[number % len(order)], 8))
    if left % 8:
        found.append(("bridge", left % 8))
    if found and found[-1][0] == "chorus":
        found[-1] = ("bridge", found[-1][1])
    rest = bars - before
    found.append(("chorus", min(16 if rest >= 24 else 8, rest)))
    rest -= found[-1][1]
    while rest >= 20:
        found += [("verse", 8), ("chorus", 8)]
        rest -= 16
    if rest > 8:
        found.append(("verse", 8))
        rest -= 8
    return [*found, ("outro", rest)] if rest > 0 else found


def _placed(layout: Sequence[tuple[str, int]]) -> tuple[Part, ...]:
    parts: list[Part] = []
    for role, bars in layout:
        first = parts[-1].end if parts else 0
        parts.append(Part(role, sum(part.role == role for part in parts), first, bars))
    return tuple(parts)


def _meters(parts: Sequence[Part], meter: Meter, odd: Sequence[OddBar]) -> tuple[Meter, ...]:
    """Return the meter of every bar: the last bar before a section is another one where that was asked for."""
    out = [meter] * parts[-1].end
    for part in parts[1:]:
        for one in odd:
            if one.before in ("", part.role):
                out[part.first - 1] = one.meter
    return tuple(out)


def _levels(parts: Sequence[Part], arc: Arc, peak: float | None, bars: int) -> tuple[float, ...]:
    """Return the level of every bar: its role's, more with each return, rising in a phrase; and the arc."""
    out: list[float] = []
    loudest = max((i for i, part in enumerate(parts) if part.role == "chorus"), default=-1)
    for number, part in enumerate(parts):
        own = LEVEL[part.role] + RETURN * min(part.number, 2) + 0.1 * (number == loudest)
        for bar in range(part.bars):
            rising = 0.08 * ((bar % 8) / 7 - 0.5) if part.role != "outro" else -0.25 * bar / max(part.bars - 1, 1)
            out.append(own + rising)
    if arc.steady:
        out = [0.5] * bars
    elif arc.starts or arc.ends or peak is not None:
        top = _peak_bar(parts, arc, peak, bars)
        out = [(1 - ARC_SAY) * own + ARC_SAY * _arc_at(bar, top, arc, bars) for bar, own in enumerate(out)]
    return tuple(min(max(level, 0.0), 1.0) for level in out)


def _peak_bar(parts: Sequence[Part], arc: Arc, peak: float | None, bars: int) -> float:
    if peak is not None:
        return peak
    if arc.ends == "full":
        return bars - 1
    chorus = [part for part in parts if part.role == "chorus"]
    return float(chorus[-1].first) if chorus else 0.6 * bars


def _arc_at(bar: int, top: float, arc: Arc, bars: int) -> float:
    """Return the level of an arc: from its edge up to the peak, and down from there."""
    starts, ends = EDGE[arc.starts], EDGE[arc.ends]
    if bar <= top:
        at = bar / max(top, 1)
        return starts + (1.0 - starts) * at
    at = (bar - top) / max(bars - 1 - top, 1)
    return 1.0 + (ends - 1.0) * at


def ticks_of(meter: Meter) -> int:
    return Position(0, 0, meter).ticks_per_bar
