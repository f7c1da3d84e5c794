"""Calibrate the bar filter's probabilities, with tables from `benchmarks/confidence.py --fit`.

The filter takes notes for independent and is therefore too sure (as naive Bayes is); the tables come from isotonic
regression after Zadrozny and Elkan, KDD 2002. BAR_TRUST above a belief of 0.4 is raised by hand, after songs held out
of training and made lines of every kind, where a bar believed in by half was right four times in five.
"""

from __future__ import annotations

import numpy as np

KNOTS = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.98, 1.0)  # belief
AS_BELIEVED = KNOTS
BEATS_TRUST = (0.334, 0.404, 0.554, 0.604, 0.613, 0.613, 0.644, 0.728, 0.834, 0.906, 0.937, 0.956, 0.988)
BAR_TRUST = (0.158, 0.214, 0.399, 0.492, 0.536, 0.620, 0.700, 0.800, 0.850, 0.870, 0.880, 0.900, 0.930)


def trust(belief: float, table: tuple[float, ...]) -> float:
    """Return the probability, 0-1, that an answer which the filter gives the probability `belief` is right."""
    return float(np.interp(belief, KNOTS, table))
