"""Propose whole bars: what the responder would play over a bass that is foretold: drums, comping and line.

Whoever plans the song judges them; nothing is committed here. A few ticks at a time, so that it can be done beside
playing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from models.music.dials import NO_DIALS, Dials
from models.music.plan_tick import PlanTick
from models.music.tokens import BassTick, DrumHit, Position, Reply, TickInput
from models.responder.responder import Responder, ResponderState

Notes = tuple[tuple[int, int, int, int], ...]  # (tick, length, pitch, velocity)


@dataclass(slots=True)
class Proposal:
    """Bars that are being imagined. state: the responder's, stepped to `at`, the first tick of a bar, on a copy.

    bass: one bar of it, tick by tick, that is repeated; told: what the plan has decided, the same in every tick.
    """

    state: ResponderState
    at: Position
    bass: Sequence[BassTick]
    bars: int = 2
    told: PlanTick | None = None
    replies: list[Reply] = field(default_factory=list)

    @property
    def is_whole(self) -> bool:
        return len(self.replies) >= self.bars * self.at.ticks_per_bar

    def step(
        self,
        responder: Responder,
        rng: np.random.Generator,
        temperature: float,
        dials: Dials = NO_DIALS,
        guidance: float = 1.0,
    ) -> None:
        """Imagine one tick more."""
        at = self.at
        reply = responder.sample(self.state, rng, temperature)
        self.replies.append(reply)
        last = at.tick + 1 >= at.ticks_per_bar
        then = Position(0, at.bar + 1, at.meter) if last else Position(at.tick + 1, at.bar, at.meter)
        heard = TickInput(then, self.bass[at.tick], None, reply, dials, guidance, self.told)
        self.state, self.at = responder.step(heard, self.state), then

    def drums(self, bar: int) -> tuple[tuple[DrumHit, ...], ...]:
        """Return the hits of every tick of a bar."""
        return tuple(reply.drums for reply in self._bar(bar))

    def strokes(self, bar: int) -> tuple[tuple[int, int], ...]:
        """Return (tick, length) of every comping stroke of a bar; it ends with the next one, an off, or the bar."""
        replies = self._bar(bar)
        ends = [tick for tick, one in enumerate(replies) if one.chord or one.chord_off]
        starts = [tick for tick, one in enumerate(replies) if one.chord]
        return tuple((at, _end(ends, at, len(replies)) - at) for at in starts)

    def line(self, bar: int) -> Notes:
        """Return (tick, length, pitch, velocity) of every note of the line that begins in a bar."""
        replies = self._bar(bar)
        ends = [tick for tick, one in enumerate(replies) if one.line or one.line_off]
        notes = [(tick, one.line) for tick, one in enumerate(replies) if one.line]
        return tuple((at, _end(ends, at, len(replies)) - at, hit.pitch, hit.velocity) for at, hit in notes)

    def _bar(self, bar: int) -> list[Reply]:
        ticks = self.at.ticks_per_bar
        return self.replies[bar * ticks : (bar + 1) * ticks]


def _end(ends: Sequence[int], at: int, length: int) -> int:
    return next((end for end in ends if end > at), length)
