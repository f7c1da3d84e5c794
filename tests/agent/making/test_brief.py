"""What a song is asked for in words: read wish by wish; what cannot be is one line."""

from __future__ import annotations

import pytest

from agent.core.errors import UserError
from agent.making.brief_reader import brief_of
from listener.types import Meter

BRISTOL = "slow, heavy, unresolved, early-90s Bristol, 90 bpm, a 7/8 bar before each chorus, two minutes"


def test_length_tempo_scene_odd_bars_and_directions_are_read_from_one_sentence() -> None:
    brief = brief_of([BRISTOL])
    assert (brief.seconds, brief.bpm, brief.style) == (120.0, (90.0, 90.0), "hiphop")
    assert [(one.meter, one.before) for one in brief.odd] == [(Meter(7, 8), "chorus")]
    asked = {(edit.dimension, edit.change) for edit in brief.edits}
    assert {("resolution", "off"), ("intensity", "more")} <= asked
    assert not brief.strange


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90 seconds", 90), ("a minute and a half", 90), ("2:30", 150), ("three minutes", 180), ("half a minute", 30)],
)
def test_lengths_are_read_as_people_say_them(text: str, seconds: float) -> None:
    assert brief_of([text]).seconds == seconds


def test_an_arc_is_read() -> None:
    arc = brief_of(["starts sparse, peaks at 1:20, ends alone"]).arc
    assert (arc.starts, arc.peak_s, arc.ends) == ("sparse", 80.0, "alone")


def test_a_wish_for_one_section_concerns_that_section() -> None:
    brief = brief_of(["rock, less snare in the verse, huge chorus"])
    assert {edit.scope for edit in brief.edits} == {"section:verse", "section:chorus"}


def test_a_meter_may_say_its_groups_and_an_end_be_open() -> None:
    brief = brief_of(["in 7/8 as 2+2+3, ends open"])
    assert brief.meter == Meter(7, 8, (2, 2, 3)) and brief.arc.open
    assert brief_of(["7/8=2+2+3, dark"]).meter == brief.meter


def test_a_later_sentence_overrules_an_earlier_one() -> None:
    assert brief_of([BRISTOL, "120 bpm", "a minute"]).bpm == (120.0, 120.0)
    assert brief_of([BRISTOL, "120 bpm", "a minute"]).seconds == 60.0


@pytest.mark.parametrize("text", ["a song with lyrics", "dark, with a female voice", "sad, sung"])
def test_what_it_cannot_do_it_says(text: str) -> None:
    assert len(brief_of([text]).cannot) == 1


def test_what_is_not_wanted_is_no_wish_for_it() -> None:
    assert not brief_of(["techno, no vocals"]).cannot


def test_words_that_nobody_knows_are_named() -> None:
    assert brief_of(["dark, xyzzy plugh"]).strange == ("xyzzy plugh",)


@pytest.mark.parametrize(
    "text",
    [
        "fast and slow",
        "calm but aggressive",
        "happy, sad",
        "90 bpm, 120 bpm",
        "slow, 200 bpm",
        "in C major, minor",
        "one minute, three minutes",
        "0 minutes",
        "400 minutes",
        "13/16 at 300 bpm",
        "in 90/4",
        "in 7/8 as 2+2+2",
        "...",
        "",
        "x" * 2_000,
    ],
)
def test_what_contradicts_itself_or_cannot_be_played_is_one_line(text: str) -> None:
    with pytest.raises(UserError) as said:
        brief_of([text])
    assert "\n" not in str(said.value) and len(str(said.value)) < 160
