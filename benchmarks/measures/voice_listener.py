"""Describe a reply by what is left without key, tempo and register, and tell by it whose voice it is."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from models.music import tokens
from models.music.features import Ints
from models.music.tokens import LINE_LOW, PIECES, QUALITY_NAMES

Floats = NDArray[np.float64]
PER_BAR = 16  # ticks: the lines are in 4/4
LEAP = 12  # semitones; larger leaps count as these


def described(bass: Ints, drums: Ints, chord: Ints, line: Ints) -> Floats:
    """Return features of a reply of whole bars: rates by place in the bar, and shares of intervals.

    bass [T]: the last pitch heard, -1 none; drums [T, pieces], chord [T, 4], line [T, 3] as in Events. Harmony is
    measured from the bass, the line from the harmony and from its own last note: nothing tells a key or a register, and
    a tick has no length.
    """
    struck, new = chord[:, 0] >= tokens.SAME, chord[:, 0] == tokens.NEW
    sung = np.flatnonzero(line[:, 0] == tokens.LINE_ON)
    over_bass = (chord[new, 2] - bass[new])[bass[new] >= 0] % 12
    in_chord = sung[chord[sung, 2] >= 0]
    over_root = (line[in_chord, 2] + LINE_LOW - chord[in_chord, 2]) % 12
    leaps = np.clip(np.diff(line[sung, 2]), -LEAP, LEAP) + LEAP
    parts = [
        *((drums[:, piece] > 0, drums[drums[:, piece] > 0, piece]) for piece in range(len(PIECES))),
        (struck, chord[struck, 1]),
        (new, ()),
        (chord[:, 0] == tokens.OFF, ()),
        (line[:, 0] == tokens.LINE_ON, line[sung, 1]),
        (line[:, 0] == tokens.LINE_OFF, ()),
    ]
    rates = [np.asarray(on, float).reshape(-1, PER_BAR).mean(0) for on, _ in parts]
    loud = [np.array([np.mean(levels) if len(levels) else 0.0]) for _, levels in parts]
    shares = [_shares(over_bass, 12), _shares(chord[new, 3], len(QUALITY_NAMES)), _shares(over_root, 12)]
    return np.concatenate([*rates, *loud, *shares, _shares(leaps, 2 * LEAP + 1)])


def _shares(values: Ints, kinds: int) -> Floats:
    return np.bincount(values, minlength=kinds) / max(len(values), 1)


def told(known: Floats, whose: Sequence[int], asked: Floats) -> NDArray[np.int64]:
    """Return whose each row of `asked` is, by a linear model of the rows that are known."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    model = make_pipeline(StandardScaler(), LogisticRegression(C=0.03, max_iter=500))
    return np.asarray(model.fit(known, np.asarray(whose)).predict(asked), np.int64)
