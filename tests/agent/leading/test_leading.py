"""The band leads an odd bar, a bar more or fewer and another tempo, and goes back where the player does not come."""

from __future__ import annotations

import math
import pickle
from itertools import pairwise

import pytest

from agent.core.messages import LeadBar, LeadBreak, LeadLength, LeadTempo
from agent.leading.coming_along import Departure, Ramp, Verdict, found_at, ramp_periods
from agent.leading.led_grid import Span, over
from agent.leading.marks import broken, marked
from benchmarks.inputs.led_players import RIFFS, Player, Rehearsal
from listener.types import Grid, Meter
from models.music.tokens import ChordHit, DrumHit, Position, Reply

FOUR, SEVEN = Meter(4, 4), Meter(7, 8)
RING = tuple(40 + place if place % 8 == 0 or place % 7 == 0 else None for place in range(64))


def judged(played_from: int, bars: float = 1.0) -> Verdict:
    """The band went on at place 16 of the riff; it would have been 14 by itself."""
    departure = Departure(RING, 16, 14, 16)
    for tick in range(round(16 * bars)):
        departure = departure.heard(RING[(played_from + tick) % 64])
        if departure.verdict is not Verdict.OPEN:
            break
    return departure.verdict


def test_who_plays_the_riff_where_the_band_is_has_come_along() -> None:
    assert judged(16) is Verdict.FOLLOWS


def test_who_plays_on_as_if_nothing_was_asked_has_stayed() -> None:
    assert judged(14) is Verdict.STAYS


def test_who_plays_something_else_is_lost() -> None:
    departure = Departure(RING, 16, 14, 16)
    for tick in range(24):
        departure = departure.heard(None if RING[(16 + tick) % 64] or RING[(14 + tick) % 64] else 61)
    assert departure.verdict is Verdict.LOST


def test_a_lost_player_is_found_in_their_riff() -> None:
    played = tuple(RING[(37 + tick) % 64] for tick in range(20))
    assert found_at(RING, played, 16) == 57
    assert found_at(RING, (None,) * 20, 16) is None


def test_one_note_an_octave_up_tells_where_a_player_is_in_even_eighths() -> None:
    ring = ring_of_riff("eighths")
    played = tuple(ring[(38 + tick) % 64] for tick in range(24))
    assert found_at(ring, played, 16) == 62
    level = tuple(pitch and 40 for pitch in ring)
    assert found_at(level, level[:24], 16) is None, "eighths of one note are alike everywhere"


def ring_of_riff(name: str) -> tuple[int | None, ...]:
    return tuple(dict(bar).get(tick) for bar in RIFFS[name] for tick in range(16))


def test_a_rest_says_nothing() -> None:
    departure = Departure(RING, 16, 14, 16)
    for _ in range(40):
        departure = departure.heard(None)
    assert departure.verdict is Verdict.OPEN


@pytest.mark.parametrize(("period_s", "verdict"), [(0.5, Verdict.FOLLOWS), (0.6, Verdict.STAYS), (0.547, Verdict.LOST)])
def test_the_notes_say_in_which_tempo_they_are(period_s: float, verdict: Verdict) -> None:
    ramp = Ramp(0.6, 0.5, 10.0, 14.0, 4)
    found = Verdict.OPEN
    for note in range(40):
        onset_s = 14.0 + note * period_s / 2
        ramp = ramp.heard(onset_s)
        found = ramp.verdict(onset_s)
        if found is not Verdict.OPEN:
            break
    assert found is verdict
    assert ramp.bars_since(onset_s) <= 4.2


@pytest.mark.parametrize("per_bar", [3, 1])
def test_a_sparse_line_that_goes_with_the_ramp_is_not_sent_back(per_bar: int) -> None:
    ramp = Ramp(0.6, 0.5, 10.0, 14.0, 4)
    for frame in range(900):
        now_s = 14.0 + 0.01 * frame
        if frame % 200 in (0, 75, 125)[:per_bar]:
            ramp = ramp.heard(now_s)
        if (found := ramp.verdict(now_s)) is not Verdict.OPEN:
            break
    assert found is Verdict.FOLLOWS
    assert abs(ramp.apart_s(now_s)) < 0.01


def test_a_sparse_line_that_stays_is_met_again() -> None:
    ramp = Ramp(0.6, 0.5, 10.0, 14.0, 4)
    for frame in range(960):
        now_s = 14.0 + 0.01 * frame
        if frame % 240 in (0, 90, 150):
            ramp = ramp.heard(now_s)
        if (found := ramp.verdict(now_s)) is not Verdict.OPEN:
            break
    assert found is Verdict.STAYS


def test_a_ramp_moves_by_even_steps() -> None:
    periods = ramp_periods(0.6, 0.5, 8)
    steps = [math.log(one / other) for one, other in pairwise(periods)]
    assert periods[-1] == pytest.approx(0.5)
    assert max(steps) == pytest.approx(min(steps))


def test_a_grid_knows_an_odd_bar_ahead() -> None:
    pulse = Grid(0.0, 0, 1, 0.6, FOUR, 1.0, 1.0)
    spans = [Span(8, 4.8, 0.3, SEVEN), Span(15, 6.9, 0.6, FOUR)]
    grid = over(pulse, spans, 1.0)
    assert [grid.position_of(beat) for beat in range(6, 18)] == [3, 4, 1, 2, 3, 4, 5, 6, 7, 1, 2, 3]
    assert grid.time_of(15) == pytest.approx(6.9)
    assert grid.beat_at(6.6) == pytest.approx(14.0)
    assert (grid.meter_at(7), grid.meter_at(8), grid.meter_at(16)) == (FOUR, SEVEN, FOUR)
    now = over(pulse, spans, 8.0)
    assert (now.index, now.position, now.meter) == (16, 2, FOUR)


def test_the_one_after_an_odd_bar_is_marked_and_a_break_is_a_stop() -> None:
    reply = Reply((DrumHit("closed_hat", 70),), ChordHit(0, "maj", 80))
    assert {hit.piece for hit in marked(reply).drums} == {"kick", "crash"}
    assert broken(reply, Position(8, 0, FOUR), 4) == reply
    assert {hit.piece for hit in broken(reply, Position(12, 0, FOUR), 4).drums} == {"kick", "snare", "crash"}
    assert broken(reply, Position(13, 0, FOUR), 4) == Reply(chord_off=True, line_off=True)


def rehearsed(kind: str, message: object, until_s: float, asked_s: float = 15.0) -> Rehearsal:
    player = Player(kind, RIFFS["walking hook"], 0.4)
    return Rehearsal(player, [(asked_s, message)]).run(until_s)  # type: ignore[list-item]


def together(rehearsal: Rehearsal, since_s: float) -> list[bool]:
    return [bar.with_band for bar in rehearsal.bars if bar.at_s > since_s]


@pytest.mark.slow
@pytest.mark.parametrize("message", [LeadBar(3, "7/8"), LeadLength(1), LeadLength(-1), LeadTempo(180)], ids=str)
def test_a_player_who_follows_is_never_left(message: object) -> None:
    rehearsal = rehearsed("follows", message, 34.0)
    assert any(says for _, says in rehearsal.shown)
    assert all(together(rehearsal, 8.0))
    assert not rehearsal.lines


@pytest.mark.slow
@pytest.mark.parametrize("message", [LeadBar(3, "7/8"), LeadTempo(180)], ids=str)
def test_a_player_who_refuses_is_met_again_and_told(message: object) -> None:
    rehearsal = rehearsed("refuses", message, 46.0)
    assert len(rehearsal.lines) == 1
    assert all(together(rehearsal, 38.0))
    assert rehearsal.tempi[-1][1] == pytest.approx(150, abs=2)
    assert not rehearsal.planner.leading.on


@pytest.mark.slow
def test_a_player_who_gets_lost_is_led_no_further_and_found_again() -> None:
    rehearsal = rehearsed("gets lost", LeadBar(3, "7/8"), 36.0)
    assert [line for _, line in rehearsal.lines] == ["Bar 3 is in 4/4 again: we lost each other in 7/8."]
    assert rehearsal.planner.leading.take_given_up() == (3,)
    assert sum(says == "7/8" for _, says in rehearsal.shown) == 1
    assert all(together(rehearsal, 28.0))


@pytest.mark.slow
@pytest.mark.parametrize("message", [LeadLength(1), LeadLength(-1)], ids=str)
def test_who_comes_late_to_a_longer_or_shorter_form_is_asked_once_more(message: object) -> None:
    rehearsal = rehearsed("lags", message, 34.0)
    assert sum("next bar" in says for _, says in rehearsal.shown) == 2
    assert all(together(rehearsal, 8.0))
    assert not rehearsal.lines


@pytest.mark.slow
def test_the_plan_shows_an_odd_bar_a_bar_ahead_and_it_is_in_snapshots() -> None:
    rehearsal = rehearsed("follows", LeadBar(3, "7/8"), 15.5)
    kept = pickle.dumps((rehearsal.planner.leading, rehearsal.planner.bars.usual))
    assert pickle.loads(kept)
    rehearsal.run(30.0)
    shown = [says for _, says in rehearsal.shown if says]
    assert shown[:2] == ["next bar 7/8", "7/8"]


@pytest.mark.slow
def test_the_band_stops_on_the_four() -> None:
    rehearsal = rehearsed("follows", LeadBreak(4), 22.0)
    (from_s,) = [at_s for at_s, says in rehearsal.shown if says == "next bar a break on 4"]
    crash_s = next(note.on_s for note in rehearsal.notes if note.pitch == 49 and note.on_s > from_s + 1.6)
    assert not [note for note in rehearsal.notes if crash_s + 0.05 < note.on_s < crash_s + 0.37]
