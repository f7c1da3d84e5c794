"""Where the second half of a beat falls: swing as a fraction, 0.5 = straight, 2/3 = triplets."""

from __future__ import annotations


def swung(fraction: float, swing: float) -> float:
    """Return where in the beat a straight fraction falls when its second half begins at `swing` (0.5 = straight)."""
    return 2 * fraction * swing if fraction < 0.5 else swing + (2 * fraction - 1) * (1 - swing)


def straight(fraction: float, swing: float) -> float:
    """Return the straight fraction of a swung one: the inverse of `swung`."""
    return fraction / (2 * swing) if fraction < swing else 0.5 + (fraction - swing) / (2 * (1 - swing))
