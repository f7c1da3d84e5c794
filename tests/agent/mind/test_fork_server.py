"""Minds that die are there again, with all they knew; their fork server may die, too. Real processes, no sound card."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import numpy as np
import pytest
import soundfile

from agent.core.channel import Channel, channel
from agent.core.fork_client import ForkServer
from agent.core.fork_server import Call
from agent.core.messages import Stop
from agent.core.settings import BandConfig, Config
from agent.mind.mind_process import MindReady, MindReport, MindReports
from agent.mind.snapshot import SnapshotStore
from listener.ring import Ring
from tests.waiting import wait_for

TAKE = Path(__file__).parents[3] / "agent" / "assets" / "take.flac"
MIND = "agent.mind.mind_process"
CONFIG = Config(band=BandConfig(commit_ms=150))
RATE, SECONDS = 48_000, 7


class Stage:
    """A ring that is filled by hand, and whichever mind listens to it."""

    def __init__(self, server: ForkServer) -> None:
        self.ring = Ring(20 * RATE, 1)
        self.plans, self.plans_in = channel()
        self.server, self.snapshots = server, SnapshotStore()
        self.sound = soundfile.read(TAKE, dtype="float32", frames=SECONDS * RATE)[0].reshape(-1, 1)
        self.heard: list[MindReport] = []
        self.ends: tuple[Channel, ...] = ()

    def start(self) -> None:
        self.hang_up()
        self.commands, commands = channel()
        reports, self.reports = channel()
        args = (CONFIG, self.ring, None, RATE, None, 0.0, self.plans, commands, reports, self.snapshots)
        self.mind = self.server.spawn(Call(MIND, "main", args), "antiphon-mind")
        for end in (commands, reports):
            end.close()
        self.ends = self.commands, self.reports
        self.wait_for(lambda word: isinstance(word, MindReady))

    def hang_up(self) -> None:
        if self.ends:
            self.read()
        for end in self.ends:
            end.close()

    def read(self) -> list:
        words = []
        for message in self.reports.receive():
            words += message.reports if isinstance(message, MindReports) else [message]
        self.heard += [word for word in words if isinstance(word, MindReport)]
        return words

    def wait_for(self, said, timeout_s: float = 60.0) -> None:
        def has_said() -> bool:
            words = self.read()
            assert self.mind.is_alive() or any(said(word) for word in words), self.mind.exitcode
            return any(said(word) for word in words)

        wait_for(has_said, timeout_s, "the mind's word", 0.002)

    def play(self, until_s: float) -> None:
        """In steps a mind can follow; returns when all of it was heard."""
        while self.ring.written < until_s * RATE:
            self.ring.write(self.sound[self.ring.written : self.ring.written + RATE // 4])
            due_s = self.ring.written / RATE - 0.05
            self.wait_for(
                lambda word, due_s=due_s: isinstance(word, MindReport) and word.decision.analysis.time_s >= due_s
            )
            self.plans_in.receive()

    def close(self) -> None:
        self.mind.kill()
        self.mind.join(5)
        self.hang_up()
        for end in (self.plans, self.plans_in):
            end.close()


@pytest.fixture(scope="module")
def server():
    made = ForkServer("antiphon-fork", Call(MIND, "load", (CONFIG,)))
    made.prepare()
    yield made
    made.close()


@pytest.fixture
def stage(server):
    made = Stage(server)
    yield made
    made.close()


def test_killed_in_the_middle_it_goes_on_as_if_it_had_not_been(stage):
    stage.start()
    stage.play(SECONDS)
    alone = stage.heard
    stage.mind.kill()
    stage.mind.join(5)
    assert stage.mind.exitcode == -signal.SIGKILL

    stage.ring, stage.heard = Ring(20 * RATE, 1), []
    stage.snapshots = SnapshotStore()
    stage.start()
    for until_s in (3, 5.5):
        stage.play(until_s)
        stage.mind.kill()
        stage.mind.join(5)
        stage.start()
    os.kill(stage.server.fork_server_pid, signal.SIGKILL)
    time.sleep(0.05)
    assert stage.mind.is_alive(), "a mind outlives its fork server"
    stage.play(SECONDS)
    both = min(len(alone), len(stage.heard))  # the last frame or two may not have been waited for
    assert both > 74 * SECONDS
    assert [heard.decision for heard in stage.heard[:both]] == [heard.decision for heard in alone[:both]]
    assert any(heard.decision.plan and heard.decision.plan.committed for heard in alone)
    stage.mind.kill()
    stage.mind.join(5)
    stage.start()  # from a new fork server


def test_it_ends_when_told_and_when_its_parent_is_gone(stage):
    stage.start()
    stage.commands.send(Stop())
    stage.mind.join(5)
    assert stage.mind.exitcode == 0
    stage.start()
    stage.commands.close()
    stage.mind.join(5)
    assert stage.mind.exitcode == 0


def test_a_place_the_ring_no_longer_holds_is_given_up(stage):
    stage.start()
    stage.play(3)
    stage.mind.kill()
    stage.mind.join(5)
    for _ in range(20):
        stage.ring.write(np.zeros((RATE, 1), np.float32))
    stage.start()
    stage.ring.write(np.zeros((RATE // 4, 1), np.float32))
    stage.wait_for(lambda word: isinstance(word, MindReport))
    assert stage.heard[-1].decision.analysis.time_s > 23
