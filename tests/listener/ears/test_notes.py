"""Ways of playing a note, on strings made here whose every turn is known."""

import numpy as np

from listener.analyzer import Analyzer
from listener.types import ANALYSIS_RATE, FRAME_SAMPLES, Analysis, Frame, Note

REST = np.zeros(ANALYSIS_RATE // 2)


def string(pitch: np.ndarray, gain: float = 0.3) -> np.ndarray:
    """A plucked string whose pitch (MIDI, per sample) may move while it sounds."""
    t = np.arange(len(pitch)) / ANALYSIS_RATE
    phase = 2 * np.pi * np.cumsum(440 * 2 ** ((pitch - 69) / 12)) / ANALYSIS_RATE
    pick = 0.1 * np.random.default_rng(0).normal(0, 1, len(t)) * np.exp(-400 * t)
    damped = np.minimum(1, (t[-1] - t) / 0.03)
    return damped * (pick + sum(gain / k * np.sin(k * phase) * np.exp(-(1 + 0.3 * k) * t) for k in range(1, 12)))


def steady(midi: float, seconds: float) -> np.ndarray:
    return np.full(int(seconds * ANALYSIS_RATE), float(midi))


def hear(*parts: np.ndarray) -> list[Analysis]:
    sound = np.concatenate(parts).astype(np.float32)
    blocks = sound[: len(sound) // FRAME_SAMPLES * FRAME_SAMPLES].reshape(-1, FRAME_SAMPLES)
    analyzer = Analyzer()
    return [analyzer.step(Frame(block, i * FRAME_SAMPLES)) for i, block in enumerate(blocks)]


def final(heard: list[Analysis]) -> list[Note]:
    """Every note as it was last said, in order."""
    return list({n.onset_s: n for a in heard for n in (*a.notes, *a.revised, *a.ended)}.values())


def test_one_pitch_repeated_is_as_many_notes():
    notes = final(hear(REST, *[string(steady(33, 0.25))] * 6, REST))
    assert [n.pitch for n in notes] == [33] * 6


def test_a_hammer_on_is_a_new_note_without_an_attack():
    notes = final(hear(REST, string(np.concatenate([steady(33, 0.4), steady(36, 0.4)])), REST))
    assert [n.pitch for n in notes] == [33, 36]
    assert notes[0].articulation == "normal"
    assert notes[1].articulation in ("legato", "slide")


def test_a_slide_ends_where_it_arrives():
    glide = np.linspace(33, 38, int(0.12 * ANALYSIS_RATE))
    notes = final(hear(REST, string(np.concatenate([steady(33, 0.15), glide, steady(38, 0.6)])), REST))
    assert notes[-1].pitch == 38
    assert any(n.articulation in ("slide", "legato") for n in notes)


def test_a_dead_note_is_a_ghost_and_claims_no_pitch():
    t = np.arange(int(0.25 * ANALYSIS_RATE)) / ANALYSIS_RATE
    thump = 0.4 * np.random.default_rng(1).normal(0, 1, len(t)) * np.exp(-150 * t)
    notes = final(hear(REST, string(steady(33, 0.3)), thump, string(steady(33, 0.3)), thump, REST))
    assert [n.articulation for n in notes] == ["normal", "ghost", "normal", "ghost"]


def test_of_two_strings_ringing_into_each_other_the_newer_is_the_note():
    low, high = string(steady(33, 1.2)), string(steady(40, 1.2))
    both = np.concatenate([low, np.zeros(ANALYSIS_RATE // 2)])
    both[ANALYSIS_RATE // 2 : ANALYSIS_RATE // 2 + len(high)] += high
    assert [n.pitch for n in final(hear(REST, both, REST))][:2] == [33, 40]


def test_a_correction_comes_at_most_once_and_names_what_it_corrects():
    rng = np.random.default_rng(2)
    sound = [string(steady(rng.integers(28, 45), 0.2), gain=0.1) for _ in range(30)]
    heard = hear(REST, *sound, REST)
    revised = [n for a in heard for n in a.revised]
    first = {n.onset_s: n.pitch for a in heard for n in a.notes}
    assert len({n.onset_s for n in revised}) == len(revised)
    assert all(n.revises == first[n.onset_s] != n.pitch for n in revised)
