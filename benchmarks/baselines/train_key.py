"""Learn the weights of listener/music/key.py: `python benchmarks/baselines/train_key.py [--every N]` prints them.

Softmax regression over 24 keys on the features of KeyFinder and its counted evidence, the same weights in every
transposition: MMA's bass lines over McGill Billboard songs and made basses over the Rock Corpus, songs of odd number
(even ones are held out, and scored here). Each corpus counts the same, and each song of it, at five places of it;
minor songs count for MINOR_SHARE.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))
from benchmarks import harmony as bench
from benchmarks.inputs import rock_pieces
from benchmarks.inputs.harmony_pieces import Piece, pieces
from listener.music.harmony import Harmony
from listener.music.key import FEATURES

PLACES = (0.06, 0.12, 0.25, 0.5, 1.0)  # of a piece
FEWEST_EVENTS = 8
RIDGE, MINOR_SHARE = 3e-4, 0.35
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Row:
    """What was heard up to a place: features [4, 12], counted [24]; key: tonic, + 12 in minor."""

    corpus: str
    song: int
    place: float
    features: Floats
    counted: Floats
    key: int

    @property
    def is_held_out(self) -> bool:
        return self.song % 2 == 0


def rows_of(corpus: str, found: Iterable[Piece]) -> list[Row]:
    rows = []
    for piece in found:
        if piece.tonic is None:
            continue
        harmony, grid, events = Harmony(), bench.grid_of(piece), bench.events(piece)
        marks = {max(FEWEST_EVENTS, int(len(events) * place)) for place in PLACES}
        key = piece.tonic + 12 * (piece.mode == "min")
        for count, event in enumerate(events, 1):
            harmony.step(*event, grid)
            if count in marks:
                keys, place = harmony.keys, count / len(events)
                rows.append(Row(corpus, int(piece.song), place, keys.features(), keys.counted(), key))
    return rows


def turned(rows: list[Row]) -> Floats:
    """Return features as seen from each of 12 tonics, [n, 12, 48]."""
    seen = np.array([row.features for row in rows])
    return np.stack([np.roll(seen, -tonic, axis=2).reshape(len(seen), -1) for tonic in range(12)], axis=1)


def weights_of(rows: list[Row]) -> Floats:
    weight, minor = np.zeros(len(rows)), np.array([row.key >= 12 for row in rows])
    corpora, songs = np.array([row.corpus for row in rows]), np.array([row.song for row in rows])
    for corpus in np.unique(corpora):
        mine = corpora == corpus
        for song in np.unique(songs[mine]):
            weight[mine & (songs == song)] = 1 / np.sum(mine & (songs == song))
        weight[mine] /= weight[mine].sum()
    for which, share in ((minor, MINOR_SHARE), (~minor, 1 - MINOR_SHARE)):
        weight[which] *= share / weight[which].sum()
    return weight


def logits(found: Floats, seen: Floats, counted: Floats) -> Floats:
    w = found[:-2].reshape(2, -1)
    return np.concatenate([seen @ w[0], seen @ w[1] + found[-2]], axis=1) + found[-1] * counted


def fit(rows: list[Row]) -> Floats:
    """Return weights [2 modes * 48], the bias of minor, the factor on the counted evidence."""
    seen, counted, weight = turned(rows), np.array([row.counted for row in rows]), weights_of(rows)
    keys, every = np.array([row.key for row in rows]), np.arange(len(rows))

    def loss(p: Floats) -> tuple[float, Floats]:
        z = logits(p, seen, counted)
        z -= z.max(1, keepdims=True)
        share = np.exp(z) / np.exp(z).sum(1, keepdims=True)
        total = -float(weight @ np.log(share[every, keys] + 1e-12)) + RIDGE * float((p[:-2] ** 2).sum())
        share[every, keys] -= 1
        share *= weight[:, None]
        slope = np.concatenate([np.einsum("nt,ntf->f", share[:, at : at + 12], seen) for at in (0, 12)])
        tail = [share[:, 12:].sum(), (share * counted).sum()]
        return total, np.concatenate([slope + 2 * RIDGE * p[:-2], tail])

    start = np.append(np.zeros(2 * seen.shape[2] + 1), 0.3)
    return np.asarray(minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": 400}).x)


def score(found: Floats, rows: list[Row]) -> None:
    """Print the share of right keys at the end of held-out songs: all, major, minor; and of the counted evidence."""
    for corpus in sorted({row.corpus for row in rows}):
        mine = [row for row in rows if row.corpus == corpus and row.is_held_out and row.place > 0.9]
        counted, keys = np.array([row.counted for row in mine]), np.array([row.key for row in mine])
        for name, z in (("both", logits(found, turned(mine), counted)), ("counted", counted)):
            right, minor = z.argmax(1) == keys, keys >= 12
            print(f"# {corpus:10} {name:8} {right.mean():.3f} {right[~minor].mean():.3f} {right[minor].mean():.3f}")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--every", type=int, default=12, help="use every N-th of MMA's 4,032 pieces")
    args = parser.parse_args()
    rows = rows_of("billboard", pieces(args.every)) + rows_of("rock", rock_pieces.songs())
    found = fit([row for row in rows if not row.is_held_out])
    for mode, table in zip(("maj", "min"), found[:-2].reshape(2, len(FEATURES), 12), strict=True):
        for name, row in zip(FEATURES, table, strict=True):
            print(f'    ("{mode}", "{name}"): ({", ".join(f"{value:.2f}" for value in row)}),')
    print(f"MINOR_BIAS, COUNTED = {found[-2]:.2f}, {found[-1]:.2f}")
    score(found, rows)
    return 0


if __name__ == "__main__":
    sys.exit(main())
