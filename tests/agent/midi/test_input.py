"""One MIDI input for all who listen: it comes, goes and comes back, and nobody waits for it."""

from __future__ import annotations

import time

import pytest

from agent.midi.input import QUEUE, MidiIn, Moments
from tests.rig import have_jackd, jack_server
from tests.waiting import wait_for


class FakeSource:
    def __init__(self) -> None:
        self.messages: list[tuple[list[int], float]] = []
        self.here, self.closed = True, False

    def get_message(self) -> tuple[list[int], float] | None:
        return self.messages.pop(0) if self.messages else None

    def is_here(self) -> bool:
        return self.here

    def close(self) -> None:
        self.closed = True


def test_every_listener_gets_every_message() -> None:
    source = FakeSource()
    midi = MidiIn("pedal", opener=lambda *_: source)
    other = midi.tap()
    wait_for(lambda: midi.is_open)
    source.messages = [([0x90, 60, 100], 0.0), ([0x90, 62, 100], 0.0)]
    assert [message for _, message in midi.poll()] == [b"\x90\x3c\x64", b"\x90\x3e\x64"]
    assert [message for _, message in other.poll()] == [b"\x90\x3c\x64", b"\x90\x3e\x64"]
    assert midi.poll() == other.poll() == []
    midi.close()
    assert source.closed


def test_a_listener_who_sleeps_loses_the_oldest_and_is_told_how_many() -> None:
    source = FakeSource()
    midi = MidiIn("pedal", opener=lambda *_: source)
    sleeper = midi.tap()
    wait_for(lambda: midi.is_open)
    for n in range(QUEUE + 10):
        source.messages.append(([0xB0, 1, n % 128], 0.001))
        midi.poll()
    assert sleeper.dropped == 10
    assert len(sleeper.poll()) == QUEUE
    midi.close()


def test_a_port_that_is_not_there_is_waited_for_and_one_that_vanishes_is_opened_again() -> None:
    made: list[FakeSource] = []

    def opener(*_: object) -> FakeSource:
        made.append(FakeSource())
        if len(made) == 1:
            raise ValueError("no MIDI port 'pedal'")
        return made[-1]

    midi = MidiIn("pedal", opener=opener, check_s=0.01)
    wait_for(lambda: midi.is_open)
    made[-1].here = False
    wait_for(lambda: len(made) == 3 and midi.is_open)
    assert made[1].closed
    assert "open" in midi.state
    midi.close()


def test_moments_are_those_of_the_port_not_those_of_looking() -> None:
    moments, looked_s, found = Moments(), 100.0, []
    for n in range(500):  # a message every 20.83 ms, looked for 0 to 15 ms later
        looked_s = 100.0 + n * 0.0208333 + (n * 7 % 16) / 1000
        found += moments.of([0.0208333 if n else 0.0], looked_s)
    error = [at_s - (100.0 + n * 0.0208333) for n, at_s in enumerate(found)][16:]
    assert max(map(abs, error)) < 1e-4


def test_moments_find_their_way_after_lost_messages() -> None:
    moments = Moments()
    moments.of([0.0], 10.0)
    assert moments.of([0.02], 13.0) == [pytest.approx(13.0)]  # 3 s of messages were lost, their gaps too


@pytest.mark.rig
@pytest.mark.skipif(not have_jackd(), reason="no jackd")
def test_on_jack_the_port_vanishes_and_returns_and_clock_comes_through() -> None:
    import rtmidi

    with jack_server():
        midi = MidiIn("treadle", "jack", wants_clock=True, check_s=0.2)
        for _ in range(2):  # the second time it has vanished and come back under the same name
            pedal = rtmidi.MidiOut(rtmidi.API_UNIX_JACK, "treadle")
            pedal.open_virtual_port("out")
            wait_for(lambda: midi.is_open, 10)
            wait_for(lambda pedal=pedal: _arrives(pedal, midi), 10)
            pedal.close_port()
            pedal.delete()
            wait_for(lambda: not midi.is_open, 10)
        midi.close()


def _arrives(pedal: object, midi: MidiIn) -> bool:
    pedal.send_message([0xF8])  # type: ignore[attr-defined]
    found = midi.poll()
    return bool(found) and found[-1][1] == b"\xf8" and abs(found[-1][0] - time.monotonic()) < 0.1
