"""Runs the command line: antiphon jam | daemon | ctl | listen | reply | make ...; agent/cli/ has a file for each."""

from __future__ import annotations

import argparse
import contextlib
import importlib
import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, TextIO

# before NumPy is loaded: a second BLAS thread gains nothing on products this small, and its spinning starves the
# audio process
for _threads in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_threads, "1")

from agent.core.compiled_cache import choose_cache  # noqa: E402
from agent.core.errors import GET_TRAINING, TRAINING, UserError  # noqa: E402
from agent.core.os_process import keep_private  # noqa: E402
from agent.core.plain_text import printable  # noqa: E402

if TYPE_CHECKING:  # each command loads what it needs
    from agent.cli.options import Commands

COMMANDS = (  # files of agent/cli; only the one that is asked for is loaded
    *("jam", "daemon", "ctl", "listen", "reply", "make", "codes", "recover", "calibrate", "parse", "workshop"),
    *("diff", "sessions", "songs", "memory", "sounds", "web"),
)
ELSEWHERE = {
    "say": "ctl",
    "service": "daemon",
    "silence": "recover",
    "learn": "memory",
    "mood": "make",
}  # commands that stand in another's file
CHECKS = ("devices", "doctor")


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code: 0 success, 1 something failed, 2 a mistake in the command line."""
    _open_streams()
    choose_cache()
    words = sys.argv[1:] if argv is None else argv
    parser = _parser(words[0] if words else None)
    given = parser.parse_args(words)
    if not hasattr(given, "run"):
        parser.print_help()
        return 2
    if getattr(given, "private", False):
        keep_private()
    try:
        code: int = given.run(given)
        sys.stdout.flush()
    except UserError as mistake:
        print(f"antiphon: {printable(str(mistake))}", file=sys.stderr)
        return 2
    except ModuleNotFoundError as missing:
        if missing.name not in TRAINING:
            raise
        print(f"antiphon: this needs {missing.name}, which playing does not; {GET_TRAINING}", file=sys.stderr)
        return 2
    except BrokenPipeError:  # antiphon listen ... | head
        _drop(sys.stdout)
        return 0
    except OSError as cause:  # a full disk, no file descriptors left, a folder that is gone
        where = f"{cause.filename}: " if cause.filename else ""
        print(f"antiphon: {printable(f'{where}{cause.strerror or cause}')}", file=sys.stderr)
        _drop(sys.stdout)
        return 1
    except MemoryError:
        print("antiphon: there is not enough memory for this", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return code


def _open_streams() -> None:
    """Let every name be printed, on any terminal; a stream that was closed (2>&-) goes nowhere."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, open(os.devnull, "w"))  # noqa: SIM115 (until the end)
        elif hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")


def _drop(stream: TextIO) -> None:
    """Forget what could not be written, so that Python does not try again at its end."""
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _parser(only: str | None = None) -> argparse.ArgumentParser:
    """Return the parser of every command, or of the one that is called `only`, where there is one."""
    parser = argparse.ArgumentParser("antiphon", description="A bandmate that listens: play bass, a band answers.")
    if only is None or only.startswith("-"):
        parser.add_argument("--version", action="version", version=f"antiphon {_version()}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND")
    one = ELSEWHERE.get(only, only) if only else None
    wanted = (one,) if one in COMMANDS else () if only in CHECKS else COMMANDS
    for name in wanted:
        importlib.import_module(f"agent.cli.{name}").add(commands)
    if only in CHECKS or len(wanted) > 1:
        _add_checks(commands)
    return parser


def _version() -> str:
    from importlib.metadata import version

    return version("antiphon")


def _add_checks(commands: Commands) -> None:
    from agent.cli.options import add_config

    listing = commands.add_parser("devices", help="list audio devices and MIDI ports, with latencies")
    listing.add_argument("--json", action="store_true")
    listing.set_defaults(run=_devices)
    doctor = commands.add_parser("doctor", help="check whether this machine can run jam; exit code 1 if it cannot")
    add_config(doctor)
    doctor.set_defaults(run=_doctor)


def _devices(given: argparse.Namespace) -> int:
    from agent.audio import device_list

    return device_list.run(given.json)


def _doctor(given: argparse.Namespace) -> int:
    from agent.cli import doctor

    return doctor.run(given.config)


if __name__ == "__main__":
    sys.exit(main())
