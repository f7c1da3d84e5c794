"""Another meter from a bar line on, and meters that come round, in lines whose beats are known."""

from __future__ import annotations

import pytest

FOUR = [(0, 0), (0.5, 0), (1.5, 7), (2, 0), (3, 10), (3.5, 12)]
THREE = [(0, 0), (1, 7), (1.5, 12), (2, 7)]
FIVE = [(0, 0), (1, 7), (1.5, 12), (3, 10), (4, 7)]
ODD = [(0, 0), (0.5, 12), (2, 7), (3, 10)]
OTHER_FOUR = [(0, 0), (1, 12), (1.5, 10), (2, 7), (3, 5)]


@pytest.mark.parametrize(
    ("first", "second", "meter"),
    [(FOUR, THREE, "3/4"), (FOUR, FIVE, "5/4"), (FOUR, OTHER_FOUR, "4/4")],
    ids=["3/4", "5/4", "another figure"],
)
def test_the_meter_is_right_three_bars_after_the_figure_changed(first, second, meter, play, line):
    beats = int(meter[0])
    old = line.of(first, 4, 118, bars=8)
    turn_s = 0.5 + 32 * old.beat_s
    new = line.of(second, beats, 118, 6, turn_s)
    notes = [getattr(old, name) + getattr(new, name) for name in ("onsets_s", "pitches", "velocities")]
    after = [(t, g) for t, g in play(line(*notes, old.beat_s, beats)).grids if t > turn_s + 3.2 * beats * old.beat_s]
    assert {str(g.meter) for _, g in after} == {meter}
    t, grid = after[-1]
    beat = round(grid.beat_at(t))
    assert (grid.position_of(beat) - 1 - round((grid.time_of(beat) - turn_s) / old.beat_s)) % beats == 0


def test_bars_that_come_round_are_known_from_the_third_round_on(play, line):
    eighth_s, bars, at_s = 0.26, [(FOUR, 8), (OTHER_FOUR, 8), (ODD, 7)] * 5, 0.5
    starts_s, notes = [], []
    for figure, eighths in bars:
        starts_s.append(at_s)
        notes += [(at_s + 2 * place * eighth_s, 33 + step) for place, step in figure]
        at_s += eighths * eighth_s
    take = line([t for t, _ in notes], [p for _, p in notes], [90] * len(notes), 2 * eighth_s, 4)
    grids = [(t, g) for t, g in play(take).grids if starts_s[6] < t < starts_s[14]]
    for start_s, (_, eighths) in list(zip(starts_s, bars, strict=True))[7:14]:
        grid = next(g for t, g in grids if t > start_s - 0.1)
        beat = round(grid.beat_at(start_s))
        assert abs(grid.time_of(beat) - start_s) < 0.05
        assert (grid.position_of(beat), str(grid.meter_at(beat))) == (1, "7/8" if eighths == 7 else "4/4")
