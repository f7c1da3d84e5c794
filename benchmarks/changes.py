"""Measure how many beats it takes until a sudden change is followed: `python benchmarks/changes.py [--lines 12]`.

Made lines as imperfect ears hear them, seeded: the tempo jumps by 12 to 35%; the meter changes; meters come round bar
by bar (two bars of 4/4 and one of 7/8; an ostinato of 10/8 in 3+3+2+2). Followed: beats within 70 ms and the period
within 6% (tempo), and the bar line and meter besides (meter), for the next two seconds. Of meters that come round:
the share of beats, and of bar lines, that are right from the second time round on.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
from benchmarks.common import results
from benchmarks.inputs import lines
from benchmarks.inputs.lines import Line, Random
from benchmarks.measures.heard import hear
from benchmarks.musical_time import bars_to, right

NEVER = 99.0  # beats
CYCLES: dict[str, list[tuple[str, int]]] = {
    "7/8 in every third bar": [("4/4", 2), ("7/8", 1)],
    "3/4 after two of 4/4": [("4/4", 2), ("3/4", 1)],
}
QUARTERS_BPM, EIGHTHS_BPM = (95.0, 140.0), (200.0, 280.0)
STEPS = (0, 7, 12, 5)
TENS = (0, 3, 6, 8)  # eighths of a 10/8 ostinato on which its groups begin
Figures = dict[str, float]


def jump(sign: int) -> Callable[[Random], Line]:
    def line(random: Random) -> Line:
        meter = str(random.choice(["4/4", "4/4", "4/4", "3/4"]))
        return lines.jumping(random, meter, random.uniform(80, 140), random.uniform(1.12, 1.35) ** sign)

    return line


def turn(first: str, second: str) -> Callable[[Random], Line]:
    """Return a maker of lines in one meter, then in another, at tempi that are usual for its unit."""
    bpm = EIGHTHS_BPM if first.endswith("/8") else QUARTERS_BPM
    return lambda random: lines.changing(random, first, second, random.uniform(*bpm))


def cycle(name: str, times: int = 6) -> Callable[[Random], Line]:
    """Return a maker of lines whose bars come round, each bar of the cycle with a figure of its own; units: eighths."""

    def line(random: Random) -> Line:
        eighth_s = 60 / random.uniform(*EIGHTHS_BPM)
        sizes = [8 if meter == "4/4" else 6 if meter == "3/4" else 7 for meter, n in CYCLES[name] for _ in range(n)]
        meters = [meter for meter, n in CYCLES[name] for _ in range(n)]
        home = int(random.integers(28, 40))
        figures = [
            [(0, home)]
            + [(i, home + int(random.choice([0, 7, 12, 5]))) for i in range(1, size) if random.random() < 0.6]
            for size in sizes
        ]
        notes, beats, positions, named, at = [], [], [], [], 0
        for _ in range(times):
            for size, meter, figure in zip(sizes, meters, figures, strict=True):
                notes += [(at + place, pitch) for place, pitch in figure]
                step = 1 if meter.endswith("/8") else 2
                beats += [at + k for k in range(0, size, step)]
                positions += list(range(1, size // step + 1 if step == 2 else size + 1))
                named += [meter] * (size // step if step == 2 else size)
                at += size
        return _played(random, notes, beats, positions, named, eighth_s)

    return line


def ten(random: Random, times: int = 12) -> Line:
    """Return an ostinato of 10/8 on one or two notes, in groups of 3, 3, 2 and 2 eighths: five quarters."""
    eighth_s, home = 60 / random.uniform(*EIGHTHS_BPM), int(random.integers(28, 40))
    figure = [(at, home if at in TENS else home + 7 * int(random.random() < 0.3)) for at in range(10)]
    kept = [hit for hit in figure if hit[0] in TENS or random.random() < 0.4]
    notes = [(10 * bar + at, pitch) for bar in range(times) for at, pitch in kept]
    beats = list(range(0, 10 * times, 2))
    return _played(random, notes, beats, [k % 5 + 1 for k in range(5 * times)], ["5/4"] * 5 * times, eighth_s)


def _played(
    random: Random,
    notes: list[tuple[int, int]],
    beats: list[int],
    positions: list[int],
    meters: list[str],
    eighth_s: float,
) -> Line:
    late = np.clip(random.normal(0, 0.006, len(notes)), -0.02, 0.02)
    events = [
        (0.5 + at * eighth_s + float(shift), pitch, int(np.clip(random.normal(88, 6), 40, 127)), "normal")
        for (at, pitch), shift in zip(notes, late, strict=True)
    ]
    beats_s = 0.5 + np.array(beats) * eighth_s
    turns = [i for i in range(1, len(meters)) if meters[i] != meters[i - 1]]
    sections = [meters[0], *(meters[i] for i in turns)]
    changes_s = [float(beats_s[i]) for i in turns]
    return Line(
        sorted(events), beats_s, np.array(positions), meters[-1], 30 / eighth_s, changes_s=changes_s, meters=sections
    )


TASKS: dict[str, Callable[[Random], Line]] = {
    "tempo, faster": jump(1),
    "tempo, slower": jump(-1),
    **{f"{a} to {b}": turn(a, b) for a, b in (("4/4", "3/4"), ("3/4", "4/4"), ("4/4", "5/4"), ("6/8", "9/8"))},
    **{name: cycle(name) for name in CYCLES},
    "10/8 ostinato": ten,
}


def measure(job: tuple[str, int, int]) -> Figures:
    """Return the beats until a line was followed, or how much of what comes round was right."""
    name, seed, number = job
    random = np.random.default_rng([seed, list(TASKS).index(name), number])
    line = TASKS[name](random)
    t, _, beats, bar = right(line, hear(lines.misheard(random, line, 0.02, 0.02, 0.02), line.end_s))
    if name in CYCLES or name.startswith("10"):
        again = t > line.beats_s[0] + (line.beats_s[-1] - line.beats_s[0]) / (6 if name in CYCLES else 12)
        return {"beats right": float(beats[again].mean()), "bars right": float(bar[again].mean())}
    after = line.beats_s[np.searchsorted(line.beats_s, line.changes_s[-1] + 0.01) :]
    beat_s = float(np.median(np.diff(after))) * (3 if line.meter in ("6/8", "9/8", "12/8") else 1)
    ok = beats if name.startswith("tempo") else bar
    return {
        "beats to follow": min(NEVER, bars_to(t, ok, line.changes_s[-1], beat_s)),
        "tempo or beats held": beats.mean(),
    }


def average(rows: list[Figures]) -> Figures:
    out = {key: round(float(np.mean([row[key] for row in rows])), 3) for key in rows[0] if key != "beats to follow"}
    if "beats to follow" in rows[0]:
        waits = [row["beats to follow"] for row in rows]
        out |= {"median": round(float(np.median(waits)), 2), "p95": round(float(np.percentile(waits, 95)), 2)}
        out["within 6"] = round(float(np.mean(np.array(waits) <= 6)), 3)
    return out


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lines", type=int, default=12, help="lines per task (default 12)")
    parser.add_argument("--only", default="", help="tasks whose name contains this")
    parser.add_argument("--seed", type=int, default=100)
    args = parser.parse_args()
    names = [name for name in TASKS if args.only in name]
    jobs = [(name, args.seed, number) for name in names for number in range(args.lines)]
    with ProcessPoolExecutor(2) as pool:
        rows = list(pool.map(measure, jobs))
    figures = {}
    for name in names:
        figures[name] = average([row for row, job in zip(rows, jobs, strict=True) if job[0] == name])
        print(f"{name:24}", "  ".join(f"{key} {value:g}" for key, value in figures[name].items()), flush=True)
    if not args.only:
        results.append("changes", "antiphon", {**figures, "lines": args.lines})
    return 0


if __name__ == "__main__":
    sys.exit(main())
