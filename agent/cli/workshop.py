"""Runs `antiphon workshop`, a conversation over a recorded riff whose takes are written as MIDI and sound."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from agent.cli import options
from agent.core.config import load
from agent.core.errors import UserError

if TYPE_CHECKING:
    from rich.console import Console

    from agent.cli.options import Commands
    from agent.core.settings import Config
    from agent.session.workshop import Workshop

BARS = (1, 32)
EXAMPLES = """examples:
  antiphon workshop riff.wav                        work on the riff's first four bars in words
  antiphon workshop riff.wav --say "7/8 in bar three" --say "less snare" --out takes/
  antiphon workshop riff.wav --play                 as a session: the riff loops, the band plays to it
  antiphon workshop riff.wav --guest                remember nothing
while it runs:
  any direction, such as "heavier bottom" or "don't resolve it"; undo; take 2; name this bristol; A/B; any ideas?;
  keep quiet; what did you change?; quit
"""
PROMPT = "[bold]you[/] "
LEAVE = ("quit", "exit", "bye", "q")


def add(commands: Commands) -> None:
    """Add the command to argparse's subparsers."""
    raw = argparse.RawDescriptionHelpFormatter
    parser = commands.add_parser(
        "workshop", help="work on a recorded riff in words", epilog=EXAMPLES, formatter_class=raw
    )
    options.add_config(parser)
    parser.add_argument("recording", type=Path, metavar="TAKE.wav", help="a bass, alone: WAV, FLAC, OGG ...")
    parser.add_argument("--bars", type=int, default=4, metavar="N", help="length of the riff (default: 4)")
    parser.add_argument("--from", dest="first_s", type=float, default=0.0, metavar="S", help="the riff begins after S")
    who = parser.add_mutually_exclusive_group()
    who.add_argument("--player", metavar="NAME", help="who plays (default: conversation.player)")
    who.add_argument("--guest", action="store_true", help="remember nothing")
    parser.add_argument(
        "--say", action="append", default=[], metavar="LINE", help="take this line instead of asking; may be repeated"
    )
    parser.add_argument("--out", type=Path, metavar="DIR", help="where takes are written (default: the data folder)")
    parser.add_argument(
        "--play",
        action="store_true",
        help="open it as a session: the riff loops, the band plays, keys, ctl and the page steer it",
    )
    options.add_time(parser)
    parser.set_defaults(run=run, private=True)


def run(given: argparse.Namespace) -> int:
    _check(given)
    config = load(given.config, {**options.pairs(given), **options.given_time(given)})
    if given.play:
        return _live(given, config)
    from agent.session.workshop import opened

    bench = opened(given, config)
    try:
        _talk(given, config, bench)
    finally:
        bench.close()
    return 0


def _live(given: argparse.Namespace, config: Config) -> int:
    """Run a live session that begins with the riff, and loops it."""
    from agent.cli.jam import check_out, perform
    from agent.memory.player_profile import GUEST
    from agent.session.setup import for_riff
    from agent.session.workshop import cut_from, heard, kept_of

    if given.say:
        raise UserError("--say with --play: sentences are said as it plays; press t, or use `antiphon say`")
    check_out(given.out)
    where = for_riff(config, given.recording)
    time_given = (config.band.meter, config.band.tempo_bpm)
    riff, recording = heard(given.recording, given.bars, given.first_s, time_given, config.audio.input_channel)
    player = GUEST if given.guest else given.player or config.conversation.player
    config = replace(config, conversation=replace(config.conversation, player=player))
    given.fast, given.quiet = False, False
    return perform(given, config, where, (kept_of(riff, "riff"), cut_from(recording)))


def _check(given: argparse.Namespace) -> None:
    if not BARS[0] <= given.bars <= BARS[1]:
        raise UserError(f"--bars {given.bars}: give {BARS[0]} to {BARS[1]}")
    if not given.recording.is_file():
        raise UserError(f"{given.recording}: there is no such file; name a recording of a bass")
    if given.out and given.out.exists() and not given.out.is_dir():
        raise UserError(f"--out {given.out}: is a file; give a folder")


def _talk(given: argparse.Namespace, config: Config, bench: Workshop) -> None:
    from rich.console import Console

    console = Console(highlight=False)

    def show(lines: Iterator[str]) -> None:
        for line in lines:
            console.print(line, markup=False)

    show(bench.open(time.time()))
    for line in given.say or _lines(console):
        if line.strip().lower().strip(".!") in LEAVE:
            break
        if given.say or not sys.stdin.isatty():
            console.print(f"> {line[:200]}", markup=False)
        show(bench.line(line, time.time()))


def _lines(console: Console) -> Iterator[str]:
    """Read lines from the terminal or a pipe until they end."""
    if not sys.stdin.isatty():
        yield from (line.rstrip("\n") for line in sys.stdin if line.strip())
        return
    while True:
        try:
            yield console.input(PROMPT)
        except EOFError:
            return
