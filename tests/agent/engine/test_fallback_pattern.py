"""Without a mind the band goes on with its last bar, in time, and gives the music back without doubling a note."""

import numpy as np
import pytest

from agent.core.midi_constants import NOTE_OFF, NOTE_ON
from agent.core.types import Event, Plan, PlannedNote
from agent.engine.fallback_pattern import FULL_BARS, THIN_BARS, faded, first_downbeat, last_bar, repeated, stroke_of
from agent.engine.scheduler import Scheduler
from listener.types import Grid, Meter

FOUR = Meter(4, 4)


def grid(period_s: float = 0.5, meter: Meter = FOUR, anchor_s: float = 0.0, index: int = 0, position: int = 1) -> Grid:
    return Grid(anchor_s, index, position, period_s, meter, 1.0, 1.0)


def hit(tick: int, g: Grid, pitch: int = 36, part: str = "drums", late_s: float = 0.0) -> PlannedNote:
    per_beat = 16 // g.meter.denominator
    on_s = g.time_of(tick / per_beat) + late_s
    return PlannedNote(part, on_s, on_s + 0.1, pitch, 100, tick)


def groove(first: int, last: int, g: Grid) -> list[PlannedNote]:
    """Kick on the one, snare on the third beat, a hat on each."""
    per_beat = 16 // g.meter.denominator
    per_bar = per_beat * g.meter.numerator
    notes = []
    for tick in range(first, last):
        if tick % per_beat == 0:
            notes.append(hit(tick, g, 42, late_s=0.003))
        if tick % per_bar == 0:
            notes.append(hit(tick, g, 36))
        if tick % per_bar == 2 * per_beat:
            notes.append(hit(tick, g, 38, late_s=0.01))
    return notes


def plan_at(tick: int, g: Grid, reach: int = 16) -> Plan:
    """What the planner would say as `tick` is heard: that tick's notes two ahead are final, the next bar is not."""
    now_s, final = g.time_of(tick / 4), tick + 2
    return Plan(
        tuple(groove(final, final + 1, g)),
        tuple(groove(final + 1, final + reach, g)),
        g.time_of((final + 1) / 4),
        now_s,
        g,
    )


def play(scheduler: Scheduler, from_s: float, until_s: float, step_s: float = 0.005) -> list[Event]:
    return [event for t in np.arange(from_s, until_s, step_s) for event in scheduler.due(float(t))]


def lead(scheduler: Scheduler, g: Grid, ticks: range) -> list[Event]:
    """A mind that says a plan at every tick."""
    events = []
    for tick in ticks:
        scheduler.accept(plan_at(tick, g), g.time_of(tick / 4))
        events += play(scheduler, g.time_of(tick / 4), g.time_of((tick + 1) / 4))
    return events


def onsets(events: list[Event]) -> list[tuple[float, int]]:
    return [(round(e.due_s, 6), e.message[1]) for e in events if e.message[0] == NOTE_ON]


def expected(first: int, last: int, g: Grid) -> list[tuple[float, int]]:
    return sorted((round(n.on_s, 6), n.pitch) for n in groove(first, last, g))


@pytest.mark.parametrize("meter", [FOUR, Meter(3, 4), Meter(7, 8)])
def test_a_bar_repeats_on_any_grid_with_its_feel(meter):
    g = grid(meter=meter)
    per_bar = 16 // meter.denominator * meter.numerator
    notes = groove(0, 3 * per_bar, g)
    bar = last_bar([stroke_of(n, g) for n in notes], g, notes[-1].on_s)
    slower = grid(0.6, meter, 40.0, 100, 1)
    again = repeated(bar, slower, 100)
    places = [((n.on_s - 40.0) / 0.6) for n in again]
    assert places == pytest.approx([(n.on_s / 0.5) for n in sorted(groove(0, per_bar, g), key=lambda n: n.on_s)])


def test_the_bar_is_whole_wherever_the_music_broke_off():
    g = grid()
    strokes = [stroke_of(n, g) for n in groove(0, 41, g)]
    for last_tick in range(20, 37):
        heard = [s for s in strokes if s.note.tick <= last_tick]
        bar = last_bar(heard, g, g.time_of(last_tick / 4) + 0.02)
        assert sorted(round(s.place, 3) for s in bar) == sorted(
            round(s.place, 3) for s in strokes if 16 <= s.note.tick < 32
        )


def test_the_downbeat_is_found_from_any_anchor():
    g = grid(anchor_s=3.0, index=10, position=3)
    assert g.position_of(first_downbeat(g, 7.3)) == 1
    assert g.time_of(first_downbeat(g, 7.3)) == pytest.approx(6.0)


def test_a_dead_mind_is_followed_by_its_plan_and_then_its_last_bar_without_gap_or_doubling():
    scheduler, g = Scheduler(), grid()
    events = lead(scheduler, g, range(37))
    events += play(scheduler, g.time_of(37 / 4), 20.0)
    got = onsets(events)
    assert [p for _, p in sorted(got)] == [p for _, p in expected(2, 160, g)]
    assert [t for t, _ in sorted(got)] == pytest.approx([t for t, _ in expected(2, 160, g)], abs=1e-4)
    assert scheduler.counts.improvised > 0
    assert scheduler.counts.patterned > 30
    assert 0 < scheduler.counts.freshness < 0.6
    kinds = [e.message[0] for e in [*events, *scheduler.stop(20.0)]]
    assert kinds.count(NOTE_ON) == kinds.count(NOTE_OFF)


@pytest.mark.parametrize("shift", [0, -61])
def test_a_mind_that_comes_back_takes_over_with_its_own_count_of_ticks_or_a_new_one(shift):
    scheduler, g = Scheduler(), grid()
    events = lead(scheduler, g, range(37)) + play(scheduler, g.time_of(37 / 4), g.time_of(61 / 4))
    for tick in range(50, 90):  # it hears the last seconds again
        now = max(tick, 61)
        said = plan_at(tick, g)
        moved = tuple(
            PlannedNote(n.part, n.on_s + 0.004, n.off_s, n.pitch, n.velocity, n.tick + shift) for n in said.committed
        )
        scheduler.accept(Plan(moved, said.tentative, said.committed_until_s, said.created_s, g), g.time_of(now / 4))
        if tick >= 61:
            events += play(scheduler, g.time_of(tick / 4), g.time_of((tick + 1) / 4))
    got, true = sorted(onsets(events)), expected(2, 91, g)
    assert [p for _, p in got] == [p for _, p in true]
    assert np.abs(np.array([t for t, _ in got]) - [t for t, _ in true]).max() < 0.02
    assert scheduler.counts.repeated > 0


def test_silence_stays_silence_and_a_stop_is_a_stop():
    g = grid()
    silent = Scheduler()
    lead(silent, g, range(18))
    silent.accept(Plan((), (), 3.0, 2.25, g), 2.25)  # the mind planned silence and then died
    assert onsets(play(silent, 2.25, 30.0)) == []
    stopped = Scheduler()
    lead(stopped, g, range(20))
    assert onsets(play(stopped, 2.5, 9.0))
    stopped.accept(Plan((), (), 9.0, 9.0), 9.0)
    assert onsets(play(stopped, 9.0, 30.0)) == []


def test_a_band_that_has_ended_does_not_end_again_and_again():
    scheduler, g = Scheduler(), grid()
    lead(scheduler, g, range(30))
    strokes = [hit(tick, g, pitch) for tick in (32, 48) for pitch in (36, 49)]  # the planner's last stroke, and ahead
    scheduler.accept(Plan(tuple(strokes[:2]), tuple(strokes[2:]), g.time_of(8.25), g.time_of(7.5), g), g.time_of(7.5))
    assert onsets(play(scheduler, g.time_of(7.5), 40.0))[-1][0] == pytest.approx(g.time_of(12))


def test_a_mind_without_memory_may_look_for_the_beat_while_the_band_plays_on():
    scheduler, g = Scheduler(), grid()
    lead(scheduler, g, range(20))
    play(scheduler, 2.5, 8.0)
    for tick in range(64, 80):
        scheduler.accept(Plan((), (), g.time_of(tick / 4), g.time_of(tick / 4), grid(0.51)), g.time_of(tick / 4))
    assert len(onsets(play(scheduler, 8.0, 12.0))) > 10


def test_after_many_bars_without_a_mind_the_band_thins_out_and_ends_on_the_one():
    scheduler, g = Scheduler(), grid()
    lead(scheduler, g, range(20))
    got = onsets(play(scheduler, 2.5, 120.0, 0.02))
    last_s = got[-1][0]
    assert last_s / 2 == pytest.approx(round(last_s / 2), abs=0.01)
    assert (FULL_BARS + THIN_BARS) * 2 <= last_s <= (FULL_BARS + THIN_BARS + 4) * 2
    assert scheduler.idle
    bar = tuple(stroke_of(n, g) for n in [*groove(0, 16, g), hit(0, g, 60, "chords")])
    assert {s.note.part for s in faded(bar, FULL_BARS)} == {"drums"}
    assert faded(bar, FULL_BARS + THIN_BARS + 1) == ()


def test_a_muted_part_is_silent_at_once_and_counted():
    scheduler, g = Scheduler(), grid()
    chord = PlannedNote("chords", 1.0, 9.0, 60, 80, 8)
    scheduler.accept(Plan((chord, *groove(8, 40, g)), (), 5.0, 0.0, g), 0.0)
    play(scheduler, 0.9, 1.1)
    assert [e.message for e in scheduler.set_part("chords", False, 1.1)] == [(NOTE_OFF, 60, 0)]
    assert scheduler.set_part("drums", False, 1.1)
    assert not play(scheduler, 1.1, 2.4)
    assert scheduler.counts.muted > 0
    scheduler.set_part("drums", True, 2.4)
    assert play(scheduler, 2.4, 3.0)


@pytest.mark.parametrize("seed", range(6))
def test_whatever_a_mind_does_every_note_ends_and_none_is_struck_twice(seed):
    rng, scheduler, g, events, now_s = (
        np.random.default_rng(seed),
        Scheduler(lambda n: 0.005 * (n.pitch % 3)),
        grid(),
        [],
        0.0,
    )
    behind = 0  # ticks by which the mind lags, as after a restart or a stall
    for tick in range(400):
        behind = max(0, behind - 3) if rng.random() > 0.02 else int(rng.integers(4, 60))
        shift = 0 if rng.random() > 0.3 else -1000  # it may count its ticks anew
        for said in range(tick - behind, tick - behind + (4 if behind else 1)):
            plan = plan_at(max(said, 0), g, int(rng.integers(4, 32)))
            notes = tuple(PlannedNote(n.part, n.on_s, n.off_s, n.pitch, 90, n.tick + shift) for n in plan.committed)
            if rng.random() > 0.1 and behind < 30:
                scheduler.accept(Plan(notes, plan.tentative, plan.committed_until_s, plan.created_s, g), now_s)
        if rng.random() < 0.02:
            events += scheduler.set_part("drums", bool(rng.random() < 0.8), now_s)
        if rng.random() < 0.02:
            events += scheduler.release(now_s)
        events += play(scheduler, now_s, now_s + 0.125)
        now_s += 0.125
    events += scheduler.stop(now_s)
    assert scheduler.idle
    struck: dict[int, float] = {}
    open_notes: set[int] = set()
    for event in events:
        kind, pitch, _ = event.message
        if kind == NOTE_ON:
            assert pitch not in open_notes
            assert event.due_s - struck.get(pitch, -1.0) > 0.1, "a note was doubled"
            struck[pitch] = event.due_s
            open_notes.add(pitch)
        else:
            open_notes.discard(pitch)
    assert not open_notes
    assert len(struck) == 3
