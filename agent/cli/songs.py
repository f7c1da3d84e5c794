"""Runs `antiphon songs`, which lists, shows, plays, exports and makes songs."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from agent.core.errors import UserError
from agent.core.plain_text import printable

if TYPE_CHECKING:
    from agent.cli.options import Commands

EXAMPLES = """examples:
  antiphon songs list                    songs, the newest first, and what is in them
  antiphon songs show tuesday            its sections with their chords
  antiphon songs play tuesday            open it in the running session, counted in
  antiphon songs export tuesday -o t.mid its sections in order as a MIDI file: the riff and the chords
  antiphon songs new blues "A7 | D7 | A7 | A7 | D7 | D7 | A7 | A7 | E7 | D7 | A7 | E7" --tempo 110
  antiphon songs new road road.txt       a chart of several sections, read from a file
"""


def add(commands: Commands) -> None:
    """Add the command to argparse's subparsers."""
    raw = argparse.RawDescriptionHelpFormatter
    parser = commands.add_parser("songs", help="list, show, play or export songs", epilog=EXAMPLES, formatter_class=raw)
    kinds = parser.add_subparsers(title="what to do", metavar="list | show | play | export | new", required=True)
    listing = kinds.add_parser("list", help="list every song, the newest first")
    listing.set_defaults(run=_list)
    show = kinds.add_parser("show", help="show one song's sections")
    play = kinds.add_parser("play", help="open a song in the running session")
    export = kinds.add_parser("export", help="write a song as a MIDI file")
    for one, run in ((show, _show), (play, _play), (export, _export)):
        one.add_argument("name", metavar="NAME", help="its name, or the weekday on which it was begun")
        one.set_defaults(run=run)
    export.add_argument("-o", "--out", type=Path, required=True, metavar="FILE.mid")
    new = kinds.add_parser("new", help="make a song from a chord chart")
    new.add_argument("name", metavar="NAME")
    new.add_argument("chart", metavar="CHART|FILE", help='such as "Em7 | C | D/F# | Em", or a text file')
    new.add_argument("--tempo", type=float, metavar="BPM", help="beats a minute (default: as you play it)")
    new.add_argument("--meter", default="4/4", metavar="4/4", help="where the chart names none")
    new.add_argument("--style", metavar="STYLE", help="of the drums, as in dials.style")
    new.set_defaults(run=_new)


def _list(given: argparse.Namespace) -> int:
    from agent.songbook import song_file

    found = 0
    songs = []
    for path in song_file.saved():
        try:
            songs.append(song_file.load(path))
        except UserError as cause:
            print(f"antiphon: {printable(str(cause))}", file=sys.stderr)
    for song in sorted(songs, key=lambda one: -one.began_s):
        found += 1
        when = song_file.ago(song.played_s or song.began_s) or "never played"
        sections = ", ".join(one.name for one in song.sections)
        print(printable(f"{song.name[:20]:20} {when:14} {sections}"[:100].rstrip()))
    if not found:
        print('no songs yet: say "this is the verse" while you play, or `antiphon songs new`')
    return 0


def _show(given: argparse.Namespace) -> int:
    from agent.songbook.book import told
    from agent.songbook.song_file import ago, named

    song = named(given.name)
    played = ago(song.played_s)
    print(printable(f"{song.name}, {f'last played {played}' if played else 'never played'}"))
    for kept in song.sections:
        print(printable(f"  {kept.name:16} {told(kept)}"))
    if song.order:
        print(printable(f"  order: {' '.join(song.order)}"))
    return 0


def _play(given: argparse.Namespace) -> int:
    from agent.control.socket_server import ask
    from agent.core.paths import socket_path
    from agent.songbook.song_file import named

    answer = ask(socket_path(), f"song {named(given.name).name}")
    print(printable(str(answer["says"])))
    return 0 if answer["ok"] else 1


def _export(given: argparse.Namespace) -> int:
    from agent.songbook.export import write
    from agent.songbook.song_file import named

    if given.out.suffix.lower() not in (".mid", ".midi"):
        raise UserError(f"--out {given.out}: a song is exported as MIDI; give a name that ends in .mid")
    write(named(given.name), given.out)
    print(given.out)
    return 0


def _new(given: argparse.Namespace) -> int:
    from agent.songbook.book import told
    from agent.songbook.chart import song_of, text_of
    from agent.songbook.song_file import save

    song = song_of(given.name, text_of(given.chart), given.meter, given.tempo, given.style)
    path = save(song)
    for kept in song.sections:
        print(printable(f"  {kept.name:16} {told(kept)}"))
    print(path)
    return 0
