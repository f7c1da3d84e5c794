"""How even the MIDI clock is that leaves the audio process, and how far its notes leave from their moment.

    python benchmarks/midi_clock.py [--seconds 20] [--bpm 120] [--busy N]

On a real JACK server (dummy driver, 48 kHz, 128 frames): the audio process as a session starts it gets plans with a
grid, a JACK client reads the clocks with their frame times, beside a sender that does `time.sleep(interval)`, as
scripts do. JACK carries RtMidi's messages at the start of a period, so no interval can be better than about +-2.7 ms
there; "left" is what the sender's own clock says.
"""

from __future__ import annotations

import argparse
import ctypes
import multiprocessing
import os
import sys
import threading
import time
from pathlib import Path
from typing import Any

import jack
import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
from agent.core.os_process import may_be_realtime
from agent.core.settings import AudioConfig, Config, MidiConfig, SyncConfig
from agent.core.types import Plan, PlannedNote
from agent.engine.audio_process import AudioSetup
from agent.midi.output import open_output
from benchmarks.common.results import append
from listener.ring import Ring
from listener.types import Grid, Meter
from tests.audio_life import Life
from tests.rig import jack_server

RATE = 48_000
CLOCK = b"\xf8"
PLAN_EVERY_S = 0.1
AHEAD_S = 0.3
NOTES_PER_BEAT = 4
SETTLE_S = 3.0
PR_CAPBSET_DROP, CAP_SYS_NICE = 24, 23

Times = NDArray[np.float64]


class Receiver:
    """A JACK client: when each clock came, in frames of the server."""

    def __init__(self) -> None:
        self.frames: list[int] = []
        self.client = jack.Client("drummachine")
        self._port = self.client.midi_inports.register("in")
        self.client.set_process_callback(self._process)
        self.client.activate()

    def _process(self, n: int) -> None:
        for offset, data in self._port.incoming_midi_events():
            if bytes(data) == CLOCK:
                self.frames.append(self.client.last_frame_time + offset)

    def take(self) -> Times:
        """Seconds of what came since the last time."""
        frames, self.frames = self.frames, []
        return np.array(frames) / RATE

    def close(self) -> None:
        self.client.deactivate()
        self.client.close()


def ours(receiver: Receiver, bpm: float, seconds: float) -> tuple[Times, dict[str, float]]:
    """The audio process, its clock and its notes."""
    config = Config(
        audio=AudioConfig(monitor_input="off"),
        midi=MidiConfig(port="drummachine:in", api="jack"),
        sync=SyncConfig(clock_out=True),
    )
    rings = Ring(20 * RATE, 1), Ring(20 * RATE, 8)
    life = Life(AudioSetup(config, RATE, None, None, 2, None, *rings))
    try:
        life.send("go")
        life.wait(lambda: life.last is not None and life.last.samples > 0)
        _lead(life, Grid(1.0, 0, 1, 60 / bpm, Meter(4, 4), 1.0, 1.0), seconds)
        life.push()
        assert life.last
        counts = life.last.counts
        return _settled(receiver.take()), counts.figures() | {"notes": counts.sent, "xruns": life.last.xruns}
    finally:
        life.close()


def _settled(times: Times) -> Times:
    """Without the first moments of a stream, when the card's ports are being plugged in."""
    return times[times > times[0] + SETTLE_S]


def _lead(life: Life, grid: Grid, seconds: float) -> None:
    """A mind: every tenth of a second a plan, 16th notes on the grid."""
    said, end_s = 0, time.monotonic() + seconds
    while time.monotonic() < end_s:
        life.push()
        assert life.last
        now_s = life.last.samples / RATE + time.monotonic() - life.last.monotonic_s
        ahead = int((grid.beat_at(now_s + AHEAD_S)) * NOTES_PER_BEAT)
        ticks = range(max(said, int(grid.beat_at(now_s) * NOTES_PER_BEAT) + 1), ahead)
        life.plans.send(Plan(tuple(_note(tick, grid) for tick in ticks), (), now_s + AHEAD_S, now_s, grid))
        said = max(said, ahead)
        time.sleep(PLAN_EVERY_S)


def _note(tick: int, grid: Grid) -> PlannedNote:
    on_s = grid.time_of(tick / NOTES_PER_BEAT)
    return PlannedNote("drums", on_s, on_s + 0.05, 42, 80, tick)


def sleeper(receiver: Receiver, bpm: float, seconds: float, exact: bool = False) -> tuple[Times, dict[str, float]]:
    """The trivial sender in a process of its own. exact: sleeps until the next moment instead of for an interval."""
    process = multiprocessing.get_context("spawn").Process(target=_sleep_and_send, args=(bpm, seconds, exact))
    process.start()
    process.join()
    return receiver.take(), {}


def _sleep_and_send(bpm: float, seconds: float, exact: bool) -> None:
    output, interval_s = open_output("drummachine:in", "jack", "sleeper"), 60 / bpm / 24
    threading.Event().wait(0.3)
    next_s = time.monotonic()
    end_s = next_s + seconds
    while next_s < end_s:
        output.send((CLOCK[0],))
        next_s += interval_s
        time.sleep(max(0.0, next_s - time.monotonic()) if exact else interval_s)
        next_s = next_s if exact else time.monotonic()
    output.close()


def figures(times: Times, bpm: float) -> dict[str, float]:
    """Measure interval_*: |interval - expected| at the receiver; phase: distance from even clocks at mean tempo."""
    expected_s = 60 / bpm / 24
    off = np.abs(np.diff(times) - expected_s)
    number = np.arange(len(times))
    phase = times - np.polyval(np.polyfit(number, times, 1), number)
    return {
        "clocks": len(times),
        "interval_p50_ms": 1000 * float(np.quantile(off, 0.5)),
        "interval_p99_ms": 1000 * float(np.quantile(off, 0.99)),
        "phase_p99_ms": 1000 * float(np.quantile(np.abs(phase), 0.99)),
        "tempo_off_percent": 100 * float(expected_s / np.polyfit(number, times, 1)[0] - 1),
    }


def _burn() -> None:
    while True:
        pass


SYSTEMS = {
    "antiphon": ours,
    "sleep(interval)": sleeper,
    "sleep until": lambda receiver, bpm, seconds: sleeper(receiver, bpm, seconds, exact=True),
}


def _give_up_realtime() -> None:
    """Deny realtime scheduling to what is started from here on; the JACK server, which runs already, keeps it."""
    ctypes.CDLL(None, use_errno=True).prctl(PR_CAPBSET_DROP, CAP_SYS_NICE, 0, 0, 0)


def measure(seconds: float, bpm: float, busy: int, realtime: bool = True) -> dict[str, dict[str, float]]:
    """System -> its figures, one after the other on one server."""
    rows = {}
    with jack_server():
        if not realtime:
            _give_up_realtime()
        hogs = [multiprocessing.Process(target=_burn, daemon=True) for _ in range(busy)]
        receiver = Receiver()
        try:
            for hog in hogs:
                hog.start()
            for name, system in SYSTEMS.items():
                times, told = system(receiver, bpm, seconds)
                rows[name] = figures(times, bpm) | told
        finally:
            for hog in hogs:
                hog.kill()
            receiver.close()
    return rows


def show(rows: dict[str, dict[str, Any]], title: str) -> None:
    columns = list(dict.fromkeys(name for row in rows.values() for name in row))
    table = Table("sender", *columns, title=title)
    for name, row in rows.items():
        table.add_row(name, *(f"{row[c]:.3f}".rstrip("0").rstrip(".") if c in row else "-" for c in columns))
    Console(width=220).print(table)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--bpm", type=float, default=120.0)
    parser.add_argument("--busy", type=int, default=0, help="processes that only burn time meanwhile")
    parser.add_argument("--no-realtime", action="store_true", help="the senders run without realtime rights")
    parser.add_argument("--keep", action="store_true", help="append to results.jsonl")
    arguments = parser.parse_args()
    rows = measure(arguments.seconds, arguments.bpm, arguments.busy, not arguments.no_realtime)
    rights = "SCHED_FIFO" if may_be_realtime() and not arguments.no_realtime else "no realtime rights"
    show(rows, f"MIDI clock at {arguments.bpm:g} BPM, JACK 128 frames, {rights}, {arguments.busy} busy processes")
    for name, row in rows.items():
        if arguments.keep:
            append("midi_clock", f"{name}, {rights}, {arguments.busy} busy", row)


if __name__ == "__main__":
    os.environ.setdefault("JACK_NO_START_SERVER", "1")
    main()
