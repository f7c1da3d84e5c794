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

from benchmarks.inputs.lines import Event, Line, Random, misheard, steady, tempo_of
from benchmarks.inputs.song_basses import START_S, Known, mma_basses, song_basses
from benchmarks.measures.heard import hear
from listener.rhythm.beat import BeatTracker
from listener.rhythm.grid_clock import GridClock
from listener.rhythm.readings import SHAPE_OF, SHAPES, Reading, Weighed
from models.paths import DATA_CACHE, SHARED

CACHE = DATA_CACHE / "readings.npz"
PULSE, BAR = 1, 2  # bits of a label: the pulse and its phase are right; the bar is, too
STEADY = ("4/4", "4/4", "3/4", "3/4", "5/4", "6/8", "7/8", "9/8", "12/8", "11/8")
MIXED = ("6/8", "12/8", "3/4", "9/8", "6/8", "4/4", "12/8", "3/4", "4/4", "5/4", "7/8", "2/4", "4/4")
WIDER = {"4/4": (108.0, 0.36, 50.0, 215.0), "2/4": (108.0, 0.36, 50.0, 215.0)}  # median, spread, range of the pulse
WIDER |= {"6/8": (76.0, 0.22, 45.0, 120.0), "12/8": (76.0, 0.22, 45.0, 120.0)}
FAST_BPM, SLOW_BPM = 160.0, 62.0  # beyond, half or twice as many taps are right as well
BAR_S, PULSE_S, UNEVEN_S = 0.08, 0.07, 0.05  # how far a right one may lie off
PULSES = np.array([shape.pulses for shape in SHAPES])
METERS = np.array([str(shape.meter) for shape in SHAPES])
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
    lengths_s = pulses_s * PULSES[shapes]
    from_down_s = lines_s + np.round((time_s - lines_s) / lengths_s) * lengths_s - down_s
    pulse_from_down_s = lines_s + np.round((time_s - lines_s) / pulses_s) * pulses_s - down_s
    for right_s in level_s:
        unit_s, within_s = (beat_s, UNEVEN_S) if per == 2 else (right_s, min(PULSE_S, 0.18 * right_s))
        right = (np.abs(np.log(pulses_s / right_s)) < 0.05) & _near(pulse_from_down_s, unit_s, within_s)
        labels[right] |= PULSE
        if right_s != pulse_s:
            bars = METERS[shapes] == ("3/4" if meter == "3/4" else "4/4")
            bars &= _near(from_down_s, right_s, BAR_S) & _near(from_down_s, lengths_s, BAR_S)
        else:
            name, beats = READ_AS.get(meter, (meter, 0))
            bars = (METERS[shapes] == name) & _near(from_down_s, beats * beat_s or bar_s, BAR_S)
        if meter in ("7/8", "11/8"):  # their pulses are uneven: only the bar tells them
            labels[right & ~bars] &= ~np.uint8(PULSE)
        labels[right & bars] |= BAR
    return labels


class Collector(BeatTracker):
    """Tracks the beat by the bar filter alone, and takes a sample of the readings now and then."""

    def __init__(self, line: Known, random: Random) -> None:
        super().__init__()
        self.samples: list[Sample] = []
        self._line, self._random = line, random
        self._next_s = 1.5 + random.uniform(0, 2)

    def _read(self, clock: GridClock, time_s: float, gap_s: float) -> Weighed:
        shape = SHAPES[SHAPE_OF[clock.model.meter]]
        held = Reading(float(clock.model.beats_per_pulse), float(clock.index - clock.position + 1), shape, 1.0, 1.0)
        return Weighed(held, held, 1.0, 1.0)

    def _decide(self, onset_s: float) -> None:
        super()._decide(onset_s)
        clock, memory = self._clock, self._reader.memory
        if clock is None or onset_s < self._next_s or memory.count < 5:
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
    random = np.random.default_rng(seed)
    collector, scatter_s = Collector(line, random), random.choice([0, 0.003, 0.006, 0.01])
    late_s = np.clip(random.normal(0, scatter_s, len(line.notes)), -0.03, 0.03).tolist()
    notes = sorted((t + late, p, v, kind) for late, (t, p, v, kind) in zip(late_s, line.notes, strict=True))
    played = Line(notes, line.beats_s, line.positions, line.meters[0], 100.0)
    hear(misheard(random, played, 0.02, 0.02, 0.02), line.end_s, collector)
    return collector.samples


def _known(name: str, line: Line) -> Known:
    return Known(name, line.notes, line.beats_s, line.positions, [line.meter] * len(line.beats_s))


def _grooves(random: Random, kind: int) -> tuple[str, float, list[tuple[float, float]]]:
    """Return a simple groove: meter, pulses per minute, places in a bar (in pulses) with the odds of a note."""
    if kind == 0:  # swing
        late = float(random.choice([2 / 3, 2 / 3, 0.64, 0.62]))
        return "4/4", random.uniform(62, 170), [p for b in range(4) for p in ((b, 0.96), (b + late, 0.85))]
    pick = int(random.integers(5))
    if kind == 1:  # waltz
        waltzes: list[list[tuple[float, float]]] = [[(0, 0.98), (1, 0.95), (2, 0.95)], [(0, 1.0), (2, 0.4)]]
        waltzes += [[(i / 2, 0.95) for i in range(6)], [(0, 0.99), (1.5, 0.3), (2, 0.5)]]
        return "3/4", random.uniform(84, 150 if pick % 4 == 2 else 200), waltzes[pick % 4]
    if kind == 4:  # compound
        beats, steps = int(random.choice([2, 3, 4])), (0, 2 / 3) if pick < 3 else (0, 1 / 3, 2 / 3)
        return (
            f"{3 * beats}/8",
            random.uniform(46, 112),
            [(b + s, 0.9 if s else 0.97) for b in range(beats) for s in steps],
        )
    step, low, high = ((0.5, 64, 185), (1, 60, 230), (0.25, 55, 118), (2, 60, 220), (0.5, 70, 150))[pick]
    return "4/4", random.uniform(low, high), [(i * step, 0.97) for i in range(int(4 / step))]


def simple_line(number: int, seconds: float = 17.0) -> Known:
    """Return a made line of one simple groove, on one note, on roots, or on a figure of chord tones."""
    random = np.random.default_rng([777, number])
    meter, bpm, places = _grooves(random, (0, 1, 2, 2, 4)[number % 5])
    pulse_s, size = 60 / bpm, int(meter.split("/")[0]) // per_pulse(meter)
    bars, mode, every = max(4, int(seconds / size / pulse_s)), random.integers(4), int(random.choice([1, 1, 2, 4]))
    roots, home = random.choice([0, 5, 7, -2, 3, -4], 4), int(random.integers(28, 41))
    tones, accent = random.choice([0, 0, 7, 12, 4, 10, 5], 8), float(random.choice([0, 6, 14]))
    notes: list[Event] = []
    for bar in range(bars):
        root = home + (int(roots[bar // every % 4]) if mode != 3 else 0)
        for i, (place, odds) in enumerate(sorted(places)):
            if random.random() < odds or not (bar or i):
                free = int(random.choice([0, 2, 4, 7, 9, 12])) if place else 0
                step = 0 if mode in (0, 3) else int(tones[i % 8]) if mode == 1 else free
                late_s = float(np.clip(random.normal(0, random.choice([0, 0.004, 0.008])), -0.03, 0.03))
                velocity = int(np.clip(86 + accent * (place == 0) + random.normal(0, 4), 30, 127))
                notes.append((START_S + (bar * size + place) * pulse_s + late_s, root + step, velocity, "normal"))
    per = per_pulse(meter)
    beats = np.arange(bars * size * per + 1)
    beats_s = START_S + beats * pulse_s / per
    return Known(f"simple:{meter}", sorted(notes), beats_s, beats % (size * per) + 1, [meter] * len(beats))


def made_jobs(steadies: int = 180, mixed: int = 150, simple: int = 130) -> list[tuple[Known, int]]:
    """Return made lines with their seeds: of usual tempi, of a wider range of tempi, of simple grooves."""
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
    return jobs + [(simple_line(i), 12000 + i) for i in range(simple)]


def song_jobs(shared: Path) -> list[tuple[Known, int]]:
    """Return lines of songs and of MMA's grooves with their seeds, tempi scaled. Raises FileNotFoundError."""
    random, jobs = np.random.default_rng(11), list[tuple[Known, int]]()
    for song in song_basses(shared):
        for since_s, seconds in ((0.0, 40.0), (0.0, 40.0), (0.0, 30.0), (30.0, 40.0)):
            line = song.cut(START_S + since_s, seconds)
            if line is not None:
                factor = float(np.exp(random.normal(0, 0.08))) if len(jobs) % 4 else 1.0
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
