"""A reading that has been the likelier one for bars is gone over to; one that comes and goes is not."""

from __future__ import annotations

from dataclasses import replace

from agent.mind.second_reading import SecondReading
from listener.types import FRAME_S, Grid, Meter

HELD = Grid(0.5, 0, 1, 0.5, Meter(4, 4), 0.4, 0.15)
LIKELIER = Grid(0.5, 0, 1, 0.75, Meter(4, 4), 0.6, 0.4)  # three held beats are two of its own


def read(seconds: float, rival: Grid, held: Grid = HELD, until_s: float = 99.0) -> list[Grid | None]:
    """Read with a note every half second; the rival, told again on each of its bar lines, is gone from until_s on."""
    one, out = SecondReading(), []
    bar_s = rival.period_s * rival.meter.numerator
    for frame in range(round(seconds / FRAME_S)):
        now_s = frame * FRAME_S
        line_s = rival.anchor_s + max(now_s - rival.anchor_s, 0.0) // bar_s * bar_s
        told = replace(rival, anchor_s=line_s) if now_s < until_s else None
        out.append(one.of(held, told, int(now_s % 0.5 < FRAME_S), now_s))
    return out


def test_a_reading_that_is_likelier_for_two_bars_is_followed_and_its_beats_go_on() -> None:
    grids = read(14.0, LIKELIER)
    assert grids[round(4 / FRAME_S)] == HELD
    late = [grid for grid in grids[round(8 / FRAME_S) :] if grid]
    assert {grid.period_s for grid in late} == {LIKELIER.period_s}
    assert {round(grid.time_of(0), 6) for grid in late} == {0.5}


def test_the_held_reading_stays_where_it_is_sure_or_the_other_is_its_half_or_not_likelier_or_gone() -> None:
    sure = replace(HELD, meter_confidence=0.6)
    half = replace(LIKELIER, period_s=1.0)
    unlikely = replace(LIKELIER, meter_confidence=0.2)
    assert read(12.0, LIKELIER, sure)[-1] == sure
    assert read(12.0, half)[-1] == read(12.0, unlikely)[-1] == read(14.0, LIKELIER, until_s=9.0)[-1] == HELD


def test_bars_as_long_that_begin_elsewhere_are_taken_late_and_kept_while_they_are_likelier() -> None:
    moved = replace(HELD, anchor_s=0.875, confidence=0.65, meter_confidence=0.6)
    grids = read(14.0, moved)
    assert grids[round(8 / FRAME_S)] == HELD and grids[-1] != HELD
    assert read(14.0, replace(moved, meter_confidence=0.4))[-1] == HELD, "not clearly likelier"
    one = SecondReading()
    for frame in range(round(16 / FRAME_S)):
        now_s = frame * FRAME_S
        rival = replace(moved, meter_confidence=0.6 if now_s < 12 else 0.2)
        said = one.of(HELD, replace(rival, anchor_s=0.875 + 2 * (now_s // 2)), int(now_s % 0.5 < FRAME_S), now_s)
    assert said is not None and said != HELD
