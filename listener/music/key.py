"""Find the key of a bass line: probabilities of 24 keys, from its notes and from the chords' probabilities.

Softmax regression on what was played where (KeyFinder.features), the same in every transposition, slowly forgotten; its
weights were learned on MMA's bass lines over McGill Billboard progressions (songs of odd number). Chords by key were
counted there. Within the key the scale is named: major, mixolydian, dorian, blues ...
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from listener.types import Key

Floats = NDArray[np.float64]

MODES = ("maj", "min")
SCALES = {"maj": (0, 2, 4, 5, 7, 9, 11), "min": (0, 2, 3, 5, 7, 8, 10)}
# share of the time a bass spends on each step above the tonic. Tonic, fourth and fifth do not depend on the mode
PITCH_SHARE = {
    "maj": (0.320, 0.008, 0.095, 0.012, 0.085, 0.120, 0.012, 0.210, 0.010, 0.075, 0.020, 0.033),
    "min": (0.320, 0.010, 0.060, 0.085, 0.010, 0.120, 0.012, 0.210, 0.060, 0.012, 0.080, 0.021),
}
# share of the time that a chord of each triad kind (maj, min, dim) lasts on each step above the tonic
CHORD_SHARE = {
    "maj": (
        (0.380, 0.003, 0.025, 0.008, 0.010, 0.190, 0.004, 0.180, 0.010, 0.018, 0.022, 0.003),
        (0.005, 0.001, 0.040, 0.001, 0.035, 0.006, 0.001, 0.009, 0.001, 0.070, 0.001, 0.002),
        (0.001, 0.001, 0.001, 0.001, 0.001, 0.001, 0.002, 0.001, 0.001, 0.001, 0.001, 0.006),
    ),
    "min": (
        (0.036, 0.008, 0.005, 0.050, 0.002, 0.030, 0.001, 0.070, 0.070, 0.001, 0.070, 0.002),
        (0.500, 0.001, 0.011, 0.001, 0.001, 0.085, 0.001, 0.035, 0.001, 0.001, 0.003, 0.001),
        (0.001, 0.001, 0.009, 0.001, 0.001, 0.001, 0.001, 0.001, 0.001, 0.001, 0.001, 0.003),
    ),
}
MODE_PRIOR = {"maj": 0.5, "min": 0.5}
MEMORY_PULSES = 120.0

FEATURES = ("notes", "downbeats", "roots", "first")  # see KeyFinder.features
SPARSE = {"notes": 8.0, "downbeats": 4.0, "roots": 8.0}  # so much must be heard before a share counts half
# what each feature on each step above the tonic says for the key, in nats (benchmarks/baselines/train_key.py)
WEIGHTS = {
    ("maj", "notes"): (2.86, -2.61, 0.18, -2.60, 2.62, 1.88, -2.43, 2.00, -1.65, 0.01, -2.20, -0.18),
    ("maj", "downbeats"): (1.56, -1.06, 0.39, 0.41, -0.53, -0.95, 0.57, -0.54, 1.28, 0.38, 0.78, -0.93),
    ("maj", "roots"): (3.03, -0.67, -0.98, -0.05, -1.35, 1.08, 0.79, 1.58, 0.44, 1.02, -2.07, -1.14),
    ("maj", "first"): (0.76, 0.14, -0.15, -0.05, 0.06, -0.20, -0.08, 0.04, -0.21, -0.40, 0.28, -0.16),
    ("min", "notes"): (1.81, -1.80, -0.50, 3.75, -3.14, 1.22, -1.57, 2.24, 2.77, -2.00, -0.75, 0.08),
    ("min", "downbeats"): (2.33, -0.57, -1.12, -0.94, -0.59, -1.47, -0.48, -1.19, 1.43, 1.30, 0.83, -0.88),
    ("min", "roots"): (4.14, -2.32, -2.12, -2.09, 0.18, -0.27, -0.19, -0.07, 0.29, 0.89, -0.12, -0.01),
    ("min", "first"): (1.03, -0.49, 0.42, 0.39, -0.57, -0.59, -0.73, 0.09, 0.29, 0.29, 0.61, -0.76),
}
MINOR_BIAS = -1.30
CHORD_SHARPNESS = 0.6  # power of the belief where chords are expected by it: a surprising chord stays possible

# the scales that a key may have, their pitch classes above the tonic and how likely each is
NAMED_SCALES: Mapping[str, Mapping[str, tuple[tuple[int, ...], float]]] = {
    "maj": {
        "major": ((0, 2, 4, 5, 7, 9, 11), 0.65),
        "mixolydian": ((0, 2, 4, 5, 7, 9, 10), 0.2),
        "lydian": ((0, 2, 4, 6, 7, 9, 11), 0.03),
        "blues": ((0, 3, 4, 5, 6, 7, 9, 10), 0.12),
    },
    "min": {
        "minor": ((0, 2, 3, 5, 7, 8, 10), 0.55),
        "dorian": ((0, 2, 3, 5, 7, 9, 10), 0.18),
        "phrygian": ((0, 1, 3, 5, 7, 8, 10), 0.07),
        "harmonic minor": ((0, 2, 3, 5, 7, 8, 11), 0.1),
        "blues": ((0, 3, 4, 5, 6, 7, 9, 10), 0.1),
    },
}
FOREIGN = 0.04  # share of the notes that lie outside the scale
OTHER_THIRD = (5.0, 0.08)  # times the key's own third, share of all notes: then the mode is the other one
SCALE_WEIGHT = 0.7  # power of a note's likelihood


def _by_tonic(shares: Mapping[str, Sequence[float]]) -> Floats:
    """Return log shares [24 keys (major first), 12 pitch classes]."""
    rows = [np.roll(np.log(np.array(shares[mode]) / sum(shares[mode])), tonic) for mode in MODES for tonic in range(12)]
    return np.array(rows)


def _chords_by_tonic() -> Floats:
    """Return shares [24 keys, 12 roots, 3 kinds]."""
    rows = []
    for mode in MODES:
        table = (np.array(CHORD_SHARE[mode]) / np.sum(CHORD_SHARE[mode])).T
        rows += [np.roll(table, tonic, axis=0) for tonic in range(12)]
    return np.array(rows)


def _weights() -> Floats:
    """Return WEIGHTS as [24 keys (major first), features, 12 pitch classes]."""
    rows = [[np.roll(WEIGHTS[mode, name], tonic) for name in FEATURES] for mode in MODES for tonic in range(12)]
    return np.array(rows)


PITCHES = _by_tonic(PITCH_SHARE)
CHORD_PRIORS = _chords_by_tonic()
PRIOR = np.repeat([np.log(MODE_PRIOR[mode] / 12) for mode in MODES], 12)
KEY_WEIGHTS, KEY_BIAS = _weights(), np.repeat([0.0, MINOR_BIAS], 12)


class KeyFinder:
    """Finds the key. belief: float64 [24], sums to one; key: the likeliest, known once two pitch classes were heard."""

    def __init__(self) -> None:
        self._counts = {name: np.zeros(12) for name in FEATURES}
        self._heard = np.zeros(12, dtype=bool)
        self._update()

    @property
    def key(self) -> Key | None:
        if self._heard.sum() < 2:
            return None
        best = self._mended(int(self.belief.argmax()))
        tonic, mode = best % 12, MODES[best // 12]
        return Key(tonic, mode, float(self.belief[best]), named_scale(self._counts["notes"], tonic, mode))

    def _mended(self, key: int) -> int:
        """Return the key with the other mode where its third is hardly played and the other third is."""
        notes, tonic = self._counts["notes"], key % 12
        thirds = (notes[(tonic + 4) % 12], notes[(tonic + 3) % 12])  # of major, minor
        own, other = thirds if key < 12 else thirds[::-1]
        is_other = other > OTHER_THIRD[0] * own and other > OTHER_THIRD[1] * notes.sum()
        return (key + 12) % 24 if is_other else key

    def features(self) -> Floats:
        """Return what the key is judged by, [4, 12] by pitch class.

        The roots of the shares of the notes, of the notes on downbeats and of the chords' roots (the share itself for
        downbeats), and 1 at the first note.
        """
        rows = []
        for name in FEATURES:
            count = self._counts[name]
            share = count / (count.sum() + SPARSE[name]) if name in SPARSE else count
            rows.append(np.sqrt(share) if name in ("notes", "roots") else share)
        return np.array(rows)

    def begin(self, pitch_class: int, down: bool) -> None:
        """Count a note that began. down: on a downbeat."""
        if not self._counts["first"].any():
            self._counts["first"][pitch_class] = 1.0
        if down:
            self._counts["downbeats"][pitch_class] += 1.0

    def note(self, pitch_class: int, weight: float) -> None:
        """Count a note that ended, of weight about 1."""
        self._heard[pitch_class] = True
        self._counts["notes"][pitch_class] += weight
        self._update()

    def pulse(self, chords: Floats) -> None:
        """Count one pulse with these chord probabilities, [12 roots, 3 kinds].

        The chords' thirds come from the key, so they are not evidence for it.
        """
        for name in SPARSE:
            self._counts[name] *= 1 - 1 / MEMORY_PULSES
        self._counts["roots"] += chords.sum(1)
        self._update()

    def _update(self) -> None:
        log = np.tensordot(KEY_WEIGHTS, self.features(), axes=2) + KEY_BIAS
        belief = np.exp(log - log.max())
        self.belief: Floats = belief / belief.sum()

    def chord_prior(self) -> Floats:
        """Return how likely each chord is in the present keys: [12, 3]."""
        belief = self.belief**CHORD_SHARPNESS
        return np.asarray(np.tensordot(belief / belief.sum(), CHORD_PRIORS, axes=1))

    def scale(self) -> set[int]:
        key = self.key
        return {(key.tonic + step) % 12 for step in SCALES[key.mode]} if key else set(range(12))


def named_scale(notes: Floats, tonic: int, mode: str) -> str:
    """Return the scale that a key's notes come from, by name; notes: how much each pitch class was played, [12]."""
    above = np.roll(notes, -tonic)

    def fit(steps: tuple[int, ...], prior: float) -> float:
        inside = above[list(steps)].sum()
        outside = above.sum() - inside
        share = inside * np.log((1 - FOREIGN) / len(steps)) + outside * np.log(FOREIGN / (12 - len(steps)))
        return float(np.log(prior) + SCALE_WEIGHT * share)

    scales = NAMED_SCALES[mode]
    return max(scales, key=lambda name: fit(*scales[name]))
