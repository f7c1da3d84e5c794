"""A take goes round and round; the next one takes over at a bar line, in the same bar."""

from __future__ import annotations

import numpy as np
import pytest

from agent.audio.loop_playback import Round

BARS = np.array([0, 100, 200, 290, 390])


def take(value: float) -> np.ndarray:
    return np.full((450, 2), value, np.float32) + np.arange(450, dtype=np.float32)[:, None] / 1000


def played(round_: Round, n: int, block: int = 64) -> np.ndarray:
    out = np.zeros((n, 2), np.float32)
    for start in range(0, n, block):
        round_.fill(out[start : start + block])
    return out[:, 0]


def test_it_is_silent_before_the_first_take() -> None:
    assert not played(Round(), 200).any()


def test_a_take_comes_round_without_its_tail() -> None:
    one = Round()
    one.follow(take(1), BARS)
    heard = played(one, 900)
    np.testing.assert_array_equal(heard[:390], take(1)[:390, 0])
    np.testing.assert_array_equal(heard[390:780], take(1)[:390, 0])


@pytest.mark.parametrize("block", [1, 64, 333])
def test_the_next_take_begins_at_the_next_bar_line_in_the_same_bar(block: int) -> None:
    one = Round()
    one.follow(take(1), BARS)
    played(one, 130, 1)
    one.follow(take(2), BARS)
    heard = played(one, 200, block)
    np.testing.assert_array_equal(heard[:70], take(1)[130:200, 0])
    np.testing.assert_array_equal(heard[70:160], take(2)[200:290, 0])


def test_a_form_with_fewer_bars_goes_on_from_a_bar_it_has() -> None:
    one = Round()
    one.follow(take(1), BARS)
    played(one, 350, 1)
    one.follow(take(2), np.array([0, 100, 200]))
    np.testing.assert_array_equal(played(one, 140)[40:], take(2)[:100, 0])


def test_bars_that_are_none_are_refused() -> None:
    with pytest.raises(ValueError, match="rising"):
        Round().follow(take(1), np.array([0, 100, 90]))
