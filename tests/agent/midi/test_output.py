"""MIDI out: ports are found by name, nothing is left sounding, and a real JACK client receives it."""

import pytest

from agent.audio.device_list import midi_apis
from agent.midi.output import MidiOutput, PartMidi, _find, open_output
from tests.rig import have_jackd, jack_server
from tests.waiting import wait_for

NAMES = ["a2j:Synth One (playback)", "a2j:Synth Two (playback)", "piano"]


class Wire:
    """A port that remembers, or refuses."""

    def __init__(self, broken: bool = False) -> None:
        self.sent: list[tuple[int, ...]] = []
        self.broken = broken

    def send_message(self, message: list[int]) -> None:
        if self.broken:
            raise RuntimeError("gone")
        self.sent.append(tuple(message))

    def close_port(self) -> None: ...
    def delete(self) -> None: ...


@pytest.mark.parametrize(("spec", "index"), [("PIANO", 2), ("synth two", 1), ("0", 0), ("2", 2)])
def test_a_port_is_found_by_part_of_its_name_or_its_number(spec, index):
    assert _find(spec, NAMES) == index


@pytest.mark.parametrize(
    ("spec", "says"), [("synth", "Synth One.*Synth Two"), ("organ", "piano.*virtual"), ("7", "piano")]
)
def test_an_unknown_or_ambiguous_port_is_one_line_with_the_candidates(spec, says):
    with pytest.raises(ValueError, match=says) as error:
        _find(spec, NAMES)
    assert "\n" not in str(error.value)


def test_panic_ends_every_note_then_clears_every_channel_used():
    wire = Wire()
    output = MidiOutput(wire, "wire")
    for message in [
        (0x99, 36, 100),
        (0x91, 60, 90),
        (0x91, 64, 90),
        (0x81, 60, 0),
        (0x92, 72, 80),
        (0x92, 72, 0),
    ]:
        output.send(message)
    assert output.sounding == {(9, 36), (1, 64)}
    before = len(wire.sent)
    output.panic()
    every_key_used = [(0x81, 60, 0), (0x81, 64, 0), (0x82, 72, 0), (0x89, 36, 0)]  # its note-off may have been missed
    assert wire.sent[before : before + 4] == every_key_used
    assert {(0xB0 | c, k, 0) for c in (1, 2, 9) for k in (64, 120, 123)} == set(wire.sent[before + 4 :])
    assert not output.sounding


def test_a_vanished_port_is_counted_and_logged_once(caplog):
    output = MidiOutput(Wire(broken=True), "gone")
    for _ in range(3):
        output.send((0x90, 60, 100))
    assert output.errors == 3
    assert len(caplog.records) == 1


def test_a_part_maps_channel_key_and_velocity():
    part = PartMidi(channel=9, program=5, bank=130, note_map={36: 35}, transpose=12, velocity_curve=2.0)
    assert part.apply((0x90, 36, 64)) == (0x99, 47, 32)
    assert part.apply((0x80, 36, 0)) == (0x89, 47, 0)
    assert part.apply((0x90, 40, 0)) == (0x99, 52, 0)
    assert part.apply((0x90, 120, 64)) is None
    assert part.apply((0xB3, 7, 99)) == (0xB9, 7, 99)
    assert part.setup() == ((0xB9, 0, 1), (0xB9, 32, 2), (0xC9, 5))


def test_no_midi_system_is_one_clear_line(monkeypatch):
    monkeypatch.setattr("agent.midi.output._runs", lambda api: False)
    with pytest.raises(ValueError, match="start jackd"):
        open_output("Synth")
    with pytest.raises(ValueError, match="alsa, jack, core, windows"):
        open_output("Synth", api="oss")


@pytest.fixture
def jack():
    if not have_jackd():
        pytest.skip("jackd is not installed")
    with jack_server() as environment:
        yield environment


def _receiver(name):
    import rtmidi

    receiver = rtmidi.MidiIn(rtmidi.API_UNIX_JACK, name)
    got: list[tuple[int, ...]] = []
    receiver.set_callback(lambda event, _: got.append(tuple(event[0])))
    return receiver, got


@pytest.mark.rig
def test_a_jack_synth_gets_the_notes_and_none_hangs_after_close(jack):
    receiver, got = _receiver("HardSynth")
    receiver.open_virtual_port("notes")
    assert any("HardSynth" in name for api in midi_apis() for name in api.outputs)
    output = open_output("hardsynth", api="jack", client_name="AntiphonTest")
    output.send((0x90, 60, 100))
    wait_for(lambda: (0x90, 60, 100) in got, 2)
    output.close()
    wait_for(lambda: (0xB0, 120, 0) in got, 2)
    assert got.index((0x80, 60, 0)) < got.index((0xB0, 64, 0)) < got.index((0xB0, 120, 0))
    receiver.close_port()
    receiver.delete()


@pytest.mark.rig
def test_others_connect_to_the_virtual_port(jack):
    output = open_output("virtual:band", client_name="AntiphonTest")
    receiver, got = _receiver("Listener")
    names = receiver.get_ports()
    receiver.open_port(next(i for i, name in enumerate(names) if "band" in name), "in")
    wait_for(lambda: output.send((0x99, 38, 90)) or (0x99, 38, 90) in got, 2)  # until the two are connected
    output.close()
    receiver.close_port()
    receiver.delete()
