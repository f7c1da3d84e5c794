"""Runs `antiphon sounds`, which lists instruments and installed SoundFonts and chooses the one that is used."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from agent.cli.options import Commands, add_config

if TYPE_CHECKING:
    from agent.core.settings import Config

MEGABYTE = 1e6
EXAMPLES = """examples:
  antiphon sounds list                   instruments, which style gets which, SoundFonts that are installed
  antiphon sounds use musescore          from the next session on: a path, or part of an installed file's name
  antiphon sounds use shipped            the ones that ship again
"""


def add(commands: Commands) -> None:
    """Add the command to argparse's subparsers."""
    parser = commands.add_parser(
        "sounds",
        help="list the band's instruments and SoundFonts; choose one",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    listed = actions.add_parser("list", help="instruments, styles, SoundFonts")
    used = actions.add_parser("use", help="play another SoundFont from the next session on")
    used.add_argument("name", metavar="FILE|NAME|shipped", help="a path, part of an installed file's name, or shipped")
    for one in (listed, used):
        add_config(one)
    parser.set_defaults(run=_sounds)


def _sounds(given: argparse.Namespace) -> int:
    from agent.core.config import load
    from agent.sounds.font_choice import choose, looked_at

    config = load(given.config)
    if given.action == "list":
        return _list(config)
    path = choose(given.name, config.paths)
    if path is None:
        print("the sounds that ship play from the next session on")
        return 0
    found = looked_at(path)
    print(f"{path} plays from the next session on: {len(found.instruments)} of the band's instruments are in it")
    if config.paths.soundfont:
        print(f"but paths.soundfont of the configuration comes first: {config.paths.soundfont}")
    return 0


def _list(config: Config) -> int:
    from agent.sounds.font_choice import chosen_font, installed
    from agent.sounds.instruments import INSTRUMENTS, STYLE_SOUNDS, USUAL

    print(f"{'instrument':16} {'preset':8} said as")
    for one in INSTRUMENTS.values():
        print(f"{one.name:16} {one.preset[0]}:{one.preset[1]:<6} {', '.join((one.name, *one.words))}")
    print(f"\n{'style':16} {'drums':16} {'chords':16} line")
    for style, sounds in {"(none known)": USUAL, **STYLE_SOUNDS}.items():
        print(f"{style:16} {sounds[0]:16} {sounds[1]:16} {sounds[2]}")
    own = chosen_font(config.paths)
    print(f"\n  {'MB':>7}  instruments  SoundFont (* = asked first)")
    fonts = installed([own] if own else [])
    for found in fonts:
        mark = "*" if own and found.path == own.resolve() else " "
        what = found.trouble or f"{len(found.instruments):>7} of {len(INSTRUMENTS)}  {found.path}"
        print(f"{mark} {found.bytes / MEGABYTE:7.1f}  {what}")
    return 0
