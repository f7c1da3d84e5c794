"""Finds and opens the sound card of config.audio, again and again: device numbers and port names may change."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from agent.audio import device_list, latencies
from agent.audio.device_list import Card
from agent.audio.sound_card import ONE_CLOCK_APIS, Latency, Pair, SoundCard, has_own_period
from agent.core.errors import UserError
from agent.core.settings import AudioConfig
from listener.ring import Reader, Ring


@dataclass(slots=True)
class Finder:
    """Finds the card: find() returns it open, not started and not attached, or raises UserError in one line.

    The session's sample rate stays the same: a card that cannot run at it is not used.
    """

    audio: AudioConfig
    rate: int
    ring: Ring
    playback: Reader | None
    reads_input: bool
    sent: Ring | None = None
    look: Callable[[AudioConfig, bool], Card | None] = device_list.find_card
    known: latencies.Latencies = latencies.NOTHING  # what was measured

    def find(self) -> SoundCard:
        card = self.look(self.audio, self.reads_input)
        if card is None or (self.reads_input and card.input_device is None):
            raise UserError(f"waiting for the microphone {self.audio.input or ''}".rstrip())
        hears = card.output_device is not None
        if self.playback and not hears and not self.reads_input:
            raise UserError(f"waiting for the loudspeaker {self.audio.output or ''}".rstrip())
        opened = SoundCard(
            self._pair(card),
            self.rate,
            self.audio.block_samples,
            self.ring,
            self.playback if hears else None,
            reads_input=self.reads_input,
            sent=self.sent,
            name=card.input_name if self.reads_input else card.output_name,
            api=card.input_api or card.output_api,
            measured=lambda said: self._measured(card, said),
        )
        opened.detach()
        self.audio = _by_name(self.audio, card)
        return opened

    def _measured(self, card: Card, said: Latency) -> Latency:
        names = (card.input_name, card.output_name)
        output_s = latencies.output_s(self.known, self.audio, names, self.rate, (said.input_s, said.output_s))
        return Latency(said.input_s, output_s)

    def _pair(self, card: Card) -> Pair:
        inputs = self.ring.channels if card.input_channels >= self.ring.channels else 1  # one is heard in all
        outputs = min(card.output_channels, self.playback.ring.channels) if self.playback else 0
        differ = card.input_device != card.output_device or card.input_api != card.output_api
        apart = differ and card.input_api not in ONE_CLOCK_APIS
        both = self.reads_input and outputs > 0
        own_period = has_own_period(card.input_api if self.reads_input else "", card.output_api if outputs else "")
        return Pair(card.input_device, card.output_device, inputs, outputs, both and apart, own_period)


def _by_name(audio: AudioConfig, card: Card) -> AudioConfig:
    """Replace device numbers by the devices' names: numbers change when a device is plugged in again."""
    if card.input_name and str(audio.input).isdecimal():
        audio = replace(audio, input=f"{card.input_name}, {card.input_api}")
    if card.output_name and str(audio.output).isdecimal():
        audio = replace(audio, output=f"{card.output_name}, {card.output_api}")
    return audio
