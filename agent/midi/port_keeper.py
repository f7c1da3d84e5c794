"""Keeps a MIDI port: notices when the instrument goes, looks for it about once a second, plays on when it is back.

All that may block happens in one thread of its own. The port passes between that thread and the one that sends by
swapping a reference, and never belongs to both.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import Any

from agent.core.os_process import set_realtime_priority
from agent.midi.output import VIRTUAL, MidiOutput, available_apis
from agent.midi.port_watch import Fresh, JackLine, ListLine, PortWatch

log = logging.getLogger(__name__)

LOOK_EVERY_S = 1.0
HAND_OVER_S = 0.05
CLOSE_S = 2.0
PRIORITY = 5  # realtime where it is granted: a preempted look would hold the interpreter up for everybody


class PortKeeper:
    """start(), then turn() often from the thread that sends. on_return() is called there when the instrument is back.

    losses: how often it went. cause: why it is silent now, "" when it is not.
    """

    def __init__(self, output: MidiOutput, line: PortWatch, on_return: Callable[[], None]) -> None:
        self._output, self._line, self._on_return = output, line, on_return
        self.losses = 0
        self.cause = ""
        self._lost = False
        if not output.is_open:
            self._lose(f"MIDI port {output.name} is not there yet; the band plays and looks for it")
        self._asked = False  # the thread asks for the port
        self._given: Any = None  # the sender's answer
        self._fresh: Fresh | None = None
        self._returned = False
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="midi-keeper", daemon=True)

    def start(self) -> None:
        self._thread.start()

    # -- the thread that sends --------------------------------------------------------------------------------

    def poll(self) -> None:
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
        self.poll()
        if self._line.is_dead and self._output.is_open:
            self._given = self._output.detach()
        if self._given is not None:
            self._line.abandon(self._given)
        if not self._thread.is_alive():
            self._line.close()

    # -- the keeper's own thread ------------------------------------------------------------------------------

    def _run(self) -> None:
        set_realtime_priority(PRIORITY)
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
            self.losses += 1
            self._lose(f"MIDI port {self._output.name} is gone; the band plays on and looks for it")
        if self._line.needs_port and not self._replace():
            return
        if self._line.holds() or self._line.mend():
            self._win()

    def _lose(self, cause: str) -> None:
        self._lost = self._output.missing = True
        self.cause = cause
        log.info("%s", cause)  # its owner tells the person

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
        self._lost, self.cause, self._output.name = False, "", self._line.target
        log.info("MIDI port %s is there", self._output.name)
        self._returned = True


def absent(spec: str | int, api: str | None) -> MidiOutput:
    """In place of a port that is not there yet: what is sent to it is dropped until its keeper has found it."""
    running = available_apis()
    name = str(spec).strip()
    target = name.partition(":")[2] or "Antiphon" if name.startswith(VIRTUAL) else name
    return MidiOutput(None, target, api or (running[0] if running else "jack"))


def keep(
    output: MidiOutput, spec: str | int, on_return: Callable[[], None], client_name: str = "Antiphon"
) -> PortKeeper:
    """A keeper for a port that agent.midi.open_output has opened by the same spec; not started yet."""
    line = JackLine if output.api == "jack" else ListLine
    return PortKeeper(output, line(output, str(spec).strip(), client_name), on_return)
