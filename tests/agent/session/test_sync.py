"""The beat of other machines reaches the mind in stream time, and ours reaches them."""

from __future__ import annotations

import time
from dataclasses import replace
from types import SimpleNamespace

import mido
import numpy as np
import pytest

from agent.core.config import load
from agent.core.errors import UserError
from agent.core.messages import FollowGrid
from agent.core.settings import Config
from agent.leading.led_grid import LedGrid, Span
from agent.session.inputs import Inputs
from agent.session.sync import StreamTime, Sync
from listener.types import Grid, Meter
from tests.link_room import link_room

FOUR = Meter(4, 4)
CLOCK = StreamTime(48_000, 48_000.0, 1000.0, 1 / 48_009.6)  # one second of sound by then, and a card 200 ppm fast
TURN_S = 0.02
TICK, START, STOP = (bytes(mido.Message(kind).bytes()) for kind in ("clock", "start", "stop"))


def config(**keys: object) -> Config:
    return load(None, {"midi.input": "virtual"} | {name.replace("__", "."): value for name, value in keys.items()})


class Machine:
    """A sequencer at 100 bpm whose first downbeat is at 1002 s, with jitter; MIDI as a tap gives it."""

    def __init__(self, until_s: float = 1e9) -> None:
        rng = np.random.default_rng(3)
        ticks = 1002.0 + np.arange(2400) * 0.6 / 24
        self._coming = [
            (float(at_s), TICK) for at_s in ticks + rng.uniform(-0.002, 0.002, len(ticks)) if at_s < until_s
        ]
        self._coming.insert(0, (1001.5, START))
        self.now_s = 1000.0

    def poll(self) -> list[tuple[float, bytes]]:
        came = [message for message in self._coming if message[0] <= self.now_s]
        self._coming = self._coming[len(came) :]
        return came


def play(sync: Sync, machine: Machine, until_s: float, own: Grid | None = None) -> list[FollowGrid]:
    told = []
    while machine.now_s < until_s:
        machine.now_s += TURN_S
        told += sync.poll(CLOCK, own, machine.now_s)
    return told


def test_midi_clock_leads_in_stream_time_with_the_inputs_latency_between() -> None:
    machine = Machine()
    sync = Sync(config(sync__source="midi"), machine, input_s=0.01)
    told = play(sync, machine, 1020.0)
    grid = told[-1].grid
    assert grid and grid.confidence == 1.0 and sync.leads
    beat = round(grid.beat_at(CLOCK.stream_of(1002.0 + 40 * 0.6) + 0.01))
    assert grid.time_of(beat) == pytest.approx(CLOCK.stream_of(1002.0 + 40 * 0.6) + 0.01, abs=0.002)
    assert grid.position_of(beat) == 1  # beat 40 from a downbeat, in 4/4
    assert grid.period_s == pytest.approx(0.6 * 1.0002, rel=1e-3)


def test_the_mind_hears_of_each_beat_and_not_of_every_turn() -> None:
    machine = Machine()
    told = play(Sync(config(sync__source="midi"), machine), machine, 1062.0)
    assert 95 <= len(told) <= 250  # 100 beats, 3000 turns


def test_beats_are_numbered_on_from_the_ears_own() -> None:
    machine = Machine()
    own = Grid(0.5, 70, 2, 0.6, FOUR, 0.9, 0.9)
    told = play(Sync(config(sync__source="midi"), machine), machine, 1010.0, own)
    indices = [message.grid.index for message in told if message.grid]
    assert indices[0] > own.beat_at(CLOCK.stream_of(1002.0)) - 1 and indices == sorted(indices)


def test_a_machine_that_goes_away_gives_the_beat_back_once_and_may_return() -> None:
    machine = Machine(until_s=1010.0)
    sync = Sync(config(sync__source="midi"), machine)
    told = play(sync, machine, 1020.0)
    assert [message.grid for message in told].count(None) == 1 and told[-1].grid is None and not sync.leads
    assert "MIDI clock" in sync.says and "player" in sync.says
    last = max(message.grid.index for message in told if message.grid)
    sync.push([(1020.0, START), *((1020.0 + k * 0.025, TICK) for k in range(48))])
    machine.now_s = 1021.2
    back = sync.poll(CLOCK, None, machine.now_s)
    assert back and back[0].grid and back[0].grid.index > last


def test_a_beat_that_is_followed_or_given_back_is_news_and_no_warning(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    machine = Machine(until_s=1010.0)
    play(Sync(config(sync__source="midi"), machine), machine, 1020.0)
    assert [record.levelname for record in caplog.records] == ["INFO", "INFO"]


def test_the_ears_need_nobody() -> None:
    assert Sync(config()).poll(CLOCK, None, 1.0) == []


def test_the_bar_is_that_of_the_config() -> None:
    machine = Machine()
    told = play(Sync(config(sync__source="midi", band__meter="7/8"), machine), machine, 1010.0)
    assert (
        told[-1].grid and told[-1].grid.meter.numerator == 7 and told[-1].grid.period_s == pytest.approx(0.3, rel=1e-3)
    )


def test_a_band_gives_its_beat_to_a_link_session_and_another_follows_it() -> None:
    with link_room():
        give_and_follow()


def give_and_follow() -> None:
    here, there = (
        StreamTime(48_000, 0.0, time.monotonic(), 1 / 48_000),
        StreamTime(44_100, 9e6, time.monotonic(), 1 / 44_100),
    )
    giver = Sync(config(sync__link=True), input_s=0.005)
    follower = Sync(config(sync__source="link"), input_s=0.02)
    led = Span(12, 2.024, 0.456, FOUR)  # bars that the band leads, in stream time
    ours = LedGrid(0.2, 8, 1, 0.456, FOUR, 0.9, 0.9, spans=(led,))
    theirs = None
    try:
        giver.poll(
            here, replace(ours, confidence=0.1, period_s=0.9), time.monotonic()
        )  # nothing the band would play to
        deadline_s = time.monotonic() + 8
        while time.monotonic() < deadline_s and not (theirs and abs(theirs.period_s - 0.456) < 1e-4):
            giver.poll(here, ours, time.monotonic())
            for message in follower.poll(there, None, time.monotonic()):
                theirs = message.grid or theirs
            time.sleep(TURN_S)
        if theirs is None:
            pytest.skip("no multicast on this machine")
        heard = follower.poll(there, None, time.monotonic() + 0.5)
        theirs = (heard[-1].grid if heard else None) or theirs
        beat_s = there.monotonic_of(theirs.anchor_s - 0.02)  # in the room
        place = (ours.position - 1 + ours.beat_at(here.stream_of(beat_s) + 0.005) - ours.index) % 4
        apart = (place - (theirs.position - 1)) % 4
        assert min(apart, 4 - apart) * 0.456 < 0.003
    finally:
        giver.close()
        follower.close()


def test_midi_clock_needs_a_port() -> None:
    with pytest.raises(UserError, match=r"midi\.input"):
        Sync(config(sync__source="midi", midi__input=None))


def test_a_session_that_cannot_have_its_link_leaves_no_midi_port_open(monkeypatch: pytest.MonkeyPatch) -> None:
    closed: list[bool] = []

    def no_link(*_: object) -> None:
        raise UserError("Link is not installed")

    monkeypatch.setattr("agent.session.inputs.Sync", no_link)
    monkeypatch.setattr(
        "agent.session.inputs.MidiIn", lambda *_: SimpleNamespace(tap=list, close=lambda: closed.append(True))
    )
    with pytest.raises(UserError, match="not installed"):
        Inputs(config(sync__link=True), lambda line: None, lambda message: None)
    assert closed == [True]
