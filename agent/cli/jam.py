"""Runs `antiphon jam`, a session at a terminal, and defines the options it shares with the daemon."""

from __future__ import annotations

import argparse
import contextlib
import logging
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from agent.cli.options import Commands, add_config, add_time, given_time, number_or_name, pairs
from agent.core.config import load
from agent.core.errors import UserError
from agent.core.settings import Config

if TYPE_CHECKING:
    from rich.console import Console

    from agent.control.socket_server import ControlServer
    from agent.session.monitor import Monitor
    from agent.session.setup import Setup
    from agent.song.kept import KeptSection
    from agent.songbook.book import Cut

    Riff = tuple[KeptSection, Cut]

EXAMPLES = """examples:
  antiphon jam                                    play bass into the microphone; without one, hear the included take
  antiphon jam --midi "My Synth" --no-audio       let the band play a hardware synth
  antiphon jam --midi virtual                     open a MIDI port that other programs can connect to
  antiphon jam --input midi:Keystation            hear the bass on a MIDI port: a MIDI bass, a keyboard's left hand
  antiphon jam --input midi:Band@1                hear channel 1 of a port: the bass of another Antiphon, say
  antiphon jam --input take.wav --fast --out DIR  play to a file, faster than real time, into DIR
  antiphon jam --input "USB" --seed 7             choose an interface by part of its name; set the seed
  antiphon jam --set parts.line.program=4 --set band.hold_bars=4
keys: space next mode, 1-4 modes, d c l a parts on and off, p panic, q stop
"""


def add(commands: Commands) -> None:
    """Add the command to argparse's subparsers."""
    raw = argparse.RawDescriptionHelpFormatter
    parser = commands.add_parser("jam", help="play with the band", epilog=EXAMPLES, formatter_class=raw)
    add_playing(parser)
    parser.add_argument("--fast", action="store_true", help="play a file faster than real time, with the same result")
    parser.add_argument("--quiet", action="store_true", help="show no display")
    parser.set_defaults(run=_jam, private=True)


def add_playing(parser: argparse.ArgumentParser) -> None:
    """Add the options of what is played on, and where the session is written."""
    add_config(parser)
    parser.add_argument(
        "--input",
        metavar="FILE|DEVICE|midi:PORT",
        help="an audio or MIDI file, an input device's number or part of its name, or a MIDI port that the bass is on",
    )
    parser.add_argument("--output", metavar="DEVICE", help="an output device's number or part of its name")
    parser.add_argument(
        "--midi", metavar="PORT", help="play to a MIDI port: its number, part of its name, or virtual[:NAME]"
    )
    parser.add_argument(
        "--midi-api", choices=("auto", "alsa", "jack", "core", "windows"), help="which MIDI system to use"
    )
    parser.add_argument("--no-audio", action="store_true", help="play nothing through the sound card")
    parser.add_argument(
        "--out", metavar="DIR", type=Path, help="folder of the session (default: a new one in paths.sessions)"
    )
    parser.add_argument("--seed", type=int, help="the same seed and input give the same session, bit for bit")
    add_time(parser)


def settings(given: argparse.Namespace) -> tuple[Config, Path | None]:
    """Return the configuration with the command line's options on top, and the input file, if there is one."""
    from agent.session.setup import looks_like_file

    chosen = pairs(given)
    take = Path(given.input) if given.input and looks_like_file(given.input) else None
    named = {"audio.input": None if take else given.input, "audio.output": given.output, "midi.port": given.midi}
    chosen |= {key: number_or_name(name) for key, name in named.items() if name}
    if given.midi_api:
        chosen["midi.api"] = given.midi_api
    if given.no_audio:
        chosen["audio.output_enabled"] = False
    if given.seed is not None:
        chosen["band.seed"] = given.seed
    return load(given.config, chosen | given_time(given)), take


def check_out(folder: Path | None) -> None:
    """Raise UserError for a folder that holds a session already, or that cannot be written."""
    from agent.core.whole_file import try_folder
    from agent.recording.recorder import unusable

    if folder is None:
        return
    if (folder / "events.jsonl").exists():
        raise UserError(f"--out {folder}: holds a session already; give another folder, so that it is not overwritten")
    try:
        try_folder(folder)
    except OSError as cause:
        raise unusable(folder, cause.strerror) from None


def _jam(given: argparse.Namespace) -> int:
    from agent.session import setup

    config, take = settings(given)
    _check_fast(given, config, take)
    if not given.fast:
        from agent.core.fork_client import share_imports
        from agent.session import live  # noqa: F401 (what its workers share)

        share_imports()
    check_out(given.out)
    return perform(given, config, setup.choose(config, take, given.fast))


def perform(given: argparse.Namespace, config: Config, where: Setup, riff: Riff | None = None) -> int:
    """Run a session as the options say, and say what it wrote; return the exit code. riff: as Live's."""
    from rich.console import Console

    from agent.audio import device_list
    from agent.control.keyboard import HELP
    from agent.memory.player_profile import with_player_adapter, without_player
    from agent.recording.recorder import new_session_folder
    from agent.session.monitor import Monitor

    logging.basicConfig(level=config.log.level.upper(), format="antiphon: %(message)s")
    device_list.release()
    folder = given.out or new_session_folder(Path(config.paths.sessions))
    console = Console(stderr=True, quiet=given.quiet)
    says = where.says.replace("in real time", "as fast as possible") if given.fast else where.says
    console.print(says, markup=False, soft_wrap=True)
    if not given.fast and sys.stdin.isatty():
        console.print(f"keys: {HELP}", style="dim", markup=False, soft_wrap=True)
    monitor = Monitor(console, live=not given.quiet)
    if given.fast:
        from agent.session.offline import OfflineSession

        troubles = OfflineSession(config, where, folder, monitor).run()
    else:
        of_player = without_player if where.take or where.imagined else with_player_adapter
        troubles = _live(of_player(config), where, folder, monitor, riff)
    for trouble in troubles:
        print(f"antiphon: {trouble}", file=sys.stderr)
    _compress(config, folder, console)
    console.print(f"session written to {folder}", markup=False, soft_wrap=True)
    return 1 if troubles else 0


def _compress(config: Config, folder: Path, console: Console) -> None:
    """Compress a session in paths.sessions; Ctrl-C leaves that to the next start."""
    from agent.recording import disk_space, flac_files

    if not disk_space.is_ours(config, folder):
        return
    try:
        if line := flac_files.compress(folder, config.recording.keep):
            console.print(line, markup=False, soft_wrap=True)
    except KeyboardInterrupt:
        console.print("not compressed: the next start goes on with it", markup=False, soft_wrap=True)
    except OSError as cause:
        print(f"antiphon: {folder}: not compressed ({cause.strerror or cause})", file=sys.stderr)


def _check_fast(given: argparse.Namespace, config: Config, take: Path | None) -> None:
    if given.fast and config.midi.port is not None:
        raise UserError("--fast with --midi: a MIDI port plays in real time; leave out one of the two")
    if given.fast and given.input and take is None:
        raise UserError(f"--fast with --input {given.input}: only files play faster than real time; give one")


def _live(config: Config, where: Setup, folder: Path, monitor: Monitor, riff: Riff | None) -> tuple[str, ...]:
    from agent.recording.recovery import finish_soon
    from agent.session.live import Live

    with _socket() as server, finish_soon(Path(config.paths.sessions), config.recording.keep, folder):
        on_turn = (lambda live: live.serve(server)) if server else None
        live = Live(config, where, folder, monitor, on_turn=on_turn, riff=riff)
        troubles = live.run()
        if line := live.figures.over():
            print(f"antiphon: {line}", file=sys.stderr)
        return troubles


@contextlib.contextmanager
def _socket() -> Iterator[ControlServer | None]:
    """The control socket; where another session has it, one of this session's own; None where there can be none."""
    from agent.control.socket_server import ControlServer
    from agent.core.paths import socket_path

    server, name = None, str(os.getpid())
    try:
        server = ControlServer(socket_path())
    except UserError as cause:
        logging.getLogger(__name__).info("%s", cause)
        with contextlib.suppress(UserError):
            server = ControlServer(socket_path(name))
            print(
                f"another session runs already: speak to this one with `antiphon say --session {name} ...` "
                f"and `antiphon ctl --session {name} ...`",
                file=sys.stderr,
            )
    try:
        yield server
    finally:
        if server:
            server.close()
