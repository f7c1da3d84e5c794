"""Find the pitch of the newest note: the ear network's semitone, refined by the correlation peak beside it.

The network decides which period it is (octaves, harmonics, a missing fundamental); the normalised cross-correlation
(McLeod & Wyvill 2005) of the newest 50 ms, or 20 ms of a young note, gives its exact length.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from listener.ears.frontend import LOW_RATE, FrontEnd
from listener.kernel import kernel
from listener.types import PitchPoint

VOICED = 0.2  # a pitch is worth saying; a note needs more
BEHIND_S = 0.022  # a pitch is known this long after it sounded
YOUNG_S = 0.075  # before, the long window still holds the note before
NEAR_SEMITONES = 0.75
MIDDLE_WINDOW, LONG_WINDOW = 1, 2  # of the front end's WINDOWS: 20 and 50 ms

Array = NDArray[np.float64]


def to_midi(f0_hz: float) -> float:
    return 69 + 12 * math.log2(f0_hz / 440)


def to_hz(midi: float) -> float:
    return float(440 * 2.0 ** ((midi - 69) / 12))


@kernel()
def _peak_lag(curve: Array, first: int, last: int) -> float:
    """Return the highest peak of curve in [first, last), to a fraction of a lag; 0 if it is no peak."""
    lag = first + int(np.argmax(curve[first:last]))
    a, b, c = curve[lag - 1], curve[lag], curve[lag + 1]
    if not (b >= a and b >= c and a + c < 2 * b):
        return 0.0
    out: float = lag + 0.5 * (a - c) / (a - 2 * b + c)
    return out


def fine_hz(curve: Array, midi: int) -> float:
    """Return the frequency of the highest peak of `curve` [lags at 6 kHz] near a MIDI pitch; the pitch's own when there
    is none.
    """
    highest, lowest = to_hz(midi + NEAR_SEMITONES), to_hz(midi - NEAR_SEMITONES)
    lag = _peak_lag(curve, int(LOW_RATE / highest), min(math.ceil(LOW_RATE / lowest) + 1, len(curve) - 1))
    return float(min(max(LOW_RATE / lag, lowest), highest)) if lag else to_hz(midi)


class PitchTracker:
    """Follows the pitch: step(hop_end_s, emit_s, probabilities [P + 1], front end) -> PitchPoint."""

    def __init__(self, lowest: int) -> None:
        self._lowest = lowest
        self.onset_s = -1.0  # of the newest note: set by the analyzer

    def step(self, hop_end_s: float, emit_s: float, beliefs: NDArray[np.float32], front: FrontEnd) -> PitchPoint:
        voiced = float(1 - beliefs[0])
        if voiced < VOICED:
            return PitchPoint(hop_end_s, emit_s, None, voiced)
        midi = self._lowest + int(np.argmax(beliefs[1:]))
        window = LONG_WINDOW if hop_end_s - self.onset_s > YOUNG_S else MIDDLE_WINDOW
        time_s = max(hop_end_s - BEHIND_S, min(self.onset_s, hop_end_s))
        return PitchPoint(time_s, emit_s, fine_hz(front.curve[window], midi), voiced)
