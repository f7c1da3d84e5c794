"""Reads a session's inputs besides the bass: pedals, MIDI clock, Ableton Link and the conversation."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

from agent.control.pedals import NO_SENSES, Pedals
from agent.conversation.live import ALONE, Around, Talk
from agent.core.errors import UserError
from agent.core.messages import FollowGrid
from agent.core.settings import Config
from agent.core.types import Decision
from agent.directions.active import MindMessage
from agent.duet.partner_port import PartnerPort
from agent.engine.reports import AudioReport
from agent.midi.input import MidiIn
from agent.session.midi_bass_in import MidiBassIn
from agent.session.setup import Setup
from agent.session.sync import Sync, stream_time
from listener.types import Grid


class Inputs:
    """A session's inputs.

    to_mind: sends a message to the mind. folder: the session's. say: carries out a command line; may raise UserError.
    around: what the conversation asks of the session. senses: of a mood, by the switch that moves them.
    Raises UserError for an input that is configured and not available.
    """

    def __init__(
        self,
        config: Config,
        say: Callable[[str], object],
        to_mind: Callable[[MindMessage], object],
        folder: str = "",
        setup: Setup | None = None,
        around: Around = ALONE,
        senses: Mapping[str, str] = NO_SENSES,
    ) -> None:
        wants_clock = config.sync.source == "midi"
        spec = config.midi.input
        self._midi = MidiIn(spec, config.midi.api, wants_clock) if spec is not None else None
        self.pedals = Pedals(config, say, self._midi, senses) if self._midi else None
        syncs = wants_clock or config.sync.source == "link" or config.sync.link
        try:
            self._sync = Sync(config, self._midi.tap() if self._midi and wants_clock else None) if syncs else None
        except UserError:
            if self._midi:
                self._midi.close()  # its thread would go on
            raise
        self._last_follow: FollowGrid | None = None
        self._bass = MidiBassIn.of(config, setup) if setup and setup.hears_midi else None
        self._partner = PartnerPort(config) if config.sync.partner else None
        self.talk = Talk(config, to_mind, say, folder, around)

    @property
    def says(self) -> str:
        """Whose beat is followed, in one line; "" for the player's."""
        return self._sync.says if self._sync else ""

    @property
    def dropped(self) -> int:
        """MIDI messages lost because they were not read in time."""
        return sum(source.dropped for source in (self._midi, self._bass, self._partner) if source)

    def take_lines(self) -> list[str]:
        """Return what there is to tell the player of the inputs, each once."""
        return self._bass.take_lines() if self._bass else []

    def poll(self, report: AudioReport | None, rate: int, input_s: float, grid: Grid | None) -> list[MindMessage]:
        """Read all inputs; return the messages to send to the mind."""
        self.talk.poll()
        if self.pedals:
            self.pedals.poll()
        clock = stream_time(report, rate)
        heard: list[MindMessage] = [*self._bass.poll(clock)] if self._bass else []
        if self._partner:
            heard += self._partner.poll(clock.stream_of if clock else None)
        if self._sync is None:
            return heard
        self._sync.heard_latency(input_s)
        messages = self._sync.poll(clock, grid, time.monotonic())
        follows = [one for one in messages if isinstance(one, FollowGrid)]
        self._last_follow = follows[-1] if follows else self._last_follow
        return [*heard, *messages]

    def again(self) -> list[MindMessage]:
        """Return the messages that a restarted mind needs."""
        bass = self._bass.again() if self._bass else []
        return [
            *bass,
            *([self._last_follow] if self._last_follow and self._last_follow.grid else []),
            *self.talk.again(),
        ]

    def push(self, decision: Decision) -> str:
        """Take a frame's decision; return what the band says to it, mostly ""."""
        return self.talk.push(decision)

    def close(self) -> None:
        self.talk.close()
        for source in (self._sync, self._midi, self._bass, self._partner):
            if source:
                source.close()
