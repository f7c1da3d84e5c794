"""A long evening in which everything goes wrong: the daemon on JACK, hurt at random, and hours of a file at full speed.

    python -m benchmarks.soak [--minutes 30] [--hours 2] [--phones 3] [--seed 0]

A bassist plays the repo's take round and round; meanwhile, some 25 s apart, workers are killed or stopped, the sound
server or the MIDI instrument goes, both cores are busy, MIDI and the control socket are flooded, directions are given
and phones come and go. Columns: what was done and how often; seconds until the next note after it (median and worst).
Then what must be 0 or small: notes that hang, notes that were heard and are in no record, seconds of the bass that the
recording lacks, growth of memory in MB an hour. --hours: of the take as one file, as fast as it goes; 0 leaves it out.
Appends to results.jsonl, each fault as it comes: a run that is ended keeps what it has.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import random
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import closing, suppress
from difflib import SequenceMatcher
from pathlib import Path
from typing import Any

import numpy as np
import psutil
from rich.console import Console
from rich.table import Table

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
from agent.control.socket_server import ask
from agent.core.errors import UserError
from benchmarks.common import results
from benchmarks.realtime import file_memory, stage_with_take
from benchmarks.remote import Phone, remote_with_phone
from tests.faults import busy, flood, kill, port_vanishes, stopped
from tests.stage import Stage

MEAN_GAP_S, LEAST_GAP_S = 12.0, 10.0  # between two faults: at least the second, the first more on average
BACK_S = 40.0  # the band is given up for lost after
SETTLES_S, WARM_S = 12.0, 240.0
START_S, ENDS_S = 240.0, 300.0  # on a busy machine: until the band plays, until the files are written
SAMPLE_S = 10.0  # between two looks at the memory
ASKED_AT_ONCE = 100
Do = Callable[[Stage], None]
DIRECTIONS = (
    "snare down", "a little busier", "more dissonance, but don't resolve it", "half time", "normal time again",
    "seven eight in bar three", "four four again", "take that", "stop the loop", "undo that", "swing it", "straight",
    "only the drums", "everybody in", "faster", "what stands?", "mute the chords", "bring the chords back", "mmh nice",
)  # fmt: skip


class Remote:
    """`antiphon web` and the phones that watch it; it is started again when it was killed."""

    def __init__(self, stage: Stage, phones: int) -> None:
        self._command, cookie = remote_with_phone(stage.folder / "state" / "antiphon")
        self._environment = stage.environment
        self._over = threading.Event()
        self._process = self._start()
        self._keeper = threading.Thread(target=self._keep, daemon=True)
        self.phones = [Phone(cookie, taps=number == 0) for number in range(phones)]
        for thread in (self._keeper, *self.phones):
            thread.start()

    def _start(self) -> subprocess.Popen[bytes]:
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        return subprocess.Popen(self._command, env=self._environment, cwd=ROOT, **quiet)

    def _keep(self) -> None:
        while not self._over.wait(0.5):
            if self._process.poll() is not None:
                self._process = self._start()

    def kill(self, stage: Stage) -> None:
        self._process.kill()

    def close(self) -> None:
        self._over.set()
        self._keeper.join(5)
        for phone in self.phones:
            phone.over.set()
        self._process.kill()


def says(line: str) -> Do:
    def do(stage: Stage) -> None:
        stage.send(f"say {line}")

    return do


def asks_at_once(stage: Stage) -> None:
    """A hundred clients ask for the status in one moment."""

    def one() -> None:
        with suppress(UserError):
            ask(stage.folder / "control.sock", "status")

    clients = [threading.Thread(target=one) for _ in range(ASKED_AT_ONCE)]
    for client in clients:
        client.start()
    for client in clients:
        client.join(30)


def stalls(stage: Stage) -> None:
    """As a card that is pulled: no block comes. (A killed server takes libjack's clients here with it.)"""
    stage.server.stall(2.0)


def drawn(rng: random.Random, remote: Remote) -> tuple[str, Do]:
    """Return the next thing that goes wrong, and its name."""
    kinds: tuple[tuple[float, str, Do], ...] = (
        (5, "kill -9 of the mind", kill("mind")),
        (5, "kill -9 of the audio process", kill("audio")),
        (1, "kill -9 of the remote", remote.kill),
        (1, "the mind stopped for 2 s", stopped("mind", 2.0)),
        (1, "the audio process stopped for 2 s", stopped("audio", 2.0)),
        (2, "the MIDI instrument gone for 2 s", port_vanishes(2.0)),
        (2, "the sound server stands still for 2 s", stalls),
        (1, "4 busy processes for 8 s", busy(4, 8.0)),
        (1, "200 MIDI messages a second for 5 s", flood(200, 5.0)),
        (1, f"{ASKED_AT_ONCE} clients at once", asks_at_once),
        (8, "a direction", says(rng.choice(DIRECTIONS))),
    )
    weights, names, dos = zip(*kinds, strict=True)
    index = rng.choices(range(len(kinds)), weights)[0]
    return names[index], dos[index]


class Memory(threading.Thread):
    """Looks at the memory of all processes, now and then: (seconds, PSS in MB) while none is missing."""

    def __init__(self, stage: Stage) -> None:
        super().__init__(daemon=True)
        self._stage, self.over = stage, threading.Event()
        self.rows: list[tuple[float, float]] = []

    def run(self) -> None:
        while not self.over.wait(SAMPLE_S):
            with suppress(psutil.Error, OSError):
                workers = self._stage.workers()
                if {"parent", "audio", "mind"} <= workers.keys():
                    pss = sum(psutil.Process(pid).memory_full_info().pss for pid in workers.values())
                    self.rows.append((time.monotonic(), pss / 2**20))

    def growth_mb_per_hour(self) -> float:
        """Return the slope after WARM_S."""
        rows = np.array([row for row in self.rows if row[0] > self.rows[0][0] + WARM_S])
        return float(3600 * np.polyfit(rows[:, 0] - rows[0, 0], rows[:, 1], 1)[0]) if len(rows) > 5 else float("nan")


Struck = tuple[float, int, int]  # a note's second, channel and key


def recorded(stage: Stage) -> tuple[list[Struck], float]:
    """Return the notes that the sessions say were sent to the MIDI port, and the seconds of bass they have."""
    import soundfile as sf

    notes: list[Struck] = []
    channels: dict[str, int] = {}
    for events in sorted((stage.folder / "sessions").rglob("events.jsonl")):
        for line in events.read_text(errors="replace").splitlines():
            with suppress(json.JSONDecodeError):
                row: dict[str, Any] = json.loads(line)
                if row.get("type") == "session":
                    channels = {part: number - 1 for part, (number, _) in row["parts"].items()}
                elif row.get("type") == "sent" and row.get("output") == "midi" and row.get("on"):
                    notes.append((row["sent_s"], channels[row["part"]], row["pitch"]))
    sounds = [path for kind in ("wav", "flac") for path in (stage.folder / "sessions").rglob(f"bass.{kind}")]
    return notes, sum(sf.info(str(path)).duration for path in sounds)


def in_no_record(heard: Sequence[Struck], notes: Sequence[Struck]) -> int:
    """Return how many of the notes heard nobody recorded, at most.

    Both are in seconds of clocks of their own, and the recorded one stands still where the sound server leaves samples
    out, for seconds on a busy machine. So their order is compared, whatever their times.
    """
    theirs, ours = ([(channel, key) for _, channel, key in sorted(of)] for of in (heard, notes))
    blocks = SequenceMatcher(None, theirs, ours, autojunk=False).get_matching_blocks()
    return len(heard) - sum(block.size for block in blocks)


def soak(minutes: float, phones: int, seed: int, console: Console) -> dict[str, float]:
    """Play for so long while everything goes wrong; return the figures."""
    rng = random.Random(seed)
    done: dict[str, list[float]] = {}
    with stage_with_take() as stage, closing(Remote(stage, phones)) as remote:
        stage.start()
        begun_s = time.monotonic()
        stage.room.playing = True
        stage.wait_for_band(START_S)
        time.sleep(SETTLES_S)
        memory = Memory(stage)
        memory.start()
        until_s = time.monotonic() + 60 * minutes
        while time.monotonic() < until_s:
            time.sleep(LEAST_GAP_S + min(rng.expovariate(1 / MEAN_GAP_S), 60.0))
            name, do = drawn(rng, remote)
            back_s = _after(stage, do)
            done.setdefault(name, []).append(back_s)
            left = f"{max(until_s - time.monotonic(), 0) / 60:.0f} min left"
            console.print(f"  {name}: the next note after {back_s:.2f} s ({left})")
            results.append("soak_fault", name, {"back_s": round(back_s, 3)})
        memory.over.set()
        stage.room.playing = False
        stopped_s = time.monotonic()
        stage.stop(ENDS_S)
        time.sleep(2)
        stage.synth.push()
        notes, bass_s = recorded(stage)
        expected_s = notes[0][0] + stopped_s - stage.synth.note_ons[0][0]
        heard, hanging = stage.synth.note_ons, len(stage.synth.hanging)
        views = sum(len(phone.times) for phone in remote.phones)
        kept = stage.folder
    _show(console, done)
    shutil.rmtree(kept, ignore_errors=True)
    figures = {
        "minutes": round((stopped_s - begun_s) / 60, 1),
        "faults": sum(len(of) for of in done.values()),
        "never_back": sum(back_s >= BACK_S for of in done.values() for back_s in of),
        "hanging": hanging,
        "notes_heard": len(heard),
        "lost_records": in_no_record(heard, notes),
        "bass_missing_s": round(max(expected_s - bass_s, 0.0), 1),
        "growth_mb_per_hour": round(memory.growth_mb_per_hour(), 1),
        "views": views,
    }
    return {name: value for name, value in figures.items() if not math.isnan(value)}  # too short for a slope


def _after(stage: Stage, do: Do) -> float:
    """Do it; return the seconds from its end to the next note, BACK_S where none came."""
    with suppress(KeyError, ProcessLookupError):  # it is being started at this moment
        do(stage)
    try:
        return stage.wait_for_band(BACK_S)
    except TimeoutError:
        return BACK_S


def _show(console: Console, done: dict[str, list[float]]) -> None:
    table = Table("what was done", "times", "next note: median, s", "worst, s")
    for name, back in sorted(done.items()):
        table.add_row(name, str(len(back)), f"{np.median(back):.2f}", f"{max(back):.2f}")
    console.print(table)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=30.0, help="on JACK")
    parser.add_argument("--hours", type=float, default=2.0, help="of a file, at full speed")
    parser.add_argument("--phones", type=int, default=3)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    if not shutil.which("jackd"):
        print("skipped: needs jackd2 (apt-get install jackd2)")
        return 0
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    console, figures = Console(width=140), {}
    if given.minutes:
        figures = soak(given.minutes, given.phones, given.seed, console)
        results.append("soak", "on JACK", figures)
    if given.hours:
        fast = file_memory(given.hours)
        figures |= {f"file_{name}": value for name, value in fast.items()}
        results.append("soak", "a file at full speed", fast)
    table = Table("figure", "", "wanted")
    wanted = {"hanging": "0", "lost_records": "0", "never_back": "0", "growth_mb_per_hour": "< 5"}
    wanted["file_growth_mb_per_hour"] = "< 5"
    for name, value in figures.items():
        table.add_row(name, f"{value:g}" if isinstance(value, int) else f"{value:.1f}", wanted.get(name, ""))
    console.print(table)
    return 0


if __name__ == "__main__":
    sys.exit(main())
