"""MIDI clock out: 24 a quarter on the band's grid, read back with mido;
neither bursts nor gaps when the tempo glides.
"""

from dataclasses import replace

import mido
import numpy as np
import pytest

from agent.core.types import Plan, PlannedNote
from agent.midi.clock_out import GLIDE, ClockOut, clocks_per_beat
from listener.types import Grid, Meter

STEP_S = 0.0005
FOUR = Meter(4, 4)


def grid(period_s=0.5, meter=FOUR, anchor_s=0.0, index=0, position=1):
    return Grid(anchor_s, index, position, period_s, meter, 1.0, 1.0)


def collect(clock, from_s, until_s):
    """(time, mido message) of what leaves between the two times."""
    got = []
    for t in np.arange(from_s, until_s, STEP_S):
        got += [(t, mido.Message.from_bytes(message)) for message in clock.due(t)]
    return got


def times(got, kind):
    return np.array([t for t, message in got if message.type == kind])


@pytest.mark.parametrize("meter", [FOUR, Meter(3, 4), Meter(6, 8), Meter(7, 8)])
def test_start_on_the_downbeat_then_24_clocks_a_quarter(meter):
    clock = ClockOut(advance_s=0.01)
    g = grid(0.4, meter)
    clock.follow(g, 0.1)
    got = collect(clock, 0.1, 8.0)
    assert [m.type for _, m in got[:3]] == ["songpos", "start", "clock"]
    assert got[0][1].pos == 0
    bar_s = 0.4 * meter.numerator
    quarter_s = 0.4 * meter.denominator / 4
    clocks = times(got, "clock")
    assert clocks[0] == pytest.approx(bar_s - 0.01, abs=2 * STEP_S)
    assert np.diff(clocks[::24]) == pytest.approx(quarter_s, abs=2 * STEP_S)
    assert 0 < clocks[0] - times(got, "start")[0] < 0.01


def test_a_tempo_that_glides_gives_even_clocks_that_stay_on_the_beat():
    rng, clock, g, got = np.random.default_rng(2), ClockOut(), grid(), []
    clock.follow(g, 0.0)
    for i in range(160):
        now_s = i * 0.125
        got += collect(clock, now_s, now_s + 0.125)
        beat = np.floor(g.beat_at(now_s + 0.125))
        anchor_s = g.time_of(beat) + rng.normal(0, 0.003)
        g = replace(
            g, anchor_s=anchor_s, index=int(beat), position=g.position_of(int(beat)), period_s=0.5 * (1 + 0.0008 * i)
        )
        clock.follow(g, now_s + 0.125)
    clocks = times(got, "clock")
    expected = 0.5 * (1 + 0.0008 * (clocks[:-1] / 0.125)) / 24
    ratio = np.diff(clocks) / expected
    assert ratio.min() > 1 - GLIDE - 0.06  # the poll above is 2.4% of a clock coarse
    assert ratio.max() < 1 + GLIDE + 0.06
    on_beats = g.beat_at(clocks[-48:]) * 24
    assert np.abs(on_beats - np.round(on_beats)).max() < 0.3
    assert not set(times(got, "stop"))


def test_a_player_who_jumps_is_met_with_stop_position_and_continue_on_the_new_place():
    clock = ClockOut()
    clock.follow(grid(), 0.0)
    collect(clock, 0.0, 5.1)
    moved = grid(anchor_s=5.3, index=50, position=3)  # beat three of a bar is where the last of one was
    clock.follow(moved, 5.1)
    got = collect(clock, 5.1, 8.0)
    kinds = [m.type for _, m in got if m.type != "clock"]
    assert kinds == ["stop", "songpos", "continue"]
    position = next(m.pos for _, m in got if m.type == "songpos")
    went_on = next(t for (t, m), (_, before) in zip(got[1:], got, strict=False) if before.type == "continue")
    sixteenths = (moved.beat_at(went_on) - 50) * 4 + 8  # after the downbeat, on the new grid
    assert (position - sixteenths + 8) % 16 == pytest.approx(8, abs=0.02)


def test_an_earlier_place_in_the_first_bar_is_never_below_zero():
    clock = ClockOut()
    clock.follow(grid(), 0.0)
    collect(clock, 0.0, 2.3)
    clock.follow(grid(anchor_s=2.3, index=9, position=4), 2.3)
    assert all(message.pos >= 0 for _, message in collect(clock, 2.3, 4.0) if message.type == "songpos")


def test_a_changed_meter_goes_on_counting():
    clock = ClockOut()
    clock.follow(grid(), 0.0)
    collect(clock, 0.0, 4.0)
    clock.follow(grid(meter=Meter(3, 4), anchor_s=4.0, index=8), 4.0)
    got = collect(clock, 4.0, 8.0)
    assert {m.type for _, m in got} == {"clock"}
    assert np.diff(times(got, "clock")).max() < 0.5 / 24 * 1.1


def test_after_a_stall_it_goes_on_where_the_music_is_without_a_burst():
    clock = ClockOut()
    clock.follow(grid(), 0.0)
    collect(clock, 0.0, 4.0)
    got = collect(clock, 7.0, 9.0)
    assert [m.type for _, m in got[:3]] == ["stop", "songpos", "continue"]
    clocks = times(got, "clock")
    assert np.diff(clocks).min() > 0.5 / 24 * 0.9
    assert got[1][1].pos * 6 == pytest.approx((clocks[0] - 2.0) / 0.5 * 24, abs=0.2)  # it had started on the bar at 2 s


def test_the_band_starts_and_ends_the_clock():
    clock, g = ClockOut(), grid()
    note = PlannedNote("drums", 2.0, 2.1, 36, 100, 16)
    clock.push(Plan((), (), 1.0, 1.0, g), 1.0)
    assert clock.next_send_s() == float("inf")
    clock.push(Plan((note,), (), 2.1, 1.7, g), 1.7)
    got = collect(clock, 1.7, 3.0)
    assert times(got, "clock")[0] == pytest.approx(2.0, abs=2 * STEP_S)
    clock.push(Plan((), (), 3.1, 3.0, g), 3.0)  # a bar's rest is no end
    assert {m.type for _, m in collect(clock, 3.0, 4.0)} == {"clock"}
    clock.push(Plan((), (), 4.0, 4.0), 4.0)
    assert [m.type for _, m in collect(clock, 4.0, 9.0)] == ["stop"]


def test_a_beat_is_the_meters_own():
    assert [clocks_per_beat(Meter(n, d)) for n, d in ((4, 4), (7, 8), (2, 2))] == [24, 12, 48]
