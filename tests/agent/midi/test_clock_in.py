"""MIDI clock in: the beat of the machine that sends it, through jitter, lost ticks, new tempi and song positions."""

from __future__ import annotations

from itertools import pairwise

import mido
import numpy as np
import pytest

from agent.midi.clock_in import GONE_S, MidiClock
from listener.types import Meter

FOUR, SEVEN = Meter(4, 4), Meter(7, 8, (2, 2, 3))
TICK, START, STOP, CONTINUE = (bytes(mido.Message(kind).bytes()) for kind in ("clock", "start", "stop", "continue"))


def song_position(sixteenths: int) -> bytes:
    return bytes(mido.Message("songpos", pos=sixteenths).bytes())


def ticks(*tempi: tuple[float, float], start_s: float = 10.0) -> np.ndarray:
    """Moments of ticks: (bpm, quarters) after (bpm, quarters)."""
    gaps = [60 / bpm / 24 for bpm, quarters in tempi for _ in range(round(24 * quarters))]
    return start_s + np.concatenate([[0.0], np.cumsum(gaps)])


def errors_ms(
    times: np.ndarray, jitter_s: float = 0.0, lost: float = 0.0, after: int = 4, meter: Meter = FOUR
) -> np.ndarray:
    """Half a beat before each beat: where the grid expects it, less where it is. Quarters."""
    rng = np.random.default_rng(1)
    clock, errors = MidiClock(meter), []
    clock.push(times[0] - 0.01, START)
    heard = np.sort(times + rng.uniform(-jitter_s, jitter_s, len(times)))
    for number, at_s in enumerate(heard):
        if number < 24 or rng.random() >= lost:
            clock.push(at_s, TICK)
        if number % 24 == 12 and number > 24 * after and number + 12 < len(times):
            grid = clock.grid(at_s)
            assert grid
            errors.append(1000 * (grid.time_of(number // 24 + 1) - times[number + 12]))
    return np.array(errors)


@pytest.mark.parametrize("bpm", [50, 120, 240])
def test_jitter_of_3_ms_becomes_less_than_1_ms(bpm: float) -> None:
    errors = abs(errors_ms(ticks((bpm, 100)), jitter_s=0.003))
    assert np.median(errors) < 0.7
    assert errors.max() < 3


def test_lost_ticks_are_counted_not_heard() -> None:
    assert abs(errors_ms(ticks((120, 200)), jitter_s=0.002, lost=0.02)).max() < 4


@pytest.mark.parametrize(("before", "after"), [(120, 60), (60, 120), (120, 126), (120, 90), (120, 40), (100, 180)])
def test_a_new_tempo_is_followed_within_two_beats_and_no_tick_is_miscounted(before: float, after: float) -> None:
    errors = abs(errors_ms(ticks((before, 20), (after, 30)), jitter_s=0.001, after=22))
    assert errors.max() < 3


def test_a_tempo_that_glides_is_followed() -> None:
    glide = [(bpm, 1 / 24) for bpm in np.linspace(100, 130, 24 * 60)]
    assert abs(errors_ms(ticks(*glide), jitter_s=0.001)).max() < 5


@pytest.mark.parametrize("jitter_s", [0.0, 0.0015])
def test_ticks_that_were_held_up_and_come_in_a_bunch_are_each_counted_once(jitter_s: float) -> None:
    rng = np.random.default_rng(4)
    times = ticks((120, 120))
    heard = np.sort(times + rng.uniform(-jitter_s, jitter_s, len(times)))
    for number, begin in enumerate(range(300, 2700, 60)):  # the sender or the port stands for 8 to 86 ms
        heard[begin:] = np.maximum(heard[begin:], times[begin] + 0.008 + 0.002 * number)
    clock = MidiClock(FOUR)
    clock.push(9.0, START)
    run(clock, heard)
    grid = clock.grid(float(times[-1]))
    assert grid and clock.lost == 0 and grid.time_of(120) == pytest.approx(times[-1], abs=0.002)


def test_a_port_whose_first_moments_are_late_miscounts_nothing() -> None:
    """As agent/midi/input.py's are until it knows how late it looks."""
    times = ticks((120, 20))
    heard = times.copy()
    heard[:2] += 0.02
    clock = MidiClock(FOUR)
    clock.push(9.0, START)
    run(clock, heard)
    grid = clock.grid(float(times[-1]))
    assert grid and clock.lost == 0 and grid.time_of(20) == pytest.approx(times[-1], abs=0.001)


def run(clock: MidiClock, times: np.ndarray) -> float:
    for at_s in times:
        clock.push(float(at_s), TICK)
    return float(times[-1])


def test_the_first_tick_after_start_is_the_downbeat() -> None:
    clock, times = MidiClock(FOUR), ticks((120, 20))
    run(clock, times[:100])  # many machines send ticks while they stand
    assert clock.grid(float(times[99])) is None
    clock.push(float(times[99]) + 0.001, START)
    now_s = run(clock, times[100:260])
    grid = clock.grid(now_s)
    assert grid and grid.position_of(0) == 1 and grid.time_of(0) == pytest.approx(times[100], abs=1e-6)
    assert grid.period_s == pytest.approx(0.5) and grid.confidence == grid.meter_confidence == 1.0


def test_the_clock_goes_on_from_the_song_position() -> None:
    clock, times = MidiClock(FOUR), ticks((100, 20))
    clock.push(0.0, song_position(16 + 4))  # bar 2, beat 2
    clock.push(0.0, CONTINUE)
    grid = clock.grid(run(clock, times[:13]))
    assert grid and (grid.index, grid.position) == (5, 2) and grid.anchor_s == pytest.approx(times[0], abs=1e-6)


def test_stop_and_continue_take_up_where_it_stopped() -> None:
    clock, times = MidiClock(FOUR), ticks((100, 20))
    clock.push(0.0, START)
    now_s = run(clock, times[:60])
    clock.push(now_s, STOP)
    assert clock.grid(now_s) is None
    run(clock, times[60:80])
    clock.push(now_s, CONTINUE)
    grid = clock.grid(run(clock, times[80:120]))
    assert grid and grid.time_of(3) == pytest.approx(times[80 + 12], abs=1e-6)  # 60 ticks were 2.5 beats


def test_a_bar_of_seven_eighths_has_its_beats_every_twelve_ticks() -> None:
    clock, times = MidiClock(SEVEN), ticks((100, 20))
    clock.push(0.0, START)
    grid = clock.grid(run(clock, times[: 12 * 7 + 1]))
    assert grid and (grid.index, grid.position) == (7, 1) and grid.period_s == pytest.approx(0.3)


def test_a_clock_that_falls_silent_has_gone_and_one_that_comes_back_is_where_it_was() -> None:
    clock, times = MidiClock(FOUR), ticks((120, 20))
    clock.push(0.0, START)
    now_s = run(clock, times[:50])
    assert clock.grid(now_s + 0.9 * GONE_S) and not clock.grid(now_s + 1.1 * GONE_S)
    grids = [grid for at_s in times[150:300] if (grid := heard(clock, float(at_s)))]
    assert grids and all(b.index >= a.index for a, b in pairwise(grids))
    assert grids[-1].time_of(12) == pytest.approx(times[12 * 24], abs=1e-3)


def heard(clock: MidiClock, at_s: float):
    clock.push(at_s, TICK)
    return clock.grid(at_s)
