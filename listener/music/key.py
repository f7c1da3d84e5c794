"""Find the key of a bass line: probabilities of 24 keys, from its notes and from the chords' probabilities.

Two judges. One counts: pitch classes and chords by key, as they are in McGill Billboard progressions and MMA's bass
lines over them (songs of odd number), smoothed; evidence is tempered, because neighbouring notes are not independent,
and slowly forgotten. The other has learned (softmax regression, the same in every transposition, WEIGHTS) what the
shares of the notes, the downbeats, the chords' roots and the first note say, from those songs and the Rock Corpus (de
Clercq and Temperley, A corpus analysis of rock harmony, Popular Music 30(1), 2011; CC BY 4.0), where minor and modal
songs are commoner. The key is named by both together; chords are expected by the first alone.
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
# and the roots of its chords
ROOT_SHARE = {
    "maj": (0.400, 0.002, 0.070, 0.007, 0.040, 0.170, 0.003, 0.170, 0.009, 0.080, 0.025, 0.006),
    "min": (0.400, 0.008, 0.020, 0.050, 0.004, 0.170, 0.004, 0.170, 0.070, 0.006, 0.075, 0.005),
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
FIRST_SHARE = {  # the pitch class a piece begins on
    "maj": (0.620, 0.005, 0.030, 0.010, 0.035, 0.075, 0.010, 0.140, 0.015, 0.035, 0.010, 0.005),
    "min": (0.620, 0.005, 0.020, 0.035, 0.005, 0.075, 0.005, 0.140, 0.040, 0.005, 0.040, 0.010),
}
MODE_PRIOR = {"maj": 0.5, "min": 0.5}
NOTE_WEIGHT, ROOT_WEIGHT, FIRST_WEIGHT = 0.20, 0.10, 0.5  # powers of the likelihoods
MEMORY_PULSES = 120.0

FEATURES = ("notes", "downbeats", "roots", "first")  # see KeyFinder.features
SPARSE = {"notes": 8.0, "downbeats": 4.0, "roots": 8.0}  # so much must be heard before a share counts half
# what each feature on each step above the tonic says for the key, in nats (benchmarks/baselines/train_key.py)
WEIGHTS = {
    ("maj", "notes"): (3.09, -1.58, -0.93, -2.69, 2.08, 0.95, -2.26, 1.40, -0.22, -0.41, -1.09, 0.46),
    ("maj", "downbeats"): (1.59, -1.05, 0.60, 1.50, 0.30, -0.08, -0.31, -0.29, 0.48, 1.55, -1.39, -0.57),
    ("maj", "roots"): (0.31, -0.59, -1.88, 1.24, -1.54, 0.85, -0.61, -1.15, 0.14, -0.16, 0.12, 0.40),
    ("maj", "first"): (0.71, -0.23, 0.45, -1.50, 1.19, -0.06, -0.14, 0.06, -1.38, 0.02, 0.10, 0.79),
    ("min", "notes"): (1.58, -1.27, -0.27, 4.19, -3.49, -0.87, -2.12, 1.24, 2.22, 0.07, 0.07, -0.15),
    ("min", "downbeats"): (3.47, -0.09, -1.12, -1.25, -0.71, -1.01, -0.28, -1.01, 0.92, 0.12, -0.82, -0.56),
    ("min", "roots"): (3.03, -1.06, -1.18, -0.47, -0.33, -0.14, -0.08, 0.77, 1.41, 0.24, 0.62, 0.06),
    ("min", "first"): (1.99, -0.21, -0.81, -1.59, -0.01, 0.30, -0.05, -1.87, 1.07, -0.10, 1.30, -0.03),
}
MINOR_BIAS, COUNTED = -3.85, 0.73
UNSURE = 0.45  # a key less likely than this by both judges is named by the counted evidence alone
OF_A_MODE, MODELESS = (3, 4, 8, 9, 10, 11), 0.03  # steps that tell the mode; under this share of them, nothing does
COUNTED_HALF = 12.0  # notes, by weight, after which the counted evidence grows no more than half as fast

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


PITCHES, ROOTS, FIRSTS = (_by_tonic(share) for share in (PITCH_SHARE, ROOT_SHARE, FIRST_SHARE))
CHORD_PRIORS = _chords_by_tonic()
PRIOR = np.repeat([np.log(MODE_PRIOR[mode] / 12) for mode in MODES], 12)
KEY_WEIGHTS, KEY_BIAS = _weights(), np.repeat([0.0, MINOR_BIAS], 12)


class KeyFinder:
    """Finds the key. belief: float64 [24], sums to one, what was counted; key: the likeliest by both judges, known once
    two pitch classes were heard.
    """

    def __init__(self) -> None:
        self._evidence = np.zeros(24)
        self._heard = np.zeros(12, dtype=bool)
        self._counts = {name: np.zeros(12) for name in FEATURES}  # how much each pitch class was played
        self.belief: Floats = np.exp(PRIOR)
        self._key: Key | None = None
        self._changed = False  # since the key was named

    @property
    def key(self) -> Key | None:
        if self._changed:
            self._changed, self._key = False, self._named()
        return self._key

    def _named(self) -> Key | None:
        if self._heard.sum() < 2:
            return None
        judged = self.judged()
        best = int((judged if judged.max() >= UNSURE else self.belief).argmax())
        tonic, mode = best % 12, MODES[best // 12]
        return Key(tonic, mode, float(judged[best]), named_scale(self._counts["notes"], tonic, mode))

    def judged(self) -> Floats:
        """Return the probabilities of the 24 keys by both judges.

        Where hardly a third, sixth or seventh above the tonic was played, nothing but habit tells the mode: major songs
        are commoner, lines that avoid the third are not. The counted evidence decides on it there.
        """
        log = np.tensordot(KEY_WEIGHTS, self.features(), axes=2) + KEY_BIAS + COUNTED * self.counted()
        judged = np.exp(log - log.max())
        tonic = int((judged[:12] + judged[12:]).argmax())
        notes = np.roll(self._counts["notes"], -tonic)
        if notes[list(OF_A_MODE)].sum() < MODELESS * notes.sum():
            both = judged[tonic] + judged[tonic + 12]
            minor = 1 / (1 + np.exp(self._evidence[tonic] - self._evidence[tonic + 12]))
            judged[tonic], judged[tonic + 12] = both * (1 - minor), both * minor
        return np.asarray(judged / judged.sum())

    def counted(self) -> Floats:
        """Return the counted evidence, [24], saturating as notes go on."""
        return np.asarray(self._evidence * (COUNTED_HALF / (COUNTED_HALF + float(self._counts["notes"].sum()))))

    def features(self) -> Floats:
        """Return what the key is judged by, [4, 12] by pitch class.

        The roots of the shares of the notes and of the chords' roots, the share of the downbeats, 1 at the first note.
        """
        rows = []
        for name in FEATURES:
            count = self._counts[name]
            share = count / (count.sum() + SPARSE[name]) if name in SPARSE else count
            rows.append(np.sqrt(np.maximum(share, 0.0)) if name in ("notes", "roots") else share)
        return np.array(rows)

    def begin(self, pitch_class: int, down: bool) -> None:
        """Count a note that began. down: on a downbeat."""
        self._changed = True
        if not self._counts["first"].any():
            self._counts["first"][pitch_class] = 1.0
        if down:
            self._counts["downbeats"][pitch_class] += 1.0

    def note(self, pitch_class: int, weight: float) -> None:
        """Count a note that ended, of weight about 1; a negative weight withdraws it."""
        if not self._heard.any():
            self._evidence += FIRST_WEIGHT * FIRSTS[:, pitch_class]
        self._heard[pitch_class] = True
        self._counts["notes"][pitch_class] += weight
        self._evidence += NOTE_WEIGHT * weight * PITCHES[:, pitch_class]
        self._update()

    def pulse(self, chords: Floats) -> None:
        """Count one pulse with these chord probabilities, [12 roots, 3 kinds].

        The chords' thirds come from the key, so they are not evidence for it.
        """
        self._evidence *= 1 - 1 / MEMORY_PULSES
        for name in SPARSE:
            self._counts[name] *= 1 - 1 / MEMORY_PULSES
        self._counts["roots"] += chords.sum(1)
        self._evidence += ROOT_WEIGHT * (ROOTS @ chords.sum(1))
        self._update()

    def _update(self) -> None:
        self._changed = True
        log = self._evidence + PRIOR
        belief = np.exp(log - log.max())
        self.belief = belief / belief.sum()

    def chord_prior(self) -> Floats:
        """Return how likely each chord is in the present keys: [12, 3]."""
        return np.asarray(np.tensordot(self.belief, CHORD_PRIORS, axes=1))

    def scale(self) -> set[int]:
        if self._heard.sum() < 2:
            return set(range(12))
        best = int(self.belief.argmax())
        return {(best + step) % 12 for step in SCALES[MODES[best // 12]]}


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
