"""Says how the chords are struck: a rhythm figure a section keeps, with stroke lengths, varied at phrase ends."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from agent.parts.bar_chords import ChordAt
from agent.parts.bass_bar import BassBar, group_starts, jaccard, middle_of
from agent.parts.drum_groove import onset_shares
from listener.types import Meter

SOUNDING = (0.5, 0.75)  # share of the bar that a figure is to sound
USUAL_VELOCITY, ACCENT = 72, 8
MOVES_SAY = 0.2  # of a stroke, up to four: one held chord a bar is for drones
RUNNERS_UP = 5  # figures of which the most like the best may take its place later
CRITIC_SAY = 0.3  # of a logit


@dataclass(frozen=True, slots=True)
class Stroke:
    """tick: of the bar; length: in ticks; velocity: 1 to 127."""

    tick: int
    length: int
    velocity: int


@dataclass(frozen=True, slots=True)
class Figure:
    """name: the players' word. strokes: (tick, length) in a bar. dense: suits a bass with few (0) or many notes (1)."""

    name: str
    strokes: tuple[tuple[int, int], ...]
    dense: float = 0.5
    styles: tuple[str, ...] = ()


FOUR = (  # of 16 ticks
    Figure("held", ((0, 12),), 0.9, ("ballad", "metal")),
    Figure("two halves", ((0, 6), (8, 5)), 0.8, ("ballad", "country", "blues")),
    Figure("charleston", ((0, 4), (6, 6)), 0.4, ("jazz", "blues")),
    Figure("charleston and four", ((0, 4), (6, 4), (12, 2)), 0.3, ("jazz", "soul")),
    Figure("push", ((0, 5), (7, 6)), 0.5, ("funk", "soul", "hiphop")),
    Figure("push to three", ((0, 6), (10, 4)), 0.6, ("rock", "pop")),
    Figure("dotted", ((0, 5), (6, 5), (12, 3)), 0.3, ("pop", "rock", "dance")),
    Figure("quarters", ((0, 3), (4, 3), (8, 3), (12, 2)), 0.2, ("pop", "rock", "soul")),
    Figure("two and four", ((0, 3), (4, 3), (12, 3)), 0.4, ("soul", "country", "blues")),
    Figure("after the beat", ((0, 3), (6, 2), (10, 4)), 0.4, ("funk", "latin")),
    Figure("one and the and of two", ((0, 2), (6, 7)), 0.6, ("jazz", "hiphop")),
    Figure("anticipation", ((0, 7), (14, 2)), 0.7, ("latin", "soul")),
    Figure("bossa", ((0, 3), (6, 3), (10, 4)), 0.5, ("latin", "jazz")),
    Figure("eighths", ((0, 2), (2, 2), (4, 2), (6, 2), (8, 2), (10, 2), (12, 2), (14, 1)), 0.15, ("rock", "metal")),
    Figure("off the beat", ((0, 2), (2, 2), (6, 2), (10, 2), (14, 1)), 0.35, ("dance", "country")),
    Figure("sixteenth stabs", ((0, 3), (3, 3), (6, 3), (10, 2), (13, 1)), 0.3, ("funk", "hiphop")),
    Figure("montuno", ((0, 3), (3, 3), (6, 3), (10, 2), (14, 2)), 0.3, ("latin", "dance")),
    Figure("four on the floor, pushed", ((0, 3), (4, 3), (8, 2), (11, 4)), 0.3, ("dance", "pop")),
)
LEAST_SOUNDING = 0.65  # share of the way to the next stroke that an added one sounds


def figures_for(meter: Meter, ticks: int) -> tuple[Figure, ...]:
    """Return figures for a bar: those of four beats, else made of the bar's groups."""
    starts = group_starts(meter, ticks)
    if ticks == 16 and len(starts) == 4:
        return FOUR
    ends = (*starts[1:], ticks)
    groups = tuple(zip(starts, ends, strict=True))
    middle = middle_of(meter, ticks)
    short = tuple((a, max(round(0.65 * (b - a)), 1)) for a, b in groups)
    found = [Figure("held", ((0, max(round(0.7 * ticks), 1)),), 0.9), Figure("groups", short, 0.3)]
    if middle:
        found.append(
            Figure(
                "two parts", ((0, max(round(0.65 * middle), 1)), (middle, max(round(0.6 * (ticks - middle)), 1))), 0.6
            )
        )
    if len(groups) > 2:
        found.append(
            Figure(
                "first and last",
                (short[0], (groups[1][0], max(round(0.6 * (groups[1][1] - groups[1][0])), 1)), short[-1]),
                0.4,
            )
        )
        off = groups[1][0] - 2 if groups[1][0] >= 4 else groups[1][0]
        found.append(Figure("push", ((0, max(off - 1, 1)), (off, max(round(0.55 * (ticks - off)), 1))), 0.5))
    return tuple(found)


def of_length(figure: Figure, ticks: int) -> Figure:
    """Return the figure in a bar of another length: cut, or its last stroke as long as it was."""
    strokes = tuple((tick, min(length, ticks - tick)) for tick, length in figure.strokes if tick < ticks)
    return Figure(figure.name, strokes or ((0, max(ticks - 2, 1)),), figure.dense, figure.styles)


def choose(
    found: Sequence[Figure],
    bass: Sequence[BassBar],
    style: str | None,
    rng: np.random.Generator,
    taken: Sequence[str] = (),
    logits: Sequence[float] = (),
) -> tuple[Figure, Figure]:
    """Return (the figure of a section, the runner-up: of those that come next the most like it).

    It leaves room for a busy bass, moves under a quiet one, and is a new one where another section has it.
    taken: names of other sections' figures. logits: the critic's, one a figure; () without it.
    """
    ticks = bass[0].ticks
    shares = onset_shares(bass, ticks)
    dense = min(max((float(shares.sum()) * 16 / ticks - 2) / 8, 0.0), 1.0)

    def score(number: int) -> float:
        figure = found[number]
        sounding = sum(length for _, length in figure.strokes) / ticks
        low, high = SOUNDING
        air = -3 * max(low - sounding, sounding - high, 0.0)
        together = float(np.mean([shares[t] for t, _ in figure.strokes if t < ticks]))
        style_fit = 0.6 if style and style in figure.styles else 0.0
        belongs = CRITIC_SAY * logits[number] if len(logits) else 0.0
        chance = 0.3 * float(rng.standard_normal())
        return (
            -1.2 * abs(figure.dense - dense)
            + air
            + 0.5 * together
            + MOVES_SAY * min(len(figure.strokes), 4)
            + style_fit
            - 0.7 * (figure.name in taken)
            + belongs
            + chance
        )

    scores = [score(number) for number in range(len(found))]
    order = sorted(range(len(found)), key=lambda number: -scores[number])
    best = found[order[0]]
    onsets = {tick for tick, _ in best.strokes}
    others = [found[number] for number in order[1 : 1 + RUNNERS_UP]] or [best]
    return best, max(others, key=lambda one: jaccard((tick for tick, _ in one.strokes), onsets))


def variation_of(figure: Figure, ticks: int, rng: np.random.Generator) -> Figure:
    """Return a figure that is clearly the same one, played another way: a stroke less, more, or an eighth early."""
    strokes = list(figure.strokes)
    kind = int(rng.integers(3))
    if kind == 0 and len(strokes) > 2:
        del strokes[int(rng.integers(1, len(strokes)))]
    elif kind == 1 and len(strokes) > 1:
        at = int(rng.integers(1, len(strokes)))
        tick, length = strokes[at]
        if tick - 2 > strokes[at - 1][0]:
            strokes[at] = (tick - 2, min(length + 1, ticks - tick + 2))
    else:
        last = strokes[-1][0]
        tick = last + 4 if last + 4 < ticks else ticks - 2
        if tick > last:
            strokes[-1] = (last, min(strokes[-1][1], tick - last - 1))
            strokes.append((tick, max(min(3, ticks - tick), 1)))
    return Figure(f"{figure.name}, varied", tuple((t, max(n, 1)) for t, n in strokes), figure.dense, figure.styles)


def bent(figure: Figure, meter: Meter, ticks: int, density: float, syncopation: float) -> Figure:
    """Return the figure with fewer or more strokes, on the beats or before them; the first stroke stays.

    density, syncopation: -1 to 1, 0 = as it is.
    """
    beats = set(group_starts(meter, ticks))
    at = dict(figure.strokes)
    first = min(at)
    if density < 0:
        order = sorted((t for t in at if t != first), key=lambda t: (t % 2 == 0, -t))
        for tick in order[: round(-density * len(order))]:
            left = max(t for t in at if t < tick)
            at[left] = min(at[left] + at[tick], tick + at[tick] - left)
            del at[tick]
    elif density > 0:
        free = [t for t in range(0, ticks, 2) if t not in at and t - 1 not in at and t + 1 not in at]
        order = sorted(free, key=lambda t: (-min(abs(t - o) for o in at), t not in beats, t))
        for tick in order[: round(density * min(len(order), 5))]:
            found = [t for t in at if t < tick]
            after = min((t for t in at if t > tick), default=ticks)
            if found:
                left = max(found)
                at[left] = max(min(at[left], round(LEAST_SOUNDING * (tick - left))), 1)
            at[tick] = max(round(LEAST_SOUNDING * (after - tick)), 1)
    moved: dict[int, int] = {}
    if syncopation > 0:
        onto = [t for t in sorted(at) if t in beats and t != first]
        pushed = set(onto[: round(syncopation * len(onto))])
        for tick in sorted(at):
            to = tick - 2 if tick in pushed and all(not tick - 3 <= t < tick for t in moved) else tick
            moved[to] = at[tick] + tick - to
        if syncopation > 0.3:
            extra = [t for t in (ticks - 2, 6, 10) if 0 < t < ticks and all(abs(t - o) > 1 for o in moved)]
            for tick in extra[: round(2 * syncopation)]:
                moved[tick] = 2
        if syncopation > 0.8 and ticks > 4 and all(t not in (1, 2, 3) for t in moved):
            moved[2] = max(moved.pop(first) - 2, 1)  # not even the one is on the beat
    else:
        off = [t for t in sorted(at, reverse=True) if t not in beats]
        pulled = set(off[: round(-syncopation * len(off))])
        for tick in sorted(at):
            to = min(beats, key=lambda t: (abs(t - tick), t)) if tick in pulled else tick
            moved[to] = max(moved.get(to, 0), at[tick])
    order = sorted(moved)
    strokes = tuple((t, max(min(moved[t], end - t), 1)) for t, end in zip(order, [*order[1:], ticks], strict=True))
    return Figure(figure.name, strokes, figure.dense, figure.styles)


def strokes_of(
    figure: Figure,
    chords: Sequence[ChordAt],
    ticks: int,
    level: float,
    last: bool,
    rng: np.random.Generator,
    loud: float = 1.0,
) -> tuple[Stroke, ...]:
    """Return the strokes of a bar: the figure's, one where a chord comes that it has none for, fewer at a phrase's end.

    level: -1.6 to 1.6. last: whether the bar ends a phrase. loud: times the usual velocity.
    """
    wanted = {tick: length for tick, length in figure.strokes if tick < ticks}
    for chord in chords[1:]:
        near = [t for t in wanted if 0 <= t - chord.tick <= 1]
        if chord.tick not in wanted and not near:
            wanted[chord.tick] = max(min(4, ticks - chord.tick - 1), 1)
    if last and len(wanted) > 2 and rng.random() < 0.7:
        tick = max(wanted)
        if all(chord.tick != tick for chord in chords):
            del wanted[tick]
    at = sorted(wanted)
    strokes = []
    for tick, until in zip(at, [*at[1:], ticks], strict=True):
        length = min(wanted[tick], until - tick)
        velocity = (
            (USUAL_VELOCITY + (ACCENT if tick == 0 else 0) + float(rng.normal(0, 2.5))) * (1 + 0.15 * level) * loud
        )
        strokes.append(Stroke(tick, max(length, 1), int(min(max(velocity, 25), 115))))
    return tuple(strokes)
