"""Chords over a bass: out of its octave, clear at the bottom, led to the nearest, in the way of the style."""

from __future__ import annotations

from itertools import pairwise, product

import pytest

from agent.parts.voicing import LOWEST, floor_over, voiced
from models.music.tokens import QUALITIES

CIRCLE = [("C", 0, "maj7"), ("A", 9, "min7"), ("D", 2, "min7"), ("G", 7, "7")] * 2
STYLES = ("jazz", "metal", "ballad", "pop", "")


@pytest.mark.parametrize(("root", "quality"), list(product((0, 5, 11), QUALITIES)))
@pytest.mark.parametrize("bass", [28, 40, 47, 55, 62])
def test_no_voice_is_under_the_bass_or_in_its_octave(root: int, quality: str, bass: int) -> None:
    for style in STYLES:
        assert min(voiced(root, quality, bass=bass, style=style)) // 12 > bass // 12


@pytest.mark.parametrize("register", [-1.0, 0.0, 1.0])
def test_low_intervals_stay_wide(register: float) -> None:
    for root, quality, style in product(range(12), QUALITIES, STYLES):
        pitches = voiced(root, quality, (2,), style=style, register=register)
        assert all(low >= LOWEST.get(high - low, 0) for low, high in pairwise(pitches))


def test_voices_move_little() -> None:
    before: tuple[int, ...] = ()
    moves = []
    for _, root, quality in CIRCLE:
        after = voiced(root, quality, before=before, bass=36)
        moves += [min(abs(pitch - old) for old in before) for pitch in after if before]
        before = after
    assert sum(moves) / len(moves) < 2


def test_every_tone_that_names_the_chord_is_there() -> None:
    for quality, tones in QUALITIES.items():
        classes = {pitch % 12 for pitch in voiced(0, quality, bass=36)}
        assert {tones[1]} | set(tones[3:]) <= classes


def test_styles_voice_the_same_chord_in_their_own_way() -> None:
    assert len({voiced(0, "min7", bass=36, style=style) for style in ("jazz", "dance", "ballad")}) >= 2


def test_register_moves_the_whole_chord() -> None:
    low, usual, high = (sum(voiced(0, "maj", bass=28, register=value)) for value in (-1.0, 0.0, 1.0))
    assert low < usual < high
    assert floor_over(28, -1.0) < floor_over(28, 0.0)


def test_a_tension_that_is_asked_for_is_struck() -> None:
    assert {2, 11} <= {pitch % 12 for pitch in voiced(0, "maj", (2, 11), bass=36, tight=0.5)}
