"""Passes a bass that comes as MIDI on to the mind: from a port, in stream time, or a whole file at once."""

from __future__ import annotations

from collections import deque

from agent.core.messages import PlayBass
from agent.core.settings import Config
from agent.midi.bass_input import BassIn, channel_of, port_of
from agent.session.setup import Setup
from agent.session.sync import Clock
from listener.types import KeyPress

PER_MESSAGE = 1_000  # presses: a message's size is limited (agent/core/channel.py)
KEPT_S = 10.0  # of presses, for a mind that goes on from a snapshot


class MidiBassIn:
    """The presses of a session: poll() gives the new ones, again() those that a restarted mind may lack. One thread."""

    def __init__(self, port: BassIn | None, presses: tuple[KeyPress, ...] = ()) -> None:
        self._port, self._is_file = port, port is None
        self._known: deque[KeyPress] = deque(presses)
        self._dropped = 0  # of the first presses, no longer kept
        self._last_s = 0.0

    @classmethod
    def of(cls, config: Config, setup: Setup) -> MidiBassIn:
        """Open what the setup names."""
        if setup.presses is not None:
            return cls(None, setup.presses)
        named = config.audio.input
        return cls(BassIn(port_of(named) or "", config.midi.api, channel=channel_of(named)))

    @property
    def dropped(self) -> int:
        return self._port.dropped if self._port else 0

    def take_lines(self) -> list[str]:
        """Return what there is to tell the player, each once."""
        return self._port.take_lines() if self._port else []

    def poll(self, clock: Clock | None) -> list[PlayBass]:
        """Return the presses since the last call; those of a time before the stream began are left out."""
        found = self._port.poll() if self._port else []
        if not found or clock is None:
            return []
        fresh = []
        for at_s, pitch, velocity, channel in found:
            self._last_s = max(self._last_s, clock.stream_of(at_s))  # the clock is steered: time must not run back
            fresh.append(KeyPress(self._last_s, pitch, velocity, channel))
        number = self._dropped + len(self._known)
        self._known.extend(fresh)
        while self._known and self._known[0].time_s < self._last_s - KEPT_S:
            self._known.popleft()
            self._dropped += 1
        return [PlayBass(number, tuple(fresh))]

    def again(self) -> list[PlayBass]:
        """Return the presses that a mind needs that has just begun or goes on from a snapshot."""
        known = list(self._known)
        lots = [known[at : at + PER_MESSAGE] for at in range(0, max(len(known), 1), PER_MESSAGE)]
        return [PlayBass(self._dropped + k * PER_MESSAGE, tuple(lot)) for k, lot in enumerate(lots)]

    def close(self) -> None:
        if self._port:
            self._port.close()
