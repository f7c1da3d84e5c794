"""The responder proposes whole bars, and nothing of what is played changes by it."""

import numpy as np
import pytest

from listener.types import Meter
from models.music.tokens import BassTick, ChordHit, LineHit, Position, Reply, TickInput
from models.responder.proposal import Proposal
from models.responder.responder import Responder
from tests.models.responder.test_repeating import trained


@pytest.mark.parametrize("meter", [Meter(4, 4), Meter(7, 8, (2, 2, 3))])
def test_two_bars_are_proposed_in_any_meter_on_a_copy(meter: Meter) -> None:
    responder = Responder.of(trained())
    at = Position(0, 3, meter)
    state = responder.step(TickInput(at, BassTick(True), None, Reply()), responder.initial_state())
    kept = state.logits.copy()
    found = []
    for _ in range(2):
        one, rng = Proposal(state, at, [BassTick.UNKNOWN] * at.ticks_per_bar), np.random.default_rng(1)
        while not one.is_whole:
            one.step(responder, rng, 0.9)
        assert len(one.drums(0)) == len(one.drums(1)) == at.ticks_per_bar and one.at.bar == 5
        found.append(one.replies)
    assert found[0] == found[1] and np.array_equal(state.logits, kept)


def test_strokes_and_notes_end_where_the_next_begins_or_they_are_ended() -> None:
    one = Proposal(Responder.of(trained()).initial_state(), Position(0, 0, Meter(4, 4)), [], bars=1)
    one.replies = [Reply()] * 16
    one.replies[2], one.replies[6] = Reply(chord=ChordHit(0, "maj", 80)), Reply(chord_off=True, line=LineHit(60, 70))
    one.replies[8] = Reply(chord=ChordHit(5, "maj", 80), line=LineHit(64, 90))
    assert one.strokes(0) == ((2, 4), (8, 8))
    assert one.line(0) == ((6, 2, 60, 70), (8, 8, 64, 90))
