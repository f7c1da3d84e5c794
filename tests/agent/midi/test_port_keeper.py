"""An instrument that vanishes is missed, looked for and played again; no note hangs and nothing is sent twice."""

import subprocess
import sys
import threading
import time
from contextlib import contextmanager

import pytest

from agent.midi import port_watch
from agent.midi.band_port import MidiBand
from agent.midi.output import MidiOutput, PartMidi, find_again, open_output
from agent.midi.port_keeper import PortKeeper, absent
from agent.midi.port_watch import ListPortWatch
from tests.agent.midi.test_output import Wire
from tests.audio_life import jack_name
from tests.rig import have_jackd
from tests.waiting import wait_for

PARTS = {"chords": PartMidi(channel=1, program=4)}
ON, OFF = (0x90, 60, 100), (0x80, 60, 0)


@pytest.mark.parametrize(
    ("spec", "before", "names", "found"),
    [
        ("synth", "a:synth", ["b:synth two", "a:synth"], "a:synth"),
        ("fluid", "FLUID Synth (12):in 128:0", ["Midi Through 14:0", "FLUID Synth (977):in 129:0"], 1),
        ("1", "FLUID Synth (12):in 128:0", ["x", "y", "FLUID Synth (977):in 129:0"], 2),
        ("fluid", "fluid-midi:m_00", ["fluid-midi-01:m_00", "fluid-midi-02:m_00"], 0),
        ("piano", "piano:in", ["organ:in"], None),
    ],
)
def test_a_port_is_known_again_by_its_name_its_spec_or_its_name_without_numbers(spec, before, names, found):
    assert find_again(spec, before, names) == (names[found] if isinstance(found, int) else found)


class Bench:
    """Ports that come and go, as RtMidi lists them."""

    def __init__(self):
        self.names, self.wires = ["Synth 20:0"], []

    def client(self, api, name):
        bench = self

        class Port(Wire):
            def get_ports(self):
                return list(bench.names)

            def open_port(self, index, name):
                bench.wires.append(self)

        return Port()


@pytest.fixture
def bench(monkeypatch):
    bench = Bench()
    monkeypatch.setattr(port_watch, "client", bench.client)
    return bench


def keeper_of(output, returned):
    return PortKeeper(output, ListPortWatch(output, "synth", "Antiphon"), lambda: returned.append(output.name))


def look(keeper):
    """What the thread does, with a sender that answers at once."""
    real = keeper._closing.wait
    keeper._closing.wait = lambda _: keeper.poll()
    keeper.look()
    keeper._closing.wait = real
    keeper.poll()


def test_a_vanished_instrument_is_missed_once_and_played_again_under_its_new_number(bench, caplog):
    first, returned = Wire(), []
    caplog.set_level("INFO")
    output = MidiOutput(first, "Synth 20:0", "alsa")
    keeper = keeper_of(output, returned)
    output.send(ON)
    look(keeper)
    bench.names = ["Midi Through 14:0"]
    for _ in range(3):
        look(keeper)
        output.send(OFF)
        output.send(ON)
    assert first.sent == [ON]
    assert (output.dropped, keeper.losses, returned) == (3, 1, [])
    assert len(caplog.records) == 1
    bench.names = ["Midi Through 14:0", "Synth 24:0"]
    look(keeper)
    assert returned == ["Synth 24:0"]
    output.send(ON)
    assert bench.wires[-1].sent == [ON]
    assert output.dropped == 3
    assert keeper.cause == ""


def test_a_port_that_refuses_messages_is_opened_anew(bench):
    output, returned = MidiOutput(Wire(broken=True), "Synth 20:0", "alsa"), []
    keeper = keeper_of(output, returned)
    output.send(ON)
    look(keeper)
    output.send(ON)
    assert bench.wires[-1].sent == [ON]


def test_the_port_belongs_to_one_thread_at_a_time(bench):
    wire, returned = Wire(), []
    output = MidiOutput(wire, "Synth 20:0", "alsa")
    keeper = keeper_of(output, returned)
    closed = []
    wire.close_port = lambda: closed.append(output.is_open)
    bench.names = []
    look(keeper)
    assert closed == [False]  # the sender had let it go before


def test_an_instrument_that_is_not_there_yet_is_played_when_it_comes(bench):
    bench.names, returned = [], []
    output = MidiOutput(None, "synth", "alsa")
    keeper = keeper_of(output, returned)
    look(keeper)
    output.send(ON)
    assert (output.dropped, keeper.losses, returned) == (1, 0, [])
    bench.names = ["Synth 20:0"]
    for _ in range(3):
        look(keeper)
    assert returned == [output.name] == ["Synth 20:0"]
    assert len(bench.wires) == 1


def test_close_leaves_nothing_behind_whether_it_is_there_or_not(bench):
    for names in (["Synth 20:0"], []):
        bench.names = names
        output = MidiOutput(Wire(), "Synth 20:0", "alsa")
        keeper = keeper_of(output, [])
        keeper.start()
        look(keeper)
        keeper.close()
        output.close()
        assert not keeper._thread.is_alive()


# -- a real server --------------------------------------------------------------------------------------------


@pytest.fixture
def jackd():
    if not have_jackd():
        pytest.skip("jackd is not installed")
    with jack_name() as server:
        server.start()
        yield server


SYNTH = """
import sys, rtmidi
port = rtmidi.MidiIn(rtmidi.API_UNIX_JACK, sys.argv[1]); port.ignore_types(timing=False)
port.set_callback(lambda event, _: print(*event[0], flush=True))
port.open_virtual_port("in"); sys.stdin.read(); port.close_port(); port.delete()
"""


@contextmanager
def synth(name):
    """A hardware synth in a process of its own; what it was told stands in the list."""
    process = subprocess.Popen(
        [sys.executable, "-c", SYNTH, name], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    got = []
    reader = threading.Thread(target=lambda: got.extend(tuple(map(int, line.split())) for line in process.stdout))
    reader.start()
    try:
        yield got
    finally:
        process.kill()
        process.wait()
        reader.join()
        process.stdin.close()
        process.stdout.close()


def _play_until(band, condition, seconds=8.0):
    """The audio loop: a note on and off 20 times a second, until the condition holds."""
    deadline_s, longest_s = time.monotonic() + seconds, 0.0
    while not condition() and time.monotonic() < deadline_s:
        began_s = time.monotonic()
        for message in (ON, OFF):
            band.poll()
            band.send("chords", message)
        longest_s = max(longest_s, time.monotonic() - began_s)
        time.sleep(0.05)
    assert condition()
    return longest_s


@pytest.mark.rig
def test_on_jack_a_synth_that_was_killed_is_played_again_with_its_program_and_no_hanging_note(jackd):
    with synth("HardSynth") as first:
        wait_for(lambda: any("HardSynth" in name for name in open_names()), 2)
        band = MidiBand(open_output("hardsynth", "jack"), PARTS, spec="hardsynth")
        _play_until(band, lambda: (0x91, 60, 100) in first)
    _play_until(band, lambda: band.losses == 1)
    _play_until(band, lambda: band.unheard > 3)
    with synth("HardSynth-01") as second:
        _play_until(band, lambda: (0x91, 60, 100) in second)
        assert second.index((0xC1, 4)) < second.index((0xB1, 123, 0))
        band.close()
        wait_for(lambda: second.count((0xB1, 120, 0)) >= 2, 2)
        ons, offs = ([i for i, m in enumerate(second) if m[:2] == (kind, 60) and m[0] == kind] for kind in (0x91, 0x81))
        assert max(ons) < max(offs)


@pytest.mark.rig
def test_a_killed_jack_server_stops_neither_the_band_nor_its_return(jackd):
    with synth("HardSynth") as first:
        wait_for(lambda: any("HardSynth" in name for name in open_names()), 2)
        band = MidiBand(open_output("hardsynth", "jack"), PARTS, spec="hardsynth")
        _play_until(band, lambda: (0x91, 60, 100) in first)
        jackd.kill()
        _play_until(band, lambda: band.losses == 1)
    assert _play_until(band, lambda: band.unheard > 20) < 0.1  # the dead server's full buffer would block for ever
    jackd.start()
    with synth("HardSynth") as second:
        _play_until(band, lambda: (0x91, 60, 100) in second)
        band.close()
        wait_for(lambda: (0xB1, 120, 0) in second[-4:], 2)


@pytest.mark.rig
def test_a_band_that_began_before_its_server_and_its_synth_finds_both(jackd):
    jackd.kill()
    band = MidiBand(absent("hardsynth", None), PARTS, spec="hardsynth")
    _play_until(band, lambda: band.unheard > 3)
    jackd.start()
    time.sleep(1.5)
    with synth("HardSynth") as got:
        _play_until(band, lambda: (0x91, 60, 100) in got)
        band.close()
    assert band.losses == 0


@pytest.mark.rig
def test_a_virtual_port_that_died_with_its_server_is_made_anew(jackd):
    band = MidiBand(open_output("virtual:band", "jack"), PARTS, spec="virtual:band")
    jackd.kill()
    _play_until(band, lambda: band.losses == 1)
    jackd.start()
    _play_until(band, lambda: not band.cause and any("band" in name for name in open_names(sources=True)))
    assert band.losses == 1
    band.close()


def open_names(sources=False):
    from agent.midi import jack_client

    if not (watch := jack_client.watch("look")):
        return []
    names = watch.sources() if sources else watch.targets()
    watch.close()
    return names
