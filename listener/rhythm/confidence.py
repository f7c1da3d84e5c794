"""Calibrate the bar filter's probabilities, with tables from `benchmarks/confidence.py --fit`.

The filter takes notes for independent and is therefore too sure (as naive Bayes is); the tables come from isotonic
regression after Zadrozny and Elkan, KDD 2002.
"""

from __future__ import annotations

import numpy as np

KNOTS = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.98, 1.0)  # belief
AS_BELIEVED = KNOTS
BEATS_TRUST = (0.527, 0.527, 0.527, 0.527, 0.527, 0.527, 0.577, 0.721, 0.781, 0.781, 0.846, 0.933, 0.956)
BAR_TRUST = (0.079, 0.169, 0.267, 0.321, 0.379, 0.482, 0.555, 0.608, 0.662, 0.662, 0.667, 0.814, 0.879)


def trust(belief: float, table: tuple[float, ...]) -> float:
    """Return the probability, 0-1, that an answer which the filter gives the probability `belief` is right."""
    return float(np.interp(belief, KNOTS, table))
