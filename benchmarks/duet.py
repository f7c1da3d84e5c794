"""Two Antiphons on one JACK server, over Ableton Link and their MIDI ports: are they together, and do they stay so?

    python -m benchmarks.duet [--minutes 5] [--turns 4] [--no-kills]

One leads (`antiphon mood drive`), the other plays along to its bass (`antiphon jam --input midi:Lead@1`); they take
turns. A JACK client reads both ports with the server's frame times. Each is killed once (SIGKILL to all its processes)
and started again: the follower after two fifths of the time, the leader after three. Columns: beats of the follower's
MIDI clock against the nearest of the leader's, in ms (median, p95, share within 5 ms), before the first kill and after
the last; notes and mean velocity of each in its last minute and a half against an early one (1 = neither grows); bars
from each restart to the first stroke, and how far that lies from a bar line of the one that had gone on, ms; the share
of bars in which both drummers play, and in which neither does. Appends to results.jsonl. Without a counterpart: no
peer at hand plays with itself.
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

import jack
import numpy as np
import psutil
from rich.console import Console
from rich.table import Table

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
from agent.core.midi_constants import (
    CLOCK,
    CLOCKS_PER_QUARTER,
    CLOCKS_PER_SIXTEENTH,
    CONTINUE,
    NOTE_ON,
    SONG_POSITION,
    START,
)
from benchmarks.common import results
from tests.rig import jack_server

RATE = 48_000
PER_BAR = 4 * CLOCKS_PER_QUARTER
LEAD, SECOND = "Lead", "Second"
COMMANDS = {
    LEAD: ("mood", "drive", "--set", "sync.link=true"),
    SECOND: ("jam", "--input", f"midi:{LEAD}@1", "--set", "sync.source=link"),
}
WITHIN_MS = 5.0
NEAR_S = 0.1  # a beat further off is another beat
UP_S = 40.0


@dataclass
class Heard:
    """What came from one port: beats and bar lines by its MIDI clock, and note-ons (time, channel, pitch, velocity)."""

    beats_s: list[float] = field(default_factory=list)
    bars_s: list[float] = field(default_factory=list)
    notes: list[tuple[float, int, int, int]] = field(default_factory=list)
    clock: int | None = None  # the number of the next one
    clocks_s: deque[float] = field(default_factory=lambda: deque(maxlen=CLOCKS_PER_QUARTER))  # when the last ones came

    def take(self, at_s: float, data: bytes) -> None:
        """Take one message."""
        if data[0] in (START, CONTINUE):
            self.clocks_s.clear()
        if data[0] == START:
            self.clock = 0
        elif data[0] == SONG_POSITION:
            self.clock = CLOCKS_PER_SIXTEENTH * (data[1] + 128 * data[2])
        elif data[0] == CLOCK and self.clock is not None:
            gaps = np.diff(self.clocks_s)
            ticks = round((at_s - self.clocks_s[-1]) / float(np.median(gaps))) if len(gaps) else 1
            if ticks < 1:  # JACK gives a period twice, or loses one, where a client was late
                return
            self.clocks_s.append(at_s)
            self.clock += ticks - 1
            if self.clock % CLOCKS_PER_QUARTER == 0:
                self.beats_s.append(at_s)
            if self.clock % PER_BAR == 0:
                self.bars_s.append(at_s)
            self.clock += 1
        elif data[0] & 0xF0 == NOTE_ON and data[2]:
            self.notes.append((at_s, data[0] & 0x0F, data[1], data[2]))


class Recorder:
    """A JACK client that reads the ports of both, and takes them up again when they come back."""

    def __init__(self) -> None:
        self.client = jack.Client("duet-recorder")
        self.heard = {name: Heard() for name in COMMANDS}
        self._ports = {name: self.client.midi_inports.register(name) for name in COMMANDS}
        self.client.set_process_callback(self._process)
        self.client.activate()

    @property
    def now_s(self) -> float:
        return float(self.client.frame_time / RATE)

    def _process(self, n: int) -> None:
        for name, port in self._ports.items():
            for offset, data in port.incoming_midi_events():
                self.heard[name].take((self.client.last_frame_time + offset) / RATE, bytes(data))

    def watch(self, seconds: float) -> None:
        """Listen for a while, and connect what comes meanwhile at once: its first message is the start of its clock."""
        until_s = time.monotonic() + seconds
        while time.monotonic() < until_s:
            self._connect()
            time.sleep(0.05)

    def _connect(self) -> None:
        for name, port in self._ports.items():
            for source in self.client.get_ports(f".*{name}.*", is_midi=True, is_output=True):
                if not self.client.get_all_connections(port):
                    with suppress(jack.JackErrorCode):  # a port of one that was just killed; it is tried again
                        self.client.connect(source, port)

    def close(self) -> None:
        self.client.deactivate()
        self.client.close()


class Player:
    """One Antiphon, in a process group of its own."""

    def __init__(self, name: str, turns: int, folder: Path) -> None:
        self.name, self._turns, self._folder, self._runs = name, turns, folder, 0
        self.start()

    def start(self) -> None:
        """Start it, or start it again."""
        self._runs += 1
        other = SECOND if self.name == LEAD else LEAD
        home = self._folder / self.name
        home.mkdir(exist_ok=True)
        command = [sys.executable, "-m", "agent", *COMMANDS[self.name], "--midi", f"virtual:{self.name}"]
        command += ["--midi-api", "jack", "--quiet", "--out", str(home / f"run{self._runs}")]
        command += ["--set", f"sync.partner={other}", "--set", f"sync.turns={self._turns}"]
        command += ["--set", "sync.clock_out=true"]
        environment = {**os.environ, "HOME": str(home), "XDG_RUNTIME_DIR": str(home), "PYTHONPATH": str(ROOT)}
        with (home / f"run{self._runs}.log").open("w") as log:
            self._process = subprocess.Popen(command, env=environment, stdout=log, stderr=log, start_new_session=True)

    def check(self) -> None:
        """End the run with what it said last where it has ended by itself."""
        if self._process.poll() is not None:
            said = (self._folder / self.name / f"run{self._runs}.log").read_text().splitlines()[-1:]
            raise SystemExit(f"{self.name} has ended: {' '.join(said)}")

    def kill(self) -> None:
        """End all its processes at once."""
        for process in (*psutil.Process(self._process.pid).children(recursive=True), psutil.Process(self._process.pid)):
            process.send_signal(signal.SIGKILL)
        self._process.wait()

    def end(self) -> None:
        """Let it end."""
        self._process.send_signal(signal.SIGINT)
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            self.kill()


def apart_ms(follower: Sequence[float], leader: Sequence[float], since_s: float, until_s: float) -> np.ndarray:
    """Return how far each beat of the follower lies from the leader's nearest, within a stretch of time."""
    beats = np.array([at for at in follower if since_s <= at < until_s])
    theirs = np.array(leader)
    if not len(beats) or not len(theirs):
        return np.array([np.inf])
    nearest = np.abs(beats[:, None] - theirs[None, :]).min(1)
    return 1000 * nearest[nearest < NEAR_S]


def growth(heard: Heard, began_s: float, ends_s: float) -> tuple[float, float]:
    """Return notes a minute and mean velocity of the last minute and a half against those of the second."""

    def stretch(since_s: float) -> list[int]:
        return [velocity for at, _, _, velocity in heard.notes if since_s <= at < since_s + 90]

    early, late = stretch(began_s + 30), stretch(ends_s - 90)
    return len(late) / max(len(early), 1), float(np.mean(late) / np.mean(early)) if early and late else float("nan")


def rejoined(heard: Heard, other: Heard, started_s: float) -> tuple[float, float]:
    """Return (bars of the other from the start to the first stroke, ms from that to the other's nearest bar line)."""
    first = next((at for at, channel, _, _ in heard.notes if at > started_s and channel == 9), None)
    lines = np.array(other.bars_s)
    if first is None or not len(lines):
        return float("nan"), float("nan")
    between = float(np.sum((lines > started_s) & (lines <= first)))
    return between, float(1000 * np.min(np.abs(lines - first)))


def run(minutes: float, turns: int, kills: bool, folder: Path) -> dict[str, float]:
    """Play, kill, and count."""
    with jack_server(RATE, 128):
        recorder = Recorder()
        players = [Player(LEAD, turns, folder)]
        recorder.watch(10.0)
        players.append(Player(SECOND, turns, folder))
        due = [(0.4, players[1]), (0.6, players[0])] if kills else []
        again: list[tuple[str, float, float]] = []
        began = recorder.now_s
        try:
            while recorder.now_s < began + 60 * minutes:
                recorder.watch(0.3)
                for player in players:
                    player.check()
                if due and recorder.now_s > began + 60 * minutes * due[0][0]:
                    _, player = due.pop(0)
                    player.kill()
                    killed_s = recorder.now_s
                    recorder.watch(2.0)
                    player.start()
                    again.append((player.name, killed_s, recorder.now_s))
            ends = recorder.now_s
            heard = recorder.heard
        finally:
            for player in reversed(players):
                player.end()
            recorder.close()
    lead, second = heard[LEAD], heard[SECOND]
    first_kill = again[0][1] if again else ends
    settled = again[-1][2] + UP_S if again else began
    before = apart_ms(second.beats_s, lead.beats_s, began + 20, first_kill)
    after = apart_ms(second.beats_s, lead.beats_s, settled, ends)
    figures = {
        "minutes": minutes,
        "turns": turns,
        "beats": len(before),
        "beat_ms_p50": float(np.median(before)),
        "beat_ms_p95": float(np.percentile(before, 95)),
        "within_5_ms": float(np.mean(before <= WITHIN_MS)),
        "after_kills_within_5_ms": float(np.mean(after <= WITHIN_MS)),
    }
    for name, one in heard.items():
        more, louder = growth(one, began, ends)
        figures |= {f"{name.lower()}_notes": more, f"{name.lower()}_velocity": louder}
    for name, _, started in again:
        other = heard[SECOND if name == LEAD else LEAD]
        bars, off_ms = rejoined(heard[name], other, started)
        figures |= {f"{name.lower()}_back_bars": bars, f"{name.lower()}_back_ms": off_ms}
    figures |= overlap(lead, second, began + 20, first_kill)
    return {name: round(value, 3) for name, value in figures.items()}


def overlap(lead: Heard, second: Heard, since_s: float, until_s: float) -> dict[str, float]:
    """Return the share of bars in which both drummers play, and in which neither does."""
    lines = [at for at in lead.bars_s if since_s <= at < until_s]
    both = neither = 0
    for start, end in pairwise(lines):
        plays = [
            sum(start + 0.06 <= at < end - 0.06 and channel == 9 for at, channel, _, _ in one.notes) > 1
            for one in (lead, second)
        ]
        both, neither = both + all(plays), neither + (not any(plays))
    count = max(len(lines) - 1, 1)
    return {"bars": float(count), "both_drum": both / count, "neither_drums": neither / count}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=5.0)
    parser.add_argument("--turns", type=int, default=4)
    parser.add_argument("--no-kills", action="store_true")
    parser.add_argument("--keep", type=Path, help="a folder for both sessions (default: none is kept)")
    parser.add_argument("--dry", action="store_true", help="append nothing to results.jsonl")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = given.keep or Path(scratch)
        folder.mkdir(parents=True, exist_ok=True)
        figures = run(given.minutes, given.turns, not given.no_kills, folder)
    table = Table("figure", "value", title="two Antiphons")
    for name, value in figures.items():
        table.add_row(name, f"{value:g}")
    Console().print(table)
    if not given.dry:
        results.append("duet", "antiphon", figures)


if __name__ == "__main__":
    main()
