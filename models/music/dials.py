"""Define the dials, what a player can ask of the band, each from 0 to 1 or unknown, and what the network reads of them.

A dial's value is the rank of its measure (models/training/dial_labels.py) among the training songs' phrases: 0.9
density is denser than nine in ten. Learned by conditioning with random omission, so that classifier-free guidance (Ho &
Salimans 2022) can strengthen it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace

import numpy as np
from numpy.typing import NDArray

from listener.names import STYLES as STYLES

Floats = NDArray[np.float32]
Knots = Mapping[str, list[float]]

LEARNED = ("density", "register", "tension", "resolution", "syncopation", "intensity")
PHRASE_BARS = 4
KNOTS = 33


@dataclass(frozen=True, slots=True)
class Dials:
    """What is asked for; None: nothing. resolution: how often harmony falls by a fifth. surprise: 0 to 1 of
    SURPRISE_BITS a tick.

    ValueError outside 0..1 or for a style that is not one of STYLES.
    """

    density: float | None = None
    register: float | None = None
    tension: float | None = None
    resolution: float | None = None
    syncopation: float | None = None
    intensity: float | None = None
    surprise: float | None = None
    style: str | None = None

    def __post_init__(self) -> None:
        for name in NUMBERS:
            value = getattr(self, name)
            if value is not None and not 0 <= value <= 1:
                raise ValueError(f"{name} {value}: a dial goes from 0 to 1; leave it out for no wish")
        if self.style is not None and self.style not in STYLES:
            raise ValueError(f"style {self.style!r}: allowed are {', '.join(STYLES)}")

    @property
    def learned(self) -> Dials:
        """Return the dials without those that the network does not read."""
        return replace(self, surprise=None)


NUMBERS = tuple(f.name for f in fields(Dials) if f.name != "style")
NO_DIALS = Dials()
# how strongly dials act: 1 as learned; chosen on validation (benchmarks/dials.py), weaker leaves syncopation flat
GUIDANCE = 3.0
SURPRISE_BITS = (1.0, 7.0)  # information content a tick that surprise 0 and 1 aim at
DIM = 2 * len(LEARNED) + len(STYLES)


def vector(dials: Dials) -> Floats:
    """Return [DIM]: value (-1..1) and whether known of each learned dial, then the style one-hot; zeros for no wish."""
    out = np.zeros(DIM, np.float32)
    for index, name in enumerate(LEARNED):
        value = getattr(dials, name)
        if value is not None:
            out[2 * index : 2 * index + 2] = 2 * value - 1, 1
    if dials.style is not None:
        out[2 * len(LEARNED) + STYLES.index(dials.style)] = 1
    return out


def vectors(ranks: Mapping[str, Floats], style: str | None, shown: Mapping[str, bool]) -> Floats:
    """Return [T, DIM] for ranks [T] per dial (NaN: unknown); what is not shown stays unknown."""
    length = len(next(iter(ranks.values())))
    out = np.zeros((length, DIM), np.float32)
    for index, name in enumerate(LEARNED):
        known = np.isfinite(ranks[name]) & shown[name]
        out[known, 2 * index], out[known, 2 * index + 1] = 2 * ranks[name][known] - 1, 1
    if style is not None and shown["style"]:
        out[:, 2 * len(LEARNED) + STYLES.index(style)] = 1
    return out


def knots_of(values: Mapping[str, Floats]) -> dict[str, list[float]]:
    """Return the quantiles that turn a measure into a rank, from its values over the training phrases."""
    at = np.linspace(0, 1, KNOTS)
    known = {name: values[name][np.isfinite(values[name])] for name in LEARNED}
    return {name: (np.quantile(own, at) if len(own) else at).tolist() for name, own in known.items()}


def rank(name: str, value: float, knots: Knots) -> float:
    """Return the rank 0..1, the middle of the ranks where many phrases share the value; NaN stays NaN."""
    own = np.asarray(knots[name])
    first, last = np.searchsorted(own, value, "left"), np.searchsorted(own, value, "right")
    if last > first:
        return float((first + last - 1) / 2 / (len(own) - 1))
    return float(np.interp(value, own, np.linspace(0, 1, len(own)))) if np.isfinite(value) else np.nan
