"""Which card is opened, and how, when it is looked for again; and a rig for one that is not there yet."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from agent.audio import card_finder, device_list
from agent.audio.card_finder import Finder
from agent.audio.device_list import Card
from agent.core.errors import UserError
from agent.core.settings import AudioConfig, Config
from agent.session import setup
from listener.ring import Ring

ANY = AudioConfig()
SCARLETT = Card(48_000, 1, 2, "Scarlett", 1, 2, "Scarlett", "ALSA", "ALSA")


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What each card was opened with."""
    calls: list[dict[str, Any]] = []

    def open_card(*args: Any, **more: Any) -> Any:
        calls.append({"args": args, "pair": args[0], **more})
        return SimpleNamespace(detach=lambda: None, latency=card_finder.Latency())

    monkeypatch.setattr(card_finder, "SoundCard", open_card)
    return calls


def seeker(card: Card | None, audio: AudioConfig = ANY, reads_input: bool = True) -> Finder:
    playback = Ring(1_024, 2).reader()
    return Finder(audio, 48_000, Ring(1_024, 2), playback, reads_input, look=lambda audio, wants: card)


@pytest.mark.parametrize(
    ("card", "two_clocks"),
    [
        (SCARLETT, False),
        (replace(SCARLETT, output_device=4, output_name="HDMI"), True),
        (replace(SCARLETT, output_device=4, input_api=(jack := "JACK Audio Connection Kit"), output_api=jack), False),
        (replace(SCARLETT, output_device=None, output_channels=0), False),
    ],
)
def test_two_devices_have_two_clocks_unless_a_server_keeps_them_together(
    opened: list[dict[str, Any]], card: Card, two_clocks: bool
) -> None:
    seeker(card).find()
    assert opened[0]["pair"].two_clocks is two_clocks


def test_a_card_with_fewer_channels_is_heard_and_played_on_those_it_has(opened: list[dict[str, Any]]) -> None:
    seeker(replace(SCARLETT, input_channels=1, output_channels=1)).find()
    assert (opened[0]["pair"].input_channels, opened[0]["pair"].output_channels) == (1, 1)


@pytest.mark.usefixtures("opened")
def test_what_is_not_there_is_said() -> None:
    with pytest.raises(UserError, match="waiting for the microphone Scarlett"):
        seeker(None, AudioConfig(input="Scarlett")).find()
    with pytest.raises(UserError, match="waiting for the loudspeaker"):
        seeker(replace(SCARLETT, output_device=None), reads_input=False).find()


@pytest.mark.usefixtures("opened")
def test_a_device_given_by_number_is_looked_for_by_name_afterwards() -> None:
    seeking = seeker(SCARLETT, AudioConfig(input=1, output="1"))
    seeking.find()
    assert (seeking.audio.input, seeking.audio.output) == ("Scarlett, ALSA", "Scarlett, ALSA")
    named = seeker(SCARLETT, AudioConfig(input="scar"))
    named.find()
    assert (named.audio.input, named.audio.output) == ("scar", None)


@pytest.mark.parametrize("named", [None, "Scarlett"])
def test_a_rig_waits_for_a_microphone_that_is_not_there(monkeypatch: pytest.MonkeyPatch, named: str | None) -> None:
    monkeypatch.setattr(device_list, "audio_devices", lambda: ())
    config = Config(audio=AudioConfig(input=named, sample_rate=44_100))
    found = setup.choose(config, None, waits=True)
    assert (found.waits, found.take, found.rate) == (True, None, 44_100)
    assert (found.input_channels, found.output_channels, found.ring_channel) == (2, 2, None)
    assert "waiting for the microphone" in found.says
    if named is None:
        assert setup.choose(config, None).take  # without it the take that ships is played
    third = setup.choose(Config(audio=AudioConfig(input_channel=3, output_enabled=False)), None, waits=True)
    assert (third.input_channels, third.ring_channel, third.output_channels) == (3, 2, 0)


def test_a_rig_that_may_wait_takes_what_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(device_list, "find_card", lambda audio, wants_input: SCARLETT)
    found = setup.choose(Config(), None, waits=True)
    assert (found.waits, found.input_device, found.rate) == (True, 1, 48_000)
