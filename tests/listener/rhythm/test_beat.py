"""The beat tracker on lines whose beats are known."""

from __future__ import annotations

import copy

import mir_eval
import numpy as np
import pytest

from listener.rhythm.beat import BeatTracker
from listener.types import FRAME_SAMPLES, Frame, Note, Onset

FUNK = [(0, 0), (0.75, 0), (1, 12), (1.75, 10), (2.5, 0), (3, 7), (3.5, 10)]
LINES = {
    "4/4": ([(i / 2, 0 if i < 6 else 7) for i in range(8)], 4, 118),
    "4/4 funk": (FUNK, 4, 104),
    "4/4 shuffle": ([(0, 0), (0.66, 0), (1, 4), (1.66, 4), (2, 7), (2.66, 9), (3, 10), (3.66, 9)], 4, 122),
    "3/4": ([(0, 0), (1, 7), (2, 7)], 3, 138),
    "5/4": ([(0, 0), (1.5, 0), (2, 7), (3, 12), (4, 10)], 5, 140),
    "7/8": ([(0, 0), (1, 0), (2, 7), (3, 7), (4, 12), (5, 10), (6, 7)], 7, 280),
}


@pytest.mark.parametrize("name", LINES)
def test_finds_beat_meter_and_downbeat_of_a_clear_line(name, play, line):
    pattern, bar_beats, bpm = LINES[name]
    take = line.of(pattern, bar_beats, bpm, bars=12)
    heard = play(take)
    truth = np.arange(take.onsets_s[0], take.onsets_s[-1], take.beat_s)
    said = np.array([b.time_s for b in heard.beats])
    downs = np.array([b.time_s for b in heard.beats if b.position == 1])
    assert mir_eval.beat.f_measure(truth[truth > 5], said[said > 5]) > 0.95
    assert mir_eval.beat.f_measure(take.downbeats()[take.downbeats() < truth[-1]], downs) > 0.7
    assert str(heard.beats[-1].meter) == name.split()[0]


def test_a_band_could_enter_on_the_one_soon(play, line):
    take = line.of(FUNK, 4, 104, bars=8)
    entry = play(take).entry()
    assert entry is not None
    time_s, grid = entry
    beat = next(b for b in range(grid.index, grid.index + 9) if grid.time_of(b) > time_s and grid.position_of(b) == 1)
    assert np.abs(take.downbeats() - grid.time_of(beat)).min() < 0.02
    assert time_s - take.onsets_s[0] < 3.5 * 4 * take.beat_s


def test_long_notes_have_a_grid_at_the_third(play, line):
    take = line.of([(0, 0)], 4, 100, bars=6)
    assert next(t for t, grid in play(take).grids if grid) < take.onsets_s[2] + 0.3


def test_every_beat_is_said_once_in_order_and_before_it_falls(play, line):
    beats = play(line.of(FUNK, 4, 104, bars=8)).beats
    assert all(b.emit_s < b.time_s for b in beats)
    times = [b.time_s for b in beats]
    assert times == sorted(times)
    assert min(np.diff(times)) > 0.4 * 60 / 104


def test_grid_lies_within_milliseconds_and_never_jumps(play, line):
    take = line.of(FUNK, 4, 104, bars=12)
    late = [(t, g) for t, g in play(take).grids if g and t > 12]
    off = [(g.time_of(round(g.beat_at(t))) - take.onsets_s[0]) / take.beat_s for t, g in late]
    errors_s = np.array([(o - round(o)) * take.beat_s for o in off])
    assert np.abs(errors_s).max() < 0.004


def test_grid_is_held_through_a_rest_and_beats_are_not_said_into_it(play, line):
    take = line.of(FUNK, 4, 104, bars=8)
    end_s = take.onsets_s[-1] + 4 * 4 * take.beat_s
    heard = play(take, end_s)
    held = [(t, g) for t, g in heard.grids if t > take.onsets_s[-1] + 1]
    off = np.array([(g.time_of(round(g.beat_at(t))) - take.onsets_s[0]) / take.beat_s for t, g in held])
    assert np.abs(off - np.round(off)).max() * take.beat_s < 0.04
    assert max(b.time_s for b in heard.beats) < take.onsets_s[-1] + 3 * take.beat_s


@pytest.mark.parametrize("name", ["4/4", "4/4 funk"])
def test_beats_that_drifted_by_a_16th_in_a_long_rest_are_found_again(name, play, line):
    pattern, bar_beats, bpm = LINES[name]
    first = line.of(pattern, bar_beats, bpm, bars=8)
    start_s = first.onsets_s[0] + (48 + 0.25) * first.beat_s
    again = line.of(pattern, bar_beats, bpm, bars=8, start_s=start_s)
    both = line(
        first.onsets_s + again.onsets_s,
        first.pitches + again.pitches,
        first.velocities + again.velocities,
        first.beat_s,
        4,
    )
    heard = play(both)
    since = [(t, g) for t, g in heard.grids if g and t > again.onsets_s[0] + 20 * first.beat_s]
    off = np.array([(g.time_of(round(g.beat_at(t))) - again.onsets_s[0]) / first.beat_s for t, g in since])
    assert np.abs(off - np.round(off)).max() < 0.1


def test_relocks_when_the_player_comes_back_elsewhere(play, line):
    first, again = line.of(FUNK, 4, 104, bars=6), line.of(FUNK, 4, 118, bars=8, start_s=18.0)
    both = line(
        first.onsets_s + again.onsets_s,
        first.pitches + again.pitches,
        first.velocities + again.velocities,
        60 / 118,
        4,
    )
    beats = [b for b in play(both).beats if b.time_s > 18 + 3 * 4 * 60 / 118]
    off = np.array([(b.time_s - 18.0) * 118 / 60 for b in beats])
    assert np.abs(off - np.round(off)).max() < 0.12


@pytest.mark.parametrize("seed", [0, 1, 2, 3])
def test_no_band_enters_on_rubato(seed, play, line):
    random = np.random.default_rng(seed)
    gaps = np.exp(random.normal(np.log(0.45), 0.5, 50))
    times = list(0.5 + np.cumsum(gaps))
    take = line(times, list(random.integers(28, 50, 50)), list(random.integers(60, 110, 50)), 0.5, 4)
    assert play(take).entry() is None


def test_no_band_enters_on_isolated_notes(play, line):
    take = line([0.5 + 1.333 * i for i in range(15)], [28 + 5 * i % 12 for i in range(15)], [90] * 15, 0.5, 4)
    assert play(take).entry() is None


def test_follows_a_tempo_that_breathes(play, line):
    take = line.of(FUNK, 4, 104, bars=16)

    def breathe(t):
        return t + 0.03 * 12 / (2 * np.pi) * np.sin(2 * np.pi * t / 12)

    beats_s = breathe(np.arange(take.onsets_s[0], take.onsets_s[-1], take.beat_s))
    take.onsets_s = [float(breathe(t)) for t in take.onsets_s]
    said = np.array([b.time_s for b in play(take).beats])
    assert mir_eval.beat.continuity(beats_s[beats_s > 8], said[said > 8])[0] > 0.95


def test_playing_late_in_a_section_drags_the_grid_only_partly(play, line):
    take = line.of([(i / 2, 0 if i < 6 else 7) for i in range(8)], 4, 104, bars=14)
    turn_s = take.onsets_s[8 * 8]
    take.onsets_s = [t + (0.025 if t >= turn_s else 0.0) for t in take.onsets_s]
    at_s, grid = [(t, g) for t, g in play(take).grids if t < turn_s + 4][-1]
    off = (grid.time_of(round(grid.beat_at(at_s))) - take.onsets_s[0]) / take.beat_s
    assert (off - round(off)) * take.beat_s < 0.018
    assert grid.behind_s > 0.004


def test_a_copy_continues_identically(line):
    tracker, take = BeatTracker(), line.of(FUNK, 4, 104, bars=4)
    twin = None
    said = {id(tracker): [], "twin": []}
    for index in range(650):
        frame = Frame(np.zeros(FRAME_SAMPLES, np.float32), index * FRAME_SAMPLES)
        new = [t for t in take.onsets_s if frame.start_s <= t + 0.06 < frame.end_s]
        onsets = tuple(Onset(t, frame.emit_s, 1.0) for t in new)
        notes = tuple(Note(t, frame.emit_s, None, 30, 90) for t in new)
        if index == 320:
            twin = copy.deepcopy(tracker)
        if twin is not None:
            said["twin"].append(twin.step(frame, 0.0, onsets, notes))
            said[id(tracker)].append(tracker.step(frame, 0.0, onsets, notes))
        else:
            tracker.step(frame, 0.0, onsets, notes)
    assert said["twin"] == said[id(tracker)]


@pytest.mark.parametrize("bpm", [81, 90, 95, 100])
def test_even_quarters_keep_their_tempo_for_a_minute(bpm, play, line):
    """Half the tempo explains them nearly as well; the small difference must not add up until the beat halves."""
    take = line.of([(0, 0), (1, 4), (2, 7), (3, 9)], 4, bpm, bars=round(bpm / 4))
    tempi = [60 / grid.period_s for time_s, grid in play(take).grids if grid and time_s > 8]
    assert tempi
    assert max(abs(np.log2(tempo / bpm)) for tempo in tempi) < 0.1


GROUPED_BY_THREE = {
    "long and short": [(0, 0), (2 / 3, 7), (1, 12), (5 / 3, 7)],
    "on one note": [(0, 0), (2 / 3, 0), (1, 0), (5 / 3, 0)],
}


@pytest.mark.parametrize("name", GROUPED_BY_THREE)
def test_a_pulse_of_three_eighths_is_told_from_quarters(name, play, line):
    """The pulse is on the long notes, and the rhythm returns with it; three quarters in the same bar cut across it."""
    take = line.of(GROUPED_BY_THREE[name], 2, 66, bars=10)
    grid = play(take).grids[-1][1]
    pulse_s = grid.period_s * (3 if grid.meter.denominator == 8 else 1)
    assert pulse_s == pytest.approx(60 / 66, rel=0.05)
