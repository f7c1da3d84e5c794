"""The listener of benchmarks/voices.py hears what is played, and neither key nor register; its lines are held out."""

from __future__ import annotations

import numpy as np

from benchmarks.inputs import ten_players
from benchmarks.measures.voice_listener import described, told
from benchmarks.voices import last_heard, share_told
from models.music.tokens import LINE_LOW, LINE_ON
from tests.models.training.test_responder import song


def test_a_reply_in_another_key_and_register_is_the_same_to_the_listener() -> None:
    rng = np.random.default_rng(1)
    bass, drums = rng.integers(30, 42, 64), rng.integers(0, 5, (64, 10))
    chord = np.stack(
        [rng.integers(0, 4, 64), rng.integers(1, 5, 64), rng.integers(0, 12, 64), rng.integers(0, 8, 64)], 1
    )
    line = np.stack([rng.integers(0, 3, 64), rng.integers(1, 5, 64), rng.integers(0, 8, 64)], 1)
    moved_chord, moved_line = chord.copy(), line.copy()
    moved_chord[:, 2] = (chord[:, 2] + 5) % 12
    moved_line[:, 2] += 5 + 12
    here = described(bass, drums, chord, line)
    np.testing.assert_allclose(described(bass + 5 - 12, drums, moved_chord, moved_line), here)
    other = line.copy()
    other[line[:, 0] == LINE_ON, 2] = 0
    assert not np.allclose(described(bass, drums, chord, other), here) and LINE_LOW > 12


def test_the_listener_is_asked_of_every_line_once_and_never_of_one_it_was_taught_on() -> None:
    """Replies that differ by line alone tell nothing; those that differ by player tell all."""
    rng = np.random.default_rng(2)
    by_line = np.repeat(rng.normal(size=(1, 24, 30)), 4, 0)
    share, table = share_told(list(by_line))
    assert share == 0.25 and table.sum() == 4 * 24
    by_player = by_line + 3 * rng.normal(size=(4, 1, 30))
    assert share_told(list(by_player))[0] == 1.0
    known = np.eye(4).repeat(3, 0)
    assert told(known, np.arange(4).repeat(3).tolist(), np.eye(4)).tolist() == [0, 1, 2, 3]


def test_the_bass_last_heard_holds_until_the_next() -> None:
    assert last_heard(np.array([-1, 40, -1, 43, -1])).tolist() == [-1, 40, 40, 43, 43]


def test_a_player_is_learned_from_the_first_bars() -> None:
    pieces = tuple(ten_players.busiest(song(number)) for number in range(4))
    player = ten_players.OneOfTen("Ann", "anything", False, pieces, ())
    assert [len(one) for one in player.first(4)] == [int((pieces[0].bars < 4).sum())]
    assert player.first(16) == [pieces[0]] and player.first(64) == list(pieces)
