"""Orders to the band as a whole are commands, and what is none is left to the parser."""

from __future__ import annotations

import pytest

from agent.control.commands import parse
from agent.conversation.led_orders import order_of

SAID = {
    "Stop on the four!": "break 4",
    "let's stop on beat 3": "break 3",
    "Count us in": "count",
    "start now at 100, in three": "count 100 3/4",
    "OK, end it.": "end",
    "add a bar": "add bar",
    "drop a bar please": "drop bar",
    "take it up to 120": "lead 120",
    "follow me": "lead off",
}


@pytest.mark.parametrize("sentence", SAID)
def test_an_order_is_a_command_that_the_table_knows(sentence: str) -> None:
    assert order_of(sentence) == SAID[sentence]
    assert parse(SAID[sentence]).message is not None


@pytest.mark.parametrize("sentence", ["less snare on the four", "the snare is too present", "7/8 in bar three", ""])
def test_a_direction_is_no_order(sentence: str) -> None:
    assert order_of(sentence) is None
