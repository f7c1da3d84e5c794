"""Runs `antiphon recover`, which finishes sessions that a crash ended."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from agent.core.settings import KEEP


def add(commands: Any) -> None:
    """Add the command to argparse's subparsers."""
    parser = commands.add_parser("recover", help="finish sessions that a crash ended")
    parser.add_argument("folders", nargs="+", type=Path, metavar="DIR", help="a session's folder")
    parser.add_argument("--gently", action="store_true", help="use only the processor time that other programs leave")
    parser.add_argument(
        "--compress", choices=KEEP, help="make FLAC of the sound afterwards; mix: the mix in 16 bits, the rest in 24"
    )
    parser.set_defaults(run=_recover, private=True)


def _recover(given: argparse.Namespace) -> int:
    from agent.core.errors import UserError
    from agent.core.os_process import take_only_what_others_leave
    from agent.core.plain_text import printable
    from agent.recording.flac_files import compress
    from agent.recording.recovery import give_up, is_finished, recover

    if given.gently:
        take_only_what_others_leave()
    failed = 0
    for folder in given.folders:
        try:
            done = [] if given.compress and is_finished(folder) else recover(folder)
            done += [compress(folder, given.compress)] if given.compress else []
            print(f"{printable(str(folder))}: {'; '.join(filter(None, done)) or 'nothing to do'}")
        except UserError as cause:
            failed += 1
            print(f"antiphon: {printable(str(cause))}", file=sys.stderr)
            if given.gently:
                give_up(folder, cause)
        except Exception as cause:  # one damaged session does not stop the recovery of the others
            failed += 1
            reason = printable(f"{folder}: could not be finished ({type(cause).__name__}: {cause})")
            print(f"antiphon: {reason}", file=sys.stderr)
            give_up(folder, cause)
    return 2 if failed == len(given.folders) else min(failed, 1)
