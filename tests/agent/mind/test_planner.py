"""The band comes in on the one, plays on the grid in any meter, and follows the player through rests."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from agent.band.ticks import straight, swung
from agent.core.settings import BandConfig
from agent.core.types import Plan, PlannedNote
from agent.mind.planner import Planner
from listener.types import FRAME_S, Analysis, Grid, Meter, Note
from tests.agent.fakes import PatternGrooves, PatternResponder

KICK, SNARE, HAT = 36, 38, 42


def hear(
    planner: Planner,
    meter: Meter,
    seconds: float,
    period_s: float = 0.5,
    confident_from_s: float = 0.0,
    plays: Callable[[float], bool] = lambda t: True,
    swing: float = 0.5,
    grid_of: Callable[[float], Grid] | None = None,
) -> list[Plan]:
    """Feed a steady player: a note on every beat where plays(time)."""
    plans, next_beat = [], 0
    for i in range(1, round(seconds / FRAME_S)):
        now_s = i * FRAME_S
        index = int(now_s / period_s)
        sure = 0.9 if now_s >= confident_from_s else 0.1
        grid = Grid(index * period_s, index, index % meter.numerator + 1, period_s, meter, sure, sure, swing)
        notes, ended = (), ()
        if now_s >= next_beat * period_s + 0.05:
            if plays(next_beat * period_s):
                note = Note(next_beat * period_s, now_s, None, 40, 90)
                notes, ended = (note,), (note,)
            next_beat += 1
        grid = grid_of(now_s) if grid_of else grid
        plan = planner.step(Analysis(now_s, now_s, 0.0, None, 0.0, -20.0, notes=notes, ended=ended, grid=grid), None)
        if plan:
            plans.append(plan)
    return plans


def committed(plans: list[Plan], part: str | None = None, pitch: int | None = None) -> list[PlannedNote]:
    notes = [n for plan in plans for n in plan.committed]
    return [n for n in notes if part in (None, n.part) and pitch in (None, n.pitch)]


def planner(**settings: object) -> Planner:
    return Planner(PatternResponder(), BandConfig(imagine=False, **settings), grooves=PatternGrooves())


METERS = [Meter(4, 4), Meter(3, 4), Meter(5, 4, (3, 2)), Meter(7, 8, (2, 2, 3)), Meter(6, 8), Meter(12, 8), Meter(2, 4)]


@pytest.mark.parametrize("meter", METERS, ids=str)
def test_the_kick_is_on_every_one_from_the_first_bar_on(meter: Meter) -> None:
    plans = hear(planner(), meter, 16.0)
    ones = [n.on_s for n in committed(plans, "drums", KICK)]
    bar_s = 0.5 * meter.numerator
    first = ones[0]
    assert first % bar_s == pytest.approx(0, abs=1e-9)
    assert first <= 2 * bar_s
    for one in np.arange(first, 16.0 - bar_s, bar_s):
        assert min(abs(on_s - one) for on_s in ones) < 1e-9, f"no kick on the one at {one} s"


def test_the_band_comes_in_within_two_bars_after_the_meter_is_clear() -> None:
    plans = hear(planner(), Meter(4, 4), 16.0, confident_from_s=5.1)
    first = min(n.on_s for n in committed(plans))
    assert first == pytest.approx(6.0)  # the next one


def test_a_clear_beat_with_an_unclear_meter_is_joined_after_a_while() -> None:
    unsure = lambda t: Grid(int(t / 0.5) * 0.5, int(t / 0.5), int(t / 0.5) % 4 + 1, 0.5, Meter(4, 4), 0.9, 0.2)  # noqa: E731
    assert not committed(hear(planner(max_wait_bars=8), Meter(4, 4), 14.0, grid_of=unsure))
    assert committed(hear(planner(max_wait_bars=3), Meter(4, 4), 14.0, grid_of=unsure))


def test_every_committed_note_lies_ahead_and_is_said_once() -> None:
    plans = hear(planner(), Meter(4, 4), 16.0)
    assert all(n.on_s > plan.created_s for plan in plans for n in plan.committed)
    said = [(n.part, n.tick, n.pitch) for n in committed(plans)]
    assert len(said) == len(set(said))


def test_what_is_committed_was_tentative_before_and_nothing_is_both() -> None:
    for plan in hear(planner(), Meter(4, 4), 12.0):
        assert not {(n.part, n.tick, n.pitch) for n in plan.committed} & {
            (n.part, n.tick, n.pitch) for n in plan.tentative
        }
        assert all(n.on_s >= plan.committed_until_s - 0.2 for n in plan.tentative)


def test_a_rest_is_held_then_thinned_then_ended_and_the_band_comes_back_on_the_one() -> None:
    plans = hear(planner(hold_bars=2, thin_bars=2), Meter(4, 4), 44.0, plays=lambda t: t < 8 or t >= 30.5)
    snares = [n.on_s for n in committed(plans, "drums", SNARE)]
    drums = [n.on_s for n in committed(plans, "drums")]
    assert any(10 < t < 13 for t in snares), "the groove is held"
    quiet = [t for t in drums if 21 < t < 30.5]
    assert not quiet, "it has ended"
    (last,) = [n.on_s for n in committed(plans, "drums", 49) if 10 < n.on_s < 30]
    assert last % 2.0 == pytest.approx(0), "it ends on the one"
    assert max(t for t in drums if t < 30) == pytest.approx(last)
    back = min(t for t in drums if t > 30.5)
    assert back == pytest.approx(32.0)


def test_the_line_rests_while_the_player_rests() -> None:
    plans = hear(planner(), Meter(4, 4), 26.0, plays=lambda t: t < 18)
    line = [n.on_s for n in committed(plans, "line")]
    assert any(t < 18 for t in line)
    assert not any(t > 21.5 for t in line)


def test_a_lost_beat_stops_the_band() -> None:
    band = planner()
    hear(band, Meter(4, 4), 8.0)
    plan = band.step(Analysis(8.0, 8.0, 0, None, 0, -60.0, grid=None), None)
    assert plan == Plan((), (), 8.0, 8.0)


def test_off_beats_swing_as_the_player_does() -> None:
    band = Planner(PatternResponder(), BandConfig(imagine=False), grooves=PatternGrooves(hats=2))
    plans = hear(band, Meter(4, 4), 8.0, swing=0.62)
    off = [n.on_s % 0.5 for n in committed(plans, "drums", HAT) if 0.01 < n.on_s % 0.5 < 0.49]
    assert off
    np.testing.assert_allclose(off, 0.31, atol=1e-6)


def test_swung_and_straight_undo_each_other() -> None:
    for swing in (0.5, 0.58, 2 / 3):
        for place in np.linspace(0, 0.99, 23):
            assert straight(swung(float(place), swing), swing) == pytest.approx(place)


def test_the_responder_hears_each_note_in_its_tick_once() -> None:
    responder = PatternResponder()
    hear(Planner(responder, BandConfig(imagine=False)), Meter(4, 4), 8.0)
    known = [x for x in responder.seen if x.bass.known]
    onsets = [(x.position.bar, x.position.tick) for x in known if x.bass.onset_pitch is not None]
    assert all(tick % 4 == 1 for _, tick in onsets)  # the tick after each beat carries the beat's note
    assert len(onsets) == len(set(onsets)) >= 14


def test_the_same_input_and_seed_give_the_same_plans() -> None:
    assert hear(planner(seed=3), Meter(7, 8), 10.0) == hear(planner(seed=3), Meter(7, 8), 10.0)


def test_a_grid_that_jumps_is_followed_without_a_note_in_the_past_or_twice() -> None:
    def jumped(now_s: float) -> Grid:
        shift = 0.31 if now_s > 8 else 0.0
        index = int((now_s - shift) / 0.5)
        return Grid(index * 0.5 + shift, index, index % 4 + 1, 0.5, Meter(4, 4), 0.9, 0.9)

    plans = hear(planner(), Meter(4, 4), 16.0, grid_of=jumped)
    times = [n.on_s for n in committed(plans, "drums", 42)]
    assert times == sorted(times)
    assert all(n.on_s > plan.created_s for plan in plans for n in plan.committed)
    late = [t for t in times if t > 10]
    np.testing.assert_allclose([(t - 0.31 + 0.25) % 0.5 - 0.25 for t in late], 0, atol=1e-6)
