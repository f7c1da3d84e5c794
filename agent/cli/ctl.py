"""Runs `antiphon ctl` and `antiphon say`, which send a command or a sentence to a running session.

Exit status: 0 done, 1 refused, 2 a mistake in what was asked.
"""

from __future__ import annotations

import argparse
import json
import re
from typing import TYPE_CHECKING

from agent.core.errors import UserError
from agent.core.plain_text import printable

if TYPE_CHECKING:
    from agent.cli.options import Commands

SESSION = re.compile(r"[A-Za-z0-9_-]{1,30}")
EXAMPLES = """examples:
  antiphon ctl status                show what is heard and played
  antiphon ctl mode trade            you play four bars, then the band plays four
  antiphon ctl mute drums            silence the drums at once
  antiphon ctl dial density 0.3      play fewer notes
  antiphon ctl behind 15             lay back 15 ms behind the beat
  antiphon ctl learn mode next       bind `mode next` to the next pedal pressed
  antiphon ctl status --json         print the status for programs
  antiphon ctl help                  list all commands
"""


def add(commands: Commands) -> None:
    """Add both commands to argparse's subparsers."""
    _add_ctl(commands)
    _add_say(commands)


def _add_ctl(commands: Commands) -> None:
    raw = argparse.RawDescriptionHelpFormatter
    parser = commands.add_parser(
        "ctl", help="send a command to a running session", epilog=EXAMPLES, formatter_class=raw
    )
    parser.add_argument("words", nargs="+", metavar="COMMAND", help="status, mode, mute, unmute, panic, stop, help ...")
    parser.add_argument("--json", action="store_true", help="the answer as one line of JSON")
    _add_session(parser)
    parser.set_defaults(run=_ctl)


def _add_session(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--session", metavar="NAME", help="another session than the first: the name it said at its start"
    )


def session_name(name: str | None) -> str | None:
    """Return a session's name, as it may stand in a file's. Raises UserError."""
    if name is not None and not SESSION.fullmatch(name):
        raise UserError(f"--session {name!r}: letters, digits, - and _ are allowed, 30 at most")
    return name


def _ctl(given: argparse.Namespace) -> int:
    from agent.control.commands import parse
    from agent.control.socket_server import ask
    from agent.core.paths import socket_path

    text = " ".join(given.words)
    parse(text)  # raises UserError for a mistake, whether a session runs or not
    answer = ask(socket_path(session_name(given.session)), text)
    print(json.dumps(answer, ensure_ascii=False) if given.json else _lines(answer["says"]))
    return 0 if answer["ok"] else 1


def _lines(text: str) -> str:
    """Return the answer's lines as they may be printed."""
    return "\n".join(map(printable, text.split("\n")))


LONGEST_CHARACTERS = 2_000  # of a line to the session; more than anybody says


SAY_EXAMPLES = """examples:
  antiphon say "the snare is too present"        from the next bar line on
  antiphon say "7/8 in bar three"
  antiphon say undo
  antiphon say "any ideas?"                      the band plays one idea and explains it
  antiphon say "what did you change?" --json     for programs
"""


def _add_say(commands: Commands) -> None:
    raw = argparse.RawDescriptionHelpFormatter
    parser = commands.add_parser(
        "say", help="direct a running band in your own words", epilog=SAY_EXAMPLES, formatter_class=raw
    )
    parser.add_argument("words", nargs="+", metavar="SENTENCE", help="a direction, a question, praise or blame")
    parser.add_argument("--json", action="store_true", help="the answer as one line of JSON")
    _add_session(parser)
    parser.set_defaults(run=_say)


def _say(given: argparse.Namespace) -> int:
    from agent.control.socket_server import ask
    from agent.core.paths import socket_path

    sentence = " ".join(" ".join(given.words).split())
    if not sentence:
        raise UserError('the sentence is empty; try: antiphon say "less snare"')
    if len(sentence) > LONGEST_CHARACTERS:
        raise UserError(f"the sentence has {len(sentence)} characters; {LONGEST_CHARACTERS} are allowed: split it")
    answer = ask(socket_path(session_name(given.session)), f"say {sentence}")
    print(json.dumps(answer, ensure_ascii=False) if given.json else _lines(answer["says"]))
    return 0 if answer["ok"] else 1
