"""Find where notes begin, from the onset ages that the ear network gives.

The network says at every hop how long ago the newest onset was (the causal detectors of Boeck & Widmer say "now" or
nothing), so an onset that becomes certain late, under a snare, still gets its right time. Where a drum has just been
hit the network must be surer.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from listener.ears.frontend import HOP_S
from listener.types import Onset

THRESHOLD = 0.6  # belief that there was an onset within the ages the network distinguishes
DRUM_THRESHOLD = 0.85  # after a drum's hit
DRUM_BELIEF = 0.5  # of a hit
APART_S = 0.055  # two onsets at least


class OnsetPicker:
    """Picks onsets: step(hop_end_s, emit_s, ages [A + 1]) -> (probability of an onset 0-1, onset or None)."""

    def __init__(self) -> None:
        self._last_s = -1.0

    def step(
        self, hop_end_s: float, emit_s: float, ages: NDArray[np.float32], drums: NDArray[np.float32] | None = None
    ) -> tuple[float, Onset | None]:
        """Read one hop. drums: the ages of a drum's newest hit, as `ages`, where onsets among drums are asked for."""
        belief = float(1 - ages[-1])
        hit = drums is not None and 1 - drums[-1] > DRUM_BELIEF
        if belief < (DRUM_THRESHOLD if hit else THRESHOLD):
            return belief, None
        age = float(np.arange(len(ages) - 1) @ ages[:-1]) / belief
        onset_s = max(0.0, hop_end_s - (age + 0.5) * HOP_S)
        if onset_s < self._last_s + APART_S:
            return belief, None
        self._last_s = onset_s
        return belief, Onset(onset_s, emit_s, belief)
