"""Keeps a MIDI port: notices when the instrument goes, looks for it about once a second, plays on when it is back.

All that may block happens in one thread of its own. The port passes between that thread and the one that sends by
swapping a reference, and never belongs to both.
"""

from __future__ import annotations

import contextlib
import ctypes
import logging
import os
import threading
from collections.abc import Callable
from typing import Any, Protocol

from agent import jackwatch
from agent.midi import VIRTUAL, MidiOutput, client, find_again

log = logging.getLogger(__name__)

LOOK_EVERY_S = 1.0
HAND_OVER_S = 0.05
CLOSE_S = 2.0
PRIORITY = 5  # realtime where it is granted: a preempted look would hold the interpreter up for everybody

Fresh = tuple[Any, str]  # a port of RtMidi and the name of its target


class Line(Protocol):
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

    def abandon(self, port: Any) -> None:
        """Do away with a port that the sender has let go."""

    def reopen(self) -> Fresh | None:
        """Another port, or None as long as there is nothing to open."""

    def close(self) -> None: ...


class JackLine:
    """Through a client that watches. The band's own port outlives the instrument; only the server's death ends it."""

    def __init__(self, output: MidiOutput, spec: str, client_name: str) -> None:
        self._spec, self._client_name, self._target = spec, client_name, output.name
        self._virtual = spec.startswith(VIRTUAL)
        self._watch = jackwatch.watch()
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

    needs_port = is_dead

    def abandon(self, port: Any) -> None:
        """It is never closed: libjack waits a second for the dead server, or crashes once another one is there."""
        ctypes.pythonapi.Py_IncRef(ctypes.py_object(port))
        if self._watch:
            self._watch.close()
            self._watch = None

    def reopen(self) -> Fresh | None:
        fresh_watch = jackwatch.watch()
        if not fresh_watch:
            return None
        before = set(fresh_watch.sources())
        port = client("jack", self._client_name)
        port.open_virtual_port(self._target if self._virtual else self._client_name)
        self._own = next((name for name in fresh_watch.sources() if name not in before), "")
        self._watch = fresh_watch
        return port, self._target

    def close(self) -> None:
        if self._watch:
            self._watch.close()


class ListLine:
    """By the list of ports: ALSA, CoreMIDI, Windows. A port that vanished is closed and another one opened."""

    def __init__(self, output: MidiOutput, spec: str, client_name: str) -> None:
        self._output, self._spec, self._client_name, self._target = output, spec, client_name, output.name
        self._virtual = spec.startswith(VIRTUAL)
        self._lister = client(output.api, f"{client_name}-ports")

    def _names(self) -> list[str]:
        return [str(name) for name in self._lister.get_ports()]

    def holds(self) -> bool:
        return not self._output.failing and (self._virtual or self._target in self._names())

    def mend(self) -> bool:
        return False

    needs_port, is_dead = True, False

    def abandon(self, port: Any) -> None:
        port.close_port()
        port.delete()

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
        self._target, self._output.failing = target, False
        return port, target

    def _open(self, port: Any, names: list[str], target: str) -> None:
        if self._virtual:
            port.open_virtual_port(target)
        else:
            port.open_port(names.index(target), self._client_name)

    def close(self) -> None:
        self._lister.delete()


class PortKeeper:
    """start(), then turn() often from the thread that sends. on_return() is called there when the instrument is back.

    losses: how often it went. cause: why it is silent now, "" when it is not.
    """

    def __init__(self, output: MidiOutput, line: Line, on_return: Callable[[], None]) -> None:
        self._output, self._line, self._on_return = output, line, on_return
        self.losses = 0
        self.cause = ""
        self._lost = False
        self._asked = False  # the thread asks for the port
        self._given: Any = None  # the sender's answer
        self._fresh: Fresh | None = None
        self._returned = False
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="midi-keeper", daemon=True)

    def start(self) -> None:
        self._thread.start()

    # -- the thread that sends --------------------------------------------------------------------------------

    def turn(self) -> None:
        """Hand the port over when it is asked for, take a fresh one, and begin anew on it."""
        if self._asked:
            self._given = self._output.detach()
            self._asked = False
        if self._fresh:
            (port, name), self._fresh = self._fresh, None
            self._output.attach(port, name)
        if self._returned:
            self._returned = False
            self._output.missing = False
            self._on_return()

    def close(self) -> None:
        """End the thread; what is open then belongs to the caller."""
        self._closing.set()
        if self._thread.is_alive():
            self._thread.join(CLOSE_S)
        self.turn()
        if self._line.is_dead and self._output.is_open:
            self._given = self._output.detach()
        if self._given is not None:
            self._line.abandon(self._given)
        if not self._thread.is_alive():
            self._line.close()

    # -- the keeper's own thread ------------------------------------------------------------------------------

    def _run(self) -> None:
        with contextlib.suppress(OSError, AttributeError):
            os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(PRIORITY))
        while not self._closing.wait(LOOK_EVERY_S):
            try:
                self.look()
            except Exception as cause:  # a driver's own troubles; the next look may fare better
                log.debug("looking for MIDI port %s: %s", self._output.name, cause)

    def look(self) -> None:
        """One look: notice a loss, mend it if possible."""
        if not self._lost and self._line.holds():
            return
        if not self._lost:
            self._lose()
        if self._line.needs_port and not self._replace():
            return
        if self._line.holds() or self._line.mend():
            self._win()

    def _lose(self) -> None:
        self._lost = self._output.missing = True
        self.losses += 1
        self.cause = f"MIDI port {self._output.name} is gone; the band plays on and looks for it"
        log.warning(self.cause)

    def _replace(self) -> bool:
        if self._output.is_open and self._fresh is None:
            self._asked = True
            while self._asked and not self._closing.wait(HAND_OVER_S):
                pass
        if self._given is not None:
            given, self._given = self._given, None
            self._line.abandon(given)
        if not self._output.is_open and self._fresh is None:
            self._fresh = self._line.reopen()
        return self._fresh is not None

    def _win(self) -> None:
        self._lost, self.cause = False, ""
        log.warning("MIDI port %s is back", self._output.name)
        self._returned = True


def keep(
    output: MidiOutput, spec: str | int, on_return: Callable[[], None], client_name: str = "Antiphon"
) -> PortKeeper:
    """A keeper for a port that agent.midi.open_output has opened by the same spec; not started yet."""
    line = JackLine if output.api == "jack" else ListLine
    return PortKeeper(output, line(output, str(spec).strip(), client_name), on_return)
