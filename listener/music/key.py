"""Find the key of a bass line: probabilities of 24 keys, from its notes and from the chords' probabilities.

Pitch classes and chords by key were counted on McGill Billboard progressions and MMA's bass lines over them (songs of
odd number), then smoothed. Evidence is tempered, because neighbouring notes are not independent, and slowly forgotten.
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
SHARPNESS = 0.7  # power of the belief that makes the stated confidence as often right as it says
MEMORY_PULSES = 120.0

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


PITCHES, ROOTS, FIRSTS = (_by_tonic(share) for share in (PITCH_SHARE, ROOT_SHARE, FIRST_SHARE))
CHORD_PRIORS = _chords_by_tonic()
PRIOR = np.repeat([np.log(MODE_PRIOR[mode] / 12) for mode in MODES], 12)


class KeyFinder:
    """Finds the key. belief: float64 [24], sums to one; key: the likeliest, known once two pitch classes were heard."""

    def __init__(self) -> None:
        self._evidence = np.zeros(24)
        self._heard = np.zeros(12, dtype=bool)
        self._notes = np.zeros(12)  # how much each pitch class was played
        self.belief: Floats = np.exp(PRIOR)

    @property
    def key(self) -> Key | None:
        if self._heard.sum() < 2:
            return None
        best = int(self.belief.argmax())
        sure = 1 / float(((self.belief / self.belief[best]) ** SHARPNESS).sum())
        tonic, mode = best % 12, MODES[best // 12]
        return Key(tonic, mode, sure, named_scale(self._notes, tonic, mode))

    def note(self, pitch_class: int, weight: float) -> None:
        """Count a note that ended, of weight about 1; a negative weight withdraws it."""
        if not self._heard.any():
            self._evidence += FIRST_WEIGHT * FIRSTS[:, pitch_class]
        self._heard[pitch_class] = True
        self._notes[pitch_class] += weight
        self._evidence += NOTE_WEIGHT * weight * PITCHES[:, pitch_class]
        self._update()

    def pulse(self, chords: Floats) -> None:
        """Count one pulse with these chord probabilities, [12 roots, 3 kinds].

        The chords' thirds come from the key, so they are not evidence for it.
        """
        self._evidence *= 1 - 1 / MEMORY_PULSES
        self._notes *= 1 - 1 / MEMORY_PULSES
        self._evidence += ROOT_WEIGHT * (ROOTS @ chords.sum(1))
        self._update()

    def _update(self) -> None:
        log = self._evidence + PRIOR
        belief = np.exp(log - log.max())
        self.belief = belief / belief.sum()

    def chord_prior(self) -> Floats:
        """Return how likely each chord is in the present keys: [12, 3]."""
        return np.asarray(np.tensordot(self.belief, CHORD_PRIORS, axes=1))

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
