"""Says how likely grooves are to the responder, asked a few ticks a frame: of those that a new section may get."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from agent.parts.drum_groove import Groove
from models.music.dials import Dials
from models.music.plan_tick import PlanTick
from models.music.tokens import BassTick, Position, Reply, TickInput
from models.responder.responder import Responder, ResponderState

BARS = 2
ANEW = PlanTick(again="new")  # it is asked when a section is new


@dataclass(slots=True)
class _Asked:
    """Grooves that wait for their bits, the first of them under way. state: where it begins, now: where it is."""

    state: ResponderState
    at: Position
    bass: Sequence[BassTick]  # one bar, that is repeated
    grooves: tuple[Groove, ...]
    now: ResponderState
    tick: int = 0
    bits: float = 0.0


class GrooveLikelihood:
    """Call begin(...) at a bar line, step(...) for each tick there is time for. bits: of grooves by name, over BARS
    bars as the responder expects them, the newest last."""

    def __init__(self) -> None:
        self.bits: dict[str, float] = {}
        self._asked: _Asked | None = None

    @property
    def is_done(self) -> bool:
        return self._asked is None

    def begin(self, state: ResponderState, at: Position, bass: Sequence[BassTick], grooves: Sequence[Groove]) -> None:
        """Ask for grooves anew. state: stepped to `at`, the first tick of a bar; bass: of one bar, tick by tick."""
        fitting = tuple(one for one in grooves if len(one.bars[0]) == at.ticks_per_bar)
        if fitting:
            self.bits = {}
            self._asked = _Asked(state, at, bass, fitting, state)

    def step(self, responder: Responder, dials: Dials, guidance: float) -> None:
        """Read one tick more, where there is something to read."""
        asked = self._asked
        if asked is None:
            return
        ticks, groove = asked.at.ticks_per_bar, asked.grooves[0]
        bar, tick = divmod(asked.tick, ticks)
        reply = Reply(groove.bar(bar)[tick])
        asked.bits += responder.information(asked.now, reply)
        asked.tick += 1
        if asked.tick < BARS * ticks:
            bar, then = divmod(asked.tick, ticks)
            place = Position(then, asked.at.bar + bar, asked.at.meter)
            heard = TickInput(place, asked.bass[tick], None, reply, dials, guidance, ANEW)
            asked.now = responder.step(heard, asked.now)
            return
        self.bits[groove.name] = asked.bits
        rest = asked.grooves[1:]
        self._asked = _Asked(asked.state, asked.at, asked.bass, rest, asked.state) if rest else None
