"""Runs `antiphon diff`, which compares two takes of a session, in a picture and in words."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from agent.core.errors import UserError
from agent.takes.compare import account, draw, measured

if TYPE_CHECKING:
    from agent.cli.options import Commands
    from agent.takes.take_files import Sheet

EXAMPLES = """examples:
  antiphon diff                      compare the newest session's last two takes, drawn to diff.png
  antiphon diff 1 4 --out ab.png     compare take 1 and take 4
  antiphon diff bristol last         compare a take by its name with the last one
  antiphon diff --from takes/        compare takes in a folder that `antiphon workshop --out` wrote
"""


def add(commands: Commands) -> None:
    """Add the command to argparse's subparsers."""
    raw = argparse.RawDescriptionHelpFormatter
    parser = commands.add_parser("diff", help="compare two takes", epilog=EXAMPLES, formatter_class=raw)
    parser.add_argument("takes", nargs="*", metavar="TAKE", help="numbers or names (default: the last two)")
    parser.add_argument("--out", type=Path, default=Path("diff.png"), metavar="FILE.png", help="default: diff.png")
    parser.add_argument("--from", dest="folder", type=Path, metavar="DIR", help="takes of this folder")
    parser.set_defaults(run=run)


def run(given: argparse.Namespace) -> int:
    from agent.takes.take_files import newest, sheets

    if given.out.suffix.lower() != ".png":
        raise UserError(f"--out {given.out}: the picture is a PNG; give a name that ends in .png")
    kept = sheets(given.folder or newest())
    before, after = pair(kept, given.takes)
    print(account(before, after))
    for line in measured(before, after):
        print("  " + line)
    draw(given.out, (before, after))
    print(given.out)
    return 0


def pair(kept: Sequence[Sheet], wanted: Sequence[str]) -> tuple[Sheet, Sheet]:
    """Return the two takes to compare; where one is named, it and the one before it. Raises UserError."""
    from agent.takes.take_files import chosen

    if len(wanted) > 2:
        raise UserError(f"{len(wanted)} takes were named; name one or two")
    if len(kept) < 2:
        raise UserError(f"there are {len(kept)} takes, and two are needed; make more in `antiphon workshop` first")
    if len(wanted) == 2:
        return chosen(list(kept), wanted[0]), chosen(list(kept), wanted[1])
    after = chosen(list(kept), wanted[0]) if wanted else kept[-1]
    place = list(kept).index(after)
    if place == 0:
        raise UserError(f"take {after.number} is the first take, with none before it; name two takes")
    return kept[place - 1], after
