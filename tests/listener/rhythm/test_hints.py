"""What a player tells instead of playing: meter, tempo, taps, a count-in."""

from __future__ import annotations

import numpy as np
import pytest

from listener.rhythm.beat import BeatTracker
from listener.types import FRAME_S, FRAME_SAMPLES, Frame, Note, Onset

SILENCE = np.zeros(FRAME_SAMPLES, np.float32)


def grids(notes, end_s, tracker, taps=()):
    """Grids by frame; notes: (onset_s, pitch, articulation)."""
    out = []
    for index in range(int(end_s / FRAME_S)):
        frame = Frame(SILENCE, index * FRAME_SAMPLES)
        for t in taps:
            if frame.start_s <= t < frame.end_s:
                tracker.tap(t)
        due = [n for n in notes if frame.start_s <= n[0] + 0.05 < frame.end_s]
        onsets = tuple(Onset(t, frame.emit_s, 1.0) for t, _, _ in due)
        named = tuple(Note(t, frame.emit_s, None, pitch, 90, articulation=kind) for t, pitch, kind in due)
        out.append((frame.emit_s, tracker.step(frame, 0.0, onsets, named)[1]))
    return out


def off_beats(grid, beat_s, beats):
    """Distance of the grid's nearest beat from a beat, in beats."""
    return abs(grid.time_of(round(grid.beat_at(beat_s))) - beat_s) / beats


def test_a_given_meter_is_the_one_heard():
    notes = [(0.5 + 0.25 * i, 28 + (7 if i % 2 else 0), "normal") for i in range(56)]  # says nothing of its bar
    tracker = BeatTracker()
    tracker.given("7/8", None)
    heard = [g for t, g in grids(notes, 14.0, tracker) if g and t > 6]
    assert heard and {str(g.meter) for g in heard} == {"7/8"}


@pytest.mark.parametrize("bpm", [60, 120, 240])
def test_a_given_tempo_settles_the_octave(bpm):
    notes = [(0.5 + 0.25 * i, 28 + (i % 8 == 7) * 7, "normal") for i in range(48)]
    tracker = BeatTracker()
    tracker.given("4/4", bpm)
    heard = [g for t, g in grids(notes, 12.0, tracker) if g and t > 6]
    assert heard and all(abs(60 / g.period_s / bpm - 1) < 0.03 for g in heard)


def test_three_taps_are_a_tempo_before_any_note():
    heard = grids([], 4.0, BeatTracker(), taps=(0.5, 1.1, 1.7))
    grid = heard[-1][1]
    assert grid is not None and abs(60 / grid.period_s - 100) < 2
    assert off_beats(grid, 0.5 + 5 * 0.6, 0.6) < 0.08
    assert next(t for t, g in heard if g) < 1.9


def test_four_dead_notes_count_in_a_bar():
    counts = [(1.0 + 0.5 * i, 0, "ghost") for i in range(4)]
    heard = grids(counts, 3.4, BeatTracker())
    grid = heard[-1][1]
    assert grid is not None and abs(grid.period_s - 0.5) < 0.015
    assert grid.position_of(round(grid.beat_at(3.0))) == 1
    assert off_beats(grid, 3.0, 0.5) < 0.08


def test_uneven_dead_notes_count_nothing_in():
    counts = [(t, 0, "ghost") for t in (1.0, 1.4, 2.1, 2.4)]
    assert grids(counts, 3.0, BeatTracker())[-1][1] is None


@pytest.mark.parametrize(("meter", "bpm"), [("13/8", None), ("four", None), ("4/4", 20), (None, 900)])
def test_what_cannot_be_followed_is_refused_in_one_line(meter, bpm):
    with pytest.raises(ValueError, match=r"known are|allowed are") as error:
        BeatTracker().given(meter, bpm)
    assert "\n" not in str(error.value)
