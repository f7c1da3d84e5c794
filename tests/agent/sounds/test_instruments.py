"""Instruments: what a player's words name, what a style gets, and which sentences ask for one."""

import pytest

from agent.language.parser import parse
from agent.sounds.instruments import INSTRUMENTS, STYLE_SOUNDS, named, of_style, pairs_read
from agent.sounds.phrases import asked_for
from models.music.dials import STYLES


@pytest.mark.parametrize(
    ("sentence", "edit"),
    [
        ("rhodes instead of piano", "harmony.sound set rhodes"),
        ("an organ", "harmony.sound set organ"),
        ("clean guitar", "harmony.sound set guitar"),
        ("a clean guitar for the line, please", "line.sound set guitar"),
        ("play the chords on an electric piano", "harmony.sound set rhodes"),
        ("answer in my sound", "line.sound set your bass"),
        ("play the motif in my sound", "line.sound set your bass"),
        ("harmonise the loop in my sound", "harmony.sound set your bass"),
        ("rock kit", "drums.sound set rock kit"),
        ("brushes", "drums.pattern set brushes"),
        ("piano louder", "harmony.level more"),
    ],
)
def test_a_sentence_asks_for_an_instrument(sentence: str, edit: str) -> None:
    assert [one.short() for one in parse(sentence).edits] == [edit]


@pytest.mark.parametrize("sentence", ["the lead", "a tuba", "I love that organ you played", "no organ", "play", ""])
def test_other_sentences_are_left_to_the_parser(sentence: str) -> None:
    assert asked_for(sentence) is None


def test_every_style_has_instruments_that_are_there() -> None:
    assert set(STYLE_SOUNDS) == set(STYLES)
    for style in (*STYLES, None):
        drums, chords, line = of_style(style).values()
        assert INSTRUMENTS[drums].is_kit and not INSTRUMENTS[chords].is_kit and not INSTRUMENTS[line].is_kit


def test_a_word_of_two_worlds_means_what_the_part_can_play() -> None:
    assert named("electronic", "drums") == "electronic kit"
    assert named("electronic", "chords") == "fm piano"
    assert named("a tuba", "chords") is None


def test_an_own_map_of_presets_is_checked() -> None:
    assert pairs_read({"rhodes": "8:4"}) == {"rhodes": (8, 4)}
    for wrong, says in (({"tuba": "0:58"}, "tuba"), ({"rhodes": "four"}, "four"), ({"rhodes": "0:200"}, "0:200")):
        with pytest.raises(ValueError, match=says):
            pairs_read(wrong)
