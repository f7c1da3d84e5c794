"""Runs `antiphon memory`, which locates, exports and deletes what is remembered, and manages adapters."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from agent.cli.sessions import opened, recordings, stays, sure
from agent.core.errors import UserError
from agent.core.plain_text import printable

if TYPE_CHECKING:
    from agent.memory.store import Memory

EXAMPLES = """examples:
  antiphon memory where                       show the file and what is in it
  antiphon memory export all/                 write memory.json and every session's MIDI and sound
  antiphon memory delete                      delete all of it for good; asks first
  antiphon memory adapters                    list what was trained for each player
  antiphon memory rollback --player Ann       use the previous version; --to 0: none
"""


def add(commands: Any) -> None:
    """Add the command to argparse's subparsers."""
    raw = argparse.RawDescriptionHelpFormatter
    parser = commands.add_parser(
        "memory", help="show, export or delete what is remembered", epilog=EXAMPLES, formatter_class=raw
    )
    what = "where | export | delete | adapters | rollback"
    kinds = parser.add_subparsers(title="what to do", metavar=what, required=True)
    kinds.add_parser("where", help="show where the memory is").set_defaults(run=_where)
    export = kinds.add_parser("export", help="write everything as files")
    export.add_argument("folder", type=Path, metavar="DIR", help="new, or empty")
    export.set_defaults(run=_export, private=True)
    delete = kinds.add_parser("delete", help="delete everything for good")
    delete.add_argument("--yes", action="store_true", help="do not ask")
    delete.add_argument("--recordings", action="store_true", help="delete the sessions' recordings, too")
    delete.set_defaults(run=_delete, private=True)
    kinds.add_parser("adapters", help="list the adapters trained for each player").set_defaults(
        run=_adapters, private=True
    )
    back = kinds.add_parser("rollback", help="use an earlier adapter again")
    back.add_argument("--player", default="player", metavar="NAME", help="default: player")
    back.add_argument("--to", type=int, metavar="VERSION", help="0: none (default: the one before)")
    back.set_defaults(run=_rollback, private=True)


def _where(given: argparse.Namespace) -> int:
    from agent.core.paths import data_folder
    from agent.memory.store import FILE

    memory = opened()
    if memory is None:
        print(f"{data_folder() / FILE}: nothing is remembered yet")
        return 0
    counts = ", ".join(f"{len(rows)} {table}" for table, rows in memory.everything().items())
    print(f"{memory.path}: {counts}")
    return 0


def _something() -> Memory:
    memory = opened()
    if memory is None:
        raise UserError("nothing is remembered yet")
    return memory


def _export(given: argparse.Namespace) -> int:
    from agent.memory.session_files import export

    memory = _something()
    for line in export(given.folder, memory.everything()):
        print(line)
    print(given.folder)
    return 0


def _delete(given: argparse.Namespace) -> int:
    from agent.core.paths import data_folder
    from agent.memory.session_files import remove, remove_all

    if not data_folder().exists():
        print("Nothing is remembered.")
        return 0
    if not sure("Delete everything Antiphon remembers, for good?", given.yes):
        print("Nothing was deleted.")
        return 1
    _, left = remove(_folders(), recordings(given.recordings))
    remove_all()
    print("Everything that was remembered is deleted." + stays(left))
    return 0


def _folders() -> list[str]:
    memory = opened()
    if memory is None:
        return []
    folders = [session["folder"] for session in memory.sessions()]
    memory.close()
    return folders


def _adapters(given: argparse.Namespace) -> int:
    everything = _something().everything()
    names = {row["id"]: row["name"] for row in everything["players"]}
    if not everything["adapters"]:
        print("No adapter has been trained yet.")
    for row in everything["adapters"]:
        used = "  in use" if row["active"] else ""
        scores = ", ".join(f"{name} {value}" for name, value in scores_of(row).items())
        print(f"{printable(names.get(row['player_id'], '?'))}  version {row['version']}{used}  {scores}")
    return 0


def scores_of(row: dict[str, Any]) -> dict[str, Any]:
    """Return how an adapter did, by name."""
    from agent.memory.store import json_of

    scores: dict[str, Any] = json_of(row["scores"], dict[str, Any], {})
    return scores


def _rollback(given: argparse.Namespace) -> int:
    memory = _something()
    player = next((row for row in memory.everything()["players"] if row["name"] == given.player), None)
    if player is None:
        known = ", ".join(row["name"] for row in memory.everything()["players"])
        raise UserError(f"--player {given.player}: unknown; known players: {known or 'none'}")
    version = memory.roll_back(player["id"], given.to)
    print(f"{given.player}: version {version} is in use." if version else f"{given.player}: no adapter is in use.")
    return 0
