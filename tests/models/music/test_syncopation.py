"""Syncopation of hand-made patterns."""

import numpy as np
import pytest

from listener.types import Meter
from models.music.syncopation import longuet_higgins_lee, metric_weights, syncopation, witek
from models.music.tokens import PIECES

FOUR = Meter(4, 4)
W44 = np.array(metric_weights(FOUR))


def at(*ticks: int, length: int = 16) -> np.ndarray:
    return np.isin(np.arange(length), ticks)


def test_the_weights_of_44_are_those_of_the_papers() -> None:
    assert metric_weights(FOUR) == (0, -4, -3, -4, -2, -4, -3, -4, -1, -4, -3, -4, -2, -4, -3, -4)


@pytest.mark.parametrize(
    ("meter", "weights"),
    [
        (Meter(3, 4), (0, -3, -2, -3, -1, -3, -2, -3, -1, -3, -2, -3)),
        (Meter(7, 8, (2, 2, 3)), (0, -3, -2, -3, -1, -3, -2, -3, -1, -3, -2, -3, -2, -3)),
        (Meter(7, 8, (3, 2, 2)), (0, -3, -2, -3, -2, -3, -1, -3, -2, -3, -1, -3, -2, -3)),
        (Meter(6, 8), (0, -3, -2, -3, -2, -3, -1, -3, -2, -3, -2, -3)),
        (Meter(5, 4, (3, 2)), tuple({0: 0, 12: -1}.get(t, (-2, -4, -3, -4)[t % 4]) for t in range(20))),
    ],
)
def test_a_grouping_makes_its_first_beats_strong(meter: Meter, weights: tuple[int, ...]) -> None:
    assert metric_weights(meter) == weights


def test_notes_on_every_beat_are_not_syncopated_and_an_anticipated_downbeat_is() -> None:
    two_bars = np.tile(W44, 2)
    assert longuet_higgins_lee(at(0, 4, 8, 12, 16, 20, 24, 28, length=32), two_bars).sum() == 0
    anticipated = longuet_higgins_lee(at(0, 4, 8, 14, 20, 24, 28, length=32), two_bars)
    assert anticipated[14] == 3  # the and of four (-3) held over the downbeat (0)
    assert anticipated.sum() == 3


def test_the_son_claves_three_side_is_syncopated_twice() -> None:
    # x..x..x...x.x... : the second stroke (-4) before beat 2 (-2), the third (-3) before beat 3 (-1)
    strokes = longuet_higgins_lee(at(0, 3, 6, 10, 12), W44)
    assert np.flatnonzero(strokes).tolist() == [3, 6]
    assert strokes[[3, 6]].tolist() == [2, 2]


def test_which_instrument_marks_the_strong_place_counts() -> None:
    none, kick_weak, strong = at(), at(6), at(8)
    hats = at(8)
    assert witek(kick_weak, strong, None, W44)[6] == 2 + 2  # kick before a stronger snare
    assert witek(strong, kick_weak, None, W44)[6] == 2 + 1  # snare before a stronger kick
    assert witek(kick_weak, none, hats, W44)[6] == 2 + 5  # the hat alone has the strong place
    assert witek(kick_weak, strong, hats, W44)[6] == 2 + 2  # with the snare it is the snare's
    assert witek(at(6, 8), none, hats, W44).sum() == 0  # the same instrument answers


def test_a_shifted_beat_is_more_syncopated_in_every_meter() -> None:
    for meter in (FOUR, Meter(5, 4), Meter(7, 8), Meter(6, 8)):
        bar = len(metric_weights(meter))
        groups = [t for t, w in enumerate(metric_weights(meter)) if w >= -1]
        ticks, meters = np.tile(np.arange(bar), 2), (meter,) * (2 * bar)
        plain = np.zeros((2 * bar, len(PIECES)), int)
        plain[[t + b for b in (0, bar) for t in groups], PIECES.index("kick")] = 3
        shifted = np.roll(plain, -1, axis=0)
        assert syncopation(shifted, ticks, meters).sum() > syncopation(plain, ticks, meters).sum()


def test_silence_is_not_syncopated() -> None:
    assert longuet_higgins_lee(at(), W44).sum() == witek(at(), at(), at(), W44).sum() == 0
