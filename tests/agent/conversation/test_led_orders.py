"""Orders to the band as a whole are commands, and what is none is left to the parser."""

from __future__ import annotations

import pytest

from agent.control.commands import TABLE, parse
from agent.conversation.led_orders import order_of

SAID = {
    "Stop on the four!": "break 4",
    "let's stop on beat 3": "break 3",
    "Count us in": "count",
    "click on": "click on",
    "Give me a click at 96": "click 96",
    "turn the click off": "click off",
    "no metronome": "click off",
    "start now at 100, in three": "count 100 3/4",
    "OK, end it.": "end",
    "add a bar": "add bar",
    "drop a bar please": "drop bar",
    "take it up to 120": "lead 120",
    "follow me": "lead off",
    "take that": "take",
    "this is the verse": "section verse",
    "call this part the chorus": "section chorus",
    "make this the verse": "section verse",
    "keep that as the bridge": "section bridge",
    "back to the verse": "to verse",
    "to the bridge!": "to bridge",
    "next song": "song next",
    "save this song as Tuesday": "song name tuesday",
    "what sections are there?": "song",
    "the bridge goes A minor, F": "chart bridge a minor, f",
    "let's do Tuesday's song": "song tuesday",
}


@pytest.mark.parametrize("sentence", SAID)
def test_an_order_is_a_command_that_the_table_knows(sentence: str) -> None:
    assert order_of(sentence) == SAID[sentence]
    assert parse(SAID[sentence]).name in TABLE


OTHERS = ("less snare on the four", "the snare is too present", "7/8 in bar three", "", "back to the drums")


@pytest.mark.parametrize("sentence", [*OTHERS, "this is the best"])
def test_a_direction_is_no_order(sentence: str) -> None:
    assert order_of(sentence) is None


def test_a_riff_that_was_taken_can_be_looped_by_word() -> None:
    assert order_of("loop that") is None  # the next bars are looped, as before
    assert order_of("loop that", taken=True) == "loop"
    assert order_of("loop the stomp", ("stomp",), True) == "loop stomp"


def test_a_name_that_was_given_is_understood() -> None:
    assert order_of("back to the stomp") is None
    assert order_of("back to the stomp", ("stomp",)) == "to stomp"
