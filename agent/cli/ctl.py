"""`antiphon ctl` and `antiphon say`: send a command or a sentence to a running session.

Exit status: 0 done, 1 refused, 2 a mistake in what was asked.
"""

from __future__ import annotations

import argparse
import json
from typing import Any

from agent.core.errors import UserError

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
    """Add both commands to argparse's subparsers."""
    _add_ctl(commands)
    _add_say(commands)


def _add_ctl(commands: Any) -> None:
    raw = argparse.RawDescriptionHelpFormatter
    parser = commands.add_parser("ctl", help="tell a running session something", epilog=EXAMPLES, formatter_class=raw)
    parser.add_argument("words", nargs="+", metavar="COMMAND", help="status, mode, mute, unmute, panic, stop, help ...")
    parser.add_argument("--json", action="store_true", help="the answer as one line of JSON")
    parser.set_defaults(run=_ctl)


def _ctl(given: argparse.Namespace) -> int:
    from agent.control.commands import parse
    from agent.control.socket_server import ask
    from agent.core.paths import socket_path

    text = " ".join(given.words)
    parse(text)  # a mistake is told here, whether a session runs or not
    answer = ask(socket_path(), text)
    print(json.dumps(answer, ensure_ascii=False) if given.json else answer["says"])
    return 0 if answer["ok"] else 1


LONGEST_CHARACTERS = 2_000  # of a line to the session; more than anybody says


SAY_EXAMPLES = """examples:
  antiphon say "the snare is too present"        from the next bar line on
  antiphon say "7/8 in bar three"
  antiphon say undo
  antiphon say "any ideas?"                      one idea, played and said why
  antiphon say "what did you change?" --json     for programs
"""


def _add_say(commands: Any) -> None:
    raw = argparse.RawDescriptionHelpFormatter
    parser = commands.add_parser(
        "say", help="say something to a running band", epilog=SAY_EXAMPLES, formatter_class=raw
    )
    parser.add_argument("words", nargs="+", metavar="SENTENCE", help="a direction, a question, praise or blame")
    parser.add_argument("--json", action="store_true", help="the answer as one line of JSON")
    parser.set_defaults(run=_say)


def _say(given: argparse.Namespace) -> int:
    from agent.control.socket_server import ask
    from agent.core.paths import socket_path

    sentence = " ".join(" ".join(given.words).split())
    if not sentence:
        raise UserError('nothing was said; say it like: antiphon say "less snare"')
    if len(sentence) > LONGEST_CHARACTERS:
        raise UserError(f"{len(sentence)} characters; up to {LONGEST_CHARACTERS} can be said at once")
    answer = ask(socket_path(), f"say {sentence}")
    print(json.dumps(answer, ensure_ascii=False) if given.json else answer["says"])
    return 0 if answer["ok"] else 1
