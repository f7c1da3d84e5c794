"""Time with other machines, against truth: MIDI clock in, Ableton Link between two processes, calibrate on JACK.

    python benchmarks/sync.py [--no-rig]

MIDI clock: half a beat before each beat, where it is expected less where it is, beside the trivial rule (the last gap
times 24) and a better one (the mean of the last 24 gaps). Link: what two processes on this machine take for the same
beat. calibrate: a cable of known length on JACK, beside jack_iodelay.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
from agent.audio import latencies
from agent.core.config import load
from agent.midi.clock_in import MidiClock
from benchmarks.common.results import append
from listener.types import Grid, Meter

FOUR = Meter(4, 4)
TICK, START = b"\xf8", b"\xfa"
WARM_BEATS = 4
STEADY, QUARTERS = 120.0, 400
HELD_UP = "steady, +-1 ms, held up 3-90 ms every 4 s"
SCENES: dict[str, tuple[np.ndarray, float, float]] = {  # tempo of each quarter, jitter in s, share of ticks lost
    "steady, no jitter": (np.full(QUARTERS, STEADY), 0.0, 0.0),
    "steady, +-1 ms": (np.full(QUARTERS, STEADY), 0.001, 0.0),
    "steady, +-3 ms": (np.full(QUARTERS, STEADY), 0.003, 0.0),
    "240 bpm, +-3 ms": (np.full(QUARTERS, 240.0), 0.003, 0.0),
    "steady, +-3 ms, 2% lost": (np.full(QUARTERS, STEADY), 0.003, 0.02),
    HELD_UP: (np.full(QUARTERS, STEADY), 0.001, 0.0),
    "glide 90-150 and back, +-1 ms": (120 + 30 * np.sin(np.arange(QUARTERS) * 2 * np.pi / 200), 0.001, 0.0),
    "glide 90-150 and back, +-3 ms": (120 + 30 * np.sin(np.arange(QUARTERS) * 2 * np.pi / 200), 0.003, 0.0),
    "a new tempo every 40 beats, +-1 ms": (np.repeat([120, 90, 140, 60, 100, 130, 75, 180, 110, 95], 40), 0.001, 0.0),
}
CABLES = (0, 777)  # samples
CHIRPS = 3

Rule = Callable[[list[float]], float]


class Last:
    """The trivial rule: the last gap goes on; with gaps=24 the mean of the last 24."""

    def __init__(self, gaps: int) -> None:
        self._gaps, self._times, self._count = gaps, [], -1

    def push(self, at_s: float, message: bytes) -> None:
        if message == TICK:
            self._times = [*self._times[-self._gaps :], at_s]
            self._count += 1

    def expects(self, tick: int, now_s: float) -> float:
        gap_s = (self._times[-1] - self._times[0]) / max(len(self._times) - 1, 1)
        return self._times[-1] + (tick - self._count) * gap_s


class Ours:
    def __init__(self) -> None:
        self._clock = MidiClock(FOUR)
        self.push = self._clock.push

    def expects(self, tick: int, now_s: float) -> float:
        grid = self._clock.grid(now_s)
        assert grid
        return grid.time_of(tick / 24)


SYSTEMS: dict[str, Callable[[], Any]] = {
    "antiphon": Ours,
    "last gap x 24": lambda: Last(1),
    "mean of the last 24 gaps": lambda: Last(24),
}


def clock_in(scene: str, system: Any, seed: int = 0) -> dict[str, float]:
    """One scene, one system: |error| in ms over all beats."""
    tempi, jitter_s, lost = SCENES[scene]
    rng = np.random.default_rng(seed)
    truth = 10.0 + np.concatenate([[0.0], np.cumsum(np.repeat(60 / np.asarray(tempi, float) / 24, 24))])
    heard = np.sort(truth + rng.uniform(-jitter_s, jitter_s, len(truth)))
    if scene == HELD_UP:
        for begin in np.arange(120, len(truth) - 200, 192) + rng.integers(
            0, 150, len(range(120, len(truth) - 200, 192))
        ):
            heard[begin:] = np.maximum(heard[begin:], truth[begin] + rng.uniform(0.003, 0.09))
    keep = (rng.random(len(truth)) >= lost) | (np.arange(len(truth)) < 24)
    system.push(9.9, START)
    errors = []
    for tick, at_s in enumerate(heard):
        if keep[tick]:
            system.push(float(at_s), TICK)
        if tick % 24 == 12 and tick > 24 * WARM_BEATS and tick + 12 < len(truth):
            errors.append(1000 * abs(system.expects(tick + 12, float(at_s)) - truth[tick + 12]))
    return _spread(errors)


def _spread(errors_ms: Sequence[float]) -> dict[str, float]:
    median, p95, worst = np.percentile(errors_ms, (50, 95, 100))
    return {"median_ms": round(median, 3), "p95_ms": round(p95, 3), "max_ms": round(worst, 3)}


# -- a real port ------------------------------------------------------------------------------------------------


def _drum_machine(start_s: float, ticks: int, bpm: float) -> None:
    """A clock of another process, at JACK's mercy like any other."""
    import rtmidi

    out = rtmidi.MidiOut(rtmidi.API_UNIX_JACK, "machine")
    ports = out.get_ports()
    out.open_port(next(k for k, name in enumerate(ports) if "Antiphon-in" in name))
    time.sleep(0.3)
    out.send_message([0xFA])
    for tick in range(ticks):
        due_s = start_s + tick * 60 / bpm / 24
        time.sleep(max(due_s - time.monotonic() - 0.0005, 0))
        while time.monotonic() < due_s:
            pass
        out.send_message([0xF8])
    out.delete()


def clock_in_jack(seconds: float = 15.0, bpm: float = 120.0) -> dict[str, float]:
    """Another process sends over JACK; read by MidiIn every 20 ms as the parent does. Errors against its schedule."""
    from agent.midi.input import MidiIn

    source, clock, errors = MidiIn("virtual:in", "jack", wants_clock=True), MidiClock(FOUR), []
    try:
        while not source.is_open:
            time.sleep(0.05)
        start_s = time.monotonic() + 2.0
        ticks = round(seconds * bpm * 24 / 60)
        process = multiprocessing.get_context("spawn").Process(target=_drum_machine, args=(start_s, ticks, bpm))
        process.start()
        told = -1
        while (now_s := time.monotonic()) < start_s + seconds:
            for at_s, message in source.poll():
                clock.push(at_s, message)
            grid, beat = clock.grid(now_s), int((now_s - start_s) // (60 / bpm)) + 1
            if grid and beat > max(told, WARM_BEATS) and now_s > start_s + (beat - 0.5) * 60 / bpm:
                told = beat
                errors.append(1000 * (grid.time_of(beat) - start_s - beat * 60 / bpm))
            time.sleep(0.02)
        process.join(5)
    finally:
        source.close()
    late = float(np.median(errors))  # JACK's own way from port to port: the same for every tick
    return (
        _spread(np.abs(errors))
        | {"later_ms": round(late, 3)}
        | {"jitter_p95_ms": round(float(np.percentile(np.abs(np.array(errors) - late), 95)), 3)}
    )


# -- Link -------------------------------------------------------------------------------------------------------


def _follower(answers: Any, seconds: float) -> None:
    """Another process in the session; (when, place in the bar, bpm) of what it takes for the beat."""
    from agent.session.link import LinkPeer

    peer, until_s = LinkPeer(FOUR, 90.0), time.monotonic() + seconds
    while time.monotonic() < until_s:
        now_s = time.monotonic()
        if grid := peer.grid():
            answers.send((now_s, (grid.position - 1 + grid.beat_at(now_s) - grid.index) % 4, 60 / grid.period_s))
        time.sleep(0.05)
    answers.send(None)
    peer.close()


def link(seconds: float = 20.0) -> dict[str, dict[str, float]]:
    """Ours gives a beat, first steady, then a little faster every second; the other process follows."""
    from agent.session.link import LinkPeer

    spawn = multiprocessing.get_context("spawn")
    here, there = spawn.Pipe(duplex=False)
    process = spawn.Process(target=_follower, args=(there, seconds))
    process.start()
    peer, grids = LinkPeer(FOUR, 120.0), []
    grid = Grid(time.monotonic(), 0, 1, 0.5, FOUR, 1.0, 1.0)
    steps, begin_s = 0, time.monotonic()
    while process.is_alive():
        now_s = time.monotonic()
        if now_s - begin_s > seconds / 2 + steps:  # another tempo, the beat goes on where it is
            beat = int(grid.beat_at(now_s)) + 1
            grid = Grid(grid.time_of(beat), beat, grid.position_of(beat), grid.period_s * 0.99, FOUR, 1.0, 1.0)
            steps += 1
        peer.give(grid)
        grids.append((now_s, grid))
        time.sleep(0.02)
    process.join()
    said = []
    while here.poll() and (answer := here.recv()) is not None:
        said.append(answer)
    peer.close()
    apart = {"steady": (begin_s + 4, begin_s + seconds / 2), "tempo +1% every second": (begin_s + seconds / 2, 1e12)}
    return {
        name: _spread([_apart_ms(one, grids) for one in said if low < one[0] < high])
        for name, (low, high) in apart.items()
    }


def _apart_ms(said: tuple[float, float, float], grids: list[tuple[float, Grid]]) -> float:
    at_s, place, _ = said
    grid = next(g for since_s, g in reversed(grids) if since_s <= at_s)
    apart = (grid.position - 1 + grid.beat_at(at_s) - grid.index - place) % 4
    return 1000 * min(apart, 4 - apart) * grid.period_s


# -- calibrate --------------------------------------------------------------------------------------------------


def calibrated(samples: int, env: dict[str, str]) -> dict[str, float]:
    """One cable: jack_iodelay, our chirp from a bare JACK client, and the command through PortAudio; samples."""
    from tests.jack_loop import cable, chirped, iodelay

    with cable(samples) as line, tempfile.TemporaryDirectory() as folder:
        figures = {"jack_iodelay": iodelay(line, 2.0), "chirp_bare_client": float(chirped(line))}
        state = ["--set", f"paths.state={folder}", "--chirps", str(CHIRPS)]
        command = [sys.executable, "-m", "agent", "calibrate", *state]
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        process = subprocess.Popen(command, env={**os.environ, **env}, cwd=ROOT, **quiet)
        try:
            line.connect("Antiphon out_", "cable:in")
            line.connect("cable:out", "Antiphon in_")
            process.wait(30)
        finally:
            process.kill()
            process.wait()
        known, _ = latencies.load(load(None, {"paths.state": folder}))
        return figures | {
            "antiphon_calibrate": float(known.audio[0].round_trip_samples),
            "clarity_db": known.audio[0].clarity_db,
        }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--no-rig", action="store_true", help="leave out what needs jackd")
    given = parser.parse_args()
    console = Console(width=120)
    _print_clock(console)
    _print_link(console)
    if not given.no_rig and shutil.which("jackd"):
        _print_rig(console)


def _print_clock(console: Console) -> None:
    table = Table("MIDI clock in: |error| of the next beat, ms", *(f"{name} median / p95 / max" for name in SYSTEMS))
    rows: dict[str, dict[str, float]] = {name: {} for name in SYSTEMS}
    for scene in SCENES:
        cells = []
        for name, make in SYSTEMS.items():
            found = clock_in(scene, make())
            rows[name] |= {f"{scene}, {key}": value for key, value in found.items()}
            cells.append(" / ".join(f"{value:.2f}" for value in found.values()))
        table.add_row(scene, *cells)
    console.print(table)
    for name, figures in rows.items():
        append("sync: MIDI clock in", name, figures)


def _print_link(console: Console) -> None:
    table = Table("Link, two processes: |beats apart|, ms", "median", "p95", "max")
    found = link()
    for scene, figures in found.items():
        table.add_row(scene, *(f"{value:.3f}" for value in figures.values()))
    console.print(table)
    append("sync: Link", "antiphon", {f"{s}, {key}": value for s, row in found.items() for key, value in row.items()})


def _print_rig(console: Console) -> None:
    from tests.rig import jack_server

    with jack_server() as env:
        found = clock_in_jack()
        table = Table("MIDI clock in over JACK from another process, ms", *found)
        table.add_row("120 bpm", *(f"{value:.2f}" for value in found.values()))
        console.print(table)
        append("sync: MIDI clock in over JACK", "antiphon", found)
        table = Table(
            "round trip, samples; cable", "jack_iodelay", "our chirp, bare client", "antiphon calibrate *", "clarity dB"
        )
        for samples in CABLES:
            figures = calibrated(samples, env)
            table.add_row(str(samples), *(f"{value:.1f}" for value in figures.values()))
            append("sync: calibrate", f"cable of {samples} samples", figures)
        console.print(table)
        console.print("* through PortAudio, which on JACK keeps one block (128) between callback and output")


if __name__ == "__main__":
    main()
