"""Lateness and swing of lines where they are known: as notes, and as sound through the whole Analyzer."""

from __future__ import annotations

import copy
from dataclasses import replace

import pytest

from benchmarks.inputs import feel_lines
from benchmarks.inputs.feel_lines import START_S, Played
from listener.analyzer import Analyzer
from listener.music.feel import FeelTracker
from listener.types import Feel, Grid, Meter, Note

WITHIN_S, WITHIN_SWING = 0.004, 0.03


def _click(take: Played) -> Grid:
    return Grid(START_S, 0, 1, take.beat_s, Meter(4, 4), 1.0, 1.0)


def _notes(take: Played, bend=lambda t: t) -> list[Note]:
    return [Note(bend(on_s), bend(on_s) + 0.04, None, pitch, vel) for on_s, pitch, vel in take.notes()]


def _hear(tracker: FeelTracker, notes: list[Note], grid: Grid | None) -> list[Feel | None]:
    return [tracker.step(note.emit_s, (note,), (), grid)[1] for note in notes]


def _alone(play, line, take: Played) -> Feel:
    """What is believed at the end of a line heard with the real beat tracker and nothing else."""
    tracker, said = FeelTracker(), []
    onsets_s, pitches, velocities = map(list, zip(*take.notes(), strict=True))
    made = line(onsets_s, pitches, velocities, take.beat_s, 4)
    play(made, hook=lambda *heard: said.append(tracker.step(*heard)[1]))
    return said[-1]


@pytest.mark.parametrize("late_s", [-0.020, -0.010, 0.0, 0.012, 0.020, 0.030])
@pytest.mark.parametrize("swing", [0.50, 0.58, 0.67])
def test_lateness_and_swing_against_a_click(late_s, swing):
    take = Played(bars=8, turn=0, late_s=late_s, swing=swing, seed=3)
    feel = _hear(FeelTracker(_click(take)), _notes(take), None)[-1]
    assert feel.reference == "given"
    assert abs(feel.behind_s - late_s) < WITHIN_S
    assert abs(feel.swing - swing) < WITHIN_SWING


@pytest.mark.parametrize(("late_s", "swing"), [(-0.020, 0.50), (0.012, 0.58), (0.030, 0.66)])
def test_alone_lateness_is_measured_from_the_opening(late_s, swing, play, line):
    feel = _alone(play, line, Played(late_s=late_s, swing=swing, seed=1))
    assert feel.reference == "opening"
    assert abs(feel.behind_s - late_s) < WITHIN_S
    assert abs(feel.swing - swing) < WITHIN_SWING


def test_alone_a_constant_lateness_is_not_invented(play, line):
    feel = _alone(play, line, Played(bars=12, turn=0, late_s=0.030, seed=2))
    assert abs(feel.behind_s) < WITHIN_S


def test_a_tempo_that_moves_is_not_called_late():
    take = Played(bars=16, seed=4)
    period_s, feels, tracker = take.beat_s, [], FeelTracker()
    slowing = 0.0015  # of the time since the start, a second
    notes = _notes(take, lambda t: t + slowing * (t - START_S) ** 2 / 2)
    for note in notes:
        stretch = 1 + slowing * (note.onset_s - START_S)
        number = round((note.onset_s - START_S) / period_s / (stretch + 1) * 2)
        at_s = START_S + number * period_s
        at_s += slowing * (at_s - START_S) ** 2 / 2
        feels += _hear(tracker, [note], Grid(at_s, number, number % 4 + 1, period_s * stretch, Meter(4, 4), 1, 1))
    assert any(feel.reference == "player" and feel.behind_s is None for feel in feels if feel)
    assert all(abs(feel.behind_s) < 0.020 for feel in feels if feel and feel.behind_s is not None)


def test_a_late_backbeat_is_known_without_any_reference(play, line):
    take = Played(bars=12, seed=5)
    places = [p for _ in range(take.bars) for p in feel_lines.GROOVES[0]]
    onsets_s = [t + (0.015 if p in (1, 3) else 0.0) for (t, _, _), p in zip(take.notes(), places, strict=True)]
    made = line(onsets_s, [pitch for _, pitch, _ in take.notes()], [v for *_, v in take.notes()], take.beat_s, 4)
    tracker, said = FeelTracker(), []
    play(made, hook=lambda *heard: said.append(tracker.step(*heard)[1]))
    assert abs(abs(said[-1].backbeat_s) - 0.015) < WITHIN_S


def test_every_note_is_placed():
    take = Played(bars=2, turn=0, late_s=0.010, seed=6)
    tracker = FeelTracker(_click(take))
    placed = [tracker.step(note.emit_s, (note,), (), None)[0][0] for note in _notes(take)]
    assert [feel.place for feel in placed] == [p % 1 for p in feel_lines.GROOVES[0]] * 2
    assert [feel.position for feel in placed if feel.place == 0] == [1, 2, 3, 4] * 2
    assert all(abs(feel.late_s - 0.010) < 0.012 for feel in placed)


def test_swing_of_a_compound_bar_is_of_its_pulse():
    grid = Grid(START_S, 0, 1, 0.2, Meter(6, 8), 1.0, 1.0)
    onsets_s = [START_S + 0.2 * (3 * pulse + step) for pulse in range(16) for step in (0, 2)]
    notes = [Note(t, t, None, 30, 90) for t in onsets_s]
    assert abs(_hear(FeelTracker(grid), notes, None)[-1].swing - 2 / 3) < 0.005


def test_a_band_that_comes_in_becomes_the_reference():
    take = Played(bars=12, turn=0, late_s=0.020, seed=7)
    notes, tracker = _notes(take), FeelTracker()
    before = _hear(tracker, notes[:42], _click(take))[-1]
    tracker.play_on(_click(take))
    after = _hear(tracker, notes[42:], _click(take))[-1]
    assert (before.reference, after.reference) == ("opening", "given")
    assert abs(before.behind_s) < WITHIN_S
    assert abs(after.behind_s - 0.020) < WITHIN_S


def test_a_turn_of_the_bands_in_which_nothing_is_played_forgets_nothing():
    take = Played(bars=12, turn=6, late_s=0.020, seed=7)
    notes, tracker, twin = _notes(take), FeelTracker(), FeelTracker()
    for half in (notes[:63], notes[63:]):
        said = [_hear(one, half, _click(take)) for one in (tracker, twin)]
        assert said[0] == said[1]
        tracker.play_on(replace(_click(take), anchor_s=START_S + 0.1))
        assert tracker.step(0.0, (), (), None) == ((), said[0][-1])
        tracker.play_on(None)


def test_nothing_is_said_before_there_is_a_beat():
    tracker = FeelTracker()
    assert tracker.step(0.1, (Note(0.05, 0.1, None, 30, 90),), (), None) == ((), None)


def test_reads_as_a_bassist_would_say_it():
    assert str(Feel(0.012, 0.004, 0.58, None, "given", 20)) == "12 ms behind, swing 0.58"
    assert str(Feel(-0.008, 0.004, None, None, "opening", 20)) == "8 ms ahead"
    assert str(Feel(None, None, None, None, "player", 0)) == "unknown"


def test_a_copy_continues_identically():
    take = Played(bars=14, late_s=0.020, seed=8)
    notes, tracker = _notes(take), FeelTracker()
    _hear(tracker, notes[:60], _click(take))
    twin = copy.deepcopy(tracker)
    assert _hear(tracker, notes[60:], _click(take)) == _hear(twin, notes[60:], _click(take))


@pytest.mark.skipif(not feel_lines.SOUNDFONT.exists(), reason="Debian's fluid-soundfont-gm is not installed")
def test_lateness_and_swing_of_a_sound():
    take = Played(112.0, bars=8, turn=0, late_s=0.020, swing=0.58, program=32, seed=9)
    analyzer = Analyzer()
    analyzer.feel.play_on(_click(take))
    feel = [analyzer.step(frame).feel for frame in feel_lines.frames(feel_lines.sound(take))][-1]
    assert abs(feel.behind_s - 0.020) < WITHIN_S
    assert abs(feel.swing - 0.58) < WITHIN_SWING
