"""The ears on sounds whose truth is known because they are made here."""

import copy

import numpy as np
import pytest
import soundfile

from listener.analyzer import Analyzer
from listener.capture import file_frames
from listener.ears.frontend import HOP
from listener.types import ANALYSIS_RATE, FRAME_SAMPLES, Frame


def pluck(midi: int, seconds: float = 0.5, gain: float = 0.3) -> np.ndarray:
    t = np.arange(int(seconds * ANALYSIS_RATE)) / ANALYSIS_RATE
    f0 = 440 * 2 ** ((midi - 69) / 12)
    damped = np.minimum(1, (seconds - t) / 0.03)  # a string is damped, not cut: a cut is a click
    return damped * sum(gain / k * np.sin(2 * np.pi * k * f0 * t) * np.exp(-(2 + k) * t) for k in range(1, 9))


def frames(sound: np.ndarray) -> list[Frame]:
    n = len(sound) // FRAME_SAMPLES
    cut = sound[: n * FRAME_SAMPLES].astype(np.float32).reshape(n, FRAME_SAMPLES)
    return [Frame(s, i * FRAME_SAMPLES) for i, s in enumerate(cut)]


def hear(sound: np.ndarray) -> list:
    analyzer = Analyzer()
    return [analyzer.step(f) for f in frames(sound)]


SILENCE = np.zeros(ANALYSIS_RATE // 2)
LINE = (28, 33, 40, 35, 45)


@pytest.fixture(scope="module")
def heard() -> list:
    return hear(np.concatenate([SILENCE, *(pluck(m) for m in LINE), SILENCE]))


def test_a_line_is_heard_note_for_note(heard):
    notes = [n for a in heard for n in a.notes]
    assert [n.pitch for n in notes] == list(LINE)
    assert np.allclose([n.onset_s for n in notes], 0.5 + 0.5 * np.arange(5), atol=0.015)


def test_onsets_are_said_within_28_ms_and_notes_within_110(heard):
    truth = 0.5 + 0.5 * np.arange(5)
    onsets = [o.emit_s for a in heard for o in a.onsets]
    notes = [n.emit_s for a in heard for n in a.notes]
    assert np.all(np.array(onsets) - truth < 0.028)
    assert np.all(np.array(notes) - truth < 0.110)


def test_every_note_ends_once(heard):
    named = [n.onset_s for a in heard for n in a.notes]
    ended = [n for a in heard for n in a.ended]
    assert [n.onset_s for n in ended] == named
    assert all(n.duration_s is not None and n.duration_s > 0.2 for n in ended)


def test_louder_than_the_notes_before_is_a_higher_velocity():
    line = [pluck(33, gain=g) for g in (0.15, 0.05, 0.15, 0.4, 0.15)]
    usual, soft, again, loud, _ = (n.velocity for a in hear(np.concatenate([SILENCE, *line])) for n in a.notes)
    assert soft < min(usual, again)
    assert loud > max(usual, again)


@pytest.mark.parametrize("peak_db", [0, -24, -36, -44])
def test_the_input_gain_changes_neither_notes_nor_velocities(peak_db):
    sound = np.concatenate([SILENCE, *(pluck(m, gain=g) for m, g in zip(LINE * 3, (0.3, 0.2, 0.1) * 5, strict=True))])
    sound /= np.abs(sound).max()
    usual, other = ([n for a in hear(sound * g) for n in a.notes] for g in (10 ** (-12 / 20), 10 ** (peak_db / 20)))
    assert [n.pitch for n in other] == [n.pitch for n in usual]
    assert np.allclose([n.onset_s for n in other], [n.onset_s for n in usual], atol=0.004)
    assert np.allclose([n.velocity for n in other], [n.velocity for n in usual], atol=5)


NOISE = np.random.default_rng(0).normal(0, 0.01, 4 * ANALYSIS_RATE)
HUM = 0.05 * np.sin(2 * np.pi * 50 * np.arange(4 * ANALYSIS_RATE) / ANALYSIS_RATE)


@pytest.mark.parametrize(
    "sound", [np.zeros(96_000), np.full(96_000, 0.3), NOISE, HUM], ids=["silence", "dc", "noise", "hum"]
)
def test_what_is_not_music_is_not_a_flood_of_notes(sound):
    assert sum(len(a.notes) for a in hear(sound)) <= 1


@pytest.mark.parametrize("chunk", [64, 128, 320, 1000, 48_000])
def test_a_stream_in_any_chunks_is_heard_as_the_file_is(chunk, tmp_path):
    sound = np.concatenate([SILENCE, *(pluck(m, 0.25) for m in LINE), SILENCE])
    soundfile.write(tmp_path / "line.wav", np.repeat(sound, 2), 48_000, subtype="FLOAT")
    heard = []
    for size in (1024, chunk):
        analyzer = Analyzer()
        heard.append([analyzer.step(frame) for frame in file_frames(tmp_path / "line.wav", size)])
    assert heard[0] == heard[1]
    assert sum(len(a.notes) for a in heard[0]) >= len(LINE)


def test_a_frame_heard_hop_by_hop_is_the_frame(heard):
    sound = frames(np.concatenate([SILENCE, *(pluck(m) for m in LINE), SILENCE]))
    analyzer, early = Analyzer(), []
    for frame in sound:
        for at in range(0, FRAME_SAMPLES, HOP):
            early += analyzer.push(Frame(frame.samples[at : at + HOP], frame.start_sample + at)).onsets
        analyzer.step(frame)
    assert early == [o for a in heard for o in a.onsets]


def test_a_copied_state_continues_identically():
    sound = frames(np.concatenate([SILENCE, *(pluck(m, 0.3) for m in LINE)]))
    one = Analyzer()
    for frame in sound[:70]:
        one.step(frame)
    two = copy.deepcopy(one)
    assert [one.step(f) for f in sound[70:]] == [two.step(f) for f in sound[70:]]
