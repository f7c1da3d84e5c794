"""Runs `antiphon parse`, which shows what a sentence would change without changing anything."""

from __future__ import annotations

import argparse
import json
from typing import TYPE_CHECKING

from agent.cli import options
from agent.core.config import load
from agent.language.parser import ParseResult, parse
from agent.language.reply_text import said

if TYPE_CHECKING:
    from agent.cli.options import Commands

EXAMPLES = """examples:
  antiphon parse "less snare, and don't resolve it"        what would change, in words
  antiphon parse "7/8 in bar three" --json                 {"edits": [...], "reply": "..."}
  antiphon parse "what key are we in?"                     a question changes nothing
  antiphon parse "busier" --set conversation.endpoint=http://localhost:8080/v1
"""


def add(commands: Commands) -> None:
    """Add the command to argparse's subparsers."""
    raw = argparse.RawDescriptionHelpFormatter
    parse = commands.add_parser("parse", help="show what a sentence would change", epilog=EXAMPLES, formatter_class=raw)
    options.add_config(parse)
    parse.add_argument("sentence", metavar="SENTENCE")
    parse.add_argument("--json", action="store_true", help="one JSON object: edits and reply")
    parse.set_defaults(run=run)


def run(given: argparse.Namespace) -> int:
    heard = understood(given)
    if given.json:
        print(json.dumps(heard.to_json(), ensure_ascii=False))
        return 0
    for edit in heard.edits:
        print(f"{said(edit)}   ({edit.confidence:.2f})")
    if not heard.edits:
        print(heard.reply)
    return 0


def understood(given: argparse.Namespace) -> ParseResult:
    """Parse a sentence with the language model where one is set, else with the built-in parser."""
    config = load(given.config, options.pairs(given))
    talk = getattr(config, "conversation", None)
    if talk is None or not talk.endpoint:
        return parse(given.sentence)
    from agent.language import llm_parser

    return llm_parser.parse(given.sentence, llm_parser.Endpoint(talk.endpoint, talk.model, talk.timeout_s))
