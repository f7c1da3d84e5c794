"""Watches a JACK server without playing: whether it runs, its MIDI ports and their connections."""

from __future__ import annotations

import ctypes
from ctypes.util import find_library
from functools import cache
from typing import Any

NO_START_SERVER = 1
IS_INPUT, IS_OUTPUT = 1, 2
MIDI_TYPE = b"8 bit raw midi"
_SILENT = ctypes.CFUNCTYPE(None, ctypes.c_char_p)(lambda text: None)
_ON_SHUTDOWN = ctypes.CFUNCTYPE(None, ctypes.c_void_p)
_Names = ctypes.POINTER(ctypes.c_char_p)


@cache
def _library() -> Any:
    """Return libjack with argument types set and its own printing switched off; None where it is not installed."""
    path = find_library("jack")
    if path is None:
        return None
    jack = ctypes.CDLL(path)
    jack.jack_set_error_function(_SILENT)
    jack.jack_set_info_function(_SILENT)
    client = ctypes.c_void_p
    jack.jack_client_open.restype = client
    jack.jack_client_open.argtypes = [ctypes.c_char_p, ctypes.c_int, ctypes.c_void_p]
    jack.jack_client_close.argtypes = [client]
    jack.jack_on_shutdown.argtypes = [client, _ON_SHUTDOWN, ctypes.c_void_p]
    jack.jack_get_ports.restype = _Names
    jack.jack_get_ports.argtypes = [client, ctypes.c_char_p, ctypes.c_char_p, ctypes.c_ulong]
    jack.jack_port_by_name.restype = ctypes.c_void_p
    jack.jack_port_by_name.argtypes = [client, ctypes.c_char_p]
    jack.jack_port_get_all_connections.restype = _Names
    jack.jack_port_get_all_connections.argtypes = [client, ctypes.c_void_p]
    jack.jack_connect.argtypes = [client, ctypes.c_char_p, ctypes.c_char_p]
    jack.jack_free.argtypes = [ctypes.c_void_p]
    return jack


class JackWatch:
    """A JACK client that is never activated, so the server's cycle does not wait for it. Opened by `watch()`.

    One thread at a time may call it.
    """

    def __init__(self, client: int) -> None:
        self.alive = True  # set by JACK's own thread when the server goes
        self._jack, self._client = _library(), client
        self._callback = _ON_SHUTDOWN(self._shut_down)
        self._jack.jack_on_shutdown(client, self._callback, None)

    def _shut_down(self, _: Any) -> None:
        self.alive = False

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

    def _strings(self, names: Any) -> list[str]:
        found: list[str] = []
        while names and names[len(found)]:
            found.append(names[len(found)].decode(errors="replace"))
        if names:
            self._jack.jack_free(names)
        return found

    def close(self) -> None:
        """Close the client, unless its server died: libjack may crash on closing it once another server runs."""
        if self.alive:
            self._jack.jack_client_close(self._client)
            self.alive = False
        else:
            _kept.append(self)  # its callback must outlive it


_kept: list[JackWatch] = []


def watch(name: str = "Antiphon-watch") -> JackWatch | None:
    """Open a watching client; None where no JACK server runs."""
    jack = _library()
    if jack is None:
        return None
    client = jack.jack_client_open(name.encode(), NO_START_SERVER, None)
    return JackWatch(client) if client else None
