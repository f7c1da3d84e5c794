"""The coach tells the band what to do, by what it hears."""

import pytest

from agent.core.errors import UserError
from agent.core.messages import FollowGrid, LeadBreak, SetMode
from agent.core.types import Decision, DrawnBar, DrawnTick
from agent.practice.coach import Coach
from listener.types import Analysis, Grid, Meter, NoteFeel

FOUR = Meter(4, 4)


def frames(coach, bars, late_ms=0.0, first=0, turns=(), drawn=(), bpm=120.0):
    """A frame for each beat of some bars, with a note on each; return what was said."""
    said = []
    for beat in range(4 * first, 4 * (first + bars)):
        bar, period_s = beat // 4, 60 / bpm
        grid = Grid(0.0, 0, 1, period_s, FOUR, 1.0, 1.0)
        late = late_ms / 1000 * (1 if beat % 2 else -1)
        placed = NoteFeel(beat * period_s + late, late, 0.0, beat % 4 + 1, "given")
        heard = Analysis(beat * period_s + 0.05, 0.0, 0.0, None, 0.0, -20.0, grid=grid, placed=(placed,))
        turn = turns[bar] if turns else "together"
        over = drawn[bar - 1] if drawn and beat % 4 == 0 and 0 < bar <= len(drawn) else None
        said += coach.push(Decision(heard, None, "playing", bar, (), turn=turn, drawn=over))
    return said


def grids(sent):
    return [one.grid for one in sent if isinstance(one, FollowGrid)]


def test_clean_bars_make_it_faster_and_loose_ones_slower():
    sent = []
    coach = Coach(sent.append)
    frames(coach, 1)
    assert coach.command("ladder 4 2") == "practice: from 120, 4 more after each 2 clean bars"
    said = frames(coach, 4, first=1)
    assert said[0].startswith("120: 100% of")
    assert 60 / grids(sent)[-1].spans[-1].period_s == pytest.approx(124)
    said = frames(coach, 6, late_ms=70, first=5)
    assert "once more" in " ".join(said)
    assert "back to" in " ".join(said)
    assert coach.command("off").startswith("practice over; the fastest clean tempo was 120")
    assert grids(sent)[-1] is None
    assert "fastest clean tempo 120" in coach.report()


def test_every_fourth_bar_drops_out():
    sent = []
    coach = Coach(sent.append)
    coach.command("drop 4")
    frames(coach, 12)
    assert sent == [LeadBreak(1)] * 3


def line(*notes):
    return DrawnBar(
        0,
        FOUR,
        tuple(DrawnTick(line=(dict(notes)[t], 80) if t in dict(notes) else None) for t in range(16)),
        frozenset(),
    )


def bass(*notes):
    return DrawnBar(
        0,
        FOUR,
        tuple(DrawnTick(bass=(dict(notes)[t], 80) if t in dict(notes) else None) for t in range(16)),
        frozenset(),
    )


def numbered(*bars):
    return [DrawnBar(n, one.meter, one.ticks, one.parts) for n, one in enumerate(bars)]


def test_a_phrase_that_is_played_back_is_marked():
    sent = []
    coach = Coach(sent.append)
    assert "play my line back" in coach.command("copy 1")
    assert sent == [SetMode("trade", 1, calls=True)]
    drawn = numbered(line((0, 72), (8, 74)), bass((0, 36), (8, 39)), line(), bass())
    said = frames(coach, 3, turns=("ours 1/1", "yours 1/1", "ours 1/1"), drawn=drawn)
    assert said == ["1 of 2 right: bar 1, 3: Eb for D"]


@pytest.mark.parametrize("wrong", ["", "polka", "drop", "drop 1", "ladder fast", "copy 99", "ladder"])
def test_bad_input_is_one_line(wrong):
    with pytest.raises(UserError, match="practice"):
        Coach(lambda message: None).command(wrong)


def test_the_report_is_written_where_it_was_used(tmp_path):
    coach = Coach(lambda message: None)
    frames(coach, 4)
    assert coach.write(tmp_path) is None
    coach.command("drop 4")
    frames(coach, 4, first=4)
    assert "16ths" not in (written := coach.write(tmp_path)).read_text()
    assert "32 notes" in written.read_text()


def test_ideas_rest_while_something_is_practised():
    coach = Coach(lambda message: None)
    frames(coach, 1)
    for begin in ("ladder", "drop 4", "copy 2"):
        assert not coach.runs
        coach.command(begin)
        assert coach.runs
        coach.command("off")
    assert not coach.runs
