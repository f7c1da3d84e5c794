"""Devices are found by number and by name, and a wrong name is answered with the right ones."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from agent.audio import device_list
from agent.audio.device_list import AudioDevice, find_card
from agent.core.errors import UserError
from agent.core.settings import AudioConfig

ROOT = Path(__file__).parents[3]
LATENCY = (8.7, 34.8)


def device(index: int, api: str, name: str, inputs: int, outputs: int, default: bool = False) -> AudioDevice:
    return AudioDevice(index, api, name, inputs, outputs, 48_000, LATENCY, LATENCY, default, default)


STUDIO = (
    device(0, "ALSA", "HDA Intel: ALC (hw:0,0)", 2, 2),
    device(1, "ALSA", "Scarlett 8i6: USB (hw:1,0)", 8, 6),
    device(2, "ALSA", "Scarlett Solo: USB (hw:2,0)", 2, 2),
    device(3, "ALSA", "default", 128, 128, default=True),
    device(4, "ALSA", "HDMI 0", 0, 8),
    device(5, "JACK Audio Connection Kit", "system", 2, 2, default=True),
)


@pytest.fixture
def studio(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(device_list, "audio_devices", lambda: STUDIO)


def test_a_jack_client_whose_name_is_a_pattern_is_explained(monkeypatch: pytest.MonkeyPatch) -> None:
    odd = device(6, "JACK Audio Connection Kit", "Scarlett 2i2 USB (hw-1,0)", 0, 0)
    monkeypatch.setattr(device_list, "audio_devices", lambda: (*STUDIO, odd))
    with pytest.raises(UserError, match=r"as a pattern and finds no channels.* without brackets") as caught:
        find_card(AudioConfig(input="Scarlett 2i2 USB"), wants_input=True)
    assert len(str(caught.value).splitlines()) == 1


def no_portaudio() -> tuple[AudioDevice, ...]:
    raise UserError(device_list.NO_PORTAUDIO)


@pytest.mark.usefixtures("studio")
def test_a_device_is_found_by_number_part_of_its_name_or_default() -> None:
    specs = (1, "1", "scarlett 8i6", "JACK", "default", None)
    cards = [find_card(AudioConfig(input=spec), wants_input=True) for spec in specs]
    assert [card and card.input_device for card in cards] == [1, 1, 1, 5, 3, 3]
    card = find_card(AudioConfig(output="hdmi"), wants_input=True)
    assert card
    assert card.output_device == 4


@pytest.mark.usefixtures("studio")
@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ("scarlett", "matches several devices; input devices: 1: Scarlett 8i6: USB (hw:1,0), ALSA; 2: Scarlett Solo"),
        ("theremin", "'theremin' was not found; input devices: 0: HDA"),
        ("HDMI 0", "was not found"),
        (4, "was not found"),
        (99, "99 was not found"),
    ],
)
def test_an_unknown_or_ambiguous_name_is_answered_with_the_candidates(spec: str | int, said: str) -> None:
    with pytest.raises(UserError) as caught:
        find_card(AudioConfig(input=spec), wants_input=True)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.usefixtures("studio")
def test_the_card_keeps_both_sides_on_one_host_api() -> None:
    for audio in (AudioConfig(input="JACK"), AudioConfig(output="system")):
        card = find_card(audio, wants_input=True)
        assert card
        assert (card.input_device, card.output_device) == (5, 5)


@pytest.mark.usefixtures("studio")
def test_the_card_opens_the_channels_that_are_meant() -> None:
    def channels(audio: AudioConfig) -> tuple[int, int]:
        card = find_card(audio, wants_input=True)
        assert card
        return card.input_channels, card.output_channels

    assert channels(AudioConfig()) == (2, 2)  # not the 128 of ALSA's "default"
    assert channels(AudioConfig(input=1, output=1)) == (8, 2)
    assert channels(AudioConfig(input=1, input_channel=3)) == (3, 2)
    with pytest.raises(UserError, match=r"input_channel is 9, .* choose 1 to 8"):
        find_card(AudioConfig(input=1, input_channel=9), wants_input=True)


@pytest.mark.usefixtures("studio")
def test_a_side_that_is_not_wanted_is_not_opened() -> None:
    deaf = find_card(AudioConfig(input="theremin"), wants_input=False)
    mute = find_card(AudioConfig(output="theremin", output_enabled=False), wants_input=True)
    assert deaf
    assert deaf.input_device is None
    assert mute
    assert mute.output_device is None


def test_without_portaudio_only_a_named_device_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(device_list, "audio_devices", no_portaudio)
    assert find_card(AudioConfig(), wants_input=True) is None
    assert find_card(AudioConfig(input="Scarlett"), wants_input=False) is None
    with pytest.raises(UserError, match="libportaudio2"):
        find_card(AudioConfig(input="Scarlett"), wants_input=True)


def test_without_any_device_there_is_no_card(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(device_list, "audio_devices", lambda: ())
    assert find_card(AudioConfig(), wants_input=True) is None


MISSING_LIBRARY = """
import ctypes.util
ctypes.util.find_library = lambda name: None
from agent.audio import device_list
raise SystemExit(device_list.run(False))
"""


def test_a_machine_without_the_portaudio_library_is_told_what_to_install() -> None:
    done = subprocess.run([sys.executable, "-c", MISSING_LIBRARY], capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0
    assert "apt install libportaudio2" in done.stdout
    assert "MIDI ports" in done.stdout
    assert "Traceback" not in done.stderr


def test_this_machine_is_listed_as_json_without_chatter(capfd: pytest.CaptureFixture[str]) -> None:
    assert device_list.run(as_json=True) == 0
    said = capfd.readouterr()
    listed = json.loads(said.out)
    assert set(listed) == {"audio", "midi", "problems"}
    assert listed["midi"] or listed["problems"]
    assert said.err == ""
