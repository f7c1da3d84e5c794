"""Chord roots and keys from bass lines alone: `python benchmarks/harmony.py [--every N] [--split held|tune]`.

Notes of MMA accompaniments with their true beat grid go through listener/music/harmony.py frame by frame; songs with an
odd number were tuned on, even ones are held out. Beside it the trivial rules: the last note that fell on a beat is the
root; the key is the best Krumhansl-Kessler correlation with the durations.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import mir_eval
import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
from benchmarks.common import results
from benchmarks.inputs.harmony_pieces import Piece, pieces
from listener.music.harmony import Harmony
from listener.types import FRAME_S, Chord, Grid, Key, Meter, Note

NAMES = ("C", "Db", "D", "Eb", "E", "F", "Gb", "G", "Ab", "A", "Bb", "B")
MODES = {"maj": "major", "min": "minor"}
NAMED_AFTER_S = 0.04
KRUMHANSL = {
    "maj": (6.35, 2.23, 3.48, 2.33, 4.38, 4.09, 2.52, 5.19, 2.39, 3.66, 2.29, 2.88),
    "min": (6.33, 2.68, 3.52, 5.38, 2.60, 3.53, 2.54, 4.75, 3.98, 2.69, 3.34, 3.17),
}
MINOR_QUALITIES = ("min", "min7", "dim", "min7b5", "dim7", "min6")


@dataclass
class Tally:
    """One entry per true beat (chords) or piece (keys): right or not, and how sure."""

    roots: list[tuple[bool, float]] = field(default_factory=list)
    thirds: list[bool] = field(default_factory=list)
    keys: list[tuple[float, float]] = field(default_factory=list)


def events(piece: Piece) -> list[tuple[float, tuple[Note, ...], tuple[Note, ...]]]:
    """(time_s, named, ended) of a monophonic player, in order."""
    quarter_s = 60 / piece.tempo_bpm
    out: list[tuple[float, int, Note]] = []
    for (on, off, pitch, velocity), after in zip(piece.notes, [*piece.notes[1:], None], strict=True):
        end = min(off, after[0]) if after else off
        onset_s, length_s = on * quarter_s, max(end - on, 0.05) * quarter_s
        named_s = onset_s + NAMED_AFTER_S
        out.append((named_s, 1, Note(onset_s, named_s, None, pitch, velocity)))
        ended_s = max(onset_s + length_s, named_s) + FRAME_S
        out.append((ended_s, 0, Note(onset_s, ended_s, length_s, pitch, velocity)))
    out.sort(key=lambda event: event[:2])
    return [(t, (note,) if kind else (), () if kind else (note,)) for t, kind, note in out]


def grid_of(piece: Piece) -> Grid:
    meter = Meter(piece.numerator, piece.denominator)
    return Grid(0.0, 0, 1, 60 / piece.tempo_bpm * 4 / piece.denominator, meter, 1.0, 1.0)


def hear(piece: Piece, tally: Tally) -> None:
    """Ask for the chord in the last tenth of every true quarter, for the key at the end."""
    harmony, grid, quarter_s = Harmony(), grid_of(piece), 60 / piece.tempo_bpm
    answers: list[tuple[float, Chord | None, Key | None]] = []
    for event in events(piece):
        answers.append((event[0], *harmony.step(*event, grid)[:2]))
    times = np.array([a[0] for a in answers])
    for asked, root, minor in asked_quarters(piece):
        k = int(np.searchsorted(times, asked * quarter_s, "right")) - 1
        chord = answers[k][1] if k >= 0 else None
        tally.roots.append((chord is not None and chord.root == root, chord.confidence if chord else 0.0))
        if chord is not None and chord.root == root:
            tally.thirds.append((chord.quality in MINOR_QUALITIES) == minor)
    if piece.tonic is not None and answers[-1][2]:
        key = answers[-1][2]
        tally.keys.append((key_score(piece, key.tonic, key.mode), key.confidence))


def asked_quarters(piece: Piece) -> Iterable[tuple[float, int, bool]]:
    """(time in quarters, true root, true minor), from the first note on."""
    for start, end, root, minor in piece.chords:
        for quarter in np.arange(start, end - 0.5, 1.0):
            if quarter >= piece.notes[0][0]:
                yield quarter + 0.9, root, minor


def key_score(piece: Piece, tonic: int, mode: str) -> float:
    assert piece.tonic is not None
    true = f"{NAMES[piece.tonic]} {MODES[piece.mode]}"
    return float(mir_eval.key.weighted_score(true, f"{NAMES[tonic]} {MODES[mode]}"))


def guess(piece: Piece, tally: Tally) -> None:
    """The trivial rules."""
    onbeat = [(on, pitch % 12) for on, _, pitch, _ in piece.notes if abs(on - round(on)) < 0.1]
    starts = np.array([on for on, _ in onbeat])
    for asked, root, _ in asked_quarters(piece):
        k = int(np.searchsorted(starts, asked, "right")) - 1
        tally.roots.append((k >= 0 and onbeat[k][1] == root, 1.0))
    if piece.tonic is not None:
        heard = np.zeros(12)
        for on, off, pitch, _ in piece.notes:
            heard[pitch % 12] += off - on
        fits = {(t, m): np.corrcoef(np.roll(KRUMHANSL[m], t), heard)[0, 1] for m in KRUMHANSL for t in range(12)}
        tally.keys.append((key_score(piece, *max(fits, key=lambda key: fits[key])), 1.0))


def calibration_error(said: list[tuple[float, float]], bins: int = 10) -> float:
    """Expected calibration error: mean distance of confidence and share right, by bins of confidence."""
    right, sure = np.array([r for r, _ in said], float), np.array([c for _, c in said])
    which = np.minimum((sure * bins).astype(int), bins - 1)
    return float(sum(abs((right - sure)[which == b].sum()) for b in range(bins)) / len(said))


def report(name: str, tally: Tally) -> dict[str, float]:
    figures = {
        "root": float(np.mean([r for r, _ in tally.roots])),
        "root_ece": calibration_error(tally.roots),
        "third_given_root": float(np.mean(tally.thirds)) if tally.thirds else float("nan"),
        "key_weighted": float(np.mean([s for s, _ in tally.keys])),
        "key_right": float(np.mean([s == 1 for s, _ in tally.keys])),
        "key_ece": calibration_error([(s == 1, c) for s, c in tally.keys]),
        "quarters": len(tally.roots),
        "keys": len(tally.keys),
    }
    print(f"{name:22}", "  ".join(f"{k} {v:.3f}" if v < 10 else f"{k} {v:.0f}" for k, v in figures.items()))
    return {k: round(v, 4) for k, v in figures.items() if v == v}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--every", type=int, default=8, help="use every N-th of 4,032 pieces")
    parser.add_argument("--split", choices=("held", "tune"), default="held")
    args = parser.parse_args()
    ours, rule = Tally(), Tally()
    for piece in pieces(args.every):
        if int(piece.song) % 2 == (args.split == "tune"):
            hear(piece, ours)
            guess(piece, rule)
    for name, tally in (("antiphon", ours), ("note on the beat, K-K", rule)):
        figures = report(name, tally)
        if args.split == "held":
            results.append("harmony", name, figures)
    return 0


if __name__ == "__main__":
    sys.exit(main())
