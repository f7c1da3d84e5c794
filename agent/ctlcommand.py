"""`antiphon ctl`: tells a running session one line of agent/commands.py. Exit 0 done, 1 it would not, 2 a mistake."""

from __future__ import annotations

import argparse
import json
from typing import Any

EXAMPLES = """examples:
  antiphon ctl status                what is heard and played
  antiphon ctl mode trade            you play four bars, it plays four
  antiphon ctl mute drums            a part is silent, at once
  antiphon ctl dial density 0.3      thinner
  antiphon ctl behind 15             the band lays back 15 ms
  antiphon ctl learn mode next       the next pedal pressed changes the mode
  antiphon ctl status --json         for programs
  antiphon ctl help                  everything it can be told
"""


def add(commands: Any) -> None:
    """Add the command to argparse's subparsers."""
    raw = argparse.RawDescriptionHelpFormatter
    parser = commands.add_parser("ctl", help="tell a running session something", epilog=EXAMPLES, formatter_class=raw)
    parser.add_argument("words", nargs="+", metavar="COMMAND", help="status, mode, mute, unmute, panic, stop, help ...")
    parser.add_argument("--json", action="store_true", help="the answer as one line of JSON")
    parser.set_defaults(run=_ctl)


def _ctl(given: argparse.Namespace) -> int:
    from agent.commands import parse
    from agent.control import ask
    from agent.places import socket_path

    text = " ".join(given.words)
    parse(text)  # a mistake is told here, whether a session runs or not
    answer = ask(socket_path(), text)
    print(json.dumps(answer, ensure_ascii=False) if given.json else answer["says"])
    return 0 if answer["ok"] else 1
