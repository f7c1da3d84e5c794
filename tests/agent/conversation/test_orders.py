"""Sentences that are orders to the band as a whole are recognised, and sentences that only look like them are not."""

from __future__ import annotations

import pytest

from agent.conversation.orders import Order, order_of


@pytest.mark.parametrize(
    ("sentence", "order"),
    [
        ("undo the last three", Order("undo", 3)),
        ("Please undo the last 2 changes.", Order("undo", 2)),
        ("undo twice", Order("undo", 2)),
        ("undo everything", Order("undo all")),
        ("take back everything I said", Order("undo all")),
        ("start over", Order("start over")),
        ("ok, play normally again", Order("normal")),
        ("be quiet", Order("quiet")),
        ("keep quiet", Order("ideas off")),
        ("stop the loop", Order("stop loop")),
        ("let's trade twos", Order("trade", bars="2")),
        ("stop trading", Order("stop trade")),
        ("what stands?", Order("stands")),
        ("What's in force", Order("stands")),
        ("what do you know about me?", Order("me")),
        ("what are you playing?", Order("sounds")),
        ("two bars of drum intro", Order("intro", 2, alone="drums")),
        ("give me four bars of just drums first", Order("intro", 4, alone="drums")),
        ("start with two bars of the bass alone", Order("intro", 2, alone="bass")),
        ("a drum intro", Order("intro", 2, alone="drums")),
        ("end with one bar of chords", Order("outro", 1, alone="harmony")),
        ("up a minor third", Order("transpose", 3)),
        ("Take it down a fourth, please.", Order("transpose", -5)),
        ("everything two semitones higher", Order("transpose", 2)),
    ],
)
def test_an_order_is_recognised(sentence: str, order: Order) -> None:
    assert order_of(sentence) == order


@pytest.mark.parametrize(
    "sentence",
    [
        "undo",
        "less snare",
        "be quieter",
        "play it louder",
        "start over there",
        "undo the snare",
        "loop pedal louder",
        "take it up to 120",
        "the melody up an octave",
        "",
    ],
)
def test_a_direction_is_none(sentence: str) -> None:
    assert order_of(sentence) is None
