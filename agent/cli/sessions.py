"""Runs `antiphon sessions`, which lists, shows, exports and deletes what is remembered of each session."""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from agent.cli.options import Commands, add_config, pairs
from agent.core.errors import UserError
from agent.core.plain_text import printable
from agent.memory.schema import SESSION_TABLES

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from agent.memory.schema import CountedSession, Row
    from agent.memory.store import Memory

EXAMPLES = """examples:
  antiphon sessions list               list all sessions, the newest first
  antiphon sessions show 12            show what was said, proposed and judged
  antiphon sessions play 12            play it through the sound card; Ctrl-C ends it
  antiphon sessions open 12            open its folder; --midi opens session.mid in the program that takes MIDI files
  antiphon sessions export 12 kept/    write memory.json with MIDI and sound
  antiphon sessions mix 12 -o song.mp3 write its mix at one loudness, tagged: .mp3, .flac, .opus or .wav
  antiphon sessions keep 12            mark it: its recording is never dropped; --not takes the mark away
  antiphon sessions tidy               offer the oldest recordings when they take more room than config.yaml allows
  antiphon sessions forget 12          delete the session, its takes and its files; asks first
"""
RowTexts: TypeAlias = "dict[str, Callable[[Row], tuple[str, str]]]"


def add(commands: Commands) -> None:
    """Add the command to argparse's subparsers."""
    raw = argparse.RawDescriptionHelpFormatter
    parser = commands.add_parser(
        "sessions", help="list, show, export or delete remembered sessions", epilog=EXAMPLES, formatter_class=raw
    )
    kinds = parser.add_subparsers(
        title="what to do", metavar="list | show | play | open | export | mix | keep | tidy | forget", required=True
    )
    listing = kinds.add_parser("list", help="list every session, the newest first")
    listing.add_argument("--player", metavar="NAME", help="only this player's sessions")
    listing.set_defaults(run=_list)
    show = kinds.add_parser("show", help="show one session")
    play = kinds.add_parser("play", help="play one session through the sound card")
    add_config(play)
    play.add_argument("session", metavar="N|DIR", help="the session's number, or its folder")
    play.add_argument("--from", dest="from_s", type=float, default=0.0, metavar="S", help="begin after so many seconds")
    play.set_defaults(run=_play)
    opens = kinds.add_parser("open", help="open one session's folder, or its MIDI file")
    opens.add_argument("session", metavar="N|DIR", help="the session's number, or its folder")
    opens.add_argument("--midi", action="store_true", help="open session.mid (the last take) instead of the folder")
    opens.set_defaults(run=_open)
    export = kinds.add_parser("export", help="write one session as files")
    mix = kinds.add_parser("mix", help="write a recorded session's mix as a sound file")
    mix.add_argument("session", metavar="N|DIR", help="the session's number, or its folder")
    mix.add_argument("-o", "--out", type=Path, required=True, metavar="FILE", help=".mp3, .flac, .opus, .ogg or .wav")
    mix.add_argument("--title", help="for the file's tags (default: the folder's name)")
    mix.set_defaults(run=_mix)
    keep = kinds.add_parser("keep", help="mark a recording, so that it is never dropped")
    keep.add_argument("session", metavar="N|DIR", help="the session's number, or its folder")
    keep.add_argument("--not", dest="unmark", action="store_true", help="take the mark away")
    keep.set_defaults(run=_keep)
    tidy = kinds.add_parser("tidy", help="offer the oldest recordings beyond recording.max_gb")
    add_config(tidy)
    tidy.add_argument("--yes", action="store_true", help="do not ask")
    tidy.set_defaults(run=_tidy)
    forget = kinds.add_parser("forget", help="delete one session for good")
    for one in (show, export, forget):
        one.add_argument("number", type=int, metavar="N")
    export.add_argument("folder", type=Path, metavar="DIR", help="new, or empty")
    forget.add_argument("--yes", action="store_true", help="do not ask")
    forget.add_argument("--recordings", action="store_true", help="delete its recording, too, wherever it lies")
    show.set_defaults(run=_show)
    export.set_defaults(run=_export)
    forget.set_defaults(run=_forget)


def opened() -> Memory | None:
    """Open the memory; None where there is none yet (no file is made). Reports a damaged one that was set aside."""
    from agent.core.paths import data_folder
    from agent.memory.store import FILE, Memory

    if not (data_folder() / FILE).exists():
        return None
    memory = Memory(data_folder())
    if memory.note:
        print(f"antiphon: {memory.note}", file=sys.stderr)
    return memory


def sure(question: str, yes: bool) -> bool:
    """Ask the user at a terminal; without one --yes is needed. Raises UserError."""
    if yes:
        return True
    if not sys.stdin.isatty():
        raise UserError("this cannot be undone and there is no terminal to ask at; add --yes to do it")
    return input(f"{question} [y/N] ").strip().lower() in ("y", "yes")


def _list(given: argparse.Namespace) -> int:
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    memory = opened()
    rows = memory.sessions() if memory else []
    rows = [row for row in rows if given.player in (None, row["player"])]
    if not rows:
        print("No session is remembered yet.")
        return 0
    table = Table("no", "when", "length", "player", "takes", "said", "ideas", "MB", box=None, padding=(0, 2, 0, 0))
    total_mb = total_s = 0.0
    for row in rows:
        length_s = (row["ended_s"] or row["seen_s"]) - row["started_s"]
        size_mb = _size_mb(row["folder"])
        if size_mb and length_s > 0:
            total_mb, total_s = total_mb + size_mb, total_s + length_s
        counts = (str(row[name]) for name in ("takes", "directions", "proposals"))
        player = escape(_short(printable(row["player"]), 12))
        when = datetime.fromtimestamp(row["started_s"]).strftime("%a %Y-%m-%d %H:%M")
        table.add_row(str(row["id"]), when, _length(length_s), player, *counts, f"{size_mb:.1f}" if size_mb else "-")
    Console(width=min(max(Console().width, 80), 100)).print(table)
    if total_s:
        print(f"A minute takes {60 * total_mb / total_s:.1f} MB. `antiphon sessions play N` plays one.")
    return 0


def _size_mb(folder: str) -> float:
    """Return what a session's files take, in megabytes; 0 where there are none any more."""
    from agent.recording.disk_space import bytes_of

    return bytes_of(Path(folder)) / 1e6 if folder and Path(folder).is_dir() else 0.0


def _length(seconds: float) -> str:
    minutes, seconds = divmod(max(round(seconds), 0), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02d}" if hours else f"{minutes} min" if minutes else f"{seconds} s"


def _short(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"


def _play(given: argparse.Namespace) -> int:
    from agent.audio.file_playback import play
    from agent.core.config import load
    from agent.recording.mix_file import source_of

    config = load(given.config, pairs(given))
    folder = _folder_of(given.session)
    if given.from_s < 0:
        raise UserError(f"--from {given.from_s:g}: give seconds from 0 on")
    source = source_of(folder)
    print(f"{printable(str(folder))}: Ctrl-C ends it")
    skip = round(given.from_s * source.rate)
    played_s = play(_after(source.pieces(), skip), source.rate, config.audio)
    print(f"{_length(played_s)} played")
    return 0


def _after(pieces: Iterable[NDArray[np.float32]], skip: int) -> Iterator[NDArray[np.float32]]:
    """Yield pieces of sound without the first samples."""
    for piece in pieces:
        if skip < len(piece):
            yield piece[skip:]
        skip = max(skip - len(piece), 0)


def _open(given: argparse.Namespace) -> int:
    folder = _folder_of(given.session)
    target = next(iter([*sorted(folder.glob("take-*.mid"))[-1:], folder / "session.mid"])) if given.midi else folder
    if not target.exists():
        raise UserError(f"{target}: is no longer there; `antiphon sessions list` shows what is kept")
    opener = next(filter(None, map(shutil.which, ("xdg-open", "open", "explorer"))), None)
    print(printable(str(target)))
    if opener:
        subprocess.Popen([opener, str(target)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return 0


def _when(at_s: float) -> str:
    return datetime.fromtimestamp(at_s).strftime("%Y-%m-%d %H:%M")


def _session(number: int) -> tuple[Memory, CountedSession]:
    memory = opened()
    rows = memory.sessions() if memory else []
    found = next((row for row in rows if row["id"] == number), None)
    if memory is None or found is None:
        raise UserError(f"session {number}: there is none of this number; see `antiphon sessions list`")
    return memory, found


def _show(given: argparse.Namespace) -> int:
    memory, session = _session(given.number)
    ended = _when(session["ended_s"]) if session["ended_s"] else "not ended well"
    print(f"session {session['id']}, {printable(session['player'])}, {_when(session['started_s'])} to {ended}")
    if session["folder"]:
        print(f"takes in {printable(session['folder'])}")
    lines = [line for name in SESSION_TABLES for line in _lines(name, memory.rows(name, given.number))]
    for at_s, line in sorted(lines):
        print(f"{datetime.fromtimestamp(at_s):%H:%M:%S}  {printable(line)}")
    return 0


def _lines(table: str, rows: list[Row]) -> list[tuple[float, str]]:
    texts: RowTexts = {
        "phrases": lambda r: ("heard_s", f"heard {_phrase(r)}"),
        "takes": lambda r: ("made_s", f"take {r['number']}{' ' + repr(r['name']) if r['name'] else ''}"),
        "directions": lambda r: ("said_s", f'said "{r["sentence"]}": {_edits(r)}{_revoked(r)}'),
        "proposals": lambda r: ("made_s", f"proposed {r['kind']}: {r['sentence']}"),
        "verdicts": lambda r: ("given_s", f"{r['verdict']}: {r['subject']} {r['subject_id']}"),
        "grooves": lambda r: ("given_s", f"{r['verdict']}: the groove {r['name']}"),
    }
    found = [(row, *texts[table](row)) for row in rows]
    return [(float(row[column] or 0.0), line) for row, column, line in found]


def _phrase(row: Row) -> str:
    from agent.memory.store import json_of

    known = json_of(row["facts"], dict, {})
    tempo = known.get("tempo_bpm", 0)
    named = f"{tempo:.0f}" if isinstance(tempo, (int, float)) else "?"
    return f"{known.get('meter', '?')} at {named}, {known.get('key', '?')}"


def _edits(row: Row) -> str:
    from agent.language.reply_text import said
    from agent.memory.store import edits_of

    return "; ".join(map(said, edits_of(row["edits"])))


def _revoked(row: Row) -> str:
    return " (taken back)" if row["revoked_s"] else ""


def _export(given: argparse.Namespace) -> int:
    from agent.memory.session_files import export

    memory, session = _session(given.number)
    everything = {name: memory.rows(name, given.number) for name in SESSION_TABLES}
    player = [row for row in memory.everything()["players"] if row["id"] == session["player_id"]]
    for line in export(given.folder, {"players": player, "sessions": [session], **everything}):
        print(line)
    print(given.folder)
    return 0


def _mix(given: argparse.Namespace) -> int:
    from agent.recording.mix_file import write_mix

    print(write_mix(_folder_of(given.session), given.out, given.title))
    return 0


def _folder_of(named: str) -> Path:
    """Return the folder of a session that is named by its number or its folder. Raises UserError."""
    folder = Path(named)
    if not named.isdigit() or folder.is_dir():
        return folder
    _, session = _session(int(named))
    if not session["folder"]:
        raise UserError(f"session {named}: nothing was recorded; give the folder of a session")
    return Path(session["folder"])


def _keep(given: argparse.Namespace) -> int:
    from agent.recording.disk_space import MARK
    from agent.recording.recovery import is_session

    folder = _folder_of(given.session)
    if not is_session(folder):
        raise UserError(f"{folder}: not a session folder; give the number or the folder of a session")
    if given.unmark:
        (folder / MARK).unlink(missing_ok=True)
    else:
        (folder / MARK).touch()
    print(f"{printable(str(folder))}: {'no longer marked' if given.unmark else 'marked, and never dropped'}")
    return 0


def _tidy(given: argparse.Namespace) -> int:
    from agent.core.config import load
    from agent.recording import disk_space

    config = load(given.config, pairs(given))
    root, limits = Path(config.paths.sessions), config.recording
    print(disk_space.measure(root, limits))
    oldest = disk_space.too_many(root, limits)
    if not oldest:
        print("Nothing is to be dropped.")
        return 0
    for folder in oldest:
        print(f"  {printable(str(folder))}")
    if not sure(f"Delete these {len(oldest)} recordings for good? (`antiphon sessions keep DIR` marks one)", given.yes):
        print("Nothing was deleted.")
        return 1
    for folder in oldest:
        disk_space.drop(folder)
    print(f"{len(oldest)} recordings are deleted; what is remembered of their sessions stays.")
    return 0


def _forget(given: argparse.Namespace) -> int:
    from agent.memory import practice
    from agent.memory.session_files import remove

    memory, session = _session(given.number)
    if not sure(f"Forget session {given.number} of {_when(session['started_s'])} for good?", given.yes):
        print("Nothing was forgotten.")
        return 1
    practice.forget(memory, session["player_id"], given.number)
    memory.forget(given.number)
    memory.close()
    _, left = remove([session["folder"]], recordings(given.recordings))
    print(f"Session {given.number} is forgotten." + stays(left))
    return 0


def recordings(asked: bool) -> Callable[[Path], bool]:
    """Return which folders outside the data folder are deleted, too: none, or those that hold a session."""
    from agent.recording.recovery import is_session

    return is_session if asked else lambda folder: False


def stays(left: list[Path]) -> str:
    """Return what is said of recordings that were not deleted."""
    if not left:
        return ""
    shown = ", ".join(printable(str(path)) for path in left[:5]) + (f" and {len(left) - 5} more" if left[5:] else "")
    return f" What was recorded stays, with sound and events: {shown}. Delete it by hand, or ask with --recordings."
