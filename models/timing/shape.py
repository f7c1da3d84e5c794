"""Define what the timing reads before each hit, its config and the shapes of its weights. No torch."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from math import log2
from typing import Any

import numpy as np
from numpy.typing import NDArray

from listener.types import Meter
from models.music import features
from models.music.dials import STYLES
from models.music.tokens import LEVEL_STARTS, LEVELS, PIECES

Floats = NDArray[np.float32]

TICKS_PER_QUARTER = 4
VELOCITIES = 127
OFFSET_SCALE_MS = 20.0
FLOOR_MS = 1.0  # narrowest component: the recordings' own clock ticks about once a millisecond
CENTRES = (0.0, 0.0, 0.0, 0.0, 0.0, 1 / 3, -1 / 3, 2 / 3)  # of the components, in ticks: the 16th and the triplets
SWING_RANGE = (0.5, 0.75)
LATE_LIMIT_MS = 100.0
BLOCKS = {
    "piece": len(PIECES),
    "level": LEVELS - 1,
    "struck": len(PIECES),
    "position": features.POSITION_DIM,
    "tempo": 2,
    "style": len(STYLES) + 1,
    "feel": 4,
    "last": 4,
    "own": 4,
}
INPUT_DIM = sum(BLOCKS.values())
BEGIN = {name: sum(list(BLOCKS.values())[:index]) for index, name in enumerate(BLOCKS)}
LEVEL_MASK = np.stack([np.searchsorted(LEVEL_STARTS, np.arange(1, 128), "right") == k for k in range(1, LEVELS)])


@dataclass(frozen=True, slots=True)
class Feel:
    """The bassist's feel: swing 0.5-0.75, ms behind the beat; None: unknown. ValueError outside."""

    swing: float | None = None
    late_ms: float | None = None

    def __post_init__(self) -> None:
        low, high = SWING_RANGE
        if self.swing is not None and not low <= self.swing <= high:
            raise ValueError(f"swing {self.swing}: from {low} (straight) to {high}; leave it out when unknown")
        if self.late_ms is not None and not abs(self.late_ms) <= LATE_LIMIT_MS:
            raise ValueError(
                f"late_ms {self.late_ms}: at most {LATE_LIMIT_MS:.0f} ms either way; leave it out when unknown"
            )

    def expected_ms(self, tick: Any, meter: Meter, tick_ms: float) -> Any:
        """Return the offset that swing and lateness alone give a hit in that tick of the bar; only quarters swing."""
        shift = swing_shift(tick, self.swing) * tick_ms if self.swing and meter.denominator == 4 else 0.0
        return shift + (self.late_ms or 0.0)

    def numbers(self) -> list[float]:
        swing, late = self.swing, self.late_ms
        return [swing is not None, ((swing or 0.5) - 0.5) * 4, late is not None, (late or 0.0) / OFFSET_SCALE_MS]


UNKNOWN = Feel()


@lru_cache(maxsize=64)
def constant_features(tempo_bpm: float, style: str | None, feel: Feel) -> Floats:
    """Return the features that stay through a take: tempo, style, feel."""
    if style is not None and style not in STYLES:
        raise ValueError(f"style {style!r}: allowed are {', '.join(STYLES)}")
    if not 20 <= tempo_bpm <= 400:
        raise ValueError(f"tempo {tempo_bpm} bpm: 20 to 400 quarters per minute")
    styles = [float(name == style) for name in (*STYLES, None)]
    return np.array([log2(tempo_bpm / 120), 120 / tempo_bpm, *styles, *feel.numbers()], np.float32)


def swing_shift(tick: features.Ints | int, swing: float) -> Any:
    """Return how many ticks later than straight a tick of a quarter lies when the off-beat lies at `swing` of it."""
    place = np.asarray(tick) % TICKS_PER_QUARTER / TICKS_PER_QUARTER
    swung = np.where(place < 0.5, place * 2 * swing, swing + (place - 0.5) * 2 * (1 - swing))
    return (swung - place) * TICKS_PER_QUARTER


@dataclass(frozen=True, slots=True)
class TimingConfig:
    """Sizes of the timing: widths of the GRU and of what reads it; dropout in training."""

    hidden: int = 64
    head: int = 64
    dropout: float = 0.1

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Return the shape of every array in the checkpoint, by name."""
        hidden, head, kinds = self.hidden, self.head, len(CENTRES)
        return {
            "gru.weight_ih_l0": (3 * hidden, INPUT_DIM),
            "gru.weight_hh_l0": (3 * hidden, hidden),
            "gru.bias_ih_l0": (3 * hidden,),
            "gru.bias_hh_l0": (3 * hidden,),
            "mix.0.weight": (head, hidden + INPUT_DIM),
            "mix.0.bias": (head,),
            "offset.weight": (3 * kinds, head),
            "offset.bias": (3 * kinds,),
            "velocity.weight": (VELOCITIES, head),
            "velocity.bias": (VELOCITIES,),
            "offset_to_velocity.weight": (VELOCITIES, 2),
        }
