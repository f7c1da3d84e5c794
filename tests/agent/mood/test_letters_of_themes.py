"""The themes of endless music have letters; one that is forgotten gives its letter to no other."""

import pytest

from agent.core.messages import SetMood
from agent.mood import bassist
from agent.mood.bassist import Bassist
from agent.mood.sections import KEPT_THEMES, Order, Section, Theme
from agent.parts.bass_bar import BassBar
from models.responder.net import ResponderConfig
from models.responder.responder import Responder


def written(order: Order, responder: Responder) -> Section:
    """A section without a note, as long as it was ordered."""
    bars = (BassBar(order.meter, 16),) * order.bars
    theme = order.theme or Theme(order.theme_number, order.role, order.key, (), bars, order.number)
    return Section(order, theme, bars, ((),) * order.bars, "rock", 0.5)


@pytest.fixture(scope="module")
def responder() -> Responder:
    """A small responder that has learned nothing."""
    return Responder.untrained(1, ResponderConfig(hidden=16, sound_dim=4, dials=True, foresee=True))


@pytest.mark.parametrize("seed", range(3))
def test_no_letter_is_given_twice(monkeypatch: pytest.MonkeyPatch, responder: Responder, seed: int) -> None:
    monkeypatch.setattr(bassist, "write", written)
    plays = Bassist(SetMood(0.2, 0.6), seed, patient=True)
    said: list[str] = []
    for minute in range(120):
        plays.lay(60.0 * minute, responder)
        said += plays.take_choices()
    new = [one.split()[0] for one in said if "is new" in one]
    assert len(new) > 2 * KEPT_THEMES, "themes were forgotten"
    assert new == sorted(set(new), key=lambda name: (len(name), name))
