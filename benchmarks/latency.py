"""On a real JACK rig: how long from a sound to its event, how far MIDI leaves from its time, what it all costs.

    python benchmarks/latency.py [--seconds 50] [--busy N]

Starts jackd (dummy driver, 48 kHz, 128 frames), plays the repo's take into Antiphon, which drives FluidSynth over
JACK MIDI. The trivial rule beside it is a band that chases: it answers each note when it has heard it.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import psutil
from rich.console import Console
from rich.table import Table

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
from agent.core.paths import shipped
from benchmarks.common.results import append
from tests.jack_studio import Studio, load
from tests.rig import REALTIME, jack_server


def run(seconds: float, busy: int) -> dict[str, Any]:
    """One session; its figures."""
    with jack_server() as env, tempfile.TemporaryDirectory() as folder:
        out, font = Path(folder) / "session", str(shipped("band.sf3"))
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        synth = subprocess.Popen(["fluidsynth", "-m", "jack", "-a", "jack", "-s", "-i", font], env=env, **quiet)
        hogs = [multiprocessing.Process(target=_burn, daemon=True) for _ in range(busy)]
        room = Studio(load(shipped("take.flac"), 48_000))
        command = [
            sys.executable,
            "-m",
            "agent",
            "jam",
            "--midi",
            "fluidsynth",
            "--midi-api",
            "jack",
            "--out",
            str(out),
        ]
        try:
            room.wait(lambda: bool(room.ports_of("fluidsynth")), 20, "fluidsynth")
            antiphon = subprocess.Popen(command, env=env, cwd=ROOT, **quiet)
            room.wait((out / "events.jsonl").exists, 60, "Antiphon")
            room.connect("studio:take", "Antiphon-audio:in")
            room.connect("Antiphon:", "studio:notes")
            room.connect("Antiphon:", "counter:notes")
            for hog in hogs:
                hog.start()
            room.roll()
            load_figures = _watch(antiphon.pid, room, seconds)
            antiphon.send_signal(signal.SIGINT)
            antiphon.wait(30)
            time.sleep(0.5)  # the last note-offs travel with JACK's next periods
            return _figures(out, room) | load_figures | {"studio_xruns": room.xruns, "hanging": len(room.hanging())}
        finally:
            for process in (*hogs, synth):
                process.kill()
            room.close()


def _burn() -> None:
    while True:
        sum(range(10_000))


def _watch(pid: int, room: Studio, seconds: float) -> dict[str, float]:
    """CPU share and memory of each process while the take plays."""
    names = {pid: "parent"}
    for child in psutil.Process(pid).children():
        torch = any("libtorch" in m.path for m in child.memory_maps())
        spawned = "spawn_main" in " ".join(child.cmdline())
        if spawned:
            names[child.pid] = "mind" if torch else "audio"
    processes = {name: psutil.Process(number) for number, name in names.items()}
    before = {name: sum(p.cpu_times()[:2]) for name, p in processes.items()}
    started = time.monotonic()
    while room.now_s < seconds:
        time.sleep(0.5)
    elapsed = time.monotonic() - started
    shares = {f"cpu_{n}": (sum(p.cpu_times()[:2]) - before[n]) / elapsed for n, p in processes.items()}
    return shares | {f"rss_mb_{n}": p.memory_info().rss / 2**20 for n, p in processes.items()}


def _figures(out: Path, room: Studio) -> dict[str, Any]:
    events = [json.loads(line) for line in (out / "events.jsonl").open()]
    of = lambda kind: [e for e in events if e["type"] == kind]  # noqa: E731
    delay = {k: [1000 * (e["said_s"] - e["onset_s"]) for e in of(k)] for k in ("onset", "note")}
    midi = [e for e in of("sent") if e["output"] == "midi"]
    left = np.array([1000 * (e["sent_s"] - e["due_s"]) for e in midi])
    due = [(e["due_s"], e["pitch"]) for e in midi if e["on"]]
    port = _at_the_port(due, room.note_ons())
    figures = {"notes": len(due), **{k: v for k, v in of("summary")[-1].items() if k != "type"}}
    for name, values in (
        ("onset_delay", delay["onset"]),
        ("note_delay", delay["note"]),
        ("midi_error", np.abs(left)),
        ("port_error", np.abs(port)),
    ):
        figures[f"{name}_p50_ms"], figures[f"{name}_p99_ms"] = (
            float(np.percentile(values, q)) if len(values) else float("nan") for q in (50, 99)
        )
    return figures


def _at_the_port(due: list[tuple[float, int]], came: list[tuple[float, int]]) -> np.ndarray:
    """Milliseconds each note came after its time, less the median: the two clocks began at different moments."""
    offset = np.median([t for t, _ in came[:20]]) - np.median([t for t, _ in due[:20]]) if due and came else 0.0
    pitches = {pitch: np.array([t for t, p in due if p == pitch]) for _, pitch in due}
    pairs = [(t - offset, pitches[p]) for t, p in came if p in pitches]
    errors = 1000 * np.array([t - times[np.abs(times - t).argmin()] for t, times in pairs])
    return errors - np.median(errors) if len(errors) else errors


ROWS = (
    ("sound -> onset event, ms", "onset_delay_p50_ms", "onset_delay_p99_ms"),
    ("sound -> note event, ms (what a band that chases would be late by)", "note_delay_p50_ms", "note_delay_p99_ms"),
    ("MIDI sent - due, ms (Antiphon plans ahead)", "midi_error_p50_ms", "midi_error_p99_ms"),
    ("the same at the synth's port, JACK's period included, ms", "port_error_p50_ms", "port_error_p99_ms"),
)


def show(figures: dict[str, Any]) -> None:
    table = Table(title=f"JACK rig, 48 kHz / 128 frames, jackd {' '.join(REALTIME)}, {os.cpu_count()} cores")
    for column in ("figure", "p50", "p99"):
        table.add_column(column, justify="left" if column == "figure" else "right")
    for name, middle, high in ROWS:
        table.add_row(name, f"{figures[middle]:.2f}", f"{figures[high]:.2f}")
    for name in ("parent", "audio", "mind"):
        if f"cpu_{name}" in figures:
            table.add_row(
                f"{name}: share of a core, MB", f"{figures[f'cpu_{name}']:.2f}", f"{figures[f'rss_mb_{name}']:.0f}"
            )
    for name in (
        "xruns",
        "missing_samples",
        "sent",
        "late",
        "dropped",
        "improvised",
        "in_time_share",
        "hanging",
        "studio_xruns",
    ):
        value = figures[name]
        table.add_row(name, f"{value:.4f}" if isinstance(value, float) else str(value), "")
    Console(width=120).print(table)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=50.0)
    parser.add_argument("--busy", type=int, default=0, help="processes that steal the CPU meanwhile")
    given = parser.parse_args()
    if not shutil.which("jackd") or not shutil.which("fluidsynth"):
        print("skipped: needs jackd2 and fluidsynth (apt-get install jackd2 fluidsynth)")
        return 0
    figures = run(given.seconds, given.busy)
    show(figures)
    append("latency", f"antiphon, {given.busy} busy", figures)
    return 0


if __name__ == "__main__":
    sys.exit(main())
