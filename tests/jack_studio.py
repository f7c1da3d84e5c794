"""The other side of the cables on a real JACK server: plays a take into Antiphon and records what comes out.

One JACK client does both, so that what went in and what came out lie on one clock, to the sample.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import jack
import numpy as np
import rtmidi
import soundfile as sf

from agent.core.midi_constants import NOTE_OFF, NOTE_ON
from tests.rig import leave
from tests.waiting import wait_for


@dataclass
class Studio:
    """Ports: take (out), left and right (in), notes (MIDI in). Times are seconds since the take's first sample."""

    take: np.ndarray
    messages: list[tuple[float, tuple[int, ...]]] = field(default_factory=list)
    xruns: int = 0

    def __post_init__(self) -> None:
        self.client = jack.Client("studio")
        self.rate = self.client.samplerate
        self._take = self.client.outports.register("take")
        self.ears = [self.client.inports.register(name) for name in ("left", "right")]
        self._notes = self.client.midi_inports.register("notes")
        self._start: int | None = None
        self._frames = 0
        self._heard = np.zeros((len(self.take) + 20 * self.rate, 2), np.float32)
        # counts notes in C++: this client's Python callback is now and then too late for a period and misses what was
        # in it
        self._counter = rtmidi.MidiIn(rtmidi.API_UNIX_JACK, "counter", queue_size_limit=100_000)
        self._counter.open_virtual_port("notes")
        self._sounding: set[tuple[int, int]] = set()
        self.client.set_process_callback(self._process)
        self.client.set_xrun_callback(self._xrun)
        self.client.activate()

    def _xrun(self, delay_us: float) -> None:
        self.xruns += 1

    def _process(self, n: int) -> None:
        out, at = self._take.get_array(), self._at()
        out[:] = 0
        if self._start is not None and at >= 0:
            part = self.take[at : at + n]
            out[: len(part)] = part
            for channel, port in enumerate(self.ears):
                end = min(at + n, len(self._heard))
                self._heard[at:end, channel] = port.get_array()[: max(end - at, 0)]
        for offset, data in self._notes.incoming_midi_events():
            self.messages.append(((at + offset) / self.rate, tuple(bytes(data))))

    def _at(self) -> int:
        return self.client.last_frame_time - self._start if self._start is not None else 0

    def roll(self) -> None:
        """Start the take at the next block."""
        self._start = self.client.last_frame_time + 2 * self.client.blocksize

    @property
    def now_s(self) -> float:
        return self._at() / self.rate

    @property
    def recording(self) -> np.ndarray:
        """What came in so far, [n, 2], aligned with the take."""
        return self._heard[: max(min(self._at(), len(self._heard)), 0)]

    def connect(self, source: str, target: str, timeout_s: float = 30.0) -> None:
        """Connect two ports by part of their names as soon as both are there."""
        self.wait(lambda: bool(self.ports_of(source) and self.ports_of(target)), timeout_s, f"{source} and {target}")
        for a, b in zip(self.ports_of(source), self.ports_of(target), strict=False):
            if b.name not in {p.name for p in self.client.get_all_connections(a)}:
                self.client.connect(a, b)

    def ports_of(self, part: str) -> list[Any]:
        return [p for p in self.client.get_ports() if part in p.name or any(part in alias for alias in p.aliases)]

    def wait(self, until: Callable[[], bool], timeout_s: float, what: str) -> None:
        try:
            wait_for(until, timeout_s, what, 0.05)
        except TimeoutError as cause:
            raise TimeoutError(f"{cause}; ports: {[p.name for p in self.client.get_ports()]}") from cause

    def note_ons(self, channel: int | None = None) -> list[tuple[float, int]]:
        return [
            (t, m[1])
            for t, m in self.messages
            if m[0] & 0xF0 == NOTE_ON and m[2] and (channel is None or m[0] & 0x0F == channel)
        ]

    def hanging(self) -> list[tuple[int, int]]:
        """(channel, pitch) of every note still on after all messages so far."""
        while got := self._counter.get_message():
            (status, *data), _ = got
            channel, kind = status & 0x0F, status & 0xF0
            if kind == NOTE_ON and data[1]:
                self._sounding.add((channel, data[0]))
            elif kind in (NOTE_OFF, NOTE_ON):
                self._sounding.discard((channel, data[0]))
        return sorted(self._sounding)

    def close(self) -> None:
        leave(self._counter.close_port, self._counter.delete, self.client.deactivate, self.client.close)


def load(path: Path, rate: int) -> np.ndarray:
    """A file as mono float32 at the server's rate."""
    sound, file_rate = sf.read(path, dtype="float32", always_2d=True)
    if file_rate != rate:
        import soxr

        sound = soxr.resample(sound, file_rate, rate)
    return np.ascontiguousarray(sound.mean(axis=1), np.float32)
