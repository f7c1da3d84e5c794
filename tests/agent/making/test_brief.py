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
        "major and minor",
        "in D minor and in E minor",
        "one minute, three minutes",
        "0 minutes",
        "400 minutes",
        "13/16 at 300 bpm",
        "in 90/4",
        "in 7/8 as 2+2+2",
        "loud and quiet",
        "sparse, but busy",
        "no drums, busy drums",
        "louder line, no line",
        "90 bpm and 120 bpm",
        "4/4 and 7/8",
        "starts sparse, starts full",
        "ends alone, ends with a bang",
        "stops dead, fades out",
        "no ending, ends alone",
        "peaks at 0:40, peaks at 1:20",
        "peaks at 4:00, two minutes",
        "16 bars, two minutes",
        "a 7/8 bar before each chorus, a 5/4 bar before each chorus",
        "a 7/8 bar before each chorus, verse bridge verse",
        "-3 minutes",
        "-20 bpm",
        "...",
        "",
        "x" * 2_000,
    ],
)
def test_what_contradicts_itself_or_cannot_be_played_is_one_line(text: str) -> None:
    with pytest.raises(UserError) as said:
        brief_of([text])
    assert "\n" not in str(said.value) and len(str(said.value)) < 160


@pytest.mark.parametrize(
    "text",
    [
        "sparse, builds up, ends alone",
        "loud chorus, quiet verse",
        "quiet, loud drums",
        "starts quiet, ends full",
        "no drums in the verse, busy drums in the chorus",
        "ends alone and fades out",
        "a 7/8 bar before each chorus, a 5/4 bar before each bridge",
    ],
)
def test_what_only_looks_like_a_contradiction_is_read(text: str) -> None:
    assert not brief_of([text]).strange


def test_a_length_in_bars_and_in_seconds_gives_the_tempo() -> None:
    brief = brief_of(["calm, 32 bars, a minute"])
    assert (brief.bars, brief.seconds, brief.bpm) == (32, None, (128.0, 128.0))


def test_a_minor_key_is_not_a_minor() -> None:
    assert (brief_of(["in a minor key"]).key, brief_of(["in a minor key"]).mode) == (None, "min")
    assert brief_of(["in A minor"]).key is not None


def test_adjectives_of_a_part_concern_that_part() -> None:
    asked = {(one.target, one.dimension, one.change) for one in brief_of(["busy drums, sparse chords"]).edits}
    assert asked == {("drums", "density", "more"), ("harmony", "density", "less")}
