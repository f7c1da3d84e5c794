"""Say amplitudes in decibels."""

from __future__ import annotations

import math


def amplitude_db(amplitude: float, least: float = 1e-6) -> float:
    """Return the level of an amplitude in dB re full scale. least: what is smaller counts as this, 1e-6 as -120 dB."""
    return 20 * math.log10(max(amplitude, least))
