"""Made-up bass lines whose beats are known, and what imperfect ears would hear of them.

A line has a pattern of one bar that is varied, chords that change on the bar, a player's timing and accents. Nothing
here is fitted to a recording: levels of the meter say where notes are likely, as in Lerdahl and Jackendoff (1983).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Random = np.random.Generator
Event = tuple[float, int, int, str]  # onset_s, pitch, velocity, articulation

# groups in denominator units, subdivision choices (parts of a unit) and their odds, usual tempo in units per minute
METERS: dict[str, tuple[tuple[int, ...], tuple[int, ...], float]] = {
    "2/4": ((2,), (1, 2, 2, 4), 108.0),
    "3/4": ((3,), (1, 1, 2, 2), 120.0),
    "4/4": ((2, 2), (1, 2, 2, 2, 4, 4), 112.0),
    "5/4": ((3, 2), (1, 2, 2), 132.0),
    "6/8": ((3, 3), (1, 1, 2), 220.0),
    "7/8": ((2, 2, 3), (1, 1, 1, 2), 260.0),
    "9/8": ((3, 3, 3), (1,), 260.0),
    "11/8": ((3, 3, 3, 2), (1,), 270.0),
    "12/8": ((3, 3, 3, 3), (1,), 260.0),
}
TEMPO_SPREAD = 0.22  # of the log tempo
MAJOR = (0, 2, 4, 5, 7, 9, 11)
ROOT_MOVES = (0, 5, 7, -3, 2, 9, -5)
COLOURS = (0, 7, 12, 4, 10, 5, 2, 3)
COLOUR_ODDS = np.array([0.4, 0.2, 0.12, 0.08, 0.08, 0.05, 0.04, 0.03])


@dataclass
class Line:
    """notes in order; beats_s with positions (1 = downbeat); meter and tempo at the end;
    changes_s: when they changed.
    """

    notes: list[Event]
    beats_s: Floats
    positions: NDArray[np.int64]
    meter: str
    bpm: float
    name: str = ""
    changes_s: list[float] = field(default_factory=list)
    meters: list[str] = field(default_factory=list)  # of the sections between the changes, when they differ

    def meter_at(self, time_s: float) -> str:
        """The meter of the beat that falls at time_s."""
        section = sum(c < time_s + 0.01 for c in self.changes_s)
        return self.meters[section] if self.meters else self.meter

    @property
    def end_s(self) -> float:
        return float(max(self.beats_s[-1], self.notes[-1][0])) + 1.2


Pattern = list[tuple[float, float, int]]  # (units after the bar line, probability of sounding again, colour)


def _levels(groups: tuple[int, ...], parts: int) -> list[tuple[float, float]]:
    """(units after the bar line, how likely a note starts there) of a bar, times a density."""
    places, heads = [], set(np.cumsum((0, *groups[:-1])).tolist())
    for unit in range(sum(groups)):
        for part in range(parts):
            at = unit + (2 / 3 if parts == 2.5 else part / parts)
            level = 0.97 if at == 0 else 0.8 if at in heads else 0.62 if part == 0 else 0.45
            places.append((at, level if part * 2 in (0, parts) or parts == 3 else 0.3))
    return places


def _pattern(random: Random, groups: tuple[int, ...], parts: int) -> Pattern:
    density = random.choice([0.75, 1.0, 1.0, 1.5, 4.0])  # 4: every place is played
    chosen: Pattern = []
    for at, odds in _levels(groups, parts):
        if random.random() < (odds if at == 0 else min(1.0, odds * density)):
            chosen.append((at, 0.97, 0 if at == 0 else int(random.choice(COLOURS, p=COLOUR_ODDS))))
    if len(chosen) < 2:
        chosen.append((float(groups[0]) if len(groups) > 1 else 1.0, 0.97, 7))
    return chosen


def _swing(at: float, swing: float) -> float:
    return at - 0.5 + swing if abs(at % 1 - 0.5) < 1e-6 else at


def bars_of(random: Random, meter: str, bars: int, parts: int | None = None) -> list[list[tuple[float, int, int]]]:
    """Notes (units after the bar line, pitch, velocity) of each bar of one player's line."""
    groups, divisions, _ = METERS[meter]
    parts = parts or int(random.choice(divisions))
    pattern, swing = _pattern(random, groups, parts), 0.5
    if parts == 2 and meter in ("4/4", "3/4") and random.random() < 0.25:
        swing = float(random.uniform(0.58, 0.67))
    home, walking = int(random.integers(28, 40)), random.random() < 0.15
    every, varied = int(random.choice([1, 1, 2, 4])), float(random.choice([0.02, 0.1, 0.25]))
    moves, accent = random.choice(ROOT_MOVES, 4), float(random.choice([0, 8, 15]))
    made, root = [], home
    for bar in range(bars):
        if bar % every == 0:
            root = home + int(moves[(bar // every) % 4])
        now = [p if random.random() > varied else (p[0], p[1], int(random.choice(COLOURS))) for p in pattern]
        notes = []
        for i, (at, kept, colour) in enumerate(now):
            if at and random.random() > kept - varied / 2:
                continue
            step = int(random.choice(MAJOR)) if walking and i else colour
            velocity = 85 + accent * (at == 0) + random.normal(0, 7)
            notes.append((_swing(at, swing), max(23, root + step), int(np.clip(velocity, 20, 127))))
        made.append(notes)
    return made


def tempo_of(random: Random, meter: str, low: float = 40.0, high: float = 480.0) -> float:
    return float(np.clip(METERS[meter][2] * np.exp(random.normal(0, TEMPO_SPREAD)), low, high))


def play(
    random: Random,
    sections: list[tuple[str, int]],
    place: Callable[[Floats], Floats],
    jitter_s: float = 0.008,
) -> Line:
    """sections: (meter, bars). place: units since the start -> seconds."""
    at, beats, positions, notes = 0, [], [], []
    changes: list[float] = []
    for meter, bars in sections:
        if at:
            changes.append(at)
        size = sum(METERS[meter][0])
        for bar, content in enumerate(bars_of(random, meter, bars)):
            notes += [(at + bar * size + u, p, v) for u, p, v in content]
        beats += list(range(at, at + bars * size))
        positions += [i % size + 1 for i in range(bars * size)]
        at += bars * size
    beats_s = place(np.array(beats, float))
    times = place(np.array([n[0] for n in notes])) + np.clip(random.normal(0, jitter_s, len(notes)), -0.03, 0.03)
    events = sorted((float(t), p, v, "normal") for t, (_, p, v) in zip(times, notes, strict=True))
    bpm = 60 / float(np.median(np.diff(beats_s[-8:])))
    changes_s = list(place(np.array(changes, float)))
    meters = [meter for meter, _ in sections]
    return Line(events, beats_s, np.array(positions), sections[-1][0], bpm, changes_s=changes_s, meters=meters)


def steady(random: Random, meter: str, bpm: float, seconds: float = 22.0) -> Line:
    size = sum(METERS[meter][0])
    bars = max(4, round(seconds * bpm / 60 / size))
    return play(random, [(meter, bars)], lambda u: 0.5 + u * 60 / bpm, float(random.uniform(0.004, 0.012)))


def drifting(random: Random, meter: str, bpm: float, total: float, bars: int = 16) -> Line:
    """The tempo moves by `total` (0.15: 15% faster) over 16 bars after four steady ones."""
    size = sum(METERS[meter][0])
    units = np.arange((bars + 8) * size + 1)
    ramp = np.clip((units - 4 * size) / (bars * size), 0, 1)
    seconds = 0.5 + np.concatenate([[0], np.cumsum(60 / bpm / (1 + total * ramp[:-1]))])
    return play(random, [(meter, bars + 8)], lambda u: np.interp(u, units, seconds), 0.006)


def jumping(random: Random, meter: str, bpm: float, ratio: float, bars: int = 8) -> Line:
    """`bars` at bpm, then `bars` at ratio * bpm."""
    size = sum(METERS[meter][0])
    turn = bars * size

    def place(u: Floats) -> Floats:
        return np.asarray(0.5 + np.minimum(u, turn) * 60 / bpm + np.maximum(u - turn, 0) * 60 / bpm / ratio)

    line = play(random, [(meter, 2 * bars)], place, 0.006)
    line.changes_s, line.meters = [float(place(np.array(float(turn))))], []
    return line


def changing(random: Random, first: str, second: str, bpm: float, bars: int = 8) -> Line:
    """`bars` of one meter, then of another; the unit stays as long."""
    return play(random, [(first, bars), (second, bars)], lambda u: 0.5 + u * 60 / bpm, 0.006)


def misheard(random: Random, line: Line, missed: float = 0.07, extra: float = 0.05, wrong: float = 0.03) -> list[Event]:
    """The notes as ears would report them: some missed, some added, jittered, a few at a wrong pitch."""
    jitter_s = random.uniform(0.003, 0.008)
    heard = []
    for t, pitch, velocity, kind in line.notes:
        if random.random() > missed:
            p = pitch + int(random.choice([12, -12, 7, 1])) if random.random() < wrong else pitch
            v = int(np.clip(velocity + random.normal(0, 8), 1, 127))
            heard.append((t + float(random.normal(0, jitter_s)), p, v, kind))
        if random.random() < extra:
            heard.append((t + float(random.uniform(0.08, 0.4)), pitch, 50, "ghost"))
    return sorted(heard)
