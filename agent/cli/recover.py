"""Runs `antiphon recover` and `antiphon silence`, which finish what a killed session left: its files, its notes."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from agent.cli.options import Commands, add_config
from agent.core.settings import KEEP

ALL_CHANNELS = range(16)


def add(commands: Commands) -> None:
    """Add both commands to argparse's subparsers."""
    parser = commands.add_parser("recover", help="finish sessions that a crash ended")
    parser.add_argument("folders", nargs="+", type=Path, metavar="DIR", help="a session's folder")
    parser.add_argument("--gently", action="store_true", help="use only the processor time that other programs leave")
    parser.add_argument(
        "--compress", choices=KEEP, help="make FLAC of the sound afterwards; mix: the mix in 16 bits, the rest in 24"
    )
    parser.set_defaults(run=_recover, private=True)
    silence = commands.add_parser("silence", help="end notes that a killed session left sounding at a MIDI port")
    add_config(silence)
    silence.add_argument("--midi", metavar="PORT", help="this port: its number or part of its name, on all channels")
    silence.set_defaults(run=_silence)


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


def _silence(given: argparse.Namespace) -> int:
    from agent.cli.options import number_or_name
    from agent.core.config import load
    from agent.core.errors import UserError
    from agent.core.paths import state_folder
    from agent.session.hanging_notes import silence_port, silence_the_dead

    config = load(given.config)
    if given.midi:
        api = config.midi.named_api
        if why := silence_port(number_or_name(given.midi), api, ALL_CHANNELS):
            raise UserError(f"--midi {given.midi}: {why}")
        print(f"MIDI port {given.midi}: every note was ended")
        return 0
    said = silence_the_dead(Path(state_folder(config.paths.state)))
    print("\n".join(said) or "no session was killed while it played to a MIDI port; `--midi PORT` names one")
    return 0
