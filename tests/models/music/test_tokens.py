"""Ticks, metres, drum map, chord qualities."""

import dataclasses

import pytest

from listener.music import harmony
from listener.types import Meter
from models.music import tokens
from models.music.tokens import DRUM_PIECES, EMPTY_REPLY, QUALITIES, BassTick, ChordHit, DrumHit, Position, Reply


@pytest.mark.parametrize(
    ("meter", "per_beat", "per_bar"),
    [(Meter(4, 4), 4, 16), (Meter(7, 8), 2, 14), (Meter(5, 4), 4, 20), (Meter(12, 8), 2, 24), (Meter(3, 2), 8, 24)],
)
def test_a_tick_is_a_16th_in_every_metre(meter: Meter, per_beat: int, per_bar: int) -> None:
    assert tokens.ticks_per_beat(meter) == per_beat
    assert Position(0, 0, meter).ticks_per_bar == per_bar


@pytest.mark.parametrize("numerator", range(1, 20))
@pytest.mark.parametrize("denominator", [2, 4, 8, 16])
def test_every_grouping_fills_its_bar(numerator: int, denominator: int) -> None:
    assert sum(tokens.grouping_of(Meter(numerator, denominator))) == numerator


def test_a_named_grouping_is_kept() -> None:
    assert tokens.grouping_of(Meter(7, 8, (3, 2, 2))) == (3, 2, 2)


def test_no_drum_key_means_two_pieces() -> None:
    heard = [key for piece in DRUM_PIECES.values() for key in piece.heard]
    assert len(heard) == len(set(heard))
    assert all(piece.key in piece.heard for piece in DRUM_PIECES.values())


def test_qualities_are_those_the_listener_names() -> None:
    assert {name: harmony.QUALITIES[name] for name in QUALITIES} == QUALITIES


def test_levels_keep_their_own_velocity() -> None:
    assert [tokens.level_of(v) for v in tokens.LEVEL_VELOCITY] == list(range(tokens.LEVELS))


def test_a_stroke_of_the_same_harmony_is_no_change() -> None:
    stroke = Reply(chord=ChordHit(2, "min7", 80))
    assert tokens.chord_action(stroke, 2, tokens.quality_index("min7")) == tokens.SAME
    assert tokens.chord_action(stroke, 2, tokens.quality_index("7")) == tokens.NEW
    assert tokens.chord_action(EMPTY_REPLY, 2, 0) == tokens.HOLD


def test_unknown_names_are_refused_with_the_known_ones() -> None:
    with pytest.raises(ValueError, match=r"cowbell.*allowed are kick"):
        tokens.drum_levels((DrumHit("cowbell", 90),))
    with pytest.raises(ValueError, match=r"maj13.*allowed are maj"):
        tokens.quality_index("maj13")


def test_facts_are_frozen() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        BassTick.UNKNOWN.known = True  # type: ignore[misc]
