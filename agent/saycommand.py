"""`antiphon say`: tells a running session a sentence, from another terminal. Exit 0 done, 1 it would not, 2 a mistake."""

from __future__ import annotations

import argparse
import json
from typing import Any

from agent.errors import UserError

LONGEST_CHARACTERS = 2_000  # of a line to the session; more than anybody says
EXAMPLES = """examples:
  antiphon say "the snare is too present"        from the next bar line on
  antiphon say "7/8 in bar three"
  antiphon say undo
  antiphon say "any ideas?"                      one idea, played and said why
  antiphon say "what did you change?" --json     for programs
"""


def add(commands: Any) -> None:
    """Add the command to argparse's subparsers."""
    raw = argparse.RawDescriptionHelpFormatter
    parser = commands.add_parser("say", help="say something to a running band", epilog=EXAMPLES, formatter_class=raw)
    parser.add_argument("words", nargs="+", metavar="SENTENCE", help="a direction, a question, praise or blame")
    parser.add_argument("--json", action="store_true", help="the answer as one line of JSON")
    parser.set_defaults(run=run)


def run(given: argparse.Namespace) -> int:
    from agent.control import ask
    from agent.places import socket_path

    sentence = " ".join(" ".join(given.words).split())
    if not sentence:
        raise UserError('nothing was said; say it like: antiphon say "less snare"')
    if len(sentence) > LONGEST_CHARACTERS:
        raise UserError(f"{len(sentence)} characters; up to {LONGEST_CHARACTERS} can be said at once")
    answer = ask(socket_path(), f"say {sentence}")
    print(json.dumps(answer, ensure_ascii=False) if given.json else answer["says"])
    return 0 if answer["ok"] else 1
