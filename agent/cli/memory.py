"""Runs `antiphon memory`, which locates, exports, passes on and deletes what is remembered and manages adapters, and
`antiphon learn`, which learns from a folder of the player's own music.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import TYPE_CHECKING

from agent.cli.sessions import opened, recordings, stays, sure
from agent.core.errors import GET_TRAINING, UserError
from agent.core.plain_text import printable

if TYPE_CHECKING:
    from agent.cli.options import Commands
    from agent.core.stored import Json
    from agent.memory.schema import AdapterRow
    from agent.memory.store import Memory

EXAMPLES = """examples:
  antiphon memory where                       show the file and what is in it
  antiphon memory export all/                 write memory.json and every session's MIDI and sound
  antiphon memory delete                      delete all of it for good; asks first
  antiphon memory adapters                    list what was trained for each player
  antiphon memory rollback --player Ann       use the previous version; --to 0: none
  antiphon memory share ann.json --player Ann write what was learned of Ann, taste and voice, as one file
  antiphon memory accept ann.json             use such a file that somebody gave you
"""
LEARN_EXAMPLES = """examples:
  antiphon learn ~/songs       read its MIDI files and recordings of your bass, learn from them, compare, use
  antiphon learn               show how far that is, or what came of it
  antiphon learn --undo        forget what was learned from the folder
"""
WATCH_S = 0.5


def add(commands: Commands) -> None:
    """Add the command to argparse's subparsers."""
    raw = argparse.RawDescriptionHelpFormatter
    parser = commands.add_parser(
        "memory", help="show, export or delete what is remembered", epilog=EXAMPLES, formatter_class=raw
    )
    what = "where | export | delete | adapters | rollback | share | accept"
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
    share = kinds.add_parser("share", help="write a player's taste and voice as one file")
    share.add_argument("file", type=Path, metavar="FILE.json")
    accept = kinds.add_parser("accept", help="use the taste and voice in a file that share wrote")
    accept.add_argument("file", type=Path, metavar="FILE.json")
    for one, run in ((share, _share), (accept, _accept)):
        one.add_argument("--player", default="player", metavar="NAME", help="default: player")
        one.set_defaults(run=run, private=True)
    learn = commands.add_parser(
        "learn", help="learn from a folder of your own music", epilog=LEARN_EXAMPLES, formatter_class=raw
    )
    learn.add_argument("folder", type=Path, nargs="?", metavar="FOLDER", help="with MIDI or sound files, at any depth")
    learn.add_argument("--player", default="player", metavar="NAME", help="whose music it is (default: player)")
    learn.add_argument("--background", action="store_true", help="do not wait for the end")
    learn.add_argument("--undo", action="store_true", help="forget what was learned from a folder")
    learn.set_defaults(run=_learn, private=True)


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
    memory = _something()
    names = {row["id"]: row["name"] for row in memory.players()}
    adapters = memory.adapters()
    if not adapters:
        print("No adapter has been trained yet.")
    for row in adapters:
        used = "  in use" if row["active"] else ""
        scores = ", ".join(f"{name} {value}" for name, value in scores_of(row).items())
        print(f"{printable(names.get(row['player_id'], '?'))}  version {row['version']}{used}  {scores}")
    return 0


def scores_of(row: AdapterRow) -> dict[str, Json]:
    """Return how an adapter did, by name."""
    from agent.memory.store import json_of

    return json_of(row["scores"], dict, {})


def _rollback(given: argparse.Namespace) -> int:
    memory = _something()
    player = next((row for row in memory.players() if row["name"] == given.player), None)
    if player is None:
        known = ", ".join(row["name"] for row in memory.players())
        raise UserError(f"--player {given.player}: unknown; known players: {known or 'none'}")
    version = memory.roll_back(player["id"], given.to)
    print(f"{given.player}: version {version} is in use." if version else f"{given.player}: no adapter is in use.")
    return 0


def _share(given: argparse.Namespace) -> int:
    from agent.learn import voice_file

    memory = _something()
    print(voice_file.share(memory, memory.player(given.player), given.player, given.file))
    return 0


def _accept(given: argparse.Namespace) -> int:
    from agent.core.paths import data_folder
    from agent.learn import voice_file
    from agent.memory.store import Memory

    memory = Memory(data_folder())
    for line in voice_file.accept(memory, memory.player(given.player), given.file):
        print(printable(line))
    return 0


def _learn(given: argparse.Namespace) -> int:
    from agent.core.paths import data_folder
    from agent.learn import own_music
    from agent.memory import practice
    from agent.memory.store import Memory

    if given.undo and given.folder:
        raise UserError("--undo takes no folder; it forgets what was learned last")
    memory = Memory(data_folder())
    player_id = memory.player(given.player)
    if given.undo:
        version = own_music.undo(memory, player_id)
        print("Forgotten; " + (f"version {version} is in use again." if version else "the band plays as it came."))
        return 0
    if not practice.can_train():
        raise UserError(f"learning needs PyTorch, which playing does not; {GET_TRAINING}")
    if given.folder:
        found, _process = own_music.learn(memory, player_id, given.folder)
        for line in own_music.summary(given.folder, found):
            print(printable(line))
        print(f"every file: {own_music.own_folder(memory, player_id) / 'report.txt'}")
    else:
        own_music.go_on(memory, player_id)
    return _watch(memory, player_id, given.background)


def _watch(memory: Memory, player_id: int, in_background: bool) -> int:
    """Show how far the practice is until it ends, or once; then what came of it."""
    from tqdm import tqdm

    from agent.learn import own_music
    from agent.memory import practice

    try:
        quiet = in_background or not practice.is_running(memory, player_id)
        with tqdm(desc="learning", disable=quiet, bar_format="{desc}: {n}/{total} steps {elapsed}") as bar:
            while practice.is_running(memory, player_id) and not in_background:
                bar.total, bar.n = own_music.progress(memory, player_id)
                bar.refresh()
                time.sleep(WATCH_S)
    except KeyboardInterrupt:
        in_background = True
    if practice.is_running(memory, player_id):
        print("It goes on in the background; `antiphon learn` shows how far it is.")
        return 0
    for line in own_music.outcome(memory, player_id):
        print(printable(line))
    return 0
