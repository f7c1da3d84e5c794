"""Repetition, hook and closure of lines written for it: (beat in the line, MIDI pitch)."""

from __future__ import annotations

import copy
import pickle
import time
from dataclasses import replace

import numpy as np
import pytest

from benchmarks.inputs import feel_lines
from listener.analyzer import Analyzer
from listener.music.form import FormTracker
from listener.music.motif import resemblance
from listener.music.phrase import Phrases
from listener.types import Grid, Key, Meter, Note

BEAT_S, JITTER_S = 0.5, 0.008
RIFF = [(0, 28), (0.5, 28), (1.5, 31), (2, 33), (3, 35), (3.5, 31)]
OTHER = [(0, 33), (1, 36), (1.5, 40), (2.5, 38), (3, 33)]
THIRD = [(0, 35), (0.75, 35), (1.5, 39), (2, 42), (3.25, 39)]
FOURTH = [(0, 40), (1, 38), (2, 36), (3, 35)]
C_MAJOR = Key(0, "maj", 0.9)


def _line(*bars, beats=4):
    return [(i * beats + at, pitch) for i, bar in enumerate(bars) for at, pitch in bar]


def _up(bar, steps):
    return [(at, pitch + steps) for at, pitch in bar]


def _notes(line, swing=0.5, seed=0, beat_s=BEAT_S):
    """Played with jitter; off-beats swung."""
    rng, notes = np.random.default_rng(seed), []
    for (beat, pitch), after in zip(line, [*line[1:], (line[-1][0] + 1, 0)], strict=True):
        at = beat // 1 + (2 * swing * (beat % 1) if beat % 1 <= 0.5 else 1 - 2 * (1 - swing) * (1 - beat % 1))
        onset_s = max(0.0, 1.0 + beat_s * at + rng.normal(0, JITTER_S))
        length_s = 0.85 * beat_s * min(after[0] - beat, 2.0)
        notes.append(Note(onset_s, onset_s + 0.04, length_s, pitch, 90))
    return notes


def _hear(line, swing=0.5, meter=None, tracker=None, seed=0, extra_beats=2.0):
    """What is recognised, and the hook in the end, frame by frame."""
    tracker, meter = tracker or FormTracker(), meter or Meter(4, 4)
    notes, repetitions, heard = _notes(line, swing, seed), [], None
    grid = Grid(1.0, 0, 1, BEAT_S, meter, 1.0, 1.0, swing)
    end_s = 1.0 + BEAT_S * (np.ceil(line[-1][0] / meter.numerator) * meter.numerator + extra_beats)
    for frame in range(int(end_s / 0.02)):
        now_s = 0.02 * frame
        named = tuple(replace(n, duration_s=None) for n in notes if now_s - 0.02 < n.emit_s <= now_s)
        heard = tracker.step(now_s, named, (), grid)
        repetitions += [heard.repetition] if heard.repetition else []
    return repetitions, heard.hook


def test_a_riff_that_returns_four_bars_later_is_the_same_riff():
    repetitions, _ = _hear(_line(RIFF, OTHER, THIRD, FOURTH, RIFF, OTHER))
    assert [(r.ago, r.varied, r.similarity, r.run) for r in repetitions] == [(4, (), 1.0, 1), (4, (), 1.0, 2)]
    assert abs(repetitions[0].of_start_s - 1.0) < 1e-9
    assert abs(repetitions[0].start_s - (1.0 + 16 * BEAT_S)) < 1e-9


@pytest.mark.parametrize("steps", [-5, 2, 5, 12])
def test_a_transposed_riff_is_known_with_its_interval(steps):
    (found,), _ = _hear(_line(RIFF, OTHER, _up(RIFF, steps)))
    assert (found.ago, found.varied, found.transposed) == (2, ("transposed",), steps)


@pytest.mark.parametrize(
    ("bar", "varied"),
    [
        ([*RIFF[:-1], (3.5, 38)], ("pitch",)),
        ([*RIFF[:4], (2.5, 34), *RIFF[4:]], ("ornamented",)),
        ([*RIFF[:1], *RIFF[2:]], ("simplified",)),
        ([(0, 28), (1, 28), (1.25, 31), (2.5, 33), (2.75, 35), (3.25, 31)], ("rhythm",)),
    ],
)
def test_a_variation_is_known_by_what_varies(bar, varied):
    (found,), _ = _hear(_line(RIFF, OTHER, bar))
    assert (found.ago, found.varied) == (2, varied)
    assert 0.7 <= found.similarity < 1.0


def test_nothing_returns_where_nothing_was_repeated():
    assert _hear(_line(RIFF, OTHER, THIRD, FOURTH)) == ([], None)


@pytest.mark.parametrize("swing", [0.5, 0.58, 0.66])
def test_swing_and_jitter_do_not_hide_a_repetition(swing):
    (found,), _ = _hear(_line(RIFF, OTHER, RIFF), swing, seed=4)
    assert (found.ago, found.similarity) == (2, 1.0)


def test_bars_of_seven_eighths_are_compared_as_such():
    seven = [(0, 28), (2, 31), (4, 33), (5, 35), (6, 33)]
    other = [(0, 33), (1, 31), (3, 29), (6, 28)]
    repetitions, hook = _hear(_line(seven, other, seven, other, seven, other, beats=7), meter=Meter(7, 8, (2, 2, 3)))
    assert [r.ago for r in repetitions] == [2, 2, 2, 2]
    assert hook.length_beats == 14


def test_the_hook_is_the_two_bar_riff_that_recurs():
    _, hook = _hear(_line(*[RIFF, OTHER] * 4))
    assert (hook.length_beats, hook.times) == (8.0, 4)
    assert hook.notes == tuple((float(beat), pitch - 28) for beat, pitch in _line(RIFF, OTHER))


def test_the_hook_is_one_bar_where_one_bar_recurs_among_others():
    _, hook = _hear(_line(RIFF, OTHER, RIFF, THIRD, _up(RIFF, 5), FOURTH, RIFF))
    assert (hook.length_beats, hook.times) == (4.0, 4)
    assert hook.notes == tuple((float(beat), pitch - 28) for beat, pitch in RIFF)


@pytest.mark.parametrize("seed", range(8))
def test_a_random_line_has_no_hook(seed):
    rng = np.random.default_rng(seed)
    line = [(at / 2, int(rng.integers(28, 52))) for at in range(96) if rng.random() < 0.7]
    assert _hear(line)[1] is None


def test_one_note_repeated_is_no_hook():
    assert _hear([(beat, 28) for beat in range(48)])[1] is None


def test_a_corrected_pitch_is_what_is_compared():
    tracker, grid = FormTracker(), Grid(1.0, 0, 1, BEAT_S, Meter(4, 4), 1.0, 1.0)
    found = []
    for note in _notes(_line(RIFF, RIFF, FOURTH)):
        first = replace(note, pitch=note.pitch + 12, duration_s=None)
        final = replace(note, revises=first.pitch, duration_s=None)
        heard = [tracker.step(note.emit_s, (first,), (), grid)]
        heard.append(tracker.step(note.emit_s + 0.02, (), (), grid, revised=(final,)))
        found += [h.repetition for h in heard if h.repetition]
    assert [(r.ago, r.similarity, r.transposed) for r in found] == [(1, 1.0, 0)]


def _phrase_end(line, key=C_MAJOR, grid=True, tracker=None, start_s=0.0, beat_s=BEAT_S):
    """The phrase that `line` is, as the ear reports it when it has ended."""
    phrases, tracker = Phrases(), tracker or FormTracker()
    there = Grid(1.0 + start_s, 0, 1, BEAT_S, Meter(4, 4), 1.0, 1.0) if grid else None
    said = []
    for note in _notes(line, beat_s=beat_s):
        note = replace(note, onset_s=note.onset_s + start_s, emit_s=note.emit_s + start_s)
        for named, ended in (((replace(note, duration_s=None),), ()), ((), (note,))):
            phrase = phrases.step(note.emit_s, named, ended, there)
            said.append(tracker.step(note.emit_s, named, ended, there, key, phrase).phrase)
    end_s = note.onset_s + note.duration_s + 3.0
    said.append(tracker.step(end_s, (), (), there, key, phrases.step(end_s, (), (), there)).phrase)
    return next(p for p in said if p is not None and p.end_s is not None)


RUN = [(0, 36), (1, 40), (2, 43), (3, 41), (4, 40), (5, 38)]


def test_a_phrase_that_ends_on_the_tonic_on_a_strong_beat_closes():
    phrase = _phrase_end([*RUN, (6, 43), (8, 36)])
    assert phrase.closes is True
    assert phrase.closes_confidence > 0.6


@pytest.mark.parametrize("last", [43, 47, 38])
def test_a_phrase_that_ends_on_the_fifth_the_leading_tone_or_the_second_asks(last):
    phrase = _phrase_end([*RUN, (6, 41), (8, last)])
    assert phrase.closes is False
    assert phrase.closes_confidence > 0.2


def test_a_weak_end_closes_less():
    strong, weak = (_phrase_end([*RUN, (6, 43), (at, 36)]).closes_confidence for at in (8, 7.5))
    assert weak < strong


def test_without_a_key_nobody_knows_whether_it_closes():
    assert (_phrase_end(RUN, key=None).closes, _phrase_end(RUN, key=Key(0, "maj", 0.05)).closes) == (None, None)


def test_without_a_grid_a_phrase_is_known_again_at_another_tempo():
    tracker = FormTracker()
    line, other = _line(RIFF, OTHER), _line(FOURTH, THIRD)
    ends = [_phrase_end(line, None, False, tracker)]
    ends.append(_phrase_end(other, None, False, tracker, 20.0))
    ends.append(_phrase_end(_up(line, 2), None, False, tracker, 40.0, 1.2 * BEAT_S))
    assert [end.repeats is not None for end in ends] == [False, False, True]
    assert (ends[2].repeats.ago, ends[2].repeats.transposed) == (2, 2)
    assert ends[2].repeats.of_start_s == ends[0].start_s


def test_memory_is_bounded_and_no_step_is_long():
    tracker, rng = FormTracker(), np.random.default_rng(0)
    grid = Grid(1.0, 0, 1, BEAT_S, Meter(4, 4), 1.0, 1.0)
    bars = [[(at / 4, int(rng.integers(28, 40))) for at in range(16)] for _ in range(3)]
    took_s, sizes = [], []
    for note in _notes(_line(*(bars * 40))):
        start_s = time.thread_time()
        tracker.step(note.emit_s, (note,), (), grid)
        took_s.append(time.thread_time() - start_s)
        sizes.append(len(pickle.dumps(tracker)))
    assert max(sizes) < 1.05 * max(sizes[: len(sizes) // 2])
    assert float(np.quantile(took_s, 0.9)) < 0.001  # the others complete a bar
    assert max(took_s) < 0.010


def test_a_copy_continues_identically():
    tracker = FormTracker()
    _hear(_line(RIFF, OTHER, RIFF), tracker=tracker)
    twin = copy.deepcopy(tracker)
    later = [(beat + 16, pitch) for beat, pitch in _line(OTHER, RIFF)]
    assert _hear(later, tracker=tracker) == _hear(later, tracker=twin)


def test_resemblance_is_one_with_itself_and_none_with_silence():
    motif = tuple((float(beat), pitch) for beat, pitch in RIFF)
    assert resemblance(motif, motif).similarity == 1.0
    assert resemblance(motif, ()).similarity == 0.0


@pytest.mark.skipif(not feel_lines.SOUNDFONT.exists(), reason="Debian's fluid-soundfont-gm is not installed")
def test_a_riff_that_returns_is_heard_in_the_sound():
    take = feel_lines.Played(126.0, bars=7, program=32, seed=2)
    analyzer = Analyzer()
    heard = [analyzer.step(frame) for frame in feel_lines.frames(feel_lines.sound(take))]
    found = [a.repetition for a in heard if a.repetition]
    assert any(r.ago == 4 and r.varied == () and r.similarity > 0.9 for r in found)
    assert heard[-1].hook is not None
