"""What is said to music that nobody plays reaches the mind; a restarted mind is told again."""

from dataclasses import replace
from datetime import datetime

import pytest

from agent.core.errors import UserError
from agent.core.messages import SetMood, SetSense
from agent.core.settings import MoodConfig
from agent.mood.mood_desk import MoodDesk

PLAYS = MoodConfig(words="calm", senses={"heart_rate": "arousal 0.6 cc 21"})


def desk(config=PLAYS):
    sent = []
    return MoodDesk(config, sent.append), sent


def test_a_mood_and_a_sense_are_sent_and_told_again():
    mood, sent = desk()
    assert mood.command("dark, over 8 bars") == "mood dark, over 8 bars"
    assert mood.command("heart_rate 0.75") == "mood heart_rate 0.75: arousal +0.30, most of it over 10 bars"
    assert isinstance(sent[0], SetMood)
    assert sent[1] == SetSense("heart_rate", 0.75, "arousal", 0.6)
    assert mood.again() == sent


def test_what_is_for_the_band_and_no_mood_is_said():
    mood, sent = desk()
    said = mood.command("dark, no drums, over 8 bars")
    assert said == "mood dark, no drums, over 8 bars; 'no drums' is for the band: antiphon say \"no drums\""
    assert len(sent) == 1


@pytest.mark.parametrize("said", ["heart_rate 3", "heart_rate fast", "wobbly"])
def test_bad_input_changes_nothing(said):
    mood, sent = desk()
    with pytest.raises(UserError):
        mood.command(said)
    assert sent == []


def test_with_a_player_it_says_so():
    mood, _ = desk(MoodConfig())
    with pytest.raises(UserError, match="somebody plays"):
        mood.command("calm")


def test_a_controller_moves_its_sense_on_any_channel():
    mood, _ = desk()
    assert mood.faders()["channel 5 cc 21"] == "mood heart_rate"


def test_the_time_of_day_moves_it_when_asked_to():
    mood, sent = desk(replace(PLAYS, time_of_day=0.5))
    mood.poll(datetime(2026, 1, 1, 4, 0))
    mood.poll(datetime(2026, 1, 1, 4, 1))
    mood.poll(datetime(2026, 1, 1, 16, 0))
    assert [round(one.value, 2) for one in sent] == [0.0, 1.0]
