"""Runs `antiphon listen`: its options and checks."""

from __future__ import annotations

import argparse
from pathlib import Path

from agent.cli.options import Commands, add_config, add_time, given_time, number_or_name, pairs
from agent.core.config import load
from agent.core.errors import UserError

EXAMPLES = """examples:
  antiphon listen take.wav                        print what is heard in a file
  antiphon listen a.wav b.flac --json             print JSON lines: onsets, notes, pitch, beats, tempo, meter, key
  antiphon listen take.wav --plot take.png        draw it as a picture
  antiphon listen --mic                           show it live on the terminal: tuner, notes, beat, chord, feel
  antiphon listen --mic --input "USB" --json      print JSON lines live
"""


def add(commands: Commands) -> None:
    """Add the command to argparse's subparsers."""
    raw = argparse.RawDescriptionHelpFormatter
    parser = commands.add_parser(
        "listen", help="show what is heard in files or live", epilog=EXAMPLES, formatter_class=raw
    )
    add_config(parser)
    parser.add_argument("files", nargs="*", metavar="FILE")
    parser.add_argument("--mic", action="store_true", help="listen to the sound card, live, until Ctrl-C")
    parser.add_argument("--input", metavar="DEVICE", help="with --mic: an input device's number or part of its name")
    parser.add_argument("--json", action="store_true", help="JSON lines on standard output")
    parser.add_argument("--plot", type=Path, metavar="OUT.png", help="draw what is heard in one file")
    add_time(parser)
    parser.set_defaults(run=_listen)


def _listen(given: argparse.Namespace) -> int:
    from agent.listen import file_listener
    from listener.capture import AudioFileError

    if given.mic:
        return _listen_live(given)
    if not given.files:
        raise UserError("listen: give a file, or --mic to listen to the sound card; see `antiphon listen --help`")
    if given.input:
        raise UserError(f"--input {given.input}: names the sound card for --mic; a file is given without it")
    try:
        config = load(given.config, pairs(given) | given_time(given))
        told = (config.band.meter, config.band.tempo_bpm)
        return file_listener.run(given.files, given.json, None, given.plot, told, config.audio.input_channel)
    except AudioFileError as cause:
        raise UserError(str(cause)) from None


def _listen_live(given: argparse.Namespace) -> int:
    from agent.listen import microphone

    if given.files:
        raise UserError(f"--mic with {given.files[0]}: listen to the sound card or to files; leave one of the two out")
    if given.plot:
        raise UserError(f"--plot {given.plot} with --mic: what is drawn is a file; record first, then draw that")
    device = {"audio.input": number_or_name(given.input)} if given.input else {}
    return microphone.run(load(given.config, pairs(given) | given_time(given) | device), given.json)
