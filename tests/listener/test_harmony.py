"""Chord and key from bass lines whose harmony is known."""

from __future__ import annotations

import mir_eval
import pytest

from listener.harmony import GUESSES, QUALITIES, Harmony


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
    theirs = {"7": "7", "min7b5": "hdim7", "6": "maj6"}
    for name in GUESSES:
        bitmap = mir_eval.chord.encode(f"C:{theirs.get(name, name)}")[1]
        assert tuple(i for i, on in enumerate(bitmap) if on) == QUALITIES[name]


def test_silence_says_nothing():
    assert Harmony().step(1.0, (), (), None) == (None, None)
