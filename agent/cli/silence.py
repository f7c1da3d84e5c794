"""Runs `antiphon silence`, which ends notes that a killed session left sounding at a hardware synth."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from agent.cli.options import add_config

ALL_CHANNELS = range(16)


def add(commands: Any) -> None:
    """Add the command to argparse's subparsers."""
    parser = commands.add_parser("silence", help="end notes that a killed session left sounding at a MIDI port")
    add_config(parser)
    parser.add_argument("--midi", metavar="PORT", help="this port: its number or part of its name, on all channels")
    parser.set_defaults(run=_silence)


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
