"""Chord and key from bass lines whose harmony is known."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from itertools import islice

import mir_eval
import numpy as np
import pytest

from benchmarks import harmony as bench
from benchmarks.inputs import harmony_pieces
from listener.music.harmony import KINDS, QUALITIES, SEVENTHS, Harmony
from listener.music.key import KeyFinder, named_scale
from listener.types import Grid, Meter, Note


def _harmony(play, take):
    harmony, said = Harmony(), []

    def hook(time_s, notes, ended, grid):
        said.append((time_s, *harmony.step(time_s, notes, ended, grid)))

    play(take, hook=hook)
    return said


def _line(line, pitches, bpm=112):
    count = len(pitches)
    times = [0.5 + i * 60 / bpm for i in range(count)]
    return line(times, pitches, [100 if i % 4 == 0 else 85 for i in range(count)], 60 / bpm, 4)


MAJOR = [36, 40, 43, 45, 41, 45, 48, 45, 43, 47, 50, 41, 36, 43, 40, 36]
MINOR = [33, 40, 36, 40, 38, 41, 45, 41, 40, 44, 47, 44, 33, 36, 40, 33]


@pytest.mark.parametrize("tonic", range(12))
@pytest.mark.parametrize(("pitches", "mode", "home"), [(MAJOR, "maj", 0), (MINOR, "min", 9)])
def test_key_of_a_diatonic_line_in_every_transposition(pitches, mode, home, tonic, play, line):
    _, _, key = _harmony(play, _line(line, [p + tonic - 6 for p in pitches] * 2))[-1]
    assert (key.tonic, key.mode) == ((home + tonic - 6) % 12, mode)
    assert 0.2 < key.confidence <= 1


def test_chord_root_follows_arpeggios(play, line):
    roots = [28, 33, 35, 28]
    bars = [[r, r + 7, r + 12, r + 7] for r in roots] * 3
    take = _line(line, [p for bar in bars for p in bar])
    said = {round(t, 2): chord for t, chord, _ in _harmony(play, take)}
    ends = [t - 0.1 for t in take.onsets_s[4::4]]
    heard = [said[min(said, key=lambda s: abs(s - end))].root for end in ends]
    right = sum(h == bar[0] % 12 for h, bar in zip(heard, bars, strict=False))
    assert right >= 10


def test_thirds_decide_between_major_and_minor(play, line):
    for third, quality in ((4, "maj"), (3, "min")):
        take = _line(line, [28, 28 + third, 35, 28 + third] * 4)
        chord = _harmony(play, take)[-1][1]
        assert (chord.root, chord.quality) == (4, quality)


def test_qualities_agree_with_mir_eval():
    theirs = {"7": "7", "min7b5": "hdim7"}
    for name in (*KINDS, *SEVENTHS.values()):
        bitmap = mir_eval.chord.encode(f"C:{theirs.get(name, name)}")[1]
        assert tuple(i for i, on in enumerate(bitmap) if on) == QUALITIES[name]


def test_silence_says_nothing():
    assert Harmony().step(1.0, (), (), None) == (None, None)


def _ear(pitches, onsets=None, harmony=None, first=0):
    """What is said after each note of a line, one a beat at 120 unless onsets (in beats) say otherwise."""
    harmony, grid, said = harmony or Harmony(), Grid(0.0, 0, 1, 0.5, Meter(4, 4), 1.0, 1.0), []
    onsets = [first + i for i in range(len(pitches))] if onsets is None else onsets
    for pitch, beat, after in zip(pitches, onsets, [*onsets[1:], onsets[-1] + 1], strict=True):
        on_s, off_s = 0.5 * beat, 0.5 * after - 0.02
        note = Note(on_s, on_s + 0.05, None, pitch, 90)
        harmony.step(on_s + 0.05, (note,), (), grid)
        said.append(harmony.step(off_s, (), (Note(on_s, off_s, off_s - on_s, pitch, 90),), grid)[0])
    return said


def test_a_chromatic_approach_does_not_flip_the_chord():
    bars = [[33, 36, 40, 39], [38, 41, 45, 32]] * 4  # A minor, up to Eb, D minor, up from G sharp
    said = _ear([p for bar in bars for p in bar])
    assert [chord.root for chord in said[8:]] == [9, 9, 9, 9, 2, 2, 2, 2] * 3


def test_passing_eighths_between_chord_tones_do_not_flip_the_chord():
    pitches = [28, 35, 34, 33, 32, 31, 30, 29] * 4  # E, then down in semitones to the next E
    onsets = [4 * bar + at for bar in range(4) for at in (0, 1, 1.5, 2, 2.5, 3, 3.25, 3.5)]
    assert {chord.root for chord in _ear(pitches, onsets)[8:]} == {4}


def test_root_motion_is_the_interval_between_successive_roots():
    roots = [28, 33, 31, 28]
    said = _ear([p for root in roots for p in [root, root + 7, root + 12, root + 7] * 2])
    assert [chord.motion for chord in said[7::8]] == [None, 5, -2, -3]


def test_an_ambiguous_bar_is_less_sure_than_a_clear_one():
    clear, vague = _ear([28, 32, 35, 28] * 4)[-1], _ear([28, 30, 33, 37, 35, 32, 38, 31] * 2)[-1]
    assert clear.confidence > 0.9
    assert vague.confidence < clear.confidence - 0.1
    assert _ear([28, 35, 40, 35] * 2)[-1].third < clear.third


def test_a_pedal_point_is_heard_under_changing_tones():
    assert _ear([28, 44, 28, 45, 28, 47, 28, 49] * 2)[-1].pedal == 4
    assert _ear([28, 35, 40, 35, 28, 32, 35, 32] * 2)[-1].pedal is None  # one chord, no more
    assert _ear([28, 30, 32, 33, 35, 37, 39, 40] * 2)[-1].pedal is None  # a scale


def test_a_correction_is_believed():
    grid, wrong = Grid(0.0, 0, 1, 0.5, Meter(4, 4), 1.0, 1.0), Note(0.0, 0.03, None, 40, 90)
    right = Note(0.0, 0.08, None, 33, 90, revises=40)
    corrected, plain = Harmony(), Harmony()
    before = corrected.step(0.03, (wrong,), (), grid)[0]
    after = corrected.step(0.08, (), (), grid, (right,))[0]
    assert (before.root, after.root) == (4, 9)
    plain.step(0.03, (Note(0.0, 0.03, None, 33, 90),), (), grid)
    assert abs(after.confidence - plain.step(0.08, (), (), grid)[0].confidence) < 0.02


def test_a_copy_continues_identically():
    harmony = Harmony()
    _ear(MAJOR, harmony=harmony)
    twin = copy.deepcopy(harmony)
    assert _ear(MINOR, harmony=harmony, first=16) == _ear(MINOR, harmony=twin, first=16)


@pytest.mark.skipif(not harmony_pieces.MMA.exists(), reason="needs ../shared/data/band/mma")
def test_chord_confidence_is_how_often_it_is_right():
    ours, rule = bench.Tally(), bench.Tally()
    for piece in islice(harmony_pieces.pieces(every=3, first=1), 24):
        bench.hear(piece, ours)
        bench.guess(piece, rule)
    assert bench.calibration_error(ours.roots) < 0.10
    assert np.mean([r for r, _ in ours.roots]) > np.mean([r for r, _ in rule.roots]) + 0.1


SCALES_PLAYED = {
    "major": ("maj", [0, 4, 7, 9, 5, 9, 0, 9, 7, 11, 2, 5, 0, 7, 4, 0]),
    "mixolydian": ("maj", [0, 4, 7, 10, 0, 7, 9, 10, 5, 9, 0, 9, 0, 4, 10, 7]),
    "lydian": ("maj", [0, 4, 6, 7, 0, 6, 4, 2, 11, 9, 6, 4, 0, 7, 6, 4]),
    "minor": ("min", [0, 7, 3, 7, 5, 8, 0, 8, 7, 10, 2, 10, 0, 3, 7, 10]),
    "dorian": ("min", [0, 7, 3, 10, 0, 9, 7, 10, 5, 9, 0, 9, 0, 3, 7, 9]),
    "phrygian": ("min", [0, 7, 1, 3, 0, 8, 10, 8, 5, 8, 0, 1, 0, 3, 7, 1]),
    "harmonic minor": ("min", [0, 7, 3, 7, 5, 8, 0, 8, 7, 11, 2, 11, 0, 3, 7, 11]),
    "blues": ("min", [0, 3, 5, 6, 7, 10, 0, 4] * 2),
}


@pytest.mark.parametrize("tonic", range(0, 12, 5))
@pytest.mark.parametrize("scale", SCALES_PLAYED)
def test_the_scale_that_is_played_is_named(scale, tonic):
    mode, steps = SCALES_PLAYED[scale]
    notes = np.bincount([(tonic + step) % 12 for step in steps * 2], minlength=12).astype(float)
    assert named_scale(notes, tonic, mode) == scale


def heard(steps: Sequence[int], tonic: int) -> KeyFinder:
    """Bars of four notes, the chord's root the bar's first note."""
    keys = KeyFinder()
    for i, step in enumerate(steps):
        pitch_class = (tonic + step) % 12
        keys.begin(pitch_class, i % 4 == 0)
        keys.note(pitch_class, 1.0)
        chords = np.zeros((12, 3))
        chords[(tonic + steps[i // 4 * 4]) % 12, 0] = 1.0
        keys.pulse(chords)
    return keys


@pytest.mark.parametrize("tonic", range(12))
@pytest.mark.parametrize(
    ("steps", "mode"),
    [
        ((0, 4, 7, 9, 5, 9, 0, 4, 7, 11, 2, 7, 0, 4, 7, 4), "maj"),
        ((0, 3, 7, 0, 8, 0, 3, 8, 10, 2, 5, 10, 0, 7, 3, 0), "min"),
        ((0, 0, 7, 0, 10, 10, 5, 10, 0, 3, 5, 7, 0, 10, 3, 0), "min"),
    ],
)
def test_the_key_of_a_line_is_named_in_every_transposition(tonic: int, steps: tuple[int, ...], mode: str) -> None:
    key = heard(2 * steps, tonic).key
    assert key is not None and (key.tonic, key.mode) == (tonic, mode)
    assert 0 < key.confidence <= 1


def test_a_line_without_a_third_leaves_the_mode_to_what_was_counted() -> None:
    keys = heard(8 * (0, 0, 5, 7), 4)
    judged = keys.judged()
    assert judged.argmax() % 12 == 4
    assert 0.2 < judged[16] / (judged[4] + judged[16]) < 0.8
