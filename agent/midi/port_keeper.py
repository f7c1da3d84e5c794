"""Reconnects a MIDI port: notices a lost instrument, looks for it every second and plays on when it is back.

All that may block happens in one thread of its own. The port passes between that thread and the one that sends by
swapping a reference, and never belongs to both.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

from agent.core.os_process import set_realtime_priority
from agent.midi.output import VIRTUAL, MidiOutput, available_apis
from agent.midi.port_watch import Fresh, JackPortWatch, ListPortWatch, PortWatch

if TYPE_CHECKING:
    from rtmidi import MidiOut

log = logging.getLogger(__name__)

LOOK_EVERY_S = 1.0
HAND_OVER_S = 0.05
CLOSE_S = 2.0
PRIORITY = 5  # realtime where it is granted: a preempted check would hold the interpreter's lock and block everything


class PortKeeper:
    """Watches one output port and reconnects it.

    Call start(), then poll() often from the thread that sends; that thread calls on_return() when the instrument is
    back. losses: how often the instrument was lost. cause: why it is silent now, "" when it is not.
    """

    def __init__(self, output: MidiOutput, watch: PortWatch, on_return: Callable[[], None]) -> None:
        self._output, self._watch, self._on_return = output, watch, on_return
        self.losses = 0
        self.cause = ""
        self._lost = False
        if not output.is_open:
            self._lose(f"MIDI port {output.name} is not there yet; the band plays on and connects when it appears")
        self._asked = False  # the thread asks for the port
        self._given: MidiOut | None = None  # the sender's answer
        self._fresh: Fresh | None = None
        self._returned = False
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="midi-keeper", daemon=True)

    def start(self) -> None:
        self._thread.start()

    # -- the thread that sends --------------------------------------------------------------------------------

    def poll(self) -> None:
        """Give up the port when the keeper's thread asks for it; take the new one and set it up."""
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
        """End the thread; a port that is still open then belongs to the caller."""
        self._closing.set()
        if self._thread.is_alive():
            self._thread.join(CLOSE_S)
        self.poll()
        if self._watch.is_dead and self._output.is_open:
            self._given = self._output.detach()
        if self._given is not None:
            self._watch.abandon(self._given)
        if not self._thread.is_alive():
            self._watch.close()

    # -- the keeper's own thread ------------------------------------------------------------------------------

    def _run(self) -> None:
        set_realtime_priority(PRIORITY)
        while not self._closing.wait(LOOK_EVERY_S):
            try:
                self.look()
            except Exception as cause:  # a driver's own errors; the next check may succeed
                log.debug("looking for MIDI port %s: %s", self._output.name, cause)

    def look(self) -> None:
        """Check the port once: notice a loss, reconnect if possible."""
        if not self._lost and self._watch.holds():
            return
        if not self._lost:
            self.losses += 1
            self._lose(f"MIDI port {self._output.name} was disconnected; the band plays on and reconnects it")
        if self._watch.needs_port and not self._replace():
            return
        if self._watch.holds() or self._watch.reconnect():
            self._win()

    def _lose(self, cause: str) -> None:
        self._lost = self._output.missing = True
        self.cause = cause
        log.info("%s", cause)  # the owner shows it to the user

    def _replace(self) -> bool:
        if self._output.is_open and self._fresh is None:
            self._asked = True
            while self._asked and not self._closing.wait(HAND_OVER_S):
                pass
        if self._given is not None:
            given, self._given = self._given, None
            self._watch.abandon(given)
        if not self._output.is_open and self._fresh is None:
            self._fresh = self._watch.reopen()
        return self._fresh is not None

    def _win(self) -> None:
        self._lost, self.cause, self._output.name = False, "", self._watch.target
        log.info("MIDI port %s is connected", self._output.name)
        self._returned = True


def absent(spec: str | int, api: str | None) -> MidiOutput:
    """Stand in for a port that is not there yet: messages are dropped until the keeper has found it."""
    running = available_apis()
    name = str(spec).strip()
    target = name.partition(":")[2] or "Antiphon" if name.startswith(VIRTUAL) else name
    return MidiOutput(None, target, api or (running[0] if running else "jack"))


def keep(
    output: MidiOutput, spec: str | int, on_return: Callable[[], None], client_name: str = "Antiphon"
) -> PortKeeper:
    """Return a keeper, not started yet, for a port that agent/midi/output.py's open_output opened by the same spec."""
    watch = JackPortWatch if output.api == "jack" else ListPortWatch
    return PortKeeper(output, watch(output, str(spec).strip(), client_name), on_return)
