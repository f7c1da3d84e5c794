"""Reads one MIDI input port for several listeners; the port may come and go, and no reader ever waits for it.

`MidiIn.poll()` and each `tap().poll()` return all messages since their own last call, with the times they came.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from itertools import accumulate
from typing import TYPE_CHECKING, Protocol

from agent.midi import jack_client
from agent.midi.output import API_NAMES, VIRTUAL, _choose_api, _find
from listener.silence_stderr import quiet_stderr

if TYPE_CHECKING:
    import rtmidi

log = logging.getLogger(__name__)

CLIENT = "Antiphon-in"
QUEUE = 4_096  # messages; RtMidi's and each tap's: 20 s of a busy controller
AGAIN_S = 0.2  # before a port that seems gone is looked for once more
CHECK_S = 2.0  # between two looks whether the port is still there, or there at last
DRIFT = 200e-6  # of the port's clock against ours
STEP_S = 0.25  # a clock that is this far off has lost messages: start again from now

Message = tuple[float, bytes]  # (monotonic seconds, raw bytes)


class Source(Protocol):
    """The part of RtMidi's MidiIn that is used here."""

    def get_message(self) -> tuple[list[int], float] | None: ...
    def is_here(self) -> bool: ...
    def close(self) -> None: ...


class Tap:
    """One listener's own queue of messages. When it is full the oldest is dropped and counted. For one thread."""

    def __init__(self, source: MidiIn) -> None:
        self._source, self._queue, self.dropped = source, deque[Message](maxlen=QUEUE), 0

    def poll(self) -> list[Message]:
        """Return the messages since the last call; never waits."""
        self._source.read()
        messages = list(self._queue)
        self._queue.clear()
        return messages

    def put(self, message: Message) -> None:
        self.dropped += len(self._queue) == QUEUE
        self._queue.append(message)


class Moments:
    """Converts the port's own seconds between messages to monotonic seconds, however late the messages are read.

    The smallest delay seen so far counts as zero; it may grow by DRIFT.
    """

    def __init__(self) -> None:
        self._port_s, self._offset_s, self._seen_s = 0.0, float("inf"), 0.0

    def of(self, gaps_s: list[float], now_s: float) -> list[float]:
        """Return the times of the messages found at now_s; gaps_s: seconds from each message's predecessor to it."""
        at_s = [self._port_s + passed_s for passed_s in accumulate(gaps_s)]
        self._port_s = at_s[-1]
        least_s, since_s = now_s - self._port_s, now_s - self._seen_s
        grown_s = self._offset_s + DRIFT * since_s
        self._offset_s = least_s if not grown_s - STEP_S < least_s < grown_s + STEP_S else min(least_s, grown_s)
        self._seen_s = now_s
        return [min(port_s + self._offset_s, now_s) for port_s in at_s]


class MidiIn:
    """A MIDI input port, opened by a thread of its own. spec: part of its name, its number, "virtual", "virtual:NAME".

    The port may come later, vanish and come back: `state` says so in one line. wants_clock: MIDI clock is passed on,
    too. One thread calls poll, read and tap.
    """

    def __init__(
        self,
        spec: str | int,
        api: str | None = None,
        wants_clock: bool = False,
        opener: Callable[[str | int, str | None, bool], Source] | None = None,
        check_s: float = CHECK_S,
    ) -> None:
        self._spec, self._api, self._wants_clock = spec, None if api == "auto" else api, wants_clock
        self._opener, self._check_s = opener or open_source, check_s
        self._source: Source | None = None
        self._swapping, self._closing = threading.Lock(), threading.Event()
        self._moments, self.overflows = Moments(), 0
        self.state = f"MIDI input {spec!r}: opening"
        self._taps: list[Tap] = []
        self._own: Tap | None = None
        self._port_thread = threading.Thread(target=self._keep_open, name="midi-in", daemon=True)
        self._port_thread.start()

    @property
    def is_open(self) -> bool:
        return self._source is not None

    @property
    def dropped(self) -> int:
        """Messages lost because they were not read in time, as far as they can be counted."""
        return self.overflows + sum(tap.dropped for tap in self._taps)

    def tap(self) -> Tap:
        """Add a listener to the same port."""
        self._taps.append(Tap(self))
        return self._taps[-1]

    def poll(self) -> list[Message]:
        """Return the messages since the last call as (monotonic seconds, raw bytes); never waits."""
        self._own = self._own or self.tap()
        return self._own.poll()

    def read(self) -> None:
        """Pass what has come to every tap; the taps call this."""
        if not self._swapping.acquire(blocking=False):
            return
        try:
            found = self._drain(self._source) if self._source else []
        finally:
            self._swapping.release()
        if not found:
            return
        self.overflows += len(found) >= QUEUE - 1
        moments = self._moments.of([gap_s for _, gap_s in found], time.monotonic())
        for (message, _), at_s in zip(found, moments, strict=True):
            for tap in self._taps:
                tap.put((at_s, bytes(message)))

    @staticmethod
    def _drain(source: Source) -> list[tuple[list[int], float]]:
        found: list[tuple[list[int], float]] = []
        while len(found) < QUEUE and (message := source.get_message()):
            found.append(message)
        return found

    def close(self) -> None:
        """Close the port, waiting up to 2 s for it. May be called twice."""
        self._closing.set()
        self._port_thread.join(2.0)

    def _keep_open(self) -> None:
        while not self._closing.is_set():
            try:
                self._look()
            except Exception as cause:  # RtMidi's own types differ by platform, and a gig goes on
                self._say(f"MIDI input {self._spec!r}: {cause}")
            self._closing.wait(self._check_s)
        self._swap(None)

    def _look(self) -> None:
        if self._source is not None and (
            self._source.is_here() or self._closing.wait(AGAIN_S) or self._source.is_here()
        ):
            return  # a server that is late once has not lost the port
        if self._source is not None:
            self._say(f"MIDI input {self._spec!r} was disconnected; waiting for it to come back")
        self._swap(None)
        self._swap(self._opener(self._spec, self._api, self._wants_clock))
        self._say(f"MIDI input {self._spec!r}: open")

    def _swap(self, source: Source | None) -> None:
        """Exchange the open port; the lock keeps readers off a port that is being closed."""
        with self._swapping:
            before, self._source = self._source, source
        self._moments = Moments()
        if before is not None:
            before.close()

    def _say(self, state: str) -> None:
        if state != self.state:
            log.info("%s", state)
        self.state = state


class RtMidiSource:
    """An open RtMidi input. name: of the port it is connected to; None for a virtual port."""

    def __init__(self, port: rtmidi.MidiIn, own: str, name: str | None, is_jack: bool, client: str = CLIENT) -> None:
        self._port, self._own, self._name, self._is_jack = port, f"{client}:{own}", name, is_jack
        self._watch: jack_client.JackWatch | None = None
        self.get_message = port.get_message

    def is_here(self) -> bool:
        """Return whether the port it was connected to is still there and connected."""
        if self._is_jack:
            return self._is_in_jack()
        return self._name is None or self._name in self._port.get_ports()

    def _is_in_jack(self) -> bool:
        """Return whether the JACK server has our port, connected as it was.

        A restarted server does not know the port, and RtMidi cannot tell. ctypes lets other threads run meanwhile.
        """
        if self._watch is None or not self._watch.alive:
            if self._watch:
                self._watch.close()
            self._watch = jack_client.watch("Antiphon-look")
        if self._watch is None:
            return False
        if self._name is None:
            return self._own in self._watch.targets()
        return self._name in self._watch.connections(self._own)

    def close(self) -> None:
        if self._watch:
            self._watch.close()
        self._port.close_port()
        self._port.delete()


def port_names(api: str | None) -> list[str]:
    """Return the names of the inputs there are; none where MIDI cannot be asked."""
    import rtmidi

    try:
        with quiet_stderr():
            port = rtmidi.MidiIn(getattr(rtmidi, API_NAMES[_choose_api(api)]), "Antiphon-look")
    except Exception:  # RtMidi's own types differ by platform
        return []
    try:
        return [str(name) for name in port.get_ports()]
    finally:
        port.delete()


def open_source(
    spec: str | int, api: str | None, wants_clock: bool, client: str = CLIENT, wants_sheets: bool = False
) -> RtMidiSource:
    """Open an input. wants_sheets: system exclusive messages are passed on, too (agent/duet/bar_sheet.py).

    Raises ValueError in one line for an unknown port or API, or a name that several ports have.
    """
    import rtmidi

    chosen = _choose_api(api)
    with quiet_stderr():
        port = rtmidi.MidiIn(getattr(rtmidi, API_NAMES[chosen]), client, QUEUE)
    try:
        port.ignore_types(sysex=not wants_sheets, timing=not wants_clock, active_sense=True)
        text = str(spec).strip()
        if text == VIRTUAL or text.startswith(VIRTUAL + ":"):
            own, name = text.partition(":")[2] or "in", None
            port.open_virtual_port(own)
        else:
            names = port.get_ports()
            index = _find(text, names)
            own, name = "in", str(names[index])
            port.open_port(index, own)
    except Exception:
        port.delete()
        raise
    jack_client.release_memory()
    return RtMidiSource(port, own, name, chosen == "jack", client)
