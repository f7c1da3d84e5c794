"""Reads a bass that is played on a MIDI port: `--input midi:PORT`, or `midi:PORT@N` for channel N of it alone, where a
whole band plays on the port. Key presses out, in seconds of the monotonic clock.

The port may vanish and come back: what was held is released, and it is taken up again.
"""

from __future__ import annotations

import re
import time
from functools import partial

from agent.core.errors import UserError
from agent.core.midi_constants import CONTROL, NOTE_OFF, NOTE_ON
from agent.midi.input import MidiIn, open_source, port_names

PREFIX = "midi:"
CLIENT = "Antiphon-bass"
CHANNEL = re.compile(r"\s*@\s*([1-9]|1[0-6])\s*$")
ALL_OFF = range(120, 128)  # controllers: all sound off, all notes off, and the modes, which mean that, too

Press = tuple[float, int, int, int]  # (monotonic seconds, pitch, velocity or 0 for up, channel 0-15)


def port_of(given: str | int | None) -> str | None:
    """Return the port that an input such as "midi:Bass" or "midi:Bass@2" names; None for other inputs."""
    if not isinstance(given, str) or not given.lower().startswith(PREFIX):
        return None
    return CHANNEL.sub("", given[len(PREFIX) :]).strip()


def channel_of(given: str | int | None) -> int | None:
    """Return the channel, 0 to 15, that an input such as "midi:Bass@2" names (from 1); None = all of them."""
    named = CHANNEL.search(given) if isinstance(given, str) and port_of(given) is not None else None
    return int(named[1]) - 1 if named else None


def check_port(port: str, api: str) -> None:
    """Raise UserError in one line, with the ports there are, for a port that is not there."""
    try:
        opened = open_source(port, None if api == "auto" else api, False, CLIENT)
    except Exception as cause:  # RtMidi's own types differ by platform
        names = port_names(None if api == "auto" else api)
        there = "there are: " + ", ".join(names) if names else "there is none"
        detail = "" if names else f" ({cause})"
        raise UserError(f"--input {PREFIX}{port}: no such MIDI input; {there}{detail}; or {PREFIX}virtual") from None
    opened.close()


class BassIn:
    """Reads key presses from one port, of one channel (0 to 15) or of all. One thread calls poll."""

    def __init__(self, port: str, api: str, source: MidiIn | None = None, channel: int | None = None) -> None:
        self._port, self._channel = port, channel
        self._midi = source or MidiIn(port, api, opener=partial(open_source, client=CLIENT))
        self._down: set[tuple[int, int]] = set()  # (channel, pitch)
        self._was_open = False
        self._lines: list[str] = []

    @property
    def says(self) -> str:
        return self._midi.state

    @property
    def dropped(self) -> int:
        return self._midi.dropped

    def take_lines(self) -> list[str]:
        """Return what there is to tell the player, each once: that the port has gone or is back."""
        lines, self._lines = self._lines, []
        return lines

    def poll(self) -> list[Press]:
        """Return the presses since the last call; never waits."""
        is_open = self._midi.is_open
        found = [press for at_s, message in self._midi.poll() for press in self._presses(at_s, message)]
        if self._was_open and not is_open:
            self._lines.append(f"the MIDI input {self._port} is gone; the band goes on and waits for it")
            found += self._all_up(time.monotonic())
        elif is_open and not self._was_open:
            self._lines.append(f"the bass is heard from the MIDI input {self._port}")
        self._was_open = is_open
        return found

    def _presses(self, at_s: float, message: bytes) -> list[Press]:
        kind, channel = message[0] & 0xF0, message[0] & 0x0F
        if self._channel not in (None, channel):
            return []
        if kind in (NOTE_ON, NOTE_OFF) and len(message) == 3:
            velocity = message[2] if kind == NOTE_ON else 0
            change = self._down.add if velocity else self._down.discard
            change((channel, message[1]))
            return [(at_s, message[1], velocity, channel)]
        if kind == CONTROL and message[1] in ALL_OFF:
            return self._all_up(at_s)
        return []

    def _all_up(self, at_s: float) -> list[Press]:
        up = [(at_s, pitch, 0, channel) for channel, pitch in sorted(self._down)]
        self._down.clear()
        return up

    def close(self) -> None:
        self._midi.close()
