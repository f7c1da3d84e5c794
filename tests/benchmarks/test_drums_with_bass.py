"""The drums-with-bass benchmark on songs made by hand, where the answer is known."""

import numpy as np
import pytest

from benchmarks import drums_with_bass as bench
from benchmarks.baselines.rules import CommonBar
from benchmarks.groove import jsd_bits
from benchmarks.measures.answering import bass_tick
from listener.types import Meter
from models.corpus.song import Song
from models.music.features import Events
from models.music.tokens import PIECES, BassTick, ticks_per_beat
from models.responder.responder import Responder

KICK, HAT = PIECES.index("kick"), PIECES.index("closed_hat")
FOUR, FIVE = Meter(4, 4), Meter(5, 4)


def song(bars: int, meter: Meter = FOUR, together: bool = True, name: str = "x", seed: int = 0) -> Song:
    """Bass notes at random; the kick is struck with them, or on every beat; hats on eighths."""
    bar = meter.numerator * ticks_per_beat(meter)
    length, rng = bars * bar, np.random.default_rng(seed)
    onset = rng.random(length) < 0.3
    bass = np.stack([np.where(onset, 40, -1), np.where(onset, 90, 0), np.full(length, 40)], 1)
    drums = np.zeros((length, len(PIECES)), np.int64)
    drums[:, KICK] = 3 * (onset if together else np.arange(length) % 4 == 0)
    drums[::2, HAT] = 2
    chord, line = np.tile([0, 0, -1, -1], (length, 1)), np.tile([0, 0, -1], (length, 1))
    events = Events(bass, np.ones(length, bool), drums, chord, line)
    ticks = np.arange(length)
    return Song(name, "mma", "test", ticks % bar, ticks // bar, (meter,) * length, events, (True, False, False))


def test_divergence_is_nothing_for_the_same_and_one_bit_for_disjoint() -> None:
    assert jsd_bits(np.array([1, 2, 3]), np.array([2, 4, 6])) == pytest.approx(0, abs=1e-12)
    assert jsd_bits(np.array([1, 0]), np.array([0, 7])) == pytest.approx(1)
    assert jsd_bits(np.array([1, 1]), np.array([1, 0])) == pytest.approx(0.311, abs=1e-3)


def test_a_kick_with_every_bass_note_agrees_wholly_and_one_that_never_does_not_at_all() -> None:
    piece = song(4)
    assert bench.measures(piece, piece.events.drums, 64)["agreement"] == pytest.approx(1.0)
    moved = np.roll(piece.events.drums, 0, 0)
    moved[:, KICK] = 3 * (piece.events.bass[:, 0] < 0)
    assert bench.measures(piece, moved, 64)["agreement"] == pytest.approx(0.0)
    assert bench.f1(np.array([True, True, False]), np.array([True, False, True])) == pytest.approx(0.5)
    assert bench.f1(np.zeros(3, bool), np.zeros(3, bool)) is None


def test_shuffled_bars_keep_the_density_and_lose_the_bass() -> None:
    songs = [song(16, seed=seed) for seed in range(4)]
    rows = bench.table(songs, lambda s: bench.shuffled(s, 256, 1), 256)["all"]
    assert rows.figures["density JSD bits"] == pytest.approx(0, abs=1e-12)
    assert rows.figures["agreement JSD bits"] > 0.5
    assert rows.agreement < 0.6


def test_the_truth_is_no_distance_from_itself_in_every_row() -> None:
    songs = [song(16), song(16, FIVE), mixed()]
    table = bench.table(songs, lambda s: s.events.drums[:256], 256)
    assert set(table) == {"all", "odd", "4/4", "5/4", "mixed"}
    assert all(value == 0 for row in table.values() for value in row.figures.values())


def mixed() -> Song:
    one, two = song(8), song(10, Meter(3, 4))
    joined = {
        name: np.concatenate([getattr(one.events, name), getattr(two.events, name)])
        for name in ("bass", "known", "drums", "chord", "line")
    }
    ticks, bars = np.concatenate([one.ticks, two.ticks]), np.concatenate([one.bars, two.bars + 8])
    return Song("m", "mma", "test", ticks, bars, one.meters + two.meters, Events(**joined), one.has)


def test_a_mixed_songs_bars_stay_in_places_of_their_own_length() -> None:
    piece = mixed()
    assert bench.row_of(piece) == "mixed"
    assert [end - start for start, end in bench.bar_spans(piece, 256)] == [16] * 8 + [12] * 10
    piece.events.drums[:128, HAT], piece.events.drums[128:, HAT] = 1, 4
    assert bench.shuffled(piece, 256, 3)[:, HAT].tolist() == [1] * 128 + [4] * 120


def test_a_responder_answers_the_bass_it_has_heard_and_no_other() -> None:
    model, one, other = Responder.untrained(2), song(2), song(2)
    other.events.bass[20:] = -1  # silent from tick 20 on
    first, second = (bench.answer(model, s, 32, 0) for s in (one, other))
    assert first.shape == (32, len(PIECES))
    assert np.array_equal(first[:21], second[:21])
    assert bass_tick(one.events, -1) == BassTick(True)


def test_the_commonest_bar_is_said_in_every_bar() -> None:
    plain = [song(8, together=False, name=f"p{seed}", seed=seed) for seed in range(3)]
    rule = CommonBar(plain, [])
    assert np.array_equal(bench.commonest(rule, song(4), 64), plain[0].events.drums[:64])


def test_held_out_songs_without_a_bass_are_not_asked() -> None:
    silent = song(4)
    silent.events.bass[:, 0] = -1
    assert [s.name for s in bench.chosen([song(4, name="a"), silent, mixed()], 2, 64)] == ["a", "m"]


def test_picks_are_spread_over_a_group() -> None:
    songs = [song(4, name=str(index)) for index in range(9)]
    assert [s.name for s in bench.chosen(songs, 3, 64)] == ["0", "4", "8"]


def test_borrowed_drums_come_from_a_song_in_the_meter() -> None:
    songs = [song(3, FIVE, name="five"), song(3, together=False, name="four")]
    pool = bench.pool_of(songs)
    assert np.array_equal(bench.borrowed(pool, song(5), 64), songs[1].events.drums[np.arange(64) % 48])
    assert bench.borrowed(pool, song(2, FIVE), 64).shape == (40, len(PIECES))
