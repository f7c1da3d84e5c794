"""Calibrate the bar filter's probabilities, with tables from `benchmarks/confidence.py --fit`.

The filter takes notes for independent and is therefore too sure (as naive Bayes is); the tables come from isotonic
regression after Zadrozny and Elkan, KDD 2002.
"""

from __future__ import annotations

import numpy as np

KNOTS = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.98, 1.0)  # belief
AS_BELIEVED = KNOTS
BEATS_TRUST = (0.517, 0.517, 0.517, 0.519, 0.585, 0.614, 0.650, 0.694, 0.738, 0.757, 0.805, 0.863, 0.869)
BAR_TRUST = (0.091, 0.177, 0.284, 0.319, 0.394, 0.502, 0.530, 0.543, 0.574, 0.627, 0.688, 0.717, 0.717)


def trust(belief: float, table: tuple[float, ...]) -> float:
    """Return the probability, 0-1, that an answer which the filter gives the probability `belief` is right."""
    return float(np.interp(belief, KNOTS, table))
