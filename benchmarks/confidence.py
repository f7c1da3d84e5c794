"""Measure whether the confidences of the beat grid are true, on made lines and on songs that nothing was trained on.

`--fit` prints the tables for listener/rhythm/confidence.py.

`python benchmarks/confidence.py [--fit] [--lines N] [--plot OUT.png]`. Fitted by isotonic regression (pool adjacent
violators; Zadrozny and Elkan, KDD 2002) on one half of the lines, reported on the other. Right: the beats within 70 ms
and 6% of tempo; the bar: meter and downbeat, too.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
import listener.rhythm.beat
from benchmarks.common import results
from benchmarks.inputs import lines
from benchmarks.inputs.level_kinds import KINDS, kind_line
from benchmarks.inputs.reading_samples import BAR, PULSE, label_of, played
from benchmarks.inputs.song_basses import START_S, Known, song_basses
from benchmarks.measures.heard import hear
from benchmarks.musical_time import right, tasks
from listener.rhythm import confidence
from models.paths import SHARED
from models.training.readings.trainer import is_held

EVERY_S, FROM_S = 1.0, 2.0
HEARD = 0.02, 0.02, 0.02  # share of the notes of known lines that are missed, added, misnamed
KNOTS = np.array([0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.98, 1.0])


def samples(seed: int, per_task: int) -> dict[str, np.ndarray]:
    """What was believed of beats and bar, and whether it was right: [n, 2] each, one row a second."""
    out: dict[str, list[tuple[float, bool]]] = {"beats": [], "bar": []}
    for number, make in enumerate(tasks().values()):
        random = np.random.default_rng([seed, number])
        for line in (make(random) for _ in range(max(1, per_task // 3))):  # hard on purpose: a small share
            heard = hear(lines.misheard(random, line), line.end_s)
            t, _, beats, bar = right(line, heard)
            grids = dict(heard.grids)
            last_s = FROM_S
            for at_s, beats_right, bar_right in zip(t, beats, bar, strict=True):
                grid = grids[at_s]
                if grid is not None and at_s >= last_s + EVERY_S:
                    out["beats"].append((grid.confidence, bool(beats_right)))
                    out["bar"].append((grid.meter_confidence, bool(bar_right)))
                    last_s = at_s
    for i, known in enumerate(known_lines(seed, per_task)):
        random, line = played(known, seed + i)
        last_s = FROM_S
        for at_s, grid in hear(lines.misheard(random, line, *HEARD), known.end_s).grids:
            if grid is not None and at_s >= last_s + EVERY_S and known.beats_s[2] < at_s < known.beats_s[-3]:
                label = label_of(known, at_s, grid)
                out["beats"].append((grid.confidence, bool(label & PULSE)))
                out["bar"].append((grid.meter_confidence, bool(label & BAR)))
                last_s = at_s
    return {name: np.array(rows, float) for name, rows in out.items()}


def known_lines(seed: int, per_task: int) -> list[Known]:
    """Return made lines of every kind, and half of the songs held out from training, where they are."""
    found = [kind_line(100_000 * seed + i, 30.0)[0] for i in range(len(KINDS) * per_task // 2)]
    try:
        songs = [song for song in song_basses(SHARED) if is_held(song.name)]
    except FileNotFoundError:
        print("no shared/data: made lines only")
        return found
    cuts = [song.cut(START_S, 40.0) for song in songs[seed % 2 :: 2]]
    return found + [cut for cut in cuts if cut is not None]


def isotonic(believed: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Share that was right at KNOTS, never falling: pool adjacent violators over bins between the knots."""
    blocks: list[list[float]] = []  # weight, share, how many knots
    for knot in range(len(KNOTS)):
        low = KNOTS[max(knot - 1, 0)]
        high = KNOTS[min(knot + 1, len(KNOTS) - 1)]
        near = right[(believed >= low) & (believed <= high)]
        blocks.append([len(near) + 1.0, (near.sum() + 0.5 * KNOTS[knot] + 0.25) / (len(near) + 1.0), 1])
        while len(blocks) > 1 and blocks[-2][1] >= blocks[-1][1]:
            (w0, s0, n0), (w1, s1, n1) = blocks[-2:]
            blocks[-2:] = [[w0 + w1, (w0 * s0 + w1 * s1) / (w0 + w1), n0 + n1]]
    return np.concatenate([np.full(int(n), share) for _, share, n in blocks])


def table(rows: np.ndarray, bins: int = 5) -> list[tuple[float, float, int]]:
    """(mean confidence, share right, count) by confidence."""
    out = []
    for low in np.arange(bins) / bins:
        own = rows[(rows[:, 0] >= low) & ((rows[:, 0] < low + 1 / bins) | (low + 1 / bins >= 1))]
        if len(own):
            out.append((float(own[:, 0].mean()), float(own[:, 1].mean()), len(own)))
    return out


def error(rows: np.ndarray) -> float:
    """Expected calibration error (Naeini et al., AAAI 2015)."""
    return sum(n * abs(said - was) for said, was, n in table(rows, 10)) / len(rows)


def report(found: dict[str, np.ndarray], plot: Path | None) -> dict[str, float]:
    figures = {}
    for name, rows in found.items():
        figures[f"{name}_ece"] = round(error(rows), 4)
        print(f"{name}: expected calibration error {error(rows):.3f}")
        for said, was, count in table(rows):
            print(f"   said {said:.2f}  right {was:.2f}  ({count})")
    if plot:
        draw(found, plot)
    return figures


def draw(found: dict[str, np.ndarray], path: Path) -> None:
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(4, 4))
    axes.plot([0, 1], [0, 1], color="0.8")
    for name, rows in found.items():
        said, was, _ = zip(*table(rows, 10), strict=True)
        axes.plot(said, was, marker="o", label=name)
    axes.set(xlabel="confidence said", ylabel="share right", xlim=(0, 1), ylim=(0, 1))
    axes.legend()
    figure.tight_layout()
    figure.savefig(path, dpi=150)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--lines",
        type=int,
        default=6,
        help="twice the lines of a kind (default 6)",
    )
    parser.add_argument("--seed", type=int, default=1000)
    parser.add_argument("--fit", action="store_true", help="print tables fitted on these lines instead")
    parser.add_argument("--plot", type=Path)
    args = parser.parse_args()
    if args.fit:
        vars(listener.rhythm.beat).update(BEATS_TRUST=confidence.AS_BELIEVED, BAR_TRUST=confidence.AS_BELIEVED)
        for name, rows in samples(args.seed, args.lines).items():
            print(name, ", ".join(f"{v:.3f}" for v in isotonic(rows[:, 0], rows[:, 1])))
        return 0
    figures = report(samples(args.seed + 1, args.lines), args.plot)
    results.append("confidence", "antiphon", figures)
    return 0


if __name__ == "__main__":
    sys.exit(main())
