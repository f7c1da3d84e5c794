"""A real JACK server is killed, started again, or not there yet:
the audio process lives, its stream goes on in time.
"""

from __future__ import annotations

import shutil
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import pytest

from agent.core.messages import Go, Panic
from agent.core.settings import AudioConfig, Config
from agent.core.types import Plan, PlannedNote
from agent.engine.audio_process import AudioSetup
from listener.ring import Ring

jack = pytest.importorskip("jack")
from tests.audio_life import Life, jack_name  # noqa: E402
from tests.rig import leave  # noqa: E402
from tests.rings import written  # noqa: E402

pytestmark = [pytest.mark.rig, pytest.mark.skipif(not shutil.which("jackd"), reason="needs jackd2")]
RATE = 48_000
BLOCK_S = 128 / RATE


def setup(waits: bool = False, sent: bool = False) -> AudioSetup:
    rings = Ring(20 * RATE, 1), Ring(20 * RATE, 8), Ring(20 * RATE, 2) if sent else None
    config = Config(audio=AudioConfig(monitor_input="off"))
    return AudioSetup(config, RATE, None, None, 2, None, *rings, waits=waits)


@contextmanager
def life(given: AudioSetup) -> Iterator[Life]:
    one = Life(given)
    try:
        one.send(Go())
        yield one
    finally:
        one.close()


class Room:
    """A JACK client that plays a steady level into the microphone and hears what comes out."""

    def __init__(self) -> None:
        self.client = jack.Client("room")
        self._out = self.client.outports.register("out")
        self._in = self.client.inports.register("in")
        self.level = 0.25
        self.heard = 0.0
        self.client.set_process_callback(self._process)
        self.client.activate()

    def _process(self, n: int) -> None:
        self._out.get_array()[:] = self.level
        self.heard = max(self.heard, float(np.abs(self._in.get_array()).max()))

    def connect(self) -> bool:
        ears = self.client.get_ports("Antiphon-audio:in")
        mouths = self.client.get_ports("Antiphon-audio:out")
        if not ears or not mouths:
            return False
        self.client.connect(self._out, ears[0])
        self.client.connect(mouths[0], self._in)
        return True

    def close(self) -> None:
        leave(self.client.deactivate, self.client.close)


@contextmanager
def room(one: Life) -> Iterator[Room]:
    made = Room()
    try:
        assert one.wait(made.connect), "no ports"
        yield made
    finally:
        made.close()


def note(on_s: float) -> Plan:
    return Plan((PlannedNote("drums", on_s, on_s + 0.2, 38, 120, round(on_s * 100)),), (), on_s, on_s)


def stream_s(one: Life) -> float:
    """Stream seconds now, by the pair of the last report."""
    assert one.wait(lambda: one.last is not None)
    assert one.last
    return (one.last.samples + (time.monotonic() - one.last.monotonic_s) / one.last.period_s) / RATE


def hears_the_room(given: AudioSetup, level: float) -> bool:
    at = given.ring.written % given.ring.capacity
    return bool(at > 200 and np.allclose(written(given.ring, at - 100, at - 50), level))


def plays_into_the_room(one: Life, there: Room) -> bool:
    there.heard = 0.0
    one.plans.send(note(stream_s(one) + 0.3))
    return one.wait(lambda: there.heard > 0.001, 3)


def test_the_server_is_killed_and_comes_back() -> None:
    given = setup(sent=True)
    with jack_name() as server:
        server.start()
        with life(given) as one:
            with room(one) as there:
                assert one.wait(lambda: hears_the_room(given, 0.25))
                assert plays_into_the_room(one, there)
                began = one.last
                server.kill()
                killed_at = given.ring.written
            assert one.wait(lambda: one.last is not None and one.last.losses == 1, 3)
            time.sleep(1.0)
            one.plans.send(note(stream_s(one) + 0.2))  # the band goes on meanwhile
            assert one.last and one.last.card == ""
            server.start()
            assert one.wait(lambda: one.last is not None and one.last.returns == 1, 8), one.last
            there = Room()
            assert one.wait(there.connect)
            assert one.wait(lambda: hears_the_room(given, 0.25))
            assert plays_into_the_room(one, there)
            there.close()
            after = one.last
            assert began and after and began.card == after.card != ""
            drift_s = (after.samples - began.samples) * began.period_s - (after.monotonic_s - began.monotonic_s)
            assert abs(drift_s) < 2 * BLOCK_S + 0.004
            assert given.ring.written - given.sent.written in (0, 128)
            gap = written(given.ring, killed_at + 200, killed_at + RATE)
            assert not gap.any()
            assert after.silent_s > 1.0
            server.kill()  # and once more
            assert one.wait(lambda: one.last is not None and one.last.losses == 2, 3)
            server.start()
            assert one.wait(lambda: one.last is not None and one.last.returns == 2, 8), one.last
        assert one.process.exitcode == 0


def test_begins_before_there_is_a_card() -> None:
    given = setup(waits=True)
    with jack_name() as server, life(given) as one:
        assert one.wait(lambda: one.last is not None and one.last.silent_s > 0.5)
        assert one.last and one.last.card == "" and "microphone" in one.last.cause
        assert one.ready and one.ready.latency.output_s == 0
        server.start()
        assert one.wait(lambda: one.last is not None and one.last.card != "", 5)
        with room(one) as there:
            assert one.wait(lambda: hears_the_room(given, 0.25))
            assert plays_into_the_room(one, there)
        assert one.last.latency.output_s > 0
        assert one.last.losses == 0


def test_a_card_at_another_rate_is_waited_for() -> None:
    given = setup(waits=True)
    with jack_name() as server, life(given) as one:
        server.start(rate=44_100)
        assert one.wait(lambda: one.last is not None and "48000 Hz" in one.last.cause, 5)
        assert one.last and one.last.card == ""
        server.kill()
        server.start()
        assert one.wait(lambda: one.last is not None and one.last.card != "", 6), one.last


def test_killed_the_next_one_goes_on_where_it_was() -> None:
    given = setup(sent=True)
    with jack_name() as server:
        server.start()
        with life(given) as one:
            assert one.wait(lambda: one.last is not None and one.last.samples > RATE // 2)
            before = one.last
            one.kill()
        assert before
        with life(given) as two:
            assert two.wait(lambda: two.last is not None and two.last.card != "")
            with room(two) as there:
                assert two.wait(lambda: hears_the_room(given, 0.25))
                assert plays_into_the_room(two, there)
            after = two.last
            assert after
            drift_s = (after.samples - before.samples) * before.period_s - (after.monotonic_s - before.monotonic_s)
            assert abs(drift_s) < 2 * BLOCK_S + 0.004
            assert two.wait(lambda: given.stems.written >= given.ring.written)  # rendered ahead of what is heard
            two.send(Panic())
            assert two.wait(lambda: not two.said, 0.1)
        assert two.process.exitcode == 0


def test_a_server_that_stands_still_for_a_while_is_not_left() -> None:
    """SIGSTOP of JACK for a second: no sound comes, the connections stay, sound goes on."""

    given = setup()
    with jack_name() as server:
        server.start()
        with life(given) as one, room(one):
            assert one.wait(lambda: hears_the_room(given, 0.25))
            assert server.process
            server.process.send_signal(signal.SIGSTOP)
            time.sleep(1.0)
            server.process.send_signal(signal.SIGCONT)
            assert one.wait(lambda: one.last is not None and one.last.returns == one.last.losses == 1, 4), one.last
            assert one.wait(lambda: hears_the_room(given, 0.25))  # nobody connected it again
