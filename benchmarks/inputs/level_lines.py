"""Make long, steady bass lines of the kinds people play, whose metrical levels are known.

A style is a few figures of one or two bars, written as (beat, semitones above the root, beats long); roots follow a
short cycle. Beats are quarters, dotted quarters in compound meters, eighths in uneven ones.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

Random = np.random.Generator
Hit = tuple[float, int, float]  # beat after the bar line, semitones above the root, beats long
Figure = tuple[Hit, ...]
START_S = 0.5
SLOWEST_TAP, FASTEST_TAP = 60.0, 140.0  # levels between which any is right, as long as it stays
SCATTERS_S = (0.0, 0.004, 0.008, 0.015)
CYCLES = ((0, 5, 7, 0), (0, 0, 5, 7), (0, -3, 5, 7), (0, 7, -3, 5), (0, 3, 5, 0), (0,), (0, 0, 0, 5), (0, -2))


@dataclass(frozen=True)
class Style:
    """meter; beats in the bar; tempo range in beats per minute; figures (one a bar, or two in turn); chord_bars: bars
    on one root, to choose from; spelled: "walk" draws the pitches of every bar anew.
    """

    meter: str
    beats: float
    tempo: tuple[float, float]
    figures: tuple[Figure, ...]
    chord_bars: tuple[int, ...] = (1, 2)
    spelled: str = ""


def _even(step: float, beats: float, tones: tuple[int, ...] = (0,), long: float = 0.9) -> Figure:
    count = round(beats / step)
    return tuple((round(i * step, 4), tones[i % len(tones)], long * step) for i in range(count))


def _swung(beats: int, tones: tuple[int, ...], place: float = 2 / 3) -> Figure:
    return tuple((b + p, tones[(2 * b + (p > 0)) % len(tones)], 0.3) for b in range(beats) for p in (0.0, place))


T = 1 / 3
STYLES: dict[str, Style] = {
    "quarters": Style("4/4", 4, (60, 220), (_even(1, 4),), (1, 2, 4)),
    "quarters, one note": Style("4/4", 4, (60, 180), (_even(1, 4),), (64,)),
    "quarters, fifths": Style("4/4", 4, (56, 200), (_even(1, 4, (0, 7)), _even(1, 4, (0, 7, 12, 7)))),
    "rock eighths": Style("4/4", 4, (70, 190), (_even(0.5, 4),), (1, 2, 4)),
    "rock eighths, one note": Style("4/4", 4, (66, 170), (_even(0.5, 4),), (64,)),
    "octave eighths": Style("4/4", 4, (84, 160), (_even(0.5, 4, (0, 12)),)),
    "eighths with approach": Style("4/4", 4, (70, 180), ((*_even(0.5, 3.5), (3.5, -1, 0.4)),)),
    "sixteenths, one note": Style("4/4", 4, (60, 120), (_even(0.25, 4),), (1, 2)),
    "gallop": Style("4/4", 4, (80, 150), (tuple((b + p, 0, 0.2) for b in range(4) for p in (0.0, 0.5, 0.75)),), (1, 2)),
    "off-beats": Style("4/4", 4, (70, 160), (tuple((b + 0.5, (0, 7)[b % 2], 0.4) for b in range(4)),)),
    "walking": Style("4/4", 4, (80, 240), (_even(1, 4),), (1,), "walk"),
    "walking in three": Style("3/4", 3, (90, 220), (_even(1, 3),), (1,), "walk"),
    "half notes": Style("4/4", 4, (60, 240), (((0, 0, 1.8), (2, 7, 1.8)),)),
    "whole notes": Style("4/4", 4, (80, 200), (((0, 0, 3.8),),), (1,)),
    "one-drop": Style("4/4", 4, (64, 90), (((1, 0, 0.4), (1.5, 0, 0.4), (2, 7, 0.9), (3, 5, 0.4), (3.5, 3, 0.4)),)),
    "tumbao": Style("4/4", 4, (80, 200), (((1.5, 7, 1.4), (3, 12, 0.9)), ((0, 0, 1.4), (1.5, 7, 1.4), (3, 12, 0.9)))),
    "tresillo": Style("4/4", 4, (80, 140), (((0, 0, 1.4), (1.5, 7, 1.4), (3, 12, 0.9)),)),
    "shuffle": Style("4/4", 4, (70, 160), (_swung(4, (0, 0, 4, 4, 7, 7, 9, 9)), _swung(4, (0, 0)))),
    "shuffle, one note": Style("4/4", 4, (70, 150), (_swung(4, (0,)),), (1, 2, 4)),
    "two-bar riff with rests": Style(
        "4/4",
        4,
        (70, 160),
        (
            ((0, 0, 0.4), (0.5, 0, 0.4), (1.5, 3, 0.4), (2.5, 5, 0.9)),
            ((0, 0, 0.9), (2, 10, 0.4), (2.5, 12, 0.4)),
        ),
        (2, 4),
    ),
    "riff in one bar": Style(
        "4/4", 4, (70, 150), (((0, 0, 0.7), (0.75, 0, 0.2), (1.5, 3, 0.4), (2.5, 5, 0.4), (3, 7, 0.4)),), (2, 4)
    ),
    "funk": Style(
        "4/4",
        4,
        (76, 124),
        (((0, 0, 0.4), (0.75, 0, 0.2), (1, 12, 0.2), (1.75, 10, 0.2), (2.5, 0, 0.4), (3, 7, 0.3), (3.5, 10, 0.4)),),
    ),
    "ballad": Style("4/4", 4, (52, 84), (((0, 0, 1.4), (1.5, 0, 0.4), (2, 7, 1.4), (3.5, 7, 0.4)),), (1,)),
    "march": Style("2/4", 2, (84, 140), (((0, 0, 0.8), (1, 7, 0.8)),), (2, 4)),
    "waltz": Style("3/4", 3, (84, 200), (((0, 0, 0.8), (1, 7, 0.8), (2, 7, 0.8)),), (1, 2)),
    "waltz, the one": Style("3/4", 3, (84, 190), (((0, 0, 2.7),), ((0, 7, 2.7),)), (1,)),
    "waltz in eighths": Style("3/4", 3, (80, 150), (_even(0.5, 3, (0, 7, 12)),), (1, 2)),
    "five": Style("5/4", 5, (96, 180), (((0, 0, 1.4), (1.5, 0, 0.4), (2, 7, 0.9), (3, 12, 0.9), (4, 10, 0.9)),)),
    "six, eighths": Style("6/8", 2, (44, 110), (_even(T, 2, (0, 0, 0, 7, 7, 7)), _even(T, 2, (0, 7, 12))), (1, 2)),
    "six": Style("6/8", 2, (44, 110), (((0, 0, 0.6), (2 * T, 7, 0.3), (1, 12, 0.6), (1 + 2 * T, 7, 0.3)),)),
    "seven": Style("7/8", 7, (180, 320), (((0, 0, 1.8), (2, 7, 1.8), (4, 12, 0.9), (5, 10, 0.9), (6, 7, 0.9)),)),
    "seven, eighths": Style("7/8", 7, (180, 320), (_even(1, 7, (0, 0, 7, 7, 12, 10, 7)),)),
    "nine": Style("9/8", 3, (50, 100), (tuple((b + p, 0 if b else 7, 0.3) for b in range(3) for p in (0, 2 * T)),)),
    "twelve": Style("12/8", 4, (44, 90), (tuple((b + p, 0, 0.3) for b in range(4) for p in (0, 2 * T)),), (1, 2)),
    "twelve, eighths": Style("12/8", 4, (44, 90), (_even(T, 4, (0, 0, 0, 7, 7, 7)),), (1,)),
}
SLOW = {
    "quarters": 44.0,
    "walking": 52.0,
    "rock eighths": 48.0,
    "half notes": 48.0,
    "ballad": 42.0,
}  # one slow line each
WALK = (0, 2, 4, 5, 7, 9, 11, 12)


@dataclass(frozen=True)
class LevelLine:
    """A line. notes: (onset_s, pitch, velocity, seconds long). bpm: felt beats per minute, eighths in uneven meters;
    bare: notes per minute where there is one a bar, which does not tell how it is counted.
    """

    name: str
    notes: list[tuple[float, int, int, float]]
    meter: str
    bpm: float
    program: int
    seconds: float
    bare: float = 0.0

    @property
    def taps(self) -> tuple[float, ...]:
        """Return the rates at which a player would tap: the written one, and its relatives between 60 and 140."""
        numerator, unit = (int(n) for n in self.meter.split("/"))
        uneven = unit == 8 and numerator % 3 != 0
        written = self.bpm / 2 if uneven else self.bpm
        near = [written * 2.0**k for k in (-2, -1, 1, 2)]
        if self.meter == "3/4" and written > 170:
            near.append(written / 3)  # in one
        if unit == 8 and not uneven and written < 60:
            near.append(written * 3)  # slow eighths are counted
        near += [self.bare * count for count in range(1, 5)]
        allowed = [rate for rate in near if SLOWEST_TAP <= rate <= FASTEST_TAP]
        return (written, *allowed)


def line(random: Random, style_name: str, scatter_s: float, seconds: float, bpm: float | None = None) -> LevelLine:
    """Return `seconds` of a style at a tempo drawn from its range, or at bpm."""
    style = STYLES[style_name]
    low, high = style.tempo
    tempo = round(float(np.exp(random.uniform(np.log(low), np.log(high)))), 1) if bpm is None else bpm
    beat_s = 60 / tempo
    bars = int((seconds - START_S) / (style.beats * beat_s))
    cycle = CYCLES[int(random.integers(len(CYCLES)))]
    per_chord = int(random.choice(style.chord_bars))
    home = int(random.integers(28, 41))
    accent, loose = float(random.choice([0, 6, 14])), float(random.choice([2, 5]))
    notes: list[tuple[float, int, int, float]] = []
    for bar in range(bars):
        root = home + cycle[bar // per_chord % len(cycle)]
        for place, step, long in style.figures[bar % len(style.figures)]:
            if style.spelled == "walk" and place > 0:
                step = int(random.choice(WALK))
            at_s = (
                START_S
                + (bar * style.beats + place) * beat_s
                + float(np.clip(random.normal(0, scatter_s), -0.04, 0.04))
            )
            velocity = int(np.clip(88 + accent * (place == 0) + random.normal(0, loose), 30, 127))
            notes.append((max(at_s, 0.05), max(24, root + step), velocity, long * beat_s))
    name = f"{style_name} {tempo:g} ±{1000 * scatter_s:.0f} ms"
    bare = tempo / style.beats if all(len(figure) == 1 for figure in style.figures) else 0.0
    return LevelLine(name, sorted(notes), style.meter, tempo, int(random.choice([32, 33, 34])), seconds, bare)


def lines(count: int, seconds: float, seed: int) -> list[LevelLine]:
    """Return `count` lines: every style in turn, each time at another tempo and scatter; slow ones between."""
    names = list(STYLES)
    made = []
    for i in range(count):
        random = np.random.default_rng([seed, i])
        name = names[i % len(names)]
        slow = SLOW.get(name) if i // len(names) % 2 else None
        made.append(line(random, name, SCATTERS_S[(i + i // len(names)) % 4], seconds, slow))
    return made
