"""Every note-on has its note-off; nothing leaves twice; what is late is counted, what is too late is not played."""

import numpy as np
import pytest

from agent.core.midi_constants import NOTE_OFF, NOTE_ON
from agent.core.types import Event, Plan, PlannedNote
from agent.engine.scheduler import Scheduler


def note(
    on_s: float, part: str = "drums", pitch: int = 36, length_s: float = 0.1, tick: int | None = None
) -> PlannedNote:
    return PlannedNote(part, on_s, on_s + length_s, pitch, 100, round(on_s * 8) if tick is None else tick)


def plan(*committed: PlannedNote, tentative: tuple[PlannedNote, ...] = ()) -> Plan:
    return Plan(committed, tentative, max((n.on_s for n in committed), default=0.0), 0.0)


def drain(scheduler: Scheduler, until_s: float, step_s: float = 0.01) -> list[Event]:
    return [event for t in np.arange(0, until_s, step_s) for event in scheduler.due(float(t))]


def hanging(events: list[Event]) -> int:
    kinds = [event.message[0] for event in events]
    return kinds.count(NOTE_ON) - kinds.count(NOTE_OFF)


def test_events_leave_early_by_the_latency() -> None:
    scheduler = Scheduler(lambda n: 0.05)
    scheduler.accept(plan(note(1.0)), 0.5)
    assert not scheduler.due(0.949)
    (on,) = scheduler.due(0.951)
    assert on.due_s == 1.0
    assert on.send_s == pytest.approx(0.95)


def test_whatever_is_planned_every_note_ends() -> None:
    rng = np.random.default_rng(3)
    scheduler, events = Scheduler(lambda n: 0.01 * (n.pitch % 3)), []
    for now in np.arange(0, 20, 0.1):
        notes = [
            note(
                now + rng.uniform(0.1, 0.3),
                rng.choice(["drums", "chords", "line"]),
                int(rng.integers(30, 40)),
                rng.uniform(0, 2),
            )
            for _ in range(5)
        ]
        scheduler.accept(plan(*notes, tentative=(note(now + 0.5, "line", 60),)), now)
        events += scheduler.due(now)
    events += drain(scheduler, 30)
    assert scheduler.idle
    assert hanging(events) == 0


def test_the_same_pitch_again_is_released_before_it_is_struck() -> None:
    scheduler = Scheduler()
    scheduler.accept(plan(note(1.0, length_s=1.0), note(1.5, length_s=1.0)), 0)
    kinds = [(e.message[0], round(e.due_s, 2)) for e in drain(scheduler, 4)]
    assert kinds == [(NOTE_ON, 1.0), (NOTE_OFF, 1.5), (NOTE_ON, 1.5), (NOTE_OFF, 2.5)]


def test_a_new_chord_ends_the_last_one_but_a_drum_does_not_end_a_drum() -> None:
    scheduler = Scheduler()
    scheduler.accept(plan(note(1.0, "chords", 60, 5.0), note(2.0, "chords", 64, 5.0)), 0)
    assert [e.message[:2] for e in drain(scheduler, 2.5)] == [(NOTE_ON, 60), (NOTE_OFF, 60), (NOTE_ON, 64)]
    scheduler = Scheduler()
    scheduler.accept(plan(note(1.0, "drums", 36, 5.0), note(2.0, "drums", 38, 5.0)), 0)
    assert [e.message[0] for e in drain(scheduler, 2.5)] == [NOTE_ON, NOTE_ON]


def test_what_comes_too_late_is_dropped_and_counted() -> None:
    scheduler = Scheduler()
    scheduler.accept(plan(note(1.0, tick=1), note(2.0, tick=2), note(1.99, pitch=40, tick=3)), 2.01)
    assert scheduler.counts.dropped == 1
    assert sum(e.message[0] == NOTE_ON for e in scheduler.due(2.02, 2.02)) == 2
    assert scheduler.counts.late == 2
    assert scheduler.counts.in_time_share == pytest.approx(0.0)


def test_without_a_newer_plan_the_tentative_one_is_played_once() -> None:
    scheduler = Scheduler()
    scheduler.accept(plan(note(1.0, tick=8), tentative=(note(1.5, tick=12), note(2.0, tick=16))), 0)
    assert sum(e.message[0] == NOTE_ON for e in drain(scheduler, 1.6)) == 2
    scheduler.accept(plan(note(1.51, tick=12), note(2.0, tick=16)), 1.6)  # the mind is back, a tick late
    assert sum(e.message[0] == NOTE_ON for e in drain(scheduler, 3)) == 1
    assert scheduler.counts.improvised == 1


def test_a_newer_plan_replaces_the_tentative_one() -> None:
    scheduler = Scheduler()
    scheduler.accept(plan(tentative=(note(1.0, pitch=36),)), 0)
    scheduler.accept(plan(tentative=(note(1.0, pitch=40),)), 0.1)
    assert [e.message[1] for e in drain(scheduler, 1.05)] == [40]


def test_stop_ends_what_sounds_and_forgets_the_rest() -> None:
    scheduler = Scheduler()
    scheduler.accept(plan(note(1.0, "chords", 60, 9.0), note(3.0), tentative=(note(4.0),)), 0)
    scheduler.due(1.5)
    assert [e.message for e in scheduler.stop(1.5)] == [(NOTE_OFF, 60, 0)]
    assert scheduler.idle
    assert not drain(scheduler, 10)


def test_order_does_not_depend_on_when_plans_came() -> None:
    notes = [note(1.0, p, k, 0.5) for p in ("chords", "drums", "line") for k in (36, 60)]
    one, many = Scheduler(), Scheduler()
    one.accept(plan(*notes), 0)
    for n in reversed(notes):
        many.accept(plan(n), 0)
    assert [e.message for e in one.due(9)] == [e.message for e in many.due(9)]
