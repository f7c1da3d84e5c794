"""A mood glides to another over 4 to 16 bars, and senses move it."""

from itertools import pairwise

import pytest

from agent.making.moods import MOODS
from agent.mood.glide import FOLLOW_BARS, Glide

CALM, DRIVE, FOCUS = MOODS["calm"], MOODS["drive"], MOODS["focus"]


@pytest.mark.parametrize(("one", "other"), [(CALM, DRIVE), (FOCUS, CALM), (DRIVE, MOODS["angry"])])
def test_a_change_lasts_four_to_sixteen_bars_without_a_step(one, other):
    glide = Glide(one, one).to(other, 20)
    assert 4 <= glide.bars <= 16
    way = [glide.at(bar).arousal for bar in range(19, 20 + glide.bars + 1)]
    assert way[0] == one.arousal
    assert way[-1] == other.arousal
    steps = [abs(b - a) for a, b in pairwise(way)]
    assert max(steps) <= 0.45 * abs(other.arousal - one.arousal) + 1e-9


def test_the_further_the_longer():
    assert Glide(CALM, CALM).to(DRIVE, 0).bars > Glide(FOCUS, FOCUS).to(MOODS["dreamy"], 0).bars


def test_a_change_on_the_way_begins_where_the_music_is():
    glide = Glide(CALM, CALM).to(DRIVE, 0)
    halfway = glide.at(glide.bars // 2).arousal
    back = glide.to(CALM, glide.bars // 2)
    assert CALM.arousal < back.at(glide.bars // 2).arousal <= halfway


def test_a_sense_moves_the_mood_by_steps_and_back():
    glide = Glide(FOCUS, FOCUS).sensed("heart_rate", "arousal", 0.6, 1.0)
    assert glide.at(0).arousal == FOCUS.arousal
    for _ in range(30):
        glide = glide.next_bar()
    assert glide.at(30).arousal == pytest.approx(FOCUS.arousal + 0.6, abs=0.01)
    glide = glide.sensed("heart_rate", "arousal", 0.6, 0.5)
    for _ in range(30):
        glide = glide.next_bar()
    assert glide.at(60).arousal == pytest.approx(FOCUS.arousal, abs=0.01)


def test_what_a_sense_moves_is_nine_tenths_done_when_it_is_said_to_be():
    glide = Glide(CALM, CALM).sensed("pace", "arousal", 0.5, 1.0)
    for _ in range(FOLLOW_BARS):
        glide = glide.next_bar()
    assert glide.at(0).arousal - CALM.arousal == pytest.approx(0.5, rel=0.12)
    glide = glide.sensed("pace", "arousal", 0.5, 0.5)
    for _ in range(3 * FOLLOW_BARS):
        glide = glide.next_bar()
    assert glide.at(0).arousal == pytest.approx(CALM.arousal, abs=0.01)
