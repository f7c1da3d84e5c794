"""A worker that dies, stops or falls silent is restarted, at once or, in a crash loop, later; no note hangs."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Iterator

import pytest

from agent.core.channel import Channel
from agent.core.messages import Failed
from agent.session import supervisor
from agent.session.supervisor import BACK_OFF_S, EARLY_DEATHS_MAX, Worker, is_stopped
from tests.waiting import wait_for


class Sleeper:
    """A real process that does nothing, with the interface of multiprocessing's."""

    def __init__(self) -> None:
        self._child = subprocess.Popen(["sleep", "60"])
        self.pid: int | None = self._child.pid

    @property
    def exitcode(self) -> int | None:
        return self._child.poll()

    def is_alive(self) -> bool:
        return self.exitcode is None

    def kill(self) -> None:
        self._child.kill()

    def join(self, timeout: float | None = None) -> None:
        try:
            self._child.wait(timeout)
        except subprocess.TimeoutExpired:
            return


class Lives:
    """What a worker's start function keeps of each life: its process and its own ends of the channels."""

    def __init__(self) -> None:
        self.reports: list[Channel] = []
        self.processes: list[Sleeper] = []

    def start(self, commands: Channel, reports: Channel) -> Sleeper:
        self.reports.append(Channel(reports._socket.dup()))
        self.processes.append(Sleeper())
        return self.processes[-1]


@pytest.fixture
def lives() -> Iterator[Lives]:
    made = Lives()
    yield made
    for process in made.processes:
        process.kill()
        process.join()
    for end in made.reports:
        end.close()


@pytest.fixture
def worker(lives: Lives) -> Iterator[Worker]:
    made = Worker("test", lives.start)
    made.start()
    yield made
    made.end(0.0)


def test_a_killed_worker_is_noticed_at_once_and_replaced(worker: Worker, lives: Lives) -> None:
    assert worker.trouble() == ""
    lives.processes[0].kill()
    cause = wait_for(worker.trouble)
    assert cause == "the test process died (SIGKILL)"
    worker.schedule_restart(cause)
    assert worker.restart_when_due()
    assert worker.alive
    assert (worker.history.restarts, worker.history.causes) == (1, [cause])
    assert not worker.restart_when_due(), "one is enough"


def test_a_stopped_worker_is_killed_and_replaced_within_a_second(worker: Worker, lives: Lives) -> None:
    lives.reports[0].send("ready")
    assert worker.receive() == ["ready"]
    os.kill(lives.processes[0].pid or 0, signal.SIGSTOP)
    wait_for(lambda: is_stopped(lives.processes[0].pid))
    began_s = time.monotonic()
    assert wait_for(worker.trouble, 1.0) == "the test process was stopped"
    worker.schedule_restart("stopped")
    assert worker.restart_when_due()
    assert time.monotonic() - began_s < 1.0
    assert not lives.processes[0].is_alive()


def test_only_a_worker_that_owes_a_report_is_silent(
    worker: Worker, lives: Lives, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervisor, "SILENT_S", 0.3)
    lives.reports[0].send("ready")
    worker.receive()
    for _ in range(20):
        assert worker.trouble(owes_report=False) == ""
        time.sleep(0.02)
    assert "did not respond" in wait_for(worker.trouble)


def test_the_supervisors_own_sleep_is_nobodys_fault(
    worker: Worker, lives: Lives, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervisor, "SILENT_S", 0.5)
    monkeypatch.setattr(supervisor, "JUMP_S", 0.3)
    lives.reports[0].send("ready")
    worker.receive()
    time.sleep(0.6)  # as when the lid was closed
    assert worker.trouble() == ""


def test_a_crash_loop_backs_off_twice_as_long_each_time(worker: Worker, lives: Lives) -> None:
    waits = []
    for _ in range(EARLY_DEATHS_MAX + 3):
        worker.schedule_restart("again")
        waits.append(worker.history.wait_s)
        worker.start()
    first_s, _ = BACK_OFF_S
    assert waits == [0.0] * EARLY_DEATHS_MAX + [first_s, 2 * first_s, 4 * first_s]
    assert worker.history.loops
    worker.schedule_restart("again")
    assert not worker.restart_when_due(), "not before its time"


def test_a_burst_of_kills_is_no_crash_loop(worker: Worker, lives: Lives) -> None:
    for _ in range(2 * EARLY_DEATHS_MAX):
        lives.reports[-1].send("ready")
        assert worker.receive() == ["ready"]
        lives.processes[-1].kill()
        worker.schedule_restart(wait_for(worker.trouble))
        assert worker.restart_when_due(), "at once"
    assert not worker.history.loops


def test_a_cause_of_failure_is_told_in_the_workers_own_words(worker: Worker, lives: Lives) -> None:
    lives.reports[0].send(Failed("no weights"))
    lives.processes[0].kill()
    lives.processes[0].join()
    assert worker.receive() == []
    assert worker.trouble() == "no weights"
    assert not worker.ready


def test_what_the_last_life_left_unread_concerns_nobody(worker: Worker, lives: Lives) -> None:
    lives.reports[0].send("old")
    worker.schedule_restart("killed")
    assert worker.restart_when_due()
    assert worker.receive() == []
    lives.reports[1].send("new")
    assert worker.receive() == ["new"]
