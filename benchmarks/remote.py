"""What the remote costs and how quick it is: a band on a JACK server with four phones, beside the same band without.

    python -m benchmarks.remote [--seconds 120] [--phones 4] [--start]

The take that ships is played again and again through `antiphon jam`, once alone and once with `antiphon web` and phones
that watch; one of them asks for the status twice a second. Columns: samples missing at the sound card, the remote's
share of a core, views a second at a phone, milliseconds from a command to its answer (p95), seconds from the restart of
the remote to the next view. --start: seconds from the start of `antiphon daemon` to the
answered page, and to the first view of its session (a card is there: the JACK server's).
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import soundfile as sf
from rich.console import Console
from rich.table import Table
from websockets.sync.client import connect

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
from agent.control.socket_server import ask
from agent.core.errors import UserError
from agent.core.paths import shipped
from agent.web.tokens import Tokens
from benchmarks.common import results
from tests.rig import jack_server

PORT = 8799
STARTS_S = 120.0


class Phone(threading.Thread):
    """A phone that watches, and taps where it is asked to. times: when each view came; took_s: of each tap."""

    def __init__(self, cookie: str, taps: bool) -> None:
        super().__init__(daemon=True)
        self._cookie, self._taps = cookie, taps
        self.times: list[float] = []
        self.took_s: list[float] = []
        self.over = threading.Event()

    def run(self) -> None:
        while not self.over.is_set():
            try:
                self._watch()
            except Exception:  # the remote is being restarted
                time.sleep(0.1)

    def _watch(self) -> None:
        with connect(f"ws://127.0.0.1:{PORT}/api/live", additional_headers={"Cookie": self._cookie}) as socket:
            tapped_s, waiting = time.monotonic(), False
            while not self.over.is_set():
                if self._taps and not waiting and time.monotonic() - tapped_s > 0.5:
                    tapped_s, waiting = time.monotonic(), True
                    socket.send('{"say": "status", "id": 1}')
                message = json.loads(socket.recv(timeout=10))
                if message.get("view"):
                    self.times.append(time.monotonic())
                elif message.get("id") == 1:
                    self.took_s.append(time.monotonic() - tapped_s)
                    waiting = False


def session(folder: Path, seconds: float, phones: int, env: Mapping[str, str]) -> dict[str, Any]:
    """Run the band for so long; return its figures."""
    take, rate = sf.read(shipped("take.flac"), dtype="float32")
    long = folder / "long.wav"
    sf.write(long, np.tile(take, int(np.ceil((seconds + STARTS_S) * rate / len(take)))), rate)
    socket = folder / "control.sock"
    mine = {**os.environ, **env, "ANTIPHON_SOCKET": str(socket)}
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    jam = [sys.executable, "-m", "agent", "jam", "--input", str(long), "--out", str(folder / "out"), "--quiet"]
    processes = [subprocess.Popen(jam, env=mine, cwd=ROOT, **quiet)]
    try:
        before = _playing(socket)
        figures: dict[str, Any] = {}
        if phones:
            figures = _with_phones(folder, seconds, phones, mine, processes)
        else:
            time.sleep(seconds)
        after = ask(socket, "status")["status"]
        return {"missing": after["missing_samples"] - before["missing_samples"]} | figures
    finally:
        for process in reversed(processes):
            process.send_signal(signal.SIGINT)
        for process in processes:
            process.wait(30)


def _playing(socket: Path) -> dict[str, Any]:
    until_s = time.monotonic() + STARTS_S
    while time.monotonic() < until_s:
        try:
            status: dict[str, Any] = ask(socket, "status")["status"]
            if status["state"] == "playing":
                return status
        except (UserError, KeyError):
            pass
        time.sleep(0.5)
    raise SystemExit("the band did not come in")


def remote_with_phone(state: Path) -> tuple[list[str], str]:
    """Return the command that starts the remote, and the cookie of a phone that is paired with it."""
    tokens = Tokens(state)
    cookie = f"antiphon={tokens.pair(tokens.new_code(), 'benchmark')}"
    sets = [word for pair in (f"paths.state={state}", f"web.port={PORT}") for word in ("--set", pair)]
    return [sys.executable, "-m", "agent", "web", "--no-code", *sets], cookie


def _with_phones(
    folder: Path, seconds: float, phones: int, env: Mapping[str, str], processes: list[subprocess.Popen[bytes]]
) -> dict[str, Any]:
    web, cookie = remote_with_phone(folder / "state")
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    processes.append(subprocess.Popen(web, env=env, cwd=ROOT, **quiet))
    watching = [Phone(cookie, taps=number == 0) for number in range(phones)]
    for phone in watching:
        phone.start()
    while not all(phone.times for phone in watching):
        time.sleep(0.1)
    used = psutil.Process(processes[-1].pid)
    cpu_s, began_s = sum(used.cpu_times()[:2]), time.monotonic()
    time.sleep(seconds)
    share = (sum(used.cpu_times()[:2]) - cpu_s) / (time.monotonic() - began_s)
    views = [at_s for at_s in watching[-1].times if at_s >= began_s]
    took_ms = 1000 * np.percentile(watching[0].took_s, 95)
    processes.pop().terminate()
    time.sleep(1)
    processes.append(subprocess.Popen(web, env=env, cwd=ROOT, **quiet))
    restarted_s = time.monotonic()
    while watching[-1].times[-1] < restarted_s and time.monotonic() < restarted_s + 60:
        time.sleep(0.02)
    back_s = watching[-1].times[-1] - restarted_s
    for phone in watching:
        phone.over.set()
    figures = {"remote_cores": share, "views_per_s": len(views) / seconds, "answer_ms_p95": took_ms, "back_s": back_s}
    return {name: round(float(value), 4) for name, value in figures.items()}


def started(env: Mapping[str, str]) -> dict[str, float]:
    """Start the daemon with the remote; return seconds to the page and to the first view."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        tokens = Tokens(folder / "state")
        phone = Phone(f"antiphon={tokens.pair(tokens.new_code(), 'benchmark')}", taps=False)
        given = {"paths.state": folder / "state", "paths.sessions": folder / "sessions", "web.port": PORT}
        sets = [word for pair in given.items() for word in ("--set", "=".join(map(str, pair)))]
        command = [
            sys.executable,
            "-m",
            "agent",
            "daemon",
            "--set",
            "web.enabled=true",
            "--set",
            "midi.port=null",
            *sets,
        ]
        mine = {**os.environ, **env, "ANTIPHON_SOCKET": str(folder / "control.sock")}
        began_s = time.monotonic()
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        daemon = subprocess.Popen(command, env=mine, cwd=ROOT, **quiet)
        try:
            while not _answers() and time.monotonic() < began_s + STARTS_S:
                time.sleep(0.02)
            page_s = time.monotonic() - began_s
            phone.start()
            while not phone.times and time.monotonic() < began_s + STARTS_S:
                time.sleep(0.02)
            return {"page_s": round(page_s, 2), "view_s": round(time.monotonic() - began_s, 2)}
        finally:
            phone.over.set()
            daemon.send_signal(signal.SIGINT)
            daemon.wait(30)


def _answers() -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{PORT}/", timeout=2) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def main() -> None:
    """Run both sessions, print the table, append the rows."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=120.0)
    parser.add_argument("--phones", type=int, default=4)
    parser.add_argument("--start", action="store_true", help="only how long the daemon takes to a page")
    given = parser.parse_args()
    if given.start:
        with jack_server() as env:
            figures = started(env)
        results.append("remote", "daemon start", figures)
        Console().print(f"from the start of the daemon: page {figures['page_s']} s, first view {figures['view_s']} s")
        return
    table = Table("band", "missing samples", "remote, cores", "views/s", "answer p95, ms", "back after restart, s")
    with jack_server() as env:
        for name, phones in (("alone", 0), (f"with {given.phones} phones", given.phones)):
            with tempfile.TemporaryDirectory() as folder:
                figures = session(Path(folder), given.seconds, phones, env)
            results.append("remote", name, figures | {"seconds": given.seconds})
            keys = ("missing", "remote_cores", "views_per_s", "answer_ms_p95", "back_s")
            table.add_row(name, *(str(figures.get(key, "-")) for key in keys))
    Console().print(table)


if __name__ == "__main__":
    main()
