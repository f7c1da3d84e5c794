"""Runs the command line: antiphon jam | daemon | ctl | listen | reply | compose ...; agent/cli/ has a file for each."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from importlib.metadata import version
from typing import Any

# before NumPy is loaded: a second BLAS thread gains nothing on products this small, and its spinning starves the
# audio process
for _threads in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_threads, "1")

from agent.cli import (  # noqa: E402
    calibrate,
    codes,
    compose,
    ctl,
    daemon,
    diff,
    jam,
    listen,
    memory,
    parse,
    recover,
    reply,
    sessions,
    silence,
    sounds,
    workshop,
)
from agent.cli.options import add_config  # noqa: E402
from agent.core.errors import UserError  # noqa: E402
from agent.core.os_process import keep_private  # noqa: E402

COMMANDS = (
    jam,
    daemon,
    ctl,
    listen,
    reply,
    compose,
    codes,
    recover,
    calibrate,
    parse,
    workshop,
    diff,
    sessions,
    memory,
    silence,
    sounds,
)


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code: 0 success, 1 something failed, 2 a mistake in the command line."""
    parser = _parser()
    given = parser.parse_args(argv)
    if not hasattr(given, "run"):
        parser.print_help()
        return 2
    if getattr(given, "private", False):
        keep_private()
    try:
        code: int = given.run(given)
    except UserError as mistake:
        print(f"antiphon: {mistake}", file=sys.stderr)
        return 2
    except BrokenPipeError:  # antiphon listen ... | head
        sys.stderr.close()
        return 0
    except KeyboardInterrupt:
        return 130
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("antiphon", description="A bandmate that listens: play bass, a band answers.")
    parser.add_argument("--version", action="version", version=f"antiphon {version('antiphon')}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND")
    for command in COMMANDS:
        command.add(commands)
    _add_checks(commands)
    return parser


def _add_checks(commands: Any) -> None:
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
