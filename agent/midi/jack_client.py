"""Watches a JACK server without playing: whether it runs, its MIDI ports and their connections.

No Python runs in libjack's threads: a callback that waits for the interpreter lock, while a call that holds it waits
for the server, wedges the server for every client on the machine. libjack calls back functions of the C library.
"""

from __future__ import annotations

import ctypes
from ctypes.util import find_library
from functools import cache

from agent.core.os_process import release_shared

NO_START_SERVER = 1
IS_INPUT, IS_OUTPUT = 1, 2
MIDI_TYPE = b"8 bit raw midi"
MEMORY = "/dev/shm/jack"
_C = ctypes.CDLL(None)
Names = ctypes.POINTER(ctypes.c_char_p)


@cache
def _library() -> ctypes.CDLL | None:
    """Return libjack with argument types set and its own printing switched off; None where it is not installed."""
    path = find_library("jack")
    if path is None:
        return None
    jack = ctypes.CDLL(path)
    does_nothing = ctypes.cast(_C.getpid, ctypes.c_void_p)  # with the text that it is given, which it does not look at
    for set_function in (jack.jack_set_error_function, jack.jack_set_info_function):
        set_function.argtypes = [ctypes.c_void_p]
        set_function(does_nothing)
    client = ctypes.c_void_p
    jack.jack_client_open.restype = client
    jack.jack_client_open.argtypes = [ctypes.c_char_p, ctypes.c_int, ctypes.c_void_p]
    jack.jack_client_close.argtypes = [client]
    jack.jack_on_shutdown.argtypes = [client, ctypes.c_void_p, ctypes.c_void_p]
    jack.jack_get_ports.restype = Names
    jack.jack_get_ports.argtypes = [client, ctypes.c_char_p, ctypes.c_char_p, ctypes.c_ulong]
    jack.jack_port_by_name.restype = ctypes.c_void_p
    jack.jack_port_by_name.argtypes = [client, ctypes.c_char_p]
    jack.jack_port_get_all_connections.restype = Names
    jack.jack_port_get_all_connections.argtypes = [client, ctypes.c_void_p]
    jack.jack_connect.argtypes = [client, ctypes.c_char_p, ctypes.c_char_p]
    jack.jack_free.argtypes = [ctypes.c_void_p]
    return jack


class JackWatch:
    """A JACK client that is never activated, so the server's cycle does not wait for it. Opened by `watch()`.

    One thread at a time may call it.
    """

    def __init__(self, jack: ctypes.CDLL, client: int) -> None:
        self._jack, self._client, self._closed = jack, client, False
        self._gone_at = ctypes.c_long(0)  # time() writes the moment here in JACK's own thread when the server goes
        gone = ctypes.cast(_C.time, ctypes.c_void_p)
        self._jack.jack_on_shutdown(client, gone, ctypes.byref(self._gone_at))

    @property
    def alive(self) -> bool:
        """Return whether the server is there and this client is not closed."""
        return not self._closed and self._gone_at.value == 0

    def targets(self) -> list[str]:
        """Return the names of all MIDI ports that can be played to."""
        return self._ports(IS_INPUT)

    def sources(self) -> list[str]:
        """Return the names of all MIDI ports that send."""
        return self._ports(IS_OUTPUT)

    def _ports(self, flags: int) -> list[str]:
        return self._strings(self._jack.jack_get_ports(self._client, None, MIDI_TYPE, flags)) if self.alive else []

    def connections(self, port: str) -> list[str]:
        """Return the ports that a port is connected to; empty for one that does not exist."""
        handle = self._jack.jack_port_by_name(self._client, port.encode()) if self.alive else None
        return self._strings(self._jack.jack_port_get_all_connections(self._client, handle)) if handle else []

    def connect(self, source: str, target: str) -> bool:
        """Connect two ports; return whether they are connected now."""
        if self.alive:
            self._jack.jack_connect(self._client, source.encode(), target.encode())
        return target in self.connections(source)

    def _strings(self, names: ctypes._Pointer[ctypes.c_char_p]) -> list[str]:
        found: list[str] = []
        while names and (name := names[len(found)]):
            found.append(name.decode(errors="replace"))
        if names:
            self._jack.jack_free(names)
        return found

    def close(self) -> None:
        """Close the client, unless its server died: libjack may crash on closing it once another server runs."""
        if self.alive:
            self._jack.jack_client_close(self._client)
        elif not self._closed:
            _kept.append(self)  # what is written to when the server goes must outlive it
        self._closed = True


_kept: list[JackWatch] = []


def watch(name: str = "Antiphon-watch") -> JackWatch | None:
    """Open a watching client; None where no JACK server runs."""
    jack = _library()
    if jack is None:
        return None
    client = jack.jack_client_open(name.encode(), NO_START_SERVER, None)
    release_memory()
    return JackWatch(jack, client) if client else None


def release_memory() -> None:
    """Let go of the server's memory that this process does not use. Call it after a client was opened."""
    release_shared(MEMORY)
