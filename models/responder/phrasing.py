"""Apply what the form asks of a tick: repeat a bar with variation, fill at a phrase's end, make a cadence, rest."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from models.music.tokens import PARTS, Position, Reply, grouping_of, ticks_per_beat
from models.responder.responder import Responder, ResponderState, silenced
from models.responder.sampling import CADENCE, NO_PUSH, Push

FILL_NATS = 2.5


@dataclass(frozen=True, slots=True)
class Form:
    """What the form asks of a tick. ValueError for a share outside 0..1.

    again: the replies of a bar to play again, tick by tick, of which `varied` (0..1) is played anew. fill: whether the
    bar's last group of beats is a fill. cadence: the tonic (pitch class) to close on: its dominant falls on the last
    group of beats, and the tonic where the next bar begins. parts: those that play.
    """

    again: Sequence[Reply] = ()
    varied: float = 0.2
    fill: bool = False
    cadence: int | None = None
    parts: Sequence[str] = PARTS

    def __post_init__(self) -> None:
        if not 0 <= self.varied <= 1:
            raise ValueError(f"varied {self.varied}: a share goes from 0 (the same again) to 1 (all anew)")


def last_group(position: Position) -> int:
    """Return the first tick of the bar's last group of beats, or of its last beat where the meter has no groups."""
    return position.ticks_per_bar - grouping_of(position.meter)[-1] * ticks_per_beat(position.meter)


def push_of(position: Position, form: Form, closing: int | None = None) -> Push:
    """Return the push that the form gives this tick.

    closing: the tonic of the bar before, when that asked for a cadence.
    """
    harmony = None
    if closing is not None and position.tick == 0:
        harmony = _above(closing, CADENCE[1])
    elif form.cadence is not None and position.tick == last_group(position):
        harmony = _above(form.cadence, CADENCE[0])
    return Push(FILL_NATS if form.fill and position.tick >= last_group(position) else 0.0, harmony)


def _above(tonic: int, step: tuple[int, str]) -> tuple[int, str]:
    return (tonic + step[0]) % 12, step[1]


def play(
    responder: Responder,
    state: ResponderState,
    position: Position,
    form: Form,
    rng: np.random.Generator,
    temperature: float = 0.9,
    closing: int | None = None,
) -> Reply:
    """Return the reply for the tick `state` was stepped to. The same rng gives the same reply."""
    push = push_of(position, form, closing)
    fresh = responder.sample(state, rng, temperature, form.parts, push=push)
    if position.tick >= len(form.again) or (push is not NO_PUSH and push != NO_PUSH):
        return fresh
    return silenced(varied(form.again[position.tick], fresh, form.varied, rng), form.parts)


def varied(old: Reply, fresh: Reply, share: float, rng: np.random.Generator) -> Reply:
    """Return each part of the old reply, or with this probability the fresh one's."""
    drums, chords, line = rng.random(len(PARTS)) < share
    if drums:
        old = replace(old, drums=fresh.drums)
    if chords:
        old = replace(old, chord=fresh.chord, chord_off=fresh.chord_off)
    return replace(old, line=fresh.line, line_off=fresh.line_off) if line else old
