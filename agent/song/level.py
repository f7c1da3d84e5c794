"""Measures how hard the player plays, from their own running range: never from the input gain."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from agent.parts.bass_bar import BassBar
from models.music.tokens import BassTick

MEMORY_BARS = 24.0
LEAST_SD = 5.0  # velocities; under it the player plays evenly
FAST = 0.6  # of the newest bar in what is answered
SOFTEST, HARDEST = -1.6, 1.6
MEMORY_NOTES = 160  # of the touch
LATELY_TICKS = 10.0  # 16ths, time constant of what counts as now
FEW_NOTES = 8  # of a pitch say little
MOST_OF_PITCH = 7.0  # velocities, 2.5 dB
LEAST_SPREAD = 3.0  # velocities, 1 dB
ANSWER = 0.15  # change of the band's velocities by one spread of the player's


@dataclass(frozen=True, slots=True)
class Level:
    """mean, variance: of the player's velocity by bar; notes: of onsets a bar; now: -1.6 (softest) to 1.6 (hardest)."""

    mean: float = 0.0
    variance: float = 64.0
    notes: float = 0.0
    bars: int = 0
    now: float = 0.0


def hear_level(level: Level, bar: BassBar) -> Level:
    """Return the level after one more bar; an empty bar changes nothing."""
    velocity = bar.velocity
    if velocity is None:
        return level
    share = max(1 / (level.bars + 1), 1 / MEMORY_BARS)
    mean = level.mean + share * (velocity - level.mean) if level.bars else velocity
    variance = level.variance + share * ((velocity - mean) ** 2 - level.variance)
    notes = level.notes + share * (len(bar.notes) * 16 / bar.ticks - level.notes)
    spread = max(variance**0.5, LEAST_SD)
    newest = min(max((velocity - mean) / spread, SOFTEST), HARDEST)
    return Level(mean, variance, notes, level.bars + 1, level.now + FAST * (newest - level.now))


@dataclass(frozen=True, slots=True)
class Touch:
    """How hard the player plays at this moment, note by note, beside their own running range.

    mean: of their velocities; of_pitch: for each pitch how much louder it sounds than others, and how many notes say
    so: strings and rooms favour some; lately: of the last half bar or so, beside the mean; spread: its variance.
    """

    mean: float = 0.0
    of_pitch: Mapping[int, tuple[float, int]] = field(default_factory=dict)
    lately: float = 0.0
    spread: float = LEAST_SPREAD**2
    notes: int = 0
    ticks: int = 0  # since the last note

    @property
    def now(self) -> float:
        """Return -1.6 (softest) to 1.6 (hardest)."""
        return min(max(self.lately / max(math.sqrt(self.spread), LEAST_SPREAD), SOFTEST), HARDEST)

    @property
    def gain(self) -> float:
        """Return the factor on the band's velocities that answers it."""
        return 1 + ANSWER * self.now


def hear_touch(touch: Touch, bass: BassTick) -> Touch:
    """Return the touch after one more 16th of the bass."""
    pitch, velocity, ticks = bass.onset_pitch, bass.velocity, touch.ticks + 1
    if pitch is None:
        return replace(touch, ticks=ticks)
    if not touch.notes:
        return replace(touch, mean=velocity, notes=1, ticks=0)
    share = max(1 / (touch.notes + 1), 1 / MEMORY_NOTES)
    mean = touch.mean + share * (velocity - touch.mean)
    louder, count = touch.of_pitch.get(pitch, (0.0, 0))
    louder += (velocity - mean - louder) / (count + 1 + FEW_NOTES)
    louder = min(max(louder, -MOST_OF_PITCH), MOST_OF_PITCH)
    newest = 1 - math.exp(-ticks / LATELY_TICKS)
    lately = touch.lately + newest * (velocity - mean - louder - touch.lately)
    spread = touch.spread + max(share, 1 / 64) * (lately**2 - touch.spread)
    of_pitch = {**touch.of_pitch, pitch: (louder, min(count + 1, MEMORY_NOTES))}
    return Touch(mean, of_pitch, lately, spread, touch.notes + 1)
