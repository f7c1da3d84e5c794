"""Sends raw MIDI bytes to a port (by name, by number or virtual) and never leaves a note sounding."""

from __future__ import annotations

import contextlib
import logging
import os
import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType, ModuleType
from typing import TYPE_CHECKING

from agent.core.midi_constants import (
    BANK_LSB,
    BANK_MSB,
    CONTROL,
    NOTE_OFF,
    NOTE_ON,
    PROGRAM,
)
from agent.midi import jack_client
from agent.midi.panic import panic_messages
from listener.silence_stderr import quiet_stderr

if TYPE_CHECKING:
    from rtmidi import MidiOut

log = logging.getLogger(__name__)

API_NAMES = {
    "alsa": "API_LINUX_ALSA",
    "jack": "API_UNIX_JACK",
    "core": "API_MACOSX_CORE",
    "windows": "API_WINDOWS_MM",
}
VIRTUAL = "virtual"
FLUSH_S = 0.05  # JACK carries a message with its next period; a port closed sooner swallows it


@dataclass(frozen=True, slots=True)
class PartMidi:
    """How one part is sent.

    channel: 0-15, as sent. bank: 14 bit. note_map: key -> key, before transpose (drums: empty means General MIDI).
    velocity_curve: 127 * (velocity / 127) ** curve.
    """

    channel: int
    program: int = 0
    bank: int = 0
    note_map: Mapping[int, int] = field(default_factory=lambda: MappingProxyType({}))
    transpose: int = 0
    velocity_curve: float = 1.0

    def apply(self, message: Sequence[int]) -> tuple[int, ...] | None:
        """Return the message on this part's channel, mapped; None for a note that falls outside 0-127."""
        kind = message[0] & 0xF0
        if kind == 0xF0:
            return tuple(message)
        if kind not in (NOTE_OFF, NOTE_ON):
            return (kind | self.channel, *message[1:])
        key = self.note_map.get(message[1], message[1]) + self.transpose
        if not 0 <= key <= 127:
            return None
        return (kind | self.channel, key, self._velocity(message[2]) if kind == NOTE_ON else message[2])

    def setup(self) -> tuple[tuple[int, ...], ...]:
        """Return the bank and program messages to send once after the port opens."""
        control = CONTROL | self.channel
        return (
            (control, BANK_MSB, self.bank >> 7),
            (control, BANK_LSB, self.bank & 127),
            (PROGRAM | self.channel, self.program),
        )

    def _velocity(self, velocity: int) -> int:
        if velocity == 0:  # a note-off in disguise
            return 0
        curved: float = 127 * (velocity / 127) ** self.velocity_curve
        return min(127, max(1, round(curved)))


class MidiOutput:
    """An open MIDI output port. One thread may call it at a time.

    `send` never raises: it counts `errors` and logs the first. missing: whether no instrument is connected
    (set by agent/midi/port_keeper.py); note-ons are then counted in `dropped`.
    """

    def __init__(self, port: MidiOut | None, name: str, api: str = "") -> None:
        self._port, self.name, self.api = port, name, api
        self.errors = self.dropped = 0
        self.failing = self.missing = False
        self._sounding: set[tuple[int, int]] = set()
        self._used: set[tuple[int, int]] = set()
        self._channels: set[int] = set()

    @property
    def sounding(self) -> frozenset[tuple[int, int]]:
        """(channel 0-15, key) of every note that was switched on and not yet off."""
        return frozenset(self._sounding)

    @property
    def is_open(self) -> bool:
        return self._port is not None

    def send(self, message: Sequence[int]) -> None:
        """Send one message of raw bytes."""
        if not message:
            return
        self._follow(message)
        if self._port is None:
            return
        try:
            self._port.send_message(message)
        except Exception as cause:  # RtMidi's own types differ by platform, and a gig goes on
            self.failing = True
            self.errors += 1
            if self.errors == 1:
                log.warning("MIDI port %s rejects messages (%s); the band plays on without it", self.name, cause)

    def detach(self) -> MidiOut | None:
        """Return the port, still open, and stop using it."""
        port, self._port = self._port, None
        return port

    def attach(self, port: MidiOut, name: str) -> None:
        """Use another port from now on."""
        self._port, self.name, self.failing = port, name, False

    def panic(self) -> None:
        """End every note on every channel used (agent/midi/panic.py)."""
        for message in panic_messages(self._used, self._channels):
            self.send(message)

    def close(self) -> None:
        """Panic twice, in two JACK periods, wait until that has been sent, then close. May be called twice."""
        if self._port is None:
            return
        for _ in range(2):
            self.panic()
            time.sleep(FLUSH_S)
        port, self._port = self._port, None
        with quiet_stderr():
            port.close_port()
            port.delete()

    def _follow(self, message: Sequence[int]) -> None:
        kind, channel = message[0] & 0xF0, message[0] & 0x0F
        if kind == 0xF0:
            return
        self._channels.add(channel)
        if kind == NOTE_ON and message[2] > 0:
            self.dropped += self.missing or self._port is None
            self._sounding.add((channel, message[1]))
            self._used.add((channel, message[1]))
        elif kind in (NOTE_OFF, NOTE_ON):
            self._sounding.discard((channel, message[1]))


def available_apis() -> list[str]:
    """Return the MIDI systems that are compiled into RtMidi and running here, the preferred one first."""
    rtmidi = _rtmidi()
    compiled = {name for name, constant in API_NAMES.items() if getattr(rtmidi, constant) in rtmidi.get_compiled_api()}
    return [name for name in API_NAMES if name in compiled and _runs(name)]


def open_output(spec: str | int, api: str | None = None, client_name: str = "Antiphon") -> MidiOutput:
    """Open a port by part of its name (case does not matter), by number, or "virtual" / "virtual:NAME".

    Numbers are those of `antiphon devices` within the API. Raises ValueError in one line for an unknown port or API,
    or for a name that several ports have.
    """
    chosen = _choose_api(api)
    port = _client(chosen, client_name)
    try:
        name = _open(port, str(spec).strip(), client_name)
    except ValueError:
        port.delete()
        raise
    jack_client.release_memory()
    return MidiOutput(port, name, chosen)


def _choose_api(api: str | None) -> str:
    running = available_apis()
    if api is not None and api not in API_NAMES:
        raise ValueError(f"unknown MIDI API {api!r}; choose one of {', '.join(API_NAMES)}")
    if not running or (api is not None and api not in running):
        wanted = f"the MIDI system {api}" if api else "a MIDI system"
        raise ValueError(f"{wanted} is not running (running: {_named(running)}); start jackd or load ALSA's snd-seq")
    return api or running[0]


def _open(port: MidiOut, spec: str, client_name: str) -> str:
    if spec == VIRTUAL or spec.startswith(VIRTUAL + ":"):
        name = spec.partition(":")[2] or client_name
        port.open_virtual_port(name)
        return name
    names = port.get_ports()
    index = _find(spec, names)
    port.open_port(index, client_name)
    return str(names[index])


def _find(spec: str, names: list[str]) -> int:
    if spec.isdecimal() and int(spec) < len(names):
        return int(spec)
    matches = [i for i, name in enumerate(names) if spec and spec.casefold() in name.casefold()]
    exact = [i for i in matches if names[i].casefold() == spec.casefold()]
    if len(exact or matches) == 1:
        return (exact or matches)[0]
    if matches:
        raise ValueError(
            f"MIDI port {spec!r} matches several: {_named([names[i] for i in matches])}; give more of the name"
        )
    raise ValueError(f"no MIDI port {spec!r}; available: {_named(names)}; give one of them, its number, or `virtual`")


def find_again(spec: str, before: str, names: Sequence[str]) -> str | None:
    """Find a port that came back, perhaps under a slightly different name; None if it is not there.

    Tries the name it had `before`, then `spec`, then a name that differs in its numbers only ("FLUID Synth (1234)").
    """
    if before in names:
        return before
    with contextlib.suppress(ValueError):
        if not spec.isdecimal():
            return names[_find(spec, list(names))]
    return next((name for name in names if _stem(name) == _stem(before)), None)


def _stem(name: str) -> str:
    return re.sub(r"[\W\d_]+", " ", name).strip().casefold()


def _named(names: Sequence[str]) -> str:
    return ", ".join(names) if names else "none"


def _rtmidi() -> ModuleType:
    try:
        import rtmidi
    except ImportError as cause:
        raise ValueError(f"MIDI needs RtMidi ({cause}); try: pip install python-rtmidi") from cause
    return rtmidi


def client(api: str, client_name: str) -> MidiOut:
    """Return RtMidi's output for an API of API_NAMES, with no port open yet."""
    rtmidi = _rtmidi()
    made: MidiOut = rtmidi.MidiOut(getattr(rtmidi, API_NAMES[api]), client_name)
    return made


def _client(api: str, client_name: str) -> MidiOut:
    with quiet_stderr():
        return client(api, client_name)


def _runs(api: str) -> bool:
    if api == "alsa":
        return os.path.exists("/dev/snd/seq")
    return api != "jack" or jack_runs()


def jack_runs() -> bool:
    """Return whether a JACK server runs. RtMidi opens a JACK port without error where none does, so ask directly."""
    with quiet_stderr():
        watch = jack_client.watch("Antiphon-probe")
        if watch:
            watch.close()
    return watch is not None
