"""Directions shape what is drawn, tick by tick."""

from __future__ import annotations

from agent.directions.active import ActiveEdits
from agent.directions.director import Directing
from agent.directions.edit import Edit
from listener.types import Meter
from models.music.tokens import ChordHit, Position, Reply

FOUR = Meter(4, 4)


def test_chords_on_two_and_four_follow_a_harmony_that_is_drawn_on_the_ones_alone() -> None:
    directing = Directing(seed=1)
    directing.ask(ActiveEdits().ask((Edit.read("harmony.pattern set backbeat"),)))
    directing.downbeat(0)
    roots, held = [], None
    for number in range(64):
        at = Position(number % 16, number // 16, FOUR)
        drawn = Reply(chord=ChordHit((0, 9, 5, 7)[at.bar], "maj", 80) if at.tick == 0 else None)
        shaped = directing.shaped(drawn, at, held)
        held = shaped.chord or held
        if shaped.chord:
            roots.append((at.bar, at.tick, shaped.chord.root))
    wanted = [(bar, tick, root) for bar, root in enumerate((0, 9, 5, 7)) for tick in (4, 12)]
    assert roots == wanted
    again = directing.shaped(Reply(), Position(4, 1, FOUR), held)
    assert again.chord and again.chord.root == 9, "a bar that is planned anew has its own harmony"
