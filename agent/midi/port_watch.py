"""Detects a lost MIDI instrument and reconnects it: in JACK by its connections, elsewhere by the list of ports."""

from __future__ import annotations

import ctypes
from typing import TYPE_CHECKING, Protocol

from agent.midi import jack_client
from agent.midi.output import VIRTUAL, MidiOutput, client, find_again

if TYPE_CHECKING:
    from rtmidi import MidiOut

Fresh = tuple["MidiOut", str]  # a port of RtMidi and the name of its target


class PortWatch(Protocol):
    """Watches and reconnects a port in one MIDI system; only the keeper's thread calls it."""

    def holds(self) -> bool:
        """Return whether messages arrive at the instrument."""

    def reconnect(self) -> bool:
        """Connect the open port again; return whether that was possible."""

    @property
    def needs_port(self) -> bool:
        """Whether a new port must be opened once this one has lost its instrument."""

    @property
    def is_dead(self) -> bool:
        """Whether the port must not be used any more, not even closed."""

    @property
    def target(self) -> str:
        """Name of the instrument's port."""

    def abandon(self, port: MidiOut) -> None:
        """Dispose of a port that the sender has given up."""

    def reopen(self) -> Fresh | None:
        """Open another port; None as long as there is none."""

    def close(self) -> None: ...


class JackPortWatch:
    """Watches JACK's connections. The band's own port stays open without the instrument, until the server dies."""

    def __init__(self, output: MidiOutput, spec: str, client_name: str) -> None:
        self._spec, self._client_name, self._target = spec, client_name, output.name
        self._virtual = spec.startswith(VIRTUAL)
        self._watch = jack_client.watch()
        self._own = self._find_own(self._watch) if self._watch else ""

    def _find_own(self, watch: jack_client.JackWatch) -> str:
        mine = [name for name in watch.sources() if name.startswith(self._client_name)]
        if self._virtual:
            return next((name for name in reversed(mine) if name.endswith(":" + self._target)), "")
        return next((name for name in reversed(mine) if self._target in watch.connections(name)), "")

    def holds(self) -> bool:
        if not self._watch or not self._watch.alive or not self._own:
            return False
        return self._virtual or self._target in self._watch.connections(self._own)

    def reconnect(self) -> bool:
        if not self._watch or not self._watch.alive or not self._own:
            return False
        target = None if self._virtual else find_again(self._spec, self._target, self._watch.targets())
        if target is None or not self._watch.connect(self._own, target):
            return False
        self._target = target
        return True

    @property
    def is_dead(self) -> bool:
        return not self._watch or not self._watch.alive

    @property
    def needs_port(self) -> bool:
        return self.is_dead or not self._own

    @property
    def target(self) -> str:
        return self._target

    def abandon(self, port: MidiOut) -> None:
        """Close the port, except a dead server's: libjack waits 1 s for it or crashes once another server runs."""
        if not self.is_dead:
            return _close(port)
        ctypes.pythonapi.Py_IncRef(ctypes.py_object(port))
        if self._watch:
            self._watch.close()
            self._watch = None
        return None

    def reopen(self) -> Fresh | None:
        if self.is_dead:
            self._watch = jack_client.watch()
        if not self._watch:
            return None
        before = set(self._watch.sources())
        port = client("jack", self._client_name)
        port.open_virtual_port(self._target if self._virtual else self._client_name)
        self._own = next((name for name in self._watch.sources() if name not in before), "")
        jack_client.release_memory()
        return port, self._target

    def close(self) -> None:
        if self._watch:
            self._watch.close()


class ListPortWatch:
    """Watches the list of ports: ALSA, CoreMIDI, Windows. A port that vanished is closed and another one opened."""

    def __init__(self, output: MidiOutput, spec: str, client_name: str) -> None:
        self._output, self._spec, self._client_name, self._target = output, spec, client_name, output.name
        self._virtual = spec.startswith(VIRTUAL)
        self._lister = client(output.api, f"{client_name}-ports")
        self._reopened = False

    def _names(self) -> list[str]:
        return [str(name) for name in self._lister.get_ports()]

    def holds(self) -> bool:
        return self._output.is_open and not self._output.failing and (self._virtual or self._target in self._names())

    def reconnect(self) -> bool:
        reopened, self._reopened = self._reopened, False
        return reopened

    needs_port, is_dead = True, False

    @property
    def target(self) -> str:
        return self._target

    def abandon(self, port: MidiOut) -> None:
        _close(port)

    def reopen(self) -> Fresh | None:
        names = self._names()
        target = self._target if self._virtual else find_again(self._spec, self._target, names)
        if target is None:
            return None
        port = client(self._output.api, self._client_name)
        try:
            self._open(port, names, target)
        except Exception:
            port.delete()
            raise
        self._target, self._reopened = target, True
        return port, target

    def _open(self, port: MidiOut, names: list[str], target: str) -> None:
        if self._virtual:
            port.open_virtual_port(target)
        else:
            port.open_port(names.index(target), self._client_name)

    def close(self) -> None:
        self._lister.delete()


def _close(port: MidiOut) -> None:
    port.close_port()
    port.delete()
