"""`Drummer` gives drum hits human timing and velocity, by the model of models/timing/drum_timing.py."""

from __future__ import annotations

import numpy as np

from models.music.tokens import LEVEL_VELOCITY, DrumHit, Position, level_of
from models.timing.drum_timing import Habit, Timing, TimingState

TOUCH = 0.25  # share of the model's velocity, beside what the groove planned
LOUDEST = 120
TEMPI_BPM = (20.0, 400.0)  # in quarters, that the model knows; what lies beyond is played as these
AGAIN = 0.6  # share of the variance of an offset that comes again at its place of the bar: the steadier drummers'
STRAIGHT = 0.5  # swing given to the model: the planner's ticks are swung already


class Drummer:
    """Keeps the timing model's state over the committed ticks.

    looseness: 0 = on the grid, 1 = as the drummers of the training data. timing: None = play on the grid.
    """

    def __init__(self, timing: Timing | None, looseness: float, style: str | None, seed: int) -> None:
        self._timing, self._looseness, self._style, self._seed = timing, looseness, style, seed
        self._state: TimingState | None = timing.initial_state() if timing else None

    def strike(
        self, hits: tuple[DrumHit, ...], position: Position, number: int, quarter_s: float
    ) -> list[tuple[DrumHit, float]]:
        """Return each hit with its own velocity, and its seconds from the tick. Call once a committed tick, in order.

        number: the tick's, for the seed. quarter_s: length of a quarter note.
        """
        if self._timing is None or self._state is None or self._looseness == 0:
            return [(hit, 0.0) for hit in hits]
        rng = np.random.default_rng((self._seed, number, 1))
        tempo_bpm = min(max(60 / quarter_s, TEMPI_BPM[0]), TEMPI_BPM[1])

        def luck(piece: int) -> Habit:
            own = np.random.default_rng((self._seed, position.tick, piece, 2))
            return Habit(own, np.random.default_rng((self._seed, number, piece, 3)), AGAIN)

        drawn, self._state = self._timing.step(
            hits, position, tempo_bpm, self._state, rng, STRAIGHT, 0.0, self._style, luck, on_tick=True
        )
        return [
            (DrumHit(hit.piece, touched(hit.velocity, velocity)), self._looseness * offset_ms / 1000)
            for hit, (offset_ms, velocity) in zip(hits, drawn, strict=True)
        ]


def touched(planned: int, drawn: int) -> int:
    """Return the planned velocity with a share of what the model's touch adds to its level."""
    return int(min(max(round(planned + TOUCH * (drawn - LEVEL_VELOCITY[level_of(planned)])), 1), max(planned, LOUDEST)))
