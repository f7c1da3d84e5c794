"""Form: a bar again with variation, fills and cadences where they belong, silence when asked."""

import numpy as np
import pytest

from listener.types import Meter
from models.music.tokens import EMPTY_REPLY, BassTick, ChordHit, DrumHit, LineHit, Position, Reply, TickInput
from models.responder.net import ResponderConfig
from models.responder.phrasing import Form, last_group, play, push_of, varied
from models.responder.responder import Responder

METER = Meter(7, 8, (2, 2, 3))
OLD = Reply((DrumHit("kick", 92),), ChordHit(2, "min7", 92), False, LineHit(62, 92))
BAR = (OLD, *[EMPTY_REPLY] * 13)


@pytest.fixture(scope="module")
def model() -> Responder:
    return Responder.untrained(0, ResponderConfig(hidden=32, sound_dim=4, dials=True, foresee=True))


def bar_of(model: Responder, form: Form, seed: int, closing: int | None = None) -> list[Reply]:
    state, reply, out = model.initial_state(), EMPTY_REPLY, []
    for tick in range(14):
        at = Position(tick, 0, METER)
        state = model.step(TickInput(at, BassTick(True), None, reply), state)
        reply = play(model, state, at, form, np.random.default_rng((seed, tick)), closing=closing)
        out.append(reply)
    return out


def test_a_bar_again_without_variation_is_the_bar(model: Responder) -> None:
    assert bar_of(model, Form(again=BAR, varied=0.0), 1) == list(BAR)


def test_a_fifth_varied_leaves_four_fifths() -> None:
    rng, fresh = np.random.default_rng(0), Reply((DrumHit("ride", 68),))
    kept = [varied(OLD, fresh, 0.2, rng) for _ in range(1000)]
    assert np.mean([reply.drums == OLD.drums for reply in kept]) == pytest.approx(0.8, abs=0.04)
    assert np.mean([reply.line == OLD.line for reply in kept]) == pytest.approx(0.8, abs=0.04)


def test_a_fill_lies_in_the_last_group_of_beats() -> None:
    fills = [push_of(Position(tick, 3, METER), Form(fill=True)).fill > 0 for tick in range(14)]
    assert fills == [False] * 8 + [True] * 6
    assert last_group(Position(0, 0, Meter(4, 4))) == 12


def test_a_cadence_is_dominant_then_tonic_on_the_one(model: Responder) -> None:
    closing = bar_of(model, Form(cadence=5), 2)[8].chord
    assert closing and (closing.root, closing.quality) == (0, "7")
    tonic = bar_of(model, Form(), 3, closing=5)[0].chord
    assert tonic and (tonic.root, tonic.quality) == (5, "maj")


def test_silence_when_asked(model: Responder) -> None:
    assert bar_of(model, Form(parts=()), 4) == [EMPTY_REPLY] * 14


def test_a_share_is_a_share() -> None:
    with pytest.raises(ValueError, match="varied 20: a share goes from 0"):
        Form(varied=20)
