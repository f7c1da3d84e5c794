"""The band's beat glides with the player's, is not dragged by one who lays back, and waits for a held note."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from itertools import pairwise

import numpy as np
import pytest

from agent.band.fermata import Fermata
from agent.band.tempo_follower import Tempo
from agent.core.settings import BandConfig
from agent.mind.planner import Planner
from listener.types import FRAME_S, Analysis, Feel, Grid, Meter, Note
from tests.agent.fakes import PatternGrooves, PatternResponder

FOUR = Meter(4, 4)


def player(tempo: Callable[[float], float], seconds: float) -> np.ndarray:
    """Beats of a player whose tempo in beats per second goes as `tempo`."""
    t = np.arange(0, seconds, 0.001)
    beats = np.cumsum(np.array([tempo(x) for x in t]) * 0.001)
    return np.interp(np.arange(1, int(beats[-1])), beats, t)


def ears(beats: np.ndarray, now_s: float) -> Grid:
    """A listener who knows no more than the last two beats."""
    k = max(1, int(np.searchsorted(beats, now_s - 0.1)) - 1)
    return Grid(float(beats[k]), k, k % 4 + 1, float(beats[k] - beats[k - 1]), FOUR, 0.9, 0.9)


def followed(beats: np.ndarray, jitter_s: float = 0.0, seed: int = 0) -> np.ndarray:
    """When the band would play each beat, as decided 0.2 s before it."""
    notes_s = beats + np.random.default_rng(seed).normal(0, jitter_s, len(beats)) if jitter_s else beats
    tempo, played, said = Tempo(), [], 1
    for i in range(round(beats[2] / FRAME_S) + 12, round(beats[-2] / FRAME_S)):
        now_s = i * FRAME_S
        notes = tuple(Note(float(t), now_s, None, 40, 90) for t in notes_s if now_s - FRAME_S < t + 0.05 <= now_s)
        grid = tempo.follow(ears(notes_s, now_s), notes, now_s)
        beat = int(np.floor(grid.beat_at(now_s + 0.2)))
        if beat > said:
            played.append(grid.time_of(beat))
            said = beat
    return np.array(played)


def errors(played: np.ndarray, beats: np.ndarray) -> np.ndarray:
    return np.array([p - beats[np.abs(beats - p).argmin()] for p in played])


@pytest.mark.parametrize("change", [0.15, -0.15])
def test_a_drifting_tempo_is_anticipated(change: float) -> None:
    beats = player(lambda t: 2.0 * (1 + change * np.clip((t - 6) / 24, 0, 1)), 34)
    off = np.abs(errors(followed(beats), beats))
    chased = np.abs(beats[2:] - (2 * beats[1:-1] - beats[:-2]))  # playing the last interval on
    assert np.median(off[8:]) < 0.004
    assert np.percentile(off[8:], 95) < max(0.012, np.percentile(chased, 95))


def test_an_uneven_player_is_followed_evenly() -> None:
    beats = player(lambda t: 2.0, 40)
    played = followed(beats, jitter_s=0.010)
    evenly = np.diff(played)[12:-1]
    assert np.std(evenly) < 0.5 * 0.010 * np.sqrt(2)  # less than half of what the player's own intervals vary
    assert np.abs(evenly - 0.5).max() < 0.020


def test_ears_that_jump_without_the_player_do_not_move_the_beat() -> None:
    tempo, seen = Tempo(), []
    for i in range(1, 1500):
        now_s = i * FRAME_S
        wobble_s = 0.030 * (i // 40 % 2)
        k = int(now_s / 0.5)
        grid = Grid(k * 0.5 + wobble_s, k, k % 4 + 1, 0.5, FOUR, 0.9, 0.9)
        notes = (Note(k * 0.5, now_s, None, 40, 90),) if i % 38 == 4 and now_s - k * 0.5 < 0.2 else ()
        seen.append(tempo.follow(grid, notes, now_s).time_of(k + 1) - (k + 1) * 0.5)
    assert np.abs(np.diff(seen)).max() < 0.010


def test_a_new_tempo_of_the_ears_is_taken_at_once() -> None:
    tempo = Tempo()
    tempo.follow(Grid(0.0, 0, 1, 0.5, FOUR, 0.9, 0.9), (), 0.1)
    new = Grid(10.2, 21, 2, 0.42, FOUR, 0.9, 0.9)
    grid = tempo.follow(new, (), 10.3)
    assert grid.time_of(25) == pytest.approx(new.time_of(25))
    assert grid.position_of(25) == new.position_of(25)


def test_the_same_beats_under_new_numbers_change_no_time() -> None:
    tempo = Tempo()
    before = tempo.follow(Grid(0.0, 0, 1, 0.5, FOUR, 0.9, 0.9), (), 0.1)
    after = tempo.follow(Grid(0.0, 100, 3, 0.5, FOUR, 0.9, 0.9), (), 0.1 + FRAME_S)
    assert after.time_of(101) == pytest.approx(before.time_of(1))
    assert after.position_of(100) == 3


def test_who_is_known_to_lay_back_does_not_drag_the_band() -> None:
    def last_s(behind_s: float | None) -> float:
        tempo = Tempo()
        for k in range(1, 60):
            late_s = 0.020 if k > 20 else 0.0
            grid = Grid(k * 0.5, k, k % 4 + 1, 0.5, FOUR, 0.9, 0.9)
            note = Note(k * 0.5 + late_s, k * 0.5 + 0.06, None, 40, 90)
            grid = tempo.follow(grid, (note,), k * 0.5 + 0.06, behind_s if k > 20 else None)
        return grid.time_of(60) - 30.0

    assert last_s(None) > 0.015
    assert abs(last_s(0.020)) < 0.003


def test_a_rush_is_not_carried_on_while_nothing_is_heard() -> None:
    beats = player(lambda t: 2.0 * (1 + 0.15 * np.clip((t - 4) / 16, 0, 1)), 20)
    tempo, periods = Tempo(), []
    for i in range(round(beats[2] / FRAME_S) + 12, round((beats[-2] + 8) / FRAME_S)):
        now_s = i * FRAME_S
        notes = tuple(Note(float(t), now_s, None, 40, 90) for t in beats if now_s - FRAME_S < t + 0.05 <= now_s)
        grid = tempo.follow(ears(beats, min(now_s, beats[-2])), notes, now_s)
        if now_s > beats[-1] + 2:
            periods.append(grid.period_s)
    last_s = beats[-1] - beats[-2]
    assert last_s - 0.002 < min(periods)
    assert max(periods) < 0.5


def test_one_note_far_out_hardly_moves_the_beat() -> None:
    def last_s(late_s: float, articulation: str = "normal") -> float:
        tempo = Tempo()
        for k in range(1, 21):
            grid = Grid(k * 0.5, k, k % 4 + 1, 0.5, FOUR, 0.9, 0.9)
            onset_s = k * 0.5 + late_s * (k == 20)
            note = Note(onset_s, k * 0.5 + 0.06, None, 40, 90, articulation=articulation if k == 20 else "normal")
            grid = tempo.follow(grid, (note,), k * 0.5 + 0.06)
        return grid.time_of(22) - 11.0

    assert abs(last_s(0.045)) < 0.030  # 0.080 where notes scatter as a Gaussian
    assert abs(last_s(0.045, "slide")) < 0.5 * abs(last_s(0.045))


def test_a_band_between_the_beats_that_the_ears_hear_comes_back_to_them() -> None:
    tempo, off_s = Tempo(), []
    tempo.follow(Grid(0.125, 0, 1, 0.5, FOUR, 0.9, 0.9), (), 0.1)  # a fourth of a beat away
    for i in range(10, 400):
        now_s = i * FRAME_S
        k = int(now_s / 0.5)
        shift_s = 0.125 * max(0.0, 1 - i / 60)  # the ears glide back, without a jump
        grid = tempo.follow(Grid(k * 0.5 + shift_s, k, k % 4 + 1, 0.5, FOUR, 0.9, 0.9), (), now_s)
        off_s.append(grid.time_of(k) - k * 0.5)
    assert abs(off_s[-1]) < 0.002


def test_a_known_tempo_outlives_the_moment_in_which_the_beats_begin_again() -> None:
    def moved(known_beats: int, period_s: float = 0.5) -> float:
        """How far two uneven notes of a sparse line move the tempo, as a share."""
        tempo, begins_s = Tempo(), 21.0
        for k in range(1, known_beats + 1):
            note = Note(k * 0.5, k * 0.5, None, 40, 90)
            tempo.follow(Grid(k * 0.5, k, k % 4 + 1, 0.5, FOUR, 0.9, 0.9), (note,), k * 0.5)
        tempo.begin_again()
        for beats, off_s in ((0, 0.0), (2, 0.012), (4, -0.012)):
            at_s = begins_s + beats * period_s
            note = Note(at_s + off_s, at_s + off_s, None, 40, 90)
            grid = tempo.follow(Grid(at_s, 42 + beats, 1, period_s, FOUR, 0.9, 0.9), (note,), note.onset_s)
        return abs(grid.period_s / period_s - 1)

    assert moved(40) < 0.6 * moved(0)
    assert moved(40, 0.6) == pytest.approx(moved(0, 0.6)), "another tempo is not the one that was known"


def test_its_state_is_copied_by_pickling() -> None:
    tempo = Tempo()
    tempo.follow(Grid(0.0, 0, 1, 0.5, FOUR, 0.9, 0.9), (), 0.1)
    other = pickle.loads(pickle.dumps(tempo))
    note = (Note(0.503, 0.56, None, 40, 90),)
    grid = Grid(0.5, 1, 2, 0.5, FOUR, 0.9, 0.9)
    assert tempo.follow(grid, note, 0.56) == other.follow(grid, note, 0.56)


def hold(band: Planner, held_s: float, again_s: float, behind_s: float | None = None) -> list[float]:
    """Play a note on every beat until held_s, hold that one until again_s, and go on. Return the band's drum onsets."""
    onsets = [*np.arange(0.5, held_s + 0.01, 0.5), *np.arange(again_s, again_s + 6, 0.5)]
    drums = []
    feel = Feel(behind_s, 0.0, None, None, "opening", 20) if behind_s is not None else None
    for i in range(1, round((again_s + 5) / FRAME_S)):
        now_s = i * FRAME_S
        k = int(now_s / 0.5)
        grid = Grid(k * 0.5, k, k % 4 + 1, 0.5, FOUR, 0.9, 0.9)
        notes = tuple(Note(float(t), now_s, None, 40, 90) for t in onsets if now_s - FRAME_S < t + 0.05 <= now_s)
        plan = band.step(Analysis(now_s, now_s, 0.0, None, 0.0, -20.0, notes=notes, grid=grid, feel=feel), None)
        drums += [n.on_s for n in plan.committed if n.part == "drums"] if plan else []
    return drums


def test_the_band_waits_for_a_held_note_and_comes_in_with_the_player() -> None:
    band = Planner(PatternResponder(), BandConfig(imagine=False), commit_s=0.07, grooves=PatternGrooves())
    drums = hold(band, 12.0, 16.2)
    assert any(11 < t < 12.1 for t in drums)
    assert not any(14.0 - 0.01 < t < 16.2 for t in drums), "it waits from the next bar line on"
    back = sorted({round(t, 3) for t in drums if 16.2 < t < 18.3})
    assert back[0] == pytest.approx(16.7, abs=0.01)
    assert all(b - a == pytest.approx(0.5, abs=0.01) for a, b in pairwise(back))


def test_long_notes_that_are_usual_are_no_fermata() -> None:
    fermata = Fermata()
    for i in range(1, 3000):
        now_s = i * FRAME_S
        note = (Note(now_s, now_s, None, 40, 90),) if i % 150 == 1 else ()
        grid = Grid(0.0, 0, 1, 0.5, FOUR, 0.9, 0.9)
        fermata.push(Analysis(now_s, now_s, 0.0, None, 0.0, -20.0, notes=note, grid=grid))
        assert not fermata.waiting


def test_a_long_note_after_which_the_player_goes_on_in_time_is_no_fermata_and_usual_from_then_on() -> None:
    own = Grid(0.0, 0, 1, 0.5, FOUR, 0.9, 0.9)
    onsets_s = [0.5 * beat for beat in range(2, 20)] + [10.0, 14.0, 14.5, 15.0, 19.0]
    fermata, waits, resumed = Fermata(), [], []
    for i in range(1, 2000):
        now_s = 0.01 * i
        note = tuple(Note(t, now_s, None, 40, 90) for t in onsets_s if now_s - 0.01 < t <= now_s)
        resumed.append(fermata.push(Analysis(now_s, now_s, 0.0, None, 0.0, -20.0, notes=note, grid=own), own))
        waits.append(fermata.waiting)
    assert not any(resumed)
    assert any(waits[1000:1400])
    assert not any(waits[1401:1900])


def test_asked_to_play_behind_the_beat_it_does_and_by_as_much() -> None:
    def drums(behind_ms: float) -> np.ndarray:
        return np.array(
            hold(
                Planner(PatternResponder(), BandConfig(behind_ms=behind_ms, imagine=False), grooves=PatternGrooves()),
                12.0,
                12.5,
            )
        )

    np.testing.assert_allclose(drums(15) - drums(0), 0.015, atol=1e-9)


def test_a_band_that_does_not_play_yet_begins_on_the_beat_that_the_ears_have_found() -> None:
    late, found = Grid(2.08, 4, 1, 0.5, FOUR, 0.9, 0.9), Grid(2.0, 4, 1, 0.5, FOUR, 0.9, 0.9)
    apart_s = []
    for playing in (False, True):
        tempo = Tempo()
        for frame in range(150):
            played = tempo.follow(late if frame < 148 else found, (), frame * FRAME_S, playing=playing)
        apart_s.append(abs(played.time_of(4) - 2.0))
    assert apart_s[0] < 0.001 and apart_s[1] > 0.05
