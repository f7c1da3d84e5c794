"""antiphon diff: two takes of a session beside each other, as a picture and in words."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from agent.core.errors import UserError
from agent.takes.compare import account, draw, measured

EXAMPLES = """examples:
  antiphon diff                      the last take of the newest session and the one before, to diff.png
  antiphon diff 1 4 --out ab.png     take 1 and take 4
  antiphon diff bristol last         a take by its name, and the last one
  antiphon diff --from takes/        of the takes in a folder that `antiphon workshop --out` wrote
"""


def add(commands: Any) -> None:
    """Add the command to argparse's subparsers."""
    raw = argparse.RawDescriptionHelpFormatter
    parser = commands.add_parser("diff", help="two takes side by side", epilog=EXAMPLES, formatter_class=raw)
    parser.add_argument("takes", nargs="*", metavar="TAKE", help="numbers or names (default: the last two)")
    parser.add_argument("--out", type=Path, default=Path("diff.png"), metavar="FILE.png", help="default: diff.png")
    parser.add_argument("--from", dest="folder", type=Path, metavar="DIR", help="takes of this folder")
    parser.set_defaults(run=run)


def run(given: argparse.Namespace) -> int:
    from agent.takes.take_files import newest, sheets

    if given.out.suffix.lower() != ".png":
        raise UserError(f"--out {given.out}: a .png file is written")
    kept = sheets(given.folder or newest())
    before, after = pair(kept, given.takes)
    print(account(before, after))
    for line in measured(before, after):
        print("  " + line)
    draw(given.out, (before, after))
    print(given.out)
    return 0


def pair(kept: Sequence[Any], wanted: Sequence[str]) -> tuple[Any, Any]:
    """The two takes to be compared; one named: it and the one before it. Raises UserError."""
    from agent.takes.take_files import chosen

    if len(wanted) > 2:
        raise UserError(f"{len(wanted)} takes were named; two can be compared")
    if len(kept) < 2:
        raise UserError(f"{len(kept)} take(s) are kept, two are needed; say something in `antiphon workshop` first")
    if len(wanted) == 2:
        return chosen(list(kept), wanted[0]), chosen(list(kept), wanted[1])
    after = chosen(list(kept), wanted[0]) if wanted else kept[-1]
    place = list(kept).index(after)
    if place == 0:
        raise UserError(f"take {after.number} is the first; name two to compare")
    return kept[place - 1], after
