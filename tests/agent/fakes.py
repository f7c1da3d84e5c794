"""A responder and a library of grooves whose answers are known: what surrounds them can be tested without them."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np

from agent.parts.groove_library import GrooveLibrary, PlayedFill, PlayedGroove
from listener.types import Meter
from models.music.tokens import PIECES, ChordHit, DrumHit, LineHit, Position, Reply, TickInput, ticks_per_beat
from models.responder.sampling import NO_PUSH, Push
from models.responder.shape import ResponderConfig


class PatternResponder:
    """Kick on the one, snare on every other beat, hats on beats; a chord on the one, a line note on beat two.

    The state is the position it has stepped to; `seen` keeps every tick it was given.
    """

    def __init__(self) -> None:
        self.config = ResponderConfig()
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


class PatternGrooves(GrooveLibrary):
    """One groove for every meter: kick on the one, snare on every other beat, a hat on every beat or every `hats`
    ticks.
    No fills."""

    def __init__(self, hats: int | None = None) -> None:
        super().__init__((), ())
        self._hats = hats

    def grooves(self, meter: Meter, style: str | None = None) -> tuple[PlayedGroove, ...]:
        per_beat = ticks_per_beat(meter)
        bar = np.zeros((meter.numerator * per_beat, len(PIECES)), np.uint8)
        bar[:: self._hats or per_beat, PIECES.index("closed_hat")] = 70
        bar[0, PIECES.index("kick")] = 110
        bar[per_beat :: 2 * per_beat, PIECES.index("snare")] = 100
        return (PlayedGroove("pattern", "", meter, 120.0, False, np.concatenate([bar, bar]), (), "test", ""),) * 30

    def fills(
        self, ticks: int, meter: Meter | None = None, style: str | None = None, swung: bool | None = None
    ) -> tuple[PlayedFill, ...]:
        return ()
