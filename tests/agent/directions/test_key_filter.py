"""The key of a passage is the one whose scale its notes fill."""

from __future__ import annotations

import numpy as np

from agent.directions.key_filter import key_from


def test_a_scale_is_heard_as_its_key() -> None:
    for tonic in range(12):
        weights = np.full(12, 0.1)
        weights[[(tonic + step) % 12 for step in (0, 2, 4, 5, 7, 9, 11)]] += 1
        weights[[tonic, (tonic + 7) % 12]] += 1
        assert (key_from(weights).tonic, key_from(weights).mode) == (tonic, "maj")
