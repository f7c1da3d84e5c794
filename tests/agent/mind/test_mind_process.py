"""The mind at its ring: bounded steps after a stall, what is long past is not sent, nothing is said twice."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from agent.core.settings import Config
from agent.core.types import Plan, PlannedNote
from agent.mind.mind_process import MAX_READ, PAST_S, Ears, Listener
from agent.mind.snapshot import SnapshotStore
from listener.ring import Ring

RATE = 24_000


def note(on_s: float) -> PlannedNote:
    return PlannedNote("drums", on_s, on_s + 0.1, 36, 100, round(on_s * 8))


class FakeMind:
    """Plans at every frame, one note 100 ms ahead."""

    shared_models = SimpleNamespace(by_name={})
    resting = False

    def __init__(self) -> None:
        self.ahead: list[object] = []
        self.told: list[object] = []

    def step(self, frame):
        now_s = frame.end_s
        plan = Plan((note(now_s + 0.1),), (), now_s + 0.1, now_s)
        return SimpleNamespace(plan=plan, analysis=SimpleNamespace(time_s=now_s))

    def take_messages(self):
        return ["play a loop"]

    def send(self, message):
        self.told.append(message)

    def look_ahead(self, ahead):
        self.ahead.append(ahead)

    def share_models(self, *_):
        pass


class Post(list):
    def send(self, message):
        self.append(message)
        return True


@pytest.fixture
def ring() -> Ring:
    return Ring(10 * RATE, 1)


def listener(ring: Ring, snapshots: SnapshotStore | None = None) -> Listener:
    return Listener(
        FakeMind(), Ears(ring, None, RATE, None), Config(), ring, RATE, 0.0, snapshots or SnapshotStore(1 << 20)
    )


def sound(seconds: float) -> np.ndarray:
    return np.zeros((round(seconds * RATE), 1), np.float32)


def test_after_a_long_step_it_catches_up_in_bounded_steps_and_plans_in_time_again(ring):
    mind, plans, reports = listener(ring), Post(), Post()
    mind.poll(plans, reports)
    ring.write(sound(2.0))  # came while one step took two seconds
    turns = 0
    while mind.poll(plans, reports):
        turns += 1
        assert len(reports[-1].reports) <= -(-MAX_READ // 320)
    assert turns == 2 * RATE // MAX_READ
    late = [message for message in plans if isinstance(message, Plan) and message.created_s < 2.0 - PAST_S - 0.1]
    assert late and not any(plan.committed for plan in late), "what is long past is not sent"
    assert plans[-2].committed and plans[-2].committed_until_s == pytest.approx(2.1, abs=0.02)
    assert mind.pace.plan_p95_s == 0.0, "standing still is no planning time"
    ring.write(sound(0.02))
    mind.poll(plans, reports)
    ring.write(sound(0.02))
    mind.poll(plans, reports)
    assert mind.pace.plan_p95_s > 0


def test_what_was_said_before_the_end_is_not_said_again(ring):
    snapshots, plans, reports = SnapshotStore(1 << 20), Post(), Post()
    first = listener(ring, snapshots)
    ring.write(sound(0.1))
    first.poll(plans, reports)
    first.save_snapshot()
    ring.write(sound(0.1))
    first.poll(plans, reports)
    said, sent = sum(len(heard.reports) for heard in reports), len(plans)
    second = listener(ring, snapshots)
    assert second.restore()
    second.poll(plans, reports)
    assert (sum(len(heard.reports) for heard in reports), len(plans)) == (said, sent)
    ring.write(sound(0.1))
    second.poll(plans, reports)
    assert sum(len(heard.reports) for heard in reports) > said


def test_what_it_is_told_is_kept_soon(ring):
    snapshots = SnapshotStore(1 << 20)
    mind, plans, reports = listener(ring, snapshots), Post(), Post()
    mind.send("quieter")
    ring.write(sound(0.15))
    mind.poll(plans, reports)
    assert snapshots.newest() is None
    ring.write(sound(0.1))
    mind.poll(plans, reports)
    again = listener(ring, snapshots)
    assert again.restore() and again.mind.told == ["quieter"]


def test_a_state_that_does_not_fit_is_reported(ring):
    mind, plans, reports = listener(ring, SnapshotStore(100)), Post(), Post()
    for _ in range(2):
        ring.write(sound(1.1))
        while mind.poll(plans, reports):
            pass
    assert reports[-1].reports[-1].unkept_bytes > 100
    assert replace(reports[-1].reports[-1], unkept_bytes=0).unkept_bytes == 0


def test_in_a_silent_room_it_looks_less_often(ring):
    mind = listener(ring)
    busy_s = mind.wait_s
    mind.mind.resting = True
    assert mind.wait_s > busy_s > 0


def test_a_mind_that_is_so_late_that_sound_was_lost_goes_on_with_the_newest(ring):
    sent = Ring(10 * RATE, 1)
    ears = Ears(ring, sent, RATE, None)
    for each in (ring, sent):
        each.write(sound(6.0))
        each.write(sound(6.0))
    first, *_ = ears.read()
    assert first.start_sample / RATE == pytest.approx(11.5, abs=0.01)
    assert ears.dropped == first.start_sample
    assert ears.behind_s < 0.5
    heard = [frame.start_sample for _ in range(5) for frame in ears.read()]
    assert heard == list(range(heard[0], ring.written - 320, 320)), "from there on nothing is left out"
