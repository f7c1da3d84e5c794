"""Follows a level and says by how much to turn it down: gentle, one gain a block of 64 samples, no look-ahead."""

from __future__ import annotations

import math
from dataclasses import dataclass

from agent.mixing.block_filter import BLOCK


@dataclass(frozen=True, slots=True)
class Curve:
    """A compressor's settings. threshold_db: of the mean square, dBFS; above it `ratio` dB in give 1 dB out."""

    threshold_db: float
    ratio: float
    attack_s: float
    release_s: float
    knee_db: float = 6.0


BUS = Curve(-15.0, 1.8, 0.010, 0.160)
BASS = Curve(-20.0, 2.0, 0.020, 0.180)


class Compressor:
    """Computes gains: call it with each block's mean square."""

    def __init__(self, curve: Curve, rate_hz: int) -> None:
        self._curve = curve
        self._rise, self._fall = (1 - math.exp(-BLOCK / (s * rate_hz)) for s in (curve.attack_s, curve.release_s))
        self._level = 0.0  # followed mean square

    def __call__(self, power: float) -> float:
        """Return the gain at the block's end, 0 to 1."""
        self._level += (self._rise if power > self._level else self._fall) * (power - self._level)
        over_db = 10 * math.log10(self._level + 1e-12) - self._curve.threshold_db
        knee = self._curve.knee_db
        if over_db <= -knee / 2:
            return 1.0
        if over_db < knee / 2:
            over_db = (over_db + knee / 2) ** 2 / (2 * knee)
        return float(10 ** (-over_db * (1 - 1 / self._curve.ratio) / 20))

    def reset(self) -> None:
        """Forget the level."""
        self._level = 0.0
