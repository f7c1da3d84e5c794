"""Runs a command in a forked child with bounded time and memory, and says what came of it."""

from __future__ import annotations

import os
import resource
import signal
import sys
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

MOST_S = 20
MOST_BYTES = 1 << 30


@dataclass(frozen=True, slots=True)
class Outcome:
    """code: the exit code, None where it was killed. said: the lines on standard error."""

    code: int | None
    said: tuple[str, ...]

    @property
    def is_well(self) -> bool:
        """Return whether it ended well, or with one line; what was set aside may be said beside it."""
        lines = [line for line in self.said if line.strip() and "kept as" not in line]
        return self.code in (0, 1, 2) and len(lines) <= 1 and not any("Traceback" in line for line in self.said)


def run(command: Callable[[], int], folder: Path) -> Outcome:
    """Run it in a child whose home is `folder`."""
    said = folder.parent / f"{folder.name}.err"
    pid = os.fork()
    if pid == 0:
        code = 99
        try:
            _bound(said)
            os.chdir(folder)
            code = command()
        except BaseException:
            traceback.print_exc()
        finally:
            sys.stderr.flush()
            os._exit(code)
    _, status = os.waitpid(pid, 0)
    lines = said.read_text(errors="replace").splitlines()
    said.unlink()
    return Outcome(os.waitstatus_to_exitcode(status) if os.WIFEXITED(status) else None, tuple(lines))


def _bound(said: Path) -> None:
    with said.open("wb") as file:
        os.dup2(file.fileno(), 2)
    os.dup2(os.open(os.devnull, os.O_RDWR), 1)
    sys.stdout, sys.stderr = open(1, "w", closefd=False), open(2, "w", closefd=False)  # noqa: SIM115
    size = int(Path("/proc/self/statm").read_text().split()[0]) * os.sysconf("SC_PAGE_SIZE")
    resource.setrlimit(resource.RLIMIT_AS, (size + MOST_BYTES, size + MOST_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (MOST_S, MOST_S))
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.alarm(6 * MOST_S)  # on a busy machine the processor's time counts
