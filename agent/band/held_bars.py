"""`HeldBars` keeps the bars that the band plays in while the ears waver between readings of the same music.

Another level of the beat (double, half, three for two), an off-beat for the beat, another meter or downbeat: a band
that plays changes over only when the ears have insisted on it. Another tempo is followed at once.
"""

from __future__ import annotations

import math
from dataclasses import replace

from listener.types import Grid

LEVELS = (2.0, 0.5, 3.0, 1 / 3, 1.5, 2 / 3)  # periods of another reading
SAME_TEMPO, SAME_BEATS, OFF_BEAT = 0.05, 0.2, 0.08
INSISTS_BEATS = 8.0  # of a confident other reading


class HeldBars:
    """Call hold(ears, own, playing, now_s) once a frame."""

    def __init__(self, enough: float) -> None:
        self._enough = enough  # confidence in meter and downbeat from which the ears insist
        self._since_s: float | None = None  # they insist since then

    def hold(self, ears: Grid, own: Grid | None, playing: bool, now_s: float) -> Grid:
        """Return the grid to follow. own: the band's of the frame before; playing: whether the band plays."""
        other = self._other(ears, own) if own is not None and playing else None
        if other is None or ears.meter_confidence < self._enough:
            self._since_s = None
            return other or ears
        self._since_s = now_s if self._since_s is None else self._since_s
        if now_s - self._since_s > INSISTS_BEATS * ears.period_s:
            self._since_s = None
            return ears
        return other

    def _other(self, ears: Grid, own: Grid) -> Grid | None:
        """Return the ears' grid in the band's reading; None where both are the same or it is another tempo."""
        beat = own.beat_at(ears.anchor_s)
        same_beats = abs(beat - round(beat)) < SAME_BEATS
        if _near(ears.period_s, own.period_s):
            if not same_beats and abs(beat % 1 - 0.5) > OFF_BEAT:
                return None  # the player has moved
            if not same_beats:
                return replace(own, confidence=ears.confidence, meter_confidence=ears.meter_confidence)
            position = own.position_of(round(beat))
            if ears.meter == own.meter and ears.position == position:
                return None
            if ears.meter.denominator != own.meter.denominator:
                return replace(own, confidence=ears.confidence, meter_confidence=ears.meter_confidence)
            return replace(ears, meter=own.meter, position=position)
        if any(_near(ears.period_s, own.period_s * level) for level in LEVELS):
            return replace(own, confidence=ears.confidence, meter_confidence=ears.meter_confidence)
        return None


def _near(one_s: float, other_s: float) -> bool:
    return abs(math.log(one_s / other_s)) < SAME_TEMPO
