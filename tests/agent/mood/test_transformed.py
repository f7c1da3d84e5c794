"""A riff comes back transformed: not as it was, in the key, within the bass's range, and still known."""

import pytest

from agent.mood.transformed import HIGH, LOW, WAYS, transformed
from agent.parts.bass_bar import BassBar, BassNote, likeness
from listener.types import Meter

SCALE = frozenset({9, 11, 0, 2, 4, 5, 7})  # A minor
FOUR = Meter(4, 4)
RIFF = (
    BassBar(FOUR, 16, tuple(BassNote(*one, 90) for one in ((0, 4, 33), (6, 2, 36), (8, 4, 40), (14, 2, 38)))),
    BassBar(FOUR, 16, tuple(BassNote(*one, 90) for one in ((0, 4, 33), (6, 2, 36), (12, 4, 31)))),
)


@pytest.mark.parametrize("way", WAYS)
def test_it_is_another_riff_that_is_known(way):
    after = transformed(RIFF, way, SCALE, 3)
    assert [bar.signature for bar in after] != [bar.signature for bar in RIFF]
    assert max(likeness(a, b) for a, b in zip(RIFF, after, strict=True)) >= 0.25
    for bar in after:
        ticks = [note.tick for note in bar.notes]
        assert ticks == sorted(set(ticks))
        assert all(note.tick >= 0 and note.tick + note.length <= 16 for note in bar.notes)
        assert all(LOW <= note.pitch <= HIGH and note.pitch % 12 in SCALE for note in bar.notes)
    assert after[0].notes[0].tick == 0


@pytest.mark.parametrize("way", WAYS)
def test_the_same_seed_gives_the_same(way):
    assert transformed(RIFF, way, SCALE, 3) == transformed(RIFF, way, SCALE, 3)
