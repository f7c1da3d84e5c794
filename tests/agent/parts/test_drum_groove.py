"""A groove is the same twice where two bars of the bass may have been heard as one, and varied in its second half."""

from __future__ import annotations

import numpy as np

from agent.parts.bass_bar import BassBar, BassNote
from agent.parts.drum_groove import DrumBar, Groove, halved, is_twice, turned
from agent.parts.groove_choice import choose
from agent.parts.groove_traits import Stock, traits
from listener.types import Meter
from models.music.tokens import DrumHit

FOUR = Meter(4, 4)


def bass(*ticks: int) -> BassBar:
    return BassBar(FOUR, 16, tuple(BassNote(tick, 1, 40, 90) for tick in ticks))


def drums(kicks: set[int], snares: set[int]) -> DrumBar:
    return tuple(
        tuple(DrumHit(piece, 90) for piece, at in (("kick", kicks), ("snare", snares)) if tick in at)
        for tick in range(16)
    )


def test_a_half_bar_that_comes_twice_is_told_from_even_notes_and_from_a_riff_of_a_bar() -> None:
    assert is_twice([bass(0, 1, 2, 3, 8, 9, 10, 11)])
    assert not is_twice([bass(*range(0, 16, 2))])
    assert not is_twice([bass(0, 3, 6, 8, 10, 14)])


def test_halves_that_are_nearly_alike_become_the_same_others_stay() -> None:
    near = drums({0, 2, 8, 10}, {4, 12, 15})
    (bar,) = halved(Groove("", "", (near,))).bars
    assert bar[:8] == bar[8:] == near[:8]
    backbeat = Groove("", "", (drums({0, 8, 11}, {4}),))
    assert halved(backbeat) == backbeat


def test_a_bar_is_varied_by_a_kick_of_the_other_where_that_is_another_groove() -> None:
    own = drums({0, 6}, {4, 12})
    assert turned(own, drums({2, 3, 10}, {8})) == drums({0, 6, 10}, {4, 12})
    none = drums({2, 3}, {8})
    assert turned(own, none) == (*own[:8], *none[8:])
    ghosted = drums({0, 6}, {4, 12, 15})
    assert turned(own, ghosted) == ghosted


def chosen(kicks: set[int], other: set[int], heard: BassBar) -> set[int]:
    """Return the kicks of the groove that a bass gets, of two that have the same snare."""
    two = [Groove(str(number), "", (drums(own, {4, 12}),)) for number, own in enumerate((kicks, other))]
    wanted = {"density": float(len(heard.notes)), "chance": 0.0}
    found = Stock.of([traits(one, FOUR) for one in two])
    return (kicks, other)[int(choose(found, [heard], wanted, np.random.default_rng(1))[0].groove.name)]


def test_a_kick_on_every_beat_answers_no_busy_riff() -> None:
    assert chosen({0, 4, 8, 12}, {0, 6, 8, 14}, bass(0, 3, 6, 8, 10, 12, 13, 14)) == {0, 6, 8, 14}
