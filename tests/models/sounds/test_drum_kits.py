"""Drummers on kits made here: what is struck sounds where it is said to be."""

import numpy as np

from models.sounds import drum_kits
from models.sounds.bass_tones import RATE
from models.sounds.drum_kits import Stroke

TAKE = [Stroke(0.5 * i, note, 100) for i, note in enumerate((36, 42, 38, 46, 36, 42, 38, 49))]


def kit() -> drum_kits.Hits:
    return drum_kits.made_kit(np.random.default_rng(1))


def test_every_stroke_sounds_when_it_is_said_to():
    sound, hits = drum_kits.play(kit(), TAKE, 5 * RATE, np.random.default_rng(2))
    assert hits.tolist() == [int(s.time_s * RATE) for s in TAKE]
    for hit in hits[1:]:
        before, after = sound[hit - 240 : hit], sound[hit : hit + 480]
        assert np.abs(after).max() > 1.5 * np.abs(before).max()


def test_a_stretch_fills_its_length_and_repeats_the_take():
    strokes = drum_kits.stretch(TAKE, 20 * RATE, np.random.default_rng(3))
    times = [s.time_s for s in strokes]
    assert times == sorted(times)
    assert len(strokes) > 2 * len(TAKE)
    assert 0 <= times[0] < 1
    assert 19 < times[-1] < 20


def test_the_same_seed_is_the_same_kit_and_take():
    first, second = (drum_kits.play(kit(), TAKE, RATE, np.random.default_rng(4))[0] for _ in range(2))
    assert np.array_equal(first, second)
