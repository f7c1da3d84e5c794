"""A bar as one Antiphon tells it to another over MIDI."""

import numpy as np
import pytest

from agent.duet.bar_sheet import BarSheet, decoded, encoded
from agent.parts.bar_chords import ChordAt
from agent.parts.bass_bar import BassBar, BassNote
from agent.song.live_song import ScoredBar
from listener.types import Key, Meter

SEVEN = Meter(7, 8, (2, 2, 3))
BASS = (BassNote(0, 3, 40, 100), BassNote(6, 2, 43, 80))
SHEET = BarSheet(
    3, 2, ScoredBar(BassBar(SEVEN, 14, BASS), (ChordAt(0, 4, "min"), ChordAt(8, 9, "7")), "B2", Key(4, "min", 1.0))
)


def test_what_is_told_is_what_is_heard() -> None:
    assert decoded(bytes(encoded(SHEET))) == SHEET


def test_a_bar_is_short_enough_for_a_cable() -> None:
    message = encoded(SHEET)
    assert len(message) < 80
    assert all(value < 128 for value in message[1:-1])


@pytest.mark.parametrize("seed", range(20))
def test_damage_is_no_bar_or_one_that_can_be_played(seed: int) -> None:
    rng = np.random.default_rng(seed)
    message = bytearray(encoded(SHEET))
    for _ in range(200):
        at = int(rng.integers(4, len(message)))
        message[at] = int(rng.integers(256))
        heard = decoded(bytes(message[: int(rng.integers(1, len(message) + 1))]))
        assert heard is None or all(note.tick < heard.bar.bar.ticks for note in heard.bar.bar.notes)


def test_other_messages_are_no_bars() -> None:
    assert decoded(bytes([0xF0, 0x7E, 0x00, 0xF7])) is None
    assert decoded(b"\x90\x40\x40") is None
