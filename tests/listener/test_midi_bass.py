"""A bass that comes as MIDI is heard as one line, by the same door as sound."""

import copy

import numpy as np

from listener.analyzer import Analyzer
from listener.midi_bass import HIGHEST
from listener.types import FRAME_S, FRAME_SAMPLES, Analysis, Frame, KeyPress, Note

SILENT = np.zeros(FRAME_SAMPLES, np.float32)


def hear(presses: list[KeyPress], until_s: float) -> list[Analysis]:
    analyzer = Analyzer()
    analyzer.play(sorted(presses, key=lambda p: p.time_s))
    return [analyzer.step(Frame(SILENT, i * FRAME_SAMPLES)) for i in range(round(until_s / FRAME_S))]


def key(at_s: float, pitch: int, length_s: float = 0.3, velocity: int = 90) -> list[KeyPress]:
    return [KeyPress(at_s, pitch, velocity), KeyPress(at_s + length_s, pitch, 0)]


def line(*, until_s: float, every_s: float = 0.5) -> list[KeyPress]:
    pitches = np.resize([33, 33, 40, 36], round(until_s / every_s))
    return [p for i, pitch in enumerate(pitches) for p in key(0.5 + i * every_s, int(pitch), velocity=80 + i % 4 * 10)]


def named(heard: list[Analysis]) -> list[Note]:
    return [note for a in heard for note in a.notes]


def ended(heard: list[Analysis]) -> list[Note]:
    return [note for a in heard for note in a.ended]


def test_notes_have_the_times_pitches_and_velocities_that_were_played():
    heard = hear(line(until_s=2), 3)
    assert [(round(n.onset_s, 3), n.pitch, n.velocity) for n in named(heard)] == [
        (0.5, 33, 80),
        (1.0, 33, 90),
        (1.5, 40, 100),
        (2.0, 36, 110),
    ]
    assert np.allclose([n.duration_s for n in ended(heard)], 0.3)


def test_beat_key_and_chord_follow_as_from_sound():
    heard = hear(line(until_s=12), 12)
    grid = heard[-1].grid
    assert grid
    assert abs(60 / grid.period_s - 120) < 2
    assert heard[-1].chord
    assert heard[-1].key


def test_the_meter_shows_the_velocity_that_is_held():
    heard = hear(key(0.5, 40, velocity=127) + key(1.5, 40, velocity=60), 3)
    level = {round(a.time_s, 2): a.rms_db for a in heard}
    assert level[0.6] > level[1.6] > -30
    assert level[1.2] == level[2.4] == -120


def test_of_a_chord_the_lowest_note_is_the_bass():
    chord = key(0.5, 48) + key(0.51, 36) + key(0.515, 52)
    assert [(n.pitch, round(n.onset_s, 3)) for n in named(hear(chord, 1.5))] == [(36, 0.5)]


def test_another_hand_is_not_the_bass():
    above = key(0.5, 36, 2.0) + key(1.0, 52) + key(1.5, HIGHEST + 4) + key(2.0, 43)
    assert [n.pitch for n in named(hear(above, 3))] == [36, 43]


def test_a_legato_line_is_heard_note_for_note():
    legato = [p for i, pitch in enumerate((33, 35, 36, 38)) for p in key(0.5 + 0.5 * i, pitch, 0.54)]
    heard = hear(legato, 3.5)
    assert [n.pitch for n in named(heard)] == [33, 35, 36, 38]
    assert [round(n.duration_s, 2) for n in ended(heard)] == [0.5, 0.5, 0.5, 0.54]


def test_late_presses_keep_their_times():
    analyzer, notes = Analyzer(), []
    for i in range(100):
        if i == 30:
            analyzer.play(key(29 * FRAME_S - 0.02, 40))
        notes += analyzer.step(Frame(SILENT, i * FRAME_SAMPLES)).notes if i >= 30 else []
    assert [round(n.onset_s, 4) for n in notes] == [round(29 * FRAME_S - 0.02, 4)]


def test_a_copied_state_continues_identically():
    analyzer = Analyzer()
    analyzer.play(line(until_s=4))
    for i in range(100):
        analyzer.step(Frame(SILENT, i * FRAME_SAMPLES))
    other = copy.deepcopy(analyzer)
    frames = [Frame(SILENT, i * FRAME_SAMPLES) for i in range(100, 300)]
    assert [analyzer.step(f) for f in frames] == [other.step(f) for f in frames]
