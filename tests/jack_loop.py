"""A cable of known length on a JACK server: what goes in comes out `delay` samples later, sound and MIDI."""

from __future__ import annotations

import re
import subprocess
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import jack
import numpy as np

from agent.audio.calibrate import judge
from agent.audio.chirp import arrivals, chirp
from tests.rig import leave
from tests.waiting import wait_for


class Cable:
    """A JACK client with the ports in, out, midi_in and midi_out; connects them as the ports to connect to appear."""

    def __init__(self, delay: int, name: str = "cable") -> None:
        self.client, self.delay = jack.Client(name), delay
        self._in, self._out = self.client.inports.register("in"), self.client.outports.register("out")
        self._midi_in = self.client.midi_inports.register("midi_in")
        self._midi_out = self.client.midi_outports.register("midi_out")
        self._line = np.zeros(delay + self.client.blocksize, np.float32)
        self._events: deque[tuple[int, bytes]] = deque()
        self._frame = 0
        self.client.set_process_callback(self._process)
        self.client.activate()

    def _process(self, n: int) -> None:
        self._line[self.delay :] = self._in.get_array()
        self._out.get_array()[:] = self._line[:n]
        self._line[: self.delay] = self._line[n:].copy()
        self._midi_out.clear_buffer()
        for offset, data in self._midi_in.incoming_midi_events():
            self._events.append((self._frame + offset + self.delay, bytes(data)))
        while self._events and self._events[0][0] < self._frame + n:
            at, data = self._events.popleft()
            self._midi_out.write_midi_event(max(at - self._frame, 0), data)
        self._frame += n

    def connect(self, source: str, target: str, timeout_s: float = 15.0) -> None:
        """The first ports whose names hold these words, as soon as both are there."""
        try:
            a = wait_for(lambda: self._port(source, is_output=True), timeout_s, source)
            b = wait_for(lambda: self._port(target, is_input=True), timeout_s, target)
        except TimeoutError as cause:
            raise TimeoutError(f"{cause}; there are {[p.name for p in self.client.get_ports()]}") from cause
        if b.name not in {port.name for port in self.client.get_all_connections(a)}:
            self.client.connect(a, b)

    def _port(self, words: str, **kind: bool) -> Any:
        return next((p for p in self.client.get_ports(**kind) if all(w in p.name for w in words.split())), None)

    def close(self) -> None:
        leave(self.client.deactivate, self.client.close)


@contextmanager
def cable(delay: int, name: str = "cable") -> Iterator[Cable]:
    made = Cable(delay, name)
    try:
        yield made
    finally:
        made.close()


def chirped(line: Cable, chirps: int = 2) -> int:
    """What our chirp measures through this cable from a bare JACK client, samples."""
    rate, found = line.client.samplerate, []
    sweep = chirp(rate).astype(np.float32)
    client = jack.Client("probe")
    out, back = client.outports.register("out"), client.inports.register("in")
    played = np.zeros(chirps * rate, np.float32)
    starts = [rate // 4 + k * rate for k in range(chirps)]
    for at in starts:
        played[at : at + len(sweep)] = 0.25 * sweep
    heard, place = np.zeros(len(played), np.float32), [0]

    def process(n: int) -> None:
        at = place[0]
        here = played[at : at + n]
        out.get_array()[: len(here)] = here
        out.get_array()[len(here) :] = 0
        heard[at : at + n] = back.get_array()[: len(heard[at : at + n])]
        place[0] += n

    client.set_process_callback(process)
    client.activate()
    try:
        line.connect("probe out", "cable:in")
        line.connect("cable:out", "probe in")
        place[0] = 0
        wait_for(lambda: place[0] >= len(played), len(played) / rate + 10, "the end of what is played", 0.02)
        found = arrivals(heard.astype(np.float64), rate, starts, 0.3)
    finally:
        leave(client.deactivate, client.close)
    return judge(found, rate)[0]


def iodelay(line: Cable, seconds: float = 3.0) -> float:
    """What jack_iodelay measures through this cable, samples."""
    command = ["stdbuf", "-oL", "jack_iodelay"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        line.connect("jack_delay out", "cable:in")
        line.connect("cable:out", "jack_delay in")
        time.sleep(seconds)
    finally:
        process.terminate()
        said, _ = process.communicate(timeout=5)
    found = [float(value) for value in re.findall(r"([\d.]+) frames", said)]
    return float(np.median(found)) if found else float("nan")
