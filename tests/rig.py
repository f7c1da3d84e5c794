"""A real JACK server for the tests: `with jack_server() as environment:`."""

from __future__ import annotations

import os
import shutil
import subprocess
import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from agent.core.os_process import may_be_realtime
from tests.waiting import wait_for

UP_S = 10.0
LEAVES_S = 5.0
# without realtime scheduling jackd flags xruns by itself as soon as the cores are shared; where it is allowed, use it
REALTIME = ("-R", "-P", "70") if may_be_realtime() else ("-r",)


REGISTRY = Path("/dev/shm/jack-shm-registry")  # header, then for each server its pid and name (jack2, common/shm.h)
HEADER_BYTES, SERVER_BYTES, SERVERS_MAX = 24, 264, 8


def forget_dead_servers() -> None:
    """JACK keeps the place of a server that was killed, and of eight in all: the places of the dead are cleared."""
    if not REGISTRY.exists():
        return
    with REGISTRY.open("r+b") as registry:
        for at in range(HEADER_BYTES, HEADER_BYTES + SERVERS_MAX * SERVER_BYTES, SERVER_BYTES):
            registry.seek(at)
            pid = int.from_bytes(registry.read(4), "little")
            if pid and not Path(f"/proc/{pid}").exists():
                registry.seek(at)
                registry.write(bytes(SERVER_BYTES))


def leave(*steps: Callable[[], object]) -> None:
    """Take the steps that close JACK clients, in turn.

    libjack may wait for ever for a server that is late: then it is left waiting.
    """

    def take() -> None:
        for step in steps:
            with suppress(Exception):
                step()

    leaving = threading.Thread(target=take, daemon=True)
    leaving.start()
    leaving.join(LEAVES_S)


def have_jackd() -> bool:
    return shutil.which("jackd") is not None


@contextmanager
def jack_server(rate: int = 48_000, period: int = 128) -> Iterator[dict[str, str]]:
    """Runs jackd's dummy driver under a name of its own; yields the environment its clients need.

    The name also stands in os.environ meanwhile, for clients in this process. The server is killed at the end
    and what it left in /dev/shm removed.
    """
    name = f"antiphon-{os.getpid()}-{uuid.uuid4().hex[:6]}"
    before = os.environ.get("JACK_DEFAULT_SERVER")
    os.environ["JACK_DEFAULT_SERVER"] = name
    os.environ["JACK_NO_AUDIO_RESERVATION"] = "1"
    command = ["jackd", "-n", name, *REALTIME, "-d", "dummy", "-r", str(rate), "-p", str(period)]
    forget_dead_servers()
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_until_up(server)
        yield dict(os.environ)
    finally:
        server.terminate()
        try:
            server.wait(5)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()
        forget(name, before)


def wait_until_up(server: subprocess.Popen[bytes]) -> None:
    from agent.midi.output import jack_runs

    wait_for(lambda: jack_runs() or server.poll() is not None, UP_S, "jackd", 0.05)
    if server.poll() is not None:
        raise RuntimeError(f"jackd ended: exit status {server.poll()}")


def forget(name: str, before: str | None) -> None:
    if before is None:
        os.environ.pop("JACK_DEFAULT_SERVER", None)
    else:
        os.environ["JACK_DEFAULT_SERVER"] = before
    for left in Path("/dev/shm").glob(f"*{name}*"):
        shutil.rmtree(left) if left.is_dir() else left.unlink(missing_ok=True)
