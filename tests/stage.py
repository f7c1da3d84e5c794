"""A stage for fault tests: a JACK server that can be killed, a take that plays round and round into Antiphon, a
hardware synth that counts, and Antiphon's daemon on it, plugged together again whenever ports come and go."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import jack
import numpy as np
import rtmidi

from agent.control.socket_server import ask
from agent.core.errors import UserError
from agent.core.midi_constants import NOTE_OFF, NOTE_ON
from tests.rig import REALTIME, forget_dead_servers, leave
from tests.waiting import wait_for

ROOT = Path(__file__).parent.parent
SYNTH = "hardware"  # the synth's client name
QUIET_DB = -60.0
GRAVEYARD: list[Any] = []  # clients of servers that were killed: closing one while another server runs crashes libjack


class Server:
    """jackd with the dummy driver under a name of its own; kill() and start() may alternate."""

    def __init__(self, name: str, rate: int = 48_000, period: int = 128) -> None:
        self.name, self.rate, self.period = name, rate, period
        os.environ |= {"JACK_DEFAULT_SERVER": name, "JACK_NO_AUDIO_RESERVATION": "1", "JACK_NO_START_SERVER": "1"}
        self.start()

    def start(self) -> None:
        from agent.midi.output import jack_runs

        command = ["jackd", "-n", self.name, *REALTIME, "-d", "dummy", "-r", str(self.rate), "-p", str(self.period)]
        forget_dead_servers()
        self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait(jack_runs, 15, "jackd")

    @property
    def pid(self) -> int:
        """The process that runs; 0 for none."""
        return self._process.pid if self._process.poll() is None else 0

    def stall(self, seconds: float) -> None:
        """Stand still for so long: no client is called."""
        self._process.send_signal(signal.SIGSTOP)
        time.sleep(seconds)
        self._process.send_signal(signal.SIGCONT)

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()
        for left in Path("/dev/shm").glob(f"*{self.name}*"):
            with suppress(OSError):
                left.unlink()

    close = kill


def wait(until: Callable[[], Any], timeout_s: float, what: str) -> float:
    """Seconds it took; TimeoutError."""
    begun_s = time.monotonic()
    wait_for(until, timeout_s, what, 0.02)
    return time.monotonic() - begun_s


def pedal_board() -> Any:
    """A MIDI foot switch on JACK."""
    board = rtmidi.MidiOut(rtmidi.API_UNIX_JACK, "pedalboard")
    board.open_virtual_port("out")
    return board


class Synth:
    """A MIDI instrument on JACK that counts what it is told, in C++: no message of its is missed."""

    def __init__(self, heard: Sequence[tuple[float, int, int]] = ()) -> None:
        """heard: what came to the instrument this one stands for."""
        self._port = rtmidi.MidiIn(rtmidi.API_UNIX_JACK, SYNTH, queue_size_limit=200_000)
        self._port.ignore_types(sysex=False, timing=False, active_sense=True)
        self._port.open_virtual_port("in")
        self.sounding_since: dict[tuple[int, int], float] = {}
        self.note_ons: list[tuple[float, int, int]] = [*heard]  # (monotonic s, channel, key)
        self._lock, self._closed = threading.Lock(), threading.Event()
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        while not self._closed.wait(0.005):
            self.push()

    def push(self) -> None:
        """Read what has come; all notes off (CC 123, 120) ends every note of its channel."""
        with self._lock:
            while not self._closed.is_set() and (got := self._port.get_message()):
                self._take(*got[0])

    def _take(self, status: int, *data: int) -> None:
        if status < 0xF0:
            channel, kind = status & 0x0F, status & 0xF0
            if kind == NOTE_ON and data[1]:
                self.sounding_since[channel, data[0]] = time.monotonic()
                self.note_ons.append((time.monotonic(), channel, data[0]))
            elif kind in (NOTE_OFF, NOTE_ON):
                self.sounding_since.pop((channel, data[0]), None)
            elif kind == 0xB0 and data[0] in (120, 123):
                self.sounding_since = {pair: t for pair, t in self.sounding_since.items() if pair[0] != channel}

    @property
    def hanging(self) -> list[tuple[int, int]]:
        self.push()
        return sorted(self.sounding_since)

    def close(self) -> None:
        with self._lock:
            self._closed.set()
            self._port.close_port()
            self._port.delete()


class Room:
    """The bass amp and the listener: plays `take` round and round out of port "bass" and hears what Antiphon sends.

    Sounds are kept as the level of each JACK period with its frame time: gaps are read off them.
    """

    def __init__(self, take: np.ndarray) -> None:
        self.client = jack.Client("room", no_start_server=True)
        self.rate, self.take = self.client.samplerate, take
        self._bass = self.client.outports.register("bass")
        self.ears = [self.client.inports.register(name) for name in ("left", "right")]
        self.playing = False
        self.spoil: Callable[[np.ndarray], None] | None = None  # damages what the bass sends
        self._at = 0
        self.levels: list[tuple[float, float]] = []  # (monotonic s, peak)
        self.client.set_process_callback(self._process)
        self.client.activate()

    def _process(self, n: int) -> None:
        out = self._bass.get_array()
        out[:] = 0
        if self.playing:
            out[:] = np.take(self.take, range(self._at, self._at + n), mode="wrap")
            self._at += n
        if self.spoil:
            self.spoil(out)
        self.levels.append((time.monotonic(), max(float(np.abs(port.get_array()).max()) for port in self.ears)))

    def silence_s(self, since_s: float, until_s: float) -> float:
        """The longest time between two periods in which something sounded, from since_s to until_s."""
        heard = [t for t, peak in self.levels if since_s <= t <= until_s and 20 * np.log10(peak + 1e-9) > QUIET_DB]
        return float(np.diff([since_s, *heard, until_s]).max())

    def close(self) -> None:
        leave(self.client.deactivate, self.client.close)


class Stage:
    """Everything together. flags: for `antiphon daemon`. steps_clock: its wall clock can be stepped.
    `with Stage(folder, take) as stage:`
    """

    def __init__(
        self, folder: Path, take: np.ndarray, *flags: str, steps_clock: bool = False, period: int = 128
    ) -> None:
        self.folder, self._take, self._flags = folder, take, flags
        self.slow_flag, self.clock_file = folder / "slow", folder / "clock"
        self.server = Server(f"stage-{os.getpid()}-{int(time.monotonic() * 1000) % 100_000}", period=period)
        self.environment = {
            **os.environ,
            "ANTIPHON_SOCKET": str(folder / "control.sock"),
            "XDG_STATE_HOME": str(folder / "state"),
            "XDG_DATA_HOME": str(folder / "data"),
            "ANTIPHON_SLOW_STEP": str(self.slow_flag),
            "PYTHONPATH": str(ROOT / "tests" / "slow_step"),
        } | (self._fake_clock() if steps_clock else {})
        self.daemon: subprocess.Popen[bytes] | None = None
        self._closing = threading.Event()
        self.furnish()
        self._patchbay = threading.Thread(target=self._patch, daemon=True)
        self._patchbay.start()

    def furnish(self) -> None:
        """Synth and room; once more after the server was killed."""
        self.synth, self.room, self.pedals = Synth(), Room(self._take), pedal_board()

    def unfurnish(self, gone: bool = False) -> None:
        """Leave the server; gone: it is about to be killed, and what hangs on it is let be."""
        for close in (self.room.close, self.synth.close, self.pedals.delete):
            with suppress(Exception):
                close()

    def _fake_clock(self) -> dict[str, str]:
        """So that the wall clock can be stepped, where libfaketime is installed."""
        found = sorted(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"))
        if not found:
            return {}
        self.clock_file.write_text("+0\n")
        settings = {"FAKETIME_TIMESTAMP_FILE": str(self.clock_file), "FAKETIME_DONT_FAKE_MONOTONIC": "1"}
        return {"LD_PRELOAD": str(found[0]), "FAKETIME_NO_CACHE": "1", **settings}

    def start(self) -> None:
        settings = ["--set", f"midi.port={SYNTH}", "--set", "midi.api=jack", "--set", "midi.input=pedalboard"]
        settings += ["--set", f"paths.sessions={self.folder / 'sessions'}"]
        command = [sys.executable, "-m", "agent", "daemon", *settings, *self._flags]
        with (self.folder / "daemon.log").open("ab") as log:
            self.daemon = subprocess.Popen(
                command, env=self.environment, cwd=ROOT, stderr=log, stdin=subprocess.DEVNULL
            )

    def _patch(self) -> None:
        """Plugs Antiphon's ports in as they come; a client of its own, since the room's is busy with sound."""
        client, server = None, 0
        while not self._closing.wait(0.05):
            with suppress(Exception):  # a port that goes, or the server
                if server != self.server.pid:
                    GRAVEYARD.append(client)
                    client = None
                if client is None:
                    server, client = self.server.pid, jack.Client("patchbay", no_start_server=True)
                # (a client whose namesake is not buried yet is called Antiphon-audio-01)
                self._connect(client, "room:bass", "Antiphon-audio.*:in")
                self._connect(client, "Antiphon-audio.*:out", "room:")
        if client and server == self.server.pid:
            client.close()

    @staticmethod
    def _connect(client: jack.Client, source: str, target: str) -> None:
        outs = [p for p in client.get_ports(is_output=True, is_audio=True) if re.match(source, p.name)]
        ins = [p for p in client.get_ports(is_input=True, is_audio=True) if re.match(target, p.name)]
        for a, b in zip(outs, ins, strict=False):
            if b.name not in {p.name for p in client.get_all_connections(a)}:
                client.connect(a, b)

    def send(self, line: str) -> dict[str, Any]:
        """What `antiphon ctl LINE` would ask, by the same socket."""
        try:
            return ask(self.folder / "control.sock", line)
        except UserError as cause:
            return {"ok": False, "says": str(cause)}

    def wait_for_band(self, timeout_s: float = 60.0, after_s: float | None = None) -> float:
        """Until a note comes to the synth after monotonic after_s (default: now); how long after that it came."""
        begun_s = time.monotonic() if after_s is None else after_s
        wait(
            lambda: self.synth.push() or any(t > begun_s for t, *_ in self.synth.note_ons[-50:]), timeout_s, "the band"
        )
        return next(t for t, *_ in self.synth.note_ons if t > begun_s) - begun_s

    def has_port(self, part: str) -> bool:
        """Whether a JACK port is there whose name has this in it."""
        return any(part in port.name for port in self.room.client.get_ports())

    def longest_gap(self, since_s: float) -> float:
        """The longest time without a note to the synth since then."""
        self.synth.push()
        heard = [since_s, *(t for t, *_ in self.synth.note_ons if t >= since_s), time.monotonic()]
        return float(np.diff(heard).max())

    def workers(self) -> dict[str, int]:
        """Process ids by name: parent, audio, mind ..."""
        assert self.daemon
        found = {"parent": self.daemon.pid}
        for pid in descendants(self.daemon.pid):
            with suppress(OSError):
                name = Path(f"/proc/{pid}/comm").read_text().strip()
                found[name.removeprefix("antiphon-")] = pid
        return found

    def stop(self, timeout_s: float = 30.0) -> int:
        assert self.daemon
        if self.daemon.poll() is None:
            self.daemon.send_signal(signal.SIGTERM)
        return self.daemon.wait(timeout_s)

    def __enter__(self) -> Stage:
        return self

    def __exit__(self, *_: Any) -> None:
        try:
            if self.daemon and self.daemon.poll() is None:
                pids = descendants(self.daemon.pid)
                self.daemon.terminate()
                with suppress(subprocess.TimeoutExpired):
                    self.daemon.wait(20)
                for pid in (self.daemon.pid, *pids):
                    with suppress(OSError):
                        os.kill(pid, signal.SIGKILL)
        finally:
            self._closing.set()
            self._patchbay.join(5)
            self.unfurnish()
            self.server.close()


def descendants(pid: int) -> list[int]:
    """Process ids of all children and theirs."""
    found: list[int] = []
    with suppress(OSError):
        for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
            found += [int(child), *descendants(int(child))]
    return found
