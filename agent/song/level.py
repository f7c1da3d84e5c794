"""How hard the player plays, from their own running range: never from the input gain."""

from __future__ import annotations

from dataclasses import dataclass

from agent.song.bass_bar import BassBar

MEMORY_BARS = 24.0
LEAST_SD = 5.0  # velocities; under it the player plays evenly
FAST = 0.6  # of the newest bar in what is answered
SOFTEST, HARDEST = -1.6, 1.6


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
