"""How the MIDI systems are watched and mended when an instrument goes: JACK by its connections, the others by a list."""

from __future__ import annotations

import ctypes
from typing import Any, Protocol

from agent.midi import jack_client
from agent.midi.output import VIRTUAL, MidiOutput, client, find_again

Fresh = tuple[Any, str]  # a port of RtMidi and the name of its target


class PortWatch(Protocol):
    """How one MIDI system is watched and mended; only the keeper's thread calls it."""

    def holds(self) -> bool:
        """Whether what is sent arrives."""

    def mend(self) -> bool:
        """Connect the port that is still open again; whether that was possible."""

    @property
    def needs_port(self) -> bool:
        """Whether only another port can help when this one does not hold."""

    @property
    def is_dead(self) -> bool:
        """Whether the port must not be touched any more."""

    @property
    def target(self) -> str:
        """Name of the port that is played to."""

    def abandon(self, port: Any) -> None:
        """Do away with a port that the sender has let go."""

    def reopen(self) -> Fresh | None:
        """Another port, or None as long as there is nothing to open."""

    def close(self) -> None: ...


class JackPortWatch:
    """Through a client that watches. The band's own port outlives the instrument; only the server's death ends it."""

    def __init__(self, output: MidiOutput, spec: str, client_name: str) -> None:
        self._spec, self._client_name, self._target = spec, client_name, output.name
        self._virtual = spec.startswith(VIRTUAL)
        self._watch = jack_client.watch()
        self._own = self._find_own() if self._watch else ""

    def _find_own(self) -> str:
        assert self._watch
        mine = [name for name in self._watch.sources() if name.startswith(self._client_name)]
        if self._virtual:
            return next((name for name in reversed(mine) if name.endswith(":" + self._target)), "")
        return next((name for name in reversed(mine) if self._target in self._watch.connections(name)), "")

    def holds(self) -> bool:
        if not self._watch or not self._watch.alive or not self._own:
            return False
        return self._virtual or self._target in self._watch.connections(self._own)

    def mend(self) -> bool:
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

    def abandon(self, port: Any) -> None:
        """Of a dead server it is never closed: libjack waits a second for it, or crashes once another one is there."""
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
        return port, self._target

    def close(self) -> None:
        if self._watch:
            self._watch.close()


class ListPortWatch:
    """By the list of ports: ALSA, CoreMIDI, Windows. A port that vanished is closed and another one opened."""

    def __init__(self, output: MidiOutput, spec: str, client_name: str) -> None:
        self._output, self._spec, self._client_name, self._target = output, spec, client_name, output.name
        self._virtual = spec.startswith(VIRTUAL)
        self._lister = client(output.api, f"{client_name}-ports")
        self._reopened = False

    def _names(self) -> list[str]:
        return [str(name) for name in self._lister.get_ports()]

    def holds(self) -> bool:
        return self._output.is_open and not self._output.failing and (self._virtual or self._target in self._names())

    def mend(self) -> bool:
        reopened, self._reopened = self._reopened, False
        return reopened

    needs_port, is_dead = True, False

    @property
    def target(self) -> str:
        return self._target

    def abandon(self, port: Any) -> None:
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

    def _open(self, port: Any, names: list[str], target: str) -> None:
        if self._virtual:
            port.open_virtual_port(target)
        else:
            port.open_port(names.index(target), self._client_name)

    def close(self) -> None:
        self._lister.delete()


def _close(port: Any) -> None:
    port.close_port()
    port.delete()
