"""Learn the weights of listener/music/key.py: `python benchmarks/baselines/train_key.py [--every N]` prints WEIGHTS.

Softmax regression over 24 keys on the features of KeyFinder, the same weights in every transposition; MMA's bass lines
over McGill Billboard songs of odd number (even ones are held out by benchmarks/harmony.py), each song counted once, at
four places of the piece.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))
from benchmarks import harmony as bench
from benchmarks.inputs.harmony_pieces import Piece, pieces
from listener.music.harmony import Harmony
from listener.music.key import FEATURES

PLACES = (0.12, 0.25, 0.5, 1.0)  # of a piece
RIDGE = 3e-4
Floats = NDArray[np.float64]


def features(piece: Piece) -> list[Floats]:
    """Return the features [4, 12] of KeyFinder at PLACES of a piece."""
    harmony, grid, events = Harmony(), bench.grid_of(piece), bench.events(piece)
    marks, found = {int(len(events) * place) for place in PLACES}, []
    for count, event in enumerate(events, 1):
        harmony.step(*event, grid)
        if count in marks:
            found.append(harmony.keys.features())
    return found


def turned(row: Floats) -> Floats:
    """Return features as seen from each of 12 tonics, [12, 48]."""
    return np.array([np.roll(row, -tonic, axis=1).ravel() for tonic in range(12)])


def fit(seen: Floats, keys: NDArray[np.int64], weight: Floats) -> Floats:
    """Return weights [2 modes * 48 + 1]; seen [n, 12, 48], keys: tonic + 12 * minor."""
    size, rows = seen.shape[2], np.arange(len(seen))

    def loss(p: Floats) -> tuple[float, Floats]:
        w = p[: 2 * size].reshape(2, size)
        logits = np.concatenate([seen @ w[0], seen @ w[1] + p[-1]], axis=1)
        logits -= logits.max(1, keepdims=True)
        share = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
        total = -float(weight @ np.log(share[rows, keys])) + RIDGE * float((w**2).sum())
        share[rows, keys] -= 1
        share *= weight[:, None]
        slope = [np.einsum("nt,ntf->f", share[:, at : at + 12], seen) for at in (0, 12)]
        return total, np.concatenate([np.concatenate(slope) + 2 * RIDGE * p[:-1], [share[:, 12:].sum()]])

    return np.asarray(minimize(loss, np.zeros(2 * size + 1), jac=True, method="L-BFGS-B", options={"maxiter": 300}).x)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--every", type=int, default=2, help="use every N-th of 4,032 pieces")
    args = parser.parse_args()
    seen, keys, songs = [], [], []
    for piece in pieces(args.every, 1):
        if int(piece.song) % 2 and piece.tonic is not None:
            rows = features(piece)
            seen += [turned(row) for row in rows]
            keys += [piece.tonic + 12 * (piece.mode == "min")] * len(rows)
            songs += [piece.song] * len(rows)
    often = Counter(songs)
    weight = np.array([1 / often[song] for song in songs])
    found = fit(np.array(seen), np.array(keys), weight / weight.sum())
    for mode, rows in zip(("maj", "min"), found[:-1].reshape(2, len(FEATURES), 12), strict=True):
        for name, row in zip(FEATURES, rows, strict=True):
            print(f'    ("{mode}", "{name}"): ({", ".join(f"{value:.2f}" for value in row)}),')
    print(f"MINOR_BIAS = {found[-1]:.2f}  # from {len(set(songs))} songs")
    return 0


if __name__ == "__main__":
    sys.exit(main())
