"""The band answers how hard the player plays within their own range, never the input's gain."""

from __future__ import annotations

import pytest

from agent.song.level import Touch, hear_touch
from models.music.tokens import BassTick


def played(velocities: list[int], pitches: tuple[int, ...] = (40,)) -> list[Touch]:
    touch, out = Touch(), []
    for number, velocity in enumerate(velocities):
        pitch = pitches[number % len(pitches)]
        touch = hear_touch(hear_touch(touch, BassTick(True, pitch, velocity, pitch)), BassTick(True))
        out.append(touch)
    return out


LINE = [80, 84, 78, 82] * 8 + [100, 104, 98, 102] * 3 + [80, 84, 78, 82] * 3


def test_digging_in_is_answered_within_a_bar_and_so_is_letting_go() -> None:
    gains = [touch.gain for touch in played(LINE)]
    assert gains[30] < 1.05
    assert gains[39] > 1.15  # a bar of eighths later
    assert gains[-1] < 1.0


@pytest.mark.parametrize("lower", [34, 56])  # 12 and 20 dB
def test_the_input_gain_changes_nothing(lower: int) -> None:
    loud = [touch.gain for touch in played(LINE)]
    soft = [touch.gain for touch in played([velocity - lower for velocity in LINE])]
    assert soft == pytest.approx(loud)


def test_a_string_that_sounds_louder_is_not_taken_for_a_harder_touch() -> None:
    touches = played([86, 80] * 40, (28, 43))
    assert max(abs(touch.gain - 1) for touch in touches[40:]) < 0.05
