"""Make steady lines of every kind that basses play, with figures drawn at random, to train the readings on.

The kinds are those that `benchmarks/metrical_level.py` measures; its lines (level_lines.py) have written figures and
other seeds, so that none of them is learned from.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from benchmarks.inputs.lines import Event, Random
from benchmarks.inputs.song_basses import START_S, Known

Hits = list[tuple[float, int]]  # pulses after the bar line, semitones above the root
Bars = list[Hits]  # one bar or several that return
T = 1 / 3
TONES = (0, 0, 7, 12, 5, 3, 4, 10, -5, -2)
SCALES = ((0, 2, 4, 5, 7, 9, 11, 12), (0, 3, 5, 6, 7, 10, 12), (0, 2, 3, 5, 7, 8, 10))
MOVES = (0, 5, 7, -3, 2, 3, -2, -4, 8)
REPEATED, OWN_CELL = 0.25, 0.35  # shares of figures: of repeated pitches; of another cell on every pulse


def _tones(random: Random, count: int) -> list[int]:
    """Return the pitches of a figure: one note, an alternation, a short cycle, or any."""
    style = int(random.integers(5))
    if style == 0:
        return [0] * count
    if style == 1:
        other = int(random.choice([7, 12, -5, 5]))
        return [(0, other)[i % 2] for i in range(count)]
    cycle = [0, *(int(v) for v in random.choice(TONES, int(random.integers(1, 8 if style == 4 else 4))))]
    return [cycle[i % len(cycle)] for i in range(count)]


def _spelled(random: Random, places: list[float]) -> Hits:
    """Return notes at the places; one time in four a pitch is repeated until the next pulse, or the one after it."""
    tones, every = _tones(random, len(places)), int(random.choice([1, 1, 2]))
    if random.random() < REPEATED:
        return [(place, tones[int(place // every) % len(tones)]) for place in places]
    return list(zip(places, tones, strict=True))


def _even(step: float) -> Callable[[Random, int], Bars]:
    def bars(random: Random, beats: int) -> Bars:
        places = [round(i * step, 4) for i in range(round(beats / step))]
        figure = _spelled(random, places)
        if random.random() < 0.25:  # the last leads into the next bar
            figure[-1] = figure[-1][0], int(random.choice([-1, 1, -2, 2]))
        return [figure]

    return bars


def _one_note(step: float) -> Callable[[Random, int], Bars]:
    return lambda _, beats: [[(round(i * step, 4), 0) for i in range(round(beats / step))]]


def _swung(random: Random, beats: int) -> Bars:
    late = float(random.choice([2 / 3, 2 / 3, 0.63, 0.6]))
    tones = _tones(random, 2 * beats)
    skipped = random.random(beats) < float(random.choice([0, 0, 0.3]))
    return [[(b + p, tones[2 * b + (p > 0)]) for b in range(beats) for p in (0.0, late) if not (p and skipped[b])]]


def _off(random: Random, beats: int) -> Bars:
    return [_spelled(random, [b + 0.5 for b in range(beats)])]


def _walk(random: Random, beats: int) -> Bars:
    scale = SCALES[int(random.integers(len(SCALES)))]
    skip = float(random.choice([0, 0, 0.06]))  # of a swung eighth
    out = []
    for _ in range(8):
        figure: Hits = []
        for b in range(beats):
            figure.append((float(b), 0 if b == 0 else int(random.choice(scale))))
            if random.random() < skip:
                figure.append((b + 0.66, figure[-1][1]))
        out.append(figure)
    return out


def _long(size: float) -> Callable[[Random, int], Bars]:
    def bars(random: Random, beats: int) -> Bars:
        return [_spelled(random, [i * size for i in range(max(1, round(beats / size)))])]

    return bars


def _gallop(random: Random, beats: int) -> Bars:
    cell = ((0.0, 0.5, 0.75), (0.0, 0.25, 0.5), (0.0, 0.75))[int(random.integers(3))]
    return [_spelled(random, [b + p for b in range(beats) for p in cell])]


def _drop(random: Random, _: int) -> Bars:
    """Reggae: the one is left free, often."""
    places = [1.0, *(p for p in (1.5, 2.0, 2.5, 3.0, 3.5) if random.random() < 0.65)]
    other = [0.0, *(p for p in (0.5, 1.0, 2.0, 3.0) if random.random() < 0.4)]
    return [_spelled(random, places)] + ([_spelled(random, other)] if random.random() < 0.4 else [])


def _clave(random: Random, _: int) -> Bars:
    """Three against two: the three-side of a clave, tied over the bar line or not."""
    cells = ((0, 1.5, 3), (1.5, 3), (0, 1.5, 2.5), (0, 0.75, 1.5, 2.25, 3), (0, 1.5, 3, 3.5), (0, 0.75, 1.5))
    first = [float(p) for p in cells[int(random.integers(len(cells)))]]
    if random.random() < 0.5:
        return [_spelled(random, first)]
    second = [float(p) for p in cells[int(random.integers(len(cells)))]]
    return [_spelled(random, first), _spelled(random, second)]


def _riff(step: float, density: float) -> Callable[[Random, int], Bars]:
    """Return a maker of riffs of one or two bars with rests; strong places are likelier."""

    def bars(random: Random, beats: int) -> Bars:
        out = []
        for n in range(int(random.choice([1, 1, 2]))):
            places = []
            for i in range(round(beats / step)):
                at = i * step
                strong = 1.5 if at % 1 == 0 else 1.0 if at % 0.5 == 0 else 0.5
                if random.random() < min(0.95, density * strong) or (at == 0 and random.random() < (0.9, 0.6)[n]):
                    places.append(at)
            out.append(_spelled(random, places or [0.0]))
        return out if sum(map(len, out)) > 2 * len(out) else bars(random, beats)

    return bars


def _ballad(random: Random, beats: int) -> Bars:
    places = [0.0, 1.5, 2.0, 3.5] if beats == 4 else [0.0, 1.5, 2.0]
    return [_spelled(random, [p for p in places if p in (0.0, 2.0) or random.random() < 0.75])]


def _waltz(random: Random, beats: int) -> Bars:
    places = ([0.0, 1.0, 2.0], [0.0], [0.0, 2.0], [0.0, 1.5, 2.0], [0.0, 1.0, 2.0, 2.5])[int(random.integers(5))]
    figure = _spelled(random, places)
    if random.random() < 0.4 and len(figure) == 3:  # low, high, high
        figure = [(0.0, 0), (1.0, 7), (2.0, 7)]
    return [figure] if beats == 3 and random.random() < 0.6 else [figure, _spelled(random, places)]


def _compound(random: Random, beats: int) -> Bars:
    cells = ((0, T, 2 * T), (0, 2 * T), (0, T, 2 * T), (0,))
    chosen = [cells[i] for i in random.integers(len(cells), size=beats)]
    if random.random() > OWN_CELL:
        chosen = [chosen[0]] * beats
    places = [b + p for b in range(beats) for p in chosen[b] if p == 0 or random.random() < 0.93]
    return [_spelled(random, places)]


def _grouped(groups: tuple[int, ...]) -> Callable[[Random, int], Bars]:
    """Return a maker of lines in uneven bars, counted in the meter's unit."""

    def bars(random: Random, beats: int) -> Bars:
        heads = np.cumsum([0, *groups[:-1]]).tolist()
        share = float(random.choice([0.0, 0.4, 0.7, 1.0]))
        places = [float(p) for p in range(beats) if p in heads or random.random() < share]
        return [_spelled(random, places)]

    return bars


# name: meter, beats per bar (as the figures count them), range of their tempo, maker
KINDS: dict[str, tuple[str, int, tuple[float, float], Callable[[Random, int], Bars]]] = {
    "quarters": ("4/4", 4, (44, 230), _even(1)),
    "quarters, one note": ("4/4", 4, (56, 190), _one_note(1)),
    "eighths": ("4/4", 4, (46, 195), _even(0.5)),
    "eighths, one note": ("4/4", 4, (60, 180), _one_note(0.5)),
    "sixteenths": ("4/4", 4, (56, 124), _even(0.25)),
    "gallop": ("4/4", 4, (76, 160), _gallop),
    "off-beats": ("4/4", 4, (66, 170), _off),
    "walking": ("4/4", 4, (50, 250), _walk),
    "walking in three": ("3/4", 3, (85, 230), _walk),
    "half notes": ("4/4", 4, (46, 250), _long(2)),
    "whole notes": ("4/4", 4, (76, 210), _long(4)),
    "one-drop": ("4/4", 4, (60, 96), _drop),
    "clave": ("4/4", 4, (76, 205), _clave),
    "shuffle": ("4/4", 4, (64, 170), _swung),
    "riff in eighths": ("4/4", 4, (66, 170), _riff(0.5, 0.4)),
    "riff in sixteenths": ("4/4", 4, (66, 126), _riff(0.25, 0.4)),
    "ballad": ("4/4", 4, (42, 88), _ballad),
    "march": ("2/4", 2, (80, 144), _even(1)),
    "waltz": ("3/4", 3, (80, 205), _waltz),
    "waltz in eighths": ("3/4", 3, (76, 155), _even(0.5)),
    "five": ("5/4", 5, (92, 190), _riff(0.5, 0.4)),
    "five, grouped": ("5/4", 5, (92, 190), _grouped((3, 2))),
    "six": ("6/8", 2, (42, 116), _compound),
    "seven": ("7/8", 7, (170, 330), _grouped((2, 2, 3))),
    "seven, three first": ("7/8", 7, (170, 330), _grouped((3, 2, 2))),
    "nine": ("9/8", 3, (48, 104), _compound),
    "twelve": ("12/8", 4, (42, 96), _compound),
    "eleven": ("11/8", 11, (190, 320), _grouped((3, 3, 3, 2))),
}
EVEN: tuple[str, ...] = ("quarters", "quarters, one note", "eighths", "eighths, one note", "sixteenths", "off-beats")
EVEN += ("half notes", "whole notes", "six", "nine", "twelve")  # their sound does not tell the level
RARE = ("eleven", "seven, three first", "nine", "five, grouped")  # made half as often


def kind_line(number: int, seconds: float = 20.0) -> tuple[Known, float]:
    """Return a line of the kind that falls to its number, and its written pulses per minute."""
    random = np.random.default_rng([31, number])
    names = list(KINDS)
    name = names[number % len(names)]
    if name in RARE and random.random() < 0.5:
        name = names[int(random.integers(len(names)))]
    meter, beats, (low, high), maker = KINDS[name]
    bpm = float(np.exp(random.uniform(np.log(low), np.log(high))))
    beat_s, bars = 60 / bpm, maker(random, beats)
    every, home = int(random.choice([1, 1, 2, 4, 64])), int(random.integers(28, 41))
    roots = [0, *(int(v) for v in random.choice(MOVES, 3))]
    accent, loose = float(random.choice([0, 0, 6, 14])), float(random.choice([2, 4, 7]))
    varied = float(random.choice([0, 0, 0.03, 0.1]))  # share of notes left out
    notes: list[Event] = []
    count = max(4, int(seconds / beats / beat_s))
    for bar in range(count):
        root = home + roots[bar // every % 4]
        for place, step in bars[bar % len(bars)]:
            if place and random.random() < varied:
                continue
            velocity = int(np.clip(86 + accent * (place == 0) + random.normal(0, loose), 30, 127))
            notes.append((START_S + (bar * beats + place) * beat_s, max(23, root + step), velocity, "normal"))
    above, below = map(int, meter.split("/"))
    per = above / beats  # beats of the meter in a beat of the figures
    marks = np.arange(count * above + 1)
    beats_s = np.asarray(START_S + marks * beat_s / per, np.float64)
    known = Known(f"kind:{name}", sorted(notes), beats_s, marks % above + 1, [meter] * len(marks), free=name in EVEN)
    return known, bpm / 2 if below == 8 and above % 3 else bpm


def taps_of(meter: str, written: float, low: float = 60.0, high: float = 140.0) -> tuple[float, ...]:
    """Return the rates at which a player may tap: the written one, and its relatives between low and high."""
    near = [written * 2.0**k for k in (-2, -1, 1, 2)]
    if meter == "3/4" and written > 170:
        near.append(written / 3)  # in one
    if meter in ("6/8", "9/8", "12/8") and written < low:
        near.append(written * 3)  # slow eighths are counted
    return (written, *(rate for rate in near if low <= rate <= high))
