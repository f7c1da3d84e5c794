"""How the chords are struck: a rhythm figure a section keeps, with stroke lengths, varied at phrase ends."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from agent.song.bar_chords import ChordAt
from agent.song.bass_bar import BassBar, group_starts, middle_of
from agent.song.drum_groove import onset_shares
from listener.types import Meter

SOUNDING = (0.5, 0.75)  # share of the bar that a figure is to sound
USUAL_VELOCITY, ACCENT = 72, 8
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
    Figure("held", ((0, 12),), 0.9),
    Figure("two halves", ((0, 6), (8, 5)), 0.8),
    Figure("charleston", ((0, 4), (6, 6)), 0.4, ("jazz", "swing")),
    Figure("charleston and four", ((0, 4), (6, 4), (12, 2)), 0.3),
    Figure("push", ((0, 5), (7, 6)), 0.5, ("funk", "soul")),
    Figure("push to three", ((0, 6), (10, 4)), 0.6, ("rock", "pop")),
    Figure("dotted", ((0, 5), (6, 5), (12, 3)), 0.3, ("pop", "rock")),
    Figure("quarters", ((0, 3), (4, 3), (8, 3), (12, 2)), 0.2, ("pop", "rock")),
    Figure("two and four", ((0, 3), (4, 3), (12, 3)), 0.4, ("soul", "country")),
    Figure("after the beat", ((0, 3), (6, 2), (10, 4)), 0.4, ("funk",)),
    Figure("one and the and of two", ((0, 2), (6, 7)), 0.6),
    Figure("anticipation", ((0, 7), (14, 2)), 0.7, ("latin", "bossa")),
    Figure("bossa", ((0, 3), (6, 3), (10, 4)), 0.5, ("bossa", "latin", "jazz")),
)


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


def choose(
    found: Sequence[Figure],
    bass: Sequence[BassBar],
    style: str | None,
    rng: np.random.Generator,
    taken: Sequence[str] = (),
    logits: Sequence[float] = (),
) -> tuple[Figure, Figure]:
    """Return (the figure of a section, the runner-up).

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
            + style_fit
            - 0.7 * (figure.name in taken)
            + belongs
            + chance
        )

    scores = [score(number) for number in range(len(found))]
    order = sorted(range(len(found)), key=lambda number: -scores[number])
    return found[order[0]], found[order[min(1, len(order) - 1)]]


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


def strokes_of(
    figure: Figure, chords: Sequence[ChordAt], ticks: int, level: float, last: bool, rng: np.random.Generator
) -> tuple[Stroke, ...]:
    """Return the strokes of a bar: the figure's, one where a chord comes that it has none for, fewer at a phrase's end.

    level: -1.6 to 1.6. last: whether the bar ends a phrase.
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
        velocity = (USUAL_VELOCITY + (ACCENT if tick == 0 else 0) + float(rng.normal(0, 2.5))) * (1 + 0.15 * level)
        strokes.append(Stroke(tick, max(length, 1), int(min(max(velocity, 25), 115))))
    return tuple(strokes)
