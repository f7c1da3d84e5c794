"""A mood is said in words; what moves it is said in the configuration."""

import pytest

from agent.core.errors import UserError
from agent.mood.mood_words import liveliness, mood_of, senses_of


def test_moods_scenes_tempo_meter_key_and_glide_are_read():
    dark = mood_of("dark, 90 bpm, in 7/8, over 8 bars")
    assert dark.valence < -0.5
    assert (dark.bpm, dark.meter, dark.bars) == (90.0, (7, 8), 8)
    assert mood_of("trip hop").style == "hiphop"
    assert mood_of("slow, warm and late at night").bpm == mood_of("slow").bpm
    assert mood_of("calm, in E minor").key == (4, "min")


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ("wobbly", "no mood in"),
        ("calm, furious", "contradict"),
        ("calm, over 400 bars", "glide over 400 bars"),
        ("calm, with lyrics", "I write no lyrics"),
        ("calm, xyzzy", "no mood that I know"),
        ("13/16 at 300 bpm", "300 bpm"),
    ],
)
def test_what_cannot_be_played_is_said_in_one_line(words, says):
    with pytest.raises(UserError, match=says) as caught:
        mood_of(words)
    assert "\n" not in str(caught.value)


def test_senses_are_read_with_their_controllers():
    rules = senses_of({"heart_rate": "arousal 0.6 cc 21", "sun": "valence 0.4"})
    assert (rules["heart_rate"].moves, rules["heart_rate"].amount, rules["heart_rate"].cc) == ("arousal", 0.6, 21)
    assert rules["sun"].cc is None


@pytest.mark.parametrize(("name", "text"), [("pace", "speed 1"), ("calm", "arousal 1"), ("pace", "arousal 1 cc 200")])
def test_a_sense_that_cannot_be_read_is_named(name, text):
    with pytest.raises(UserError, match=f"mood.senses.{name}"):
        senses_of({name: text})


def test_the_afternoon_is_livelier_than_the_night():
    assert liveliness(16) == pytest.approx(1.0)
    assert liveliness(4) == pytest.approx(0.0)
