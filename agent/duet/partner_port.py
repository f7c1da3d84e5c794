"""Reads the MIDI port on which another Antiphon plays: its bars and its line."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from agent.core.messages import HearPartner
from agent.core.midi_constants import NOTE_OFF, NOTE_ON
from agent.core.settings import Config
from agent.duet.bar_sheet import START
from agent.midi.input import MidiIn, open_source

CLIENT = "Antiphon-partner"
PER_MESSAGE = 256  # MIDI messages; those beyond come with the next


class PartnerPort:
    """The port of config.sync.partner, which may come and go. One thread calls poll."""

    def __init__(self, config: Config, source: MidiIn | None = None) -> None:
        assert config.sync.partner is not None
        opener = partial(open_source, client=CLIENT, wants_sheets=True)
        self._midi = source or MidiIn(config.sync.partner, config.midi.api, opener=opener)
        self._channel = config.parts["line"].channel_index

    @property
    def dropped(self) -> int:
        return self._midi.dropped

    def poll(self, stream_of: Callable[[float], float] | None) -> list[HearPartner]:
        """Return what has come since the last call, in stream time. stream_of: stream seconds of monotonic ones, None
        before the stream began: then it is left out."""
        wanted = [(at_s, message) for at_s, message in self._midi.poll() if self._concerns(message)]
        if not wanted or stream_of is None:
            return []
        timed = [(stream_of(at_s), message) for at_s, message in wanted]
        return [HearPartner(tuple(timed[at : at + PER_MESSAGE])) for at in range(0, len(timed), PER_MESSAGE)]

    def _concerns(self, message: bytes) -> bool:
        kind, channel = message[0] & 0xF0, message[0] & 0x0F
        return message[0] == START or (kind in (NOTE_ON, NOTE_OFF) and channel == self._channel and len(message) == 3)

    def close(self) -> None:
        self._midi.close()
