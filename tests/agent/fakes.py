"""A responder whose answer is known: what surrounds the model can be tested without it."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np

from models.music.tokens import ChordHit, DrumHit, LineHit, Position, Reply, TickInput, ticks_per_beat
from models.responder.sampling import NO_PUSH, Push


class PatternResponder:
    """Kick on the one, snare on every other beat, hats on beats; a chord on the one, a line note on beat two.

    The state is the position it has stepped to; `seen` keeps every tick it was given.
    """

    def __init__(self) -> None:
        self.seen: list[TickInput] = []

    def initial_state(self) -> Position | None:
        return None

    def step(self, x: TickInput, state: Position | None) -> Position:
        self.seen.append(x)
        return x.position

    def sample(
        self,
        state: Position,
        rng: np.random.Generator,
        temperature: float = 1.0,
        parts: Collection[str] = (),
        push: Push = NO_PUSH,
    ) -> Reply:
        per_beat = ticks_per_beat(state.meter)
        beat, on_beat = divmod(state.tick, per_beat)
        drums = [DrumHit("closed_hat", 70)] if on_beat == 0 else []
        if state.tick == 0:
            drums.append(DrumHit("kick", 110))
        if on_beat == 0 and beat % 2 == 1:
            drums.append(DrumHit("snare", 100))
        chord = ChordHit(4, "min", 80) if state.tick == 0 else None
        line = LineHit(64, 80) if on_beat == 0 and beat == 1 else None
        return Reply(tuple(drums), chord, False, line, False)
