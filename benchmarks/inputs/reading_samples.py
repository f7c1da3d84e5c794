"""Collect what the readings are trained on: `python -m benchmarks.inputs.reading_samples`, then
`python -m models.train readings`.

A sample is the features of every reading of a line at one moment, and which of them are right. The grid is the one
that the bar filter finds: the network's own weights have no say in it.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.inputs.level_kinds import KINDS, kind_line
from benchmarks.inputs.lines import Line, Random, misheard, steady, tempo_of
from benchmarks.inputs.song_basses import START_S, Known, mma_basses, song_basses
from benchmarks.measures.heard import hear
from listener.rhythm.beat import BeatTracker
from listener.rhythm.grid_clock import GridClock
from listener.rhythm.readings import SHAPE_OF, SHAPES, UNEVEN, Reader, Reading, Weighed
from listener.types import Grid
from models.paths import DATA_CACHE, SHARED

CACHE = DATA_CACHE / "readings.npz"
PULSE, BAR = 1, 2  # bits of a label: the pulse and its phase are right; the bar is, too
STEADY = ("4/4", "4/4", "3/4", "3/4", "5/4", "6/8", "7/8", "9/8", "12/8", "11/8")
MIXED = ("6/8", "12/8", "3/4", "9/8", "6/8", "4/4", "12/8", "3/4", "4/4", "5/4", "7/8", "2/4", "4/4")
WIDER = {"4/4": (108.0, 0.36, 50.0, 215.0), "2/4": (108.0, 0.36, 50.0, 215.0)}  # median, spread, range of the pulse
WIDER |= {"6/8": (76.0, 0.22, 45.0, 120.0), "12/8": (76.0, 0.22, 45.0, 120.0)}
FAST_BPM, SLOW_BPM = 160.0, 62.0  # beyond, half or twice as many taps are right as well
SLOWEST_TAP, FASTEST_TAP = 60.0, 140.0  # within which every level of a free line is right
BAR_S, PULSE_S, UNEVEN_S = 0.08, 0.07, 0.05  # how far a right one may lie off
PULSES = np.array([shape.pulses for shape in SHAPES])
METERS = np.array([str(shape.meter) for shape in SHAPES])
LINES = 16  # of every kind
MORE_LINES = {"six": 80, "twelve": 78, "nine": 40, "waltz in eighths": 56, "waltz": 40, "walking in three": 34}
MORE_LINES |= {"shuffle": 46, "eighths": 46, "sixteenths": 26}  # grouped by three, or to be told from it
# of songs: from, seconds, at a bar line
CUTS: tuple[tuple[float, float, bool], ...] = (
    (0.0, 40.0, False),
    (0.0, 30.0, False),
    (0.0, 40.0, False),
    (0.0, 30.0, False),
    (30.0, 40.0, False),
    (80.0, 40.0, False),
    (20.0, 30.0, True),
    (45.0, 30.0, True),
    (70.0, 30.0, True),
    (100.0, 30.0, True),
)
READ_AS = {"2/4": ("4/4", 2), "2/2": ("4/4", 2), "4/4": ("4/4", 4), "8/4": ("4/4", 4), "6/4": ("3/4", 3)}

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Labels = NDArray[np.uint8]


@dataclass(frozen=True)
class Sample:
    """A moment of a line. features [n, SIZE], labels [n]: bits PULSE and BAR; name: of the line; time_s: in it."""

    features: NDArray[np.float16]
    labels: Labels
    name: str
    time_s: float


def per_pulse(meter: str) -> int:
    """Return how many beats of the meter a pulse has: 3 in 6/8, 2 (mostly) in 7/8, 1 in 4/4."""
    above, below = map(int, meter.split("/"))
    return 1 if below != 8 else 2 if above % 3 else 3


def _near(apart_s: Floats, unit_s: float | Floats, within_s: float) -> Bools:
    """Return where a distance is a whole number of units, to within_s."""
    return np.asarray(np.abs(apart_s - np.round(apart_s / unit_s) * unit_s) < within_s)


def labels_of(line: Known, time_s: float, pulses_s: Floats, lines_s: Floats, shapes: NDArray[np.int64]) -> Labels:
    """Label readings at time_s by their pulse, the time of a bar line, and the number of their shape, each [n]."""
    labels = np.zeros(len(shapes), np.uint8)
    after = int(np.searchsorted(line.beats_s, time_s))
    if not 2 <= after < len(line.beats_s) - 1:
        return labels
    meter, beat_s = line.meters[after], float(line.beats_s[after] - line.beats_s[after - 1])
    per, pulse_s = per_pulse(meter), beat_s * per_pulse(meter)
    downs = np.flatnonzero(line.positions[:after] == 1)
    down_s, bar_s = float(line.beats_s[downs[-1] if len(downs) else 0]), beat_s * int(meter.split("/")[0])
    level_s = [pulse_s]
    if per == 1 and 60 / pulse_s > FAST_BPM:
        level_s.append(2 * pulse_s)
    if per == 1 and 60 / pulse_s < SLOW_BPM:
        level_s.append(pulse_s / 2)
    if line.free and per == 1:
        tapped_s = (pulse_s * 2.0**k for k in (-2, -1, 1, 2))
        level_s += [s for s in tapped_s if SLOWEST_TAP <= 60 / s <= FASTEST_TAP and s not in level_s]
    if line.free and per == 3 and 60 / pulse_s < SLOWEST_TAP:
        level_s.append(pulse_s / 3)  # slow eighths are counted
    lengths_s = pulses_s * PULSES[shapes]
    from_down_s = lines_s + np.round((time_s - lines_s) / lengths_s) * lengths_s - down_s
    pulse_from_down_s = lines_s + np.round((time_s - lines_s) / pulses_s) * pulses_s - down_s
    for right_s in level_s:
        unit_s, within_s = (beat_s, UNEVEN_S) if per == 2 else (right_s, min(PULSE_S, 0.18 * right_s))
        right = (np.abs(np.log(pulses_s / right_s)) < 0.05) & _near(pulse_from_down_s, unit_s, within_s)
        right &= UNEVEN[shapes] == (per == 2)
        labels[right] |= PULSE
        if right_s != pulse_s:
            bars = METERS[shapes] == ("3/4" if meter == "3/4" or per == 3 else "4/4")
            bars &= _near(from_down_s, bar_s if right_s > pulse_s else lengths_s, BAR_S)
        else:
            name, beats = READ_AS.get(meter, (meter, 0))
            bars = (METERS[shapes] == name) & _near(from_down_s, beats * beat_s or bar_s, BAR_S)
        if meter in ("7/8", "11/8"):  # their pulses are uneven: only the bar tells them
            labels[right & ~bars] &= ~np.uint8(PULSE)
        labels[right & bars] |= BAR
    return labels


def label_of(line: Known, time_s: float, grid: Grid) -> int:
    """Label what the ears say at time_s, as labels_of does."""
    shape = SHAPE_OF[grid.meter]
    eighths, whole = grid.meter.denominator == 8, grid.meter.numerator % 3 == 0
    pulse_s = grid.period_s * (3 if eighths and whole else 2 if eighths else 1)
    down_s = grid.time_of(grid.index - grid.position + 1)
    return int(labels_of(line, time_s, np.array([pulse_s]), np.array([down_s]), np.array([shape]))[0])


def played(line: Known, seed: int) -> tuple[Random, Line]:
    """Return the line with scattered timing, and the random numbers to mishear it with."""
    random = np.random.default_rng(seed)
    scatter_s = random.choice([0, 0.003, 0.006, 0.01])
    late_s = np.clip(random.normal(0, scatter_s, len(line.notes)), -0.03, 0.03).tolist()
    notes = sorted((t + late, p, v, kind) for late, (t, p, v, kind) in zip(late_s, line.notes, strict=True))
    return random, Line(notes, line.beats_s, line.positions, line.meters[0], 100.0)


class Collector(BeatTracker):
    """Tracks the beat by the bar filter alone, and takes a sample of the readings now and then."""

    def __init__(self, line: Known, random: Random) -> None:
        super().__init__(Reader({}))  # without weights: they have no say
        self.samples: list[Sample] = []
        self._line, self._random = line, random
        self._next_s = 1.0 + random.uniform(0, 2)

    def _read(self, clock: GridClock, time_s: float, gap_s: float) -> Weighed:
        shape = SHAPES[SHAPE_OF[clock.model.meter]]
        held = Reading(float(clock.model.beats_per_pulse), float(clock.index - clock.position + 1), shape, 1.0, 1.0)
        return Weighed(held, held, 1.0, 1.0)

    def _turn(self, time_s: float) -> None:
        """Turn to no other bars."""

    def _decide(self, onset_s: float) -> None:
        super()._decide(onset_s)
        clock, memory = self._clock, self._reader.memory
        if clock is None or onset_s < self._next_s or memory.count < 4:
            return
        self._next_s = onset_s + self._random.uniform(1.5, 4.5)
        found = memory.candidates(clock.period_s)
        lines_s = clock.anchor_s + (found[:, 1] - clock.index) * clock.period_s
        labels = labels_of(self._line, onset_s, found[:, 0] * clock.period_s, lines_s, found[:, 2].astype(np.int64))
        if (labels & PULSE).any():
            belief = self._filter.belief, self._filter.folded
            features = memory.features(found, clock.period_s, *belief, clock.beat_at(onset_s))
            self.samples.append(Sample(features.astype(np.float16), labels, self._line.name, onset_s))


def collect(job: tuple[Known, int]) -> list[Sample]:
    """Return samples of a line, played with scattered timing and heard imperfectly, by its seed."""
    line, seed = job
    random, heard = played(line, seed)
    collector = Collector(line, random)
    hear(misheard(random, heard, 0.02, 0.02, 0.02), line.end_s, collector)
    return collector.samples


def _known(name: str, line: Line) -> Known:
    return Known(name, line.notes, line.beats_s, line.positions, [line.meter] * len(line.beats_s))


def made_jobs(steadies: int = 180, mixed: int = 150, kinds: int | None = None) -> list[tuple[Known, int]]:
    """Return made lines with their seeds: of usual tempi, of a wider range of tempi, and `kinds` of every kind in turn
    (None: as many as LINES and MORE_LINES say).
    """
    jobs = []
    for i in range(steadies):
        random, meter = np.random.default_rng([900, i]), STEADY[i % len(STEADY)]
        jobs.append((_known(f"made:{meter}", steady(random, meter, tempo_of(random, meter), 24.0)), 5000 + i))
    for i in range(mixed):
        random, meter = np.random.default_rng([4242, i]), MIXED[i % len(MIXED)]
        bpm = tempo_of(random, meter)
        if meter in WIDER:
            middle, spread, low, high = WIDER[meter]
            bpm = float(np.clip(np.exp(random.normal(np.log(middle), spread)), low, high)) * per_pulse(meter)
        jobs.append((_known(f"mixed:{meter}", steady(random, meter, bpm, 17.0)), 9000 + i))
    numbers = [n for n in range(len(KINDS) * max(MORE_LINES.values())) if n // len(KINDS) < _lines_of(n)]
    return jobs + [(kind_line(i)[0], 12000 + i) for i in numbers[:kinds]]


def _lines_of(number: int) -> int:
    """Return how many lines there are of the kind that falls to a number."""
    return MORE_LINES.get(list(KINDS)[number % len(KINDS)], LINES)


def song_jobs(shared: Path) -> list[tuple[Known, int]]:
    """Return lines of songs and of MMA's grooves with their seeds, tempi scaled. Raises FileNotFoundError."""
    random, jobs = np.random.default_rng(11), list[tuple[Known, int]]()
    for song in song_basses(shared):
        for since_s, seconds, at_bar in CUTS:
            line = song.cut(START_S + since_s, seconds, at_bar)
            if line is not None:
                factor = float(np.exp(random.normal(0, 0.1))) if len(jobs) % 4 else 1.0
                jobs.append((line.scaled(factor), len(jobs)))
    return jobs + [(line, 7000 + i) for i, line in enumerate(mma_basses(shared))]


def write(path: Path, samples: Iterable[Sample]) -> int:
    """Write samples as models/training/readings reads them; returns how many."""
    rows = list(samples)
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez(
        path,
        features=np.concatenate([s.features for s in rows]),
        labels=np.concatenate([s.labels for s in rows]),
        counts=np.array([len(s.labels) for s in rows]),
        names=np.array([s.name for s in rows]),
        times_s=np.array([s.time_s for s in rows]),
    )
    return len(rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--shared", type=Path, default=SHARED, help="folder that holds data/ and band_score/")
    parser.add_argument("--out", type=Path, default=CACHE)
    parser.add_argument("--processes", type=int, default=2)
    args = parser.parse_args()
    jobs = made_jobs()
    try:
        jobs += song_jobs(args.shared)
    except FileNotFoundError as error:
        print(f"songs skipped: {error}; made lines only; name the data's place with --shared", flush=True)
    with ProcessPoolExecutor(args.processes) as pool:
        count = write(args.out, (s for found in pool.map(collect, jobs, chunksize=3) for s in found))
    print(f"wrote {count} samples of {len(jobs)} lines to {args.out}")


if __name__ == "__main__":
    main()
