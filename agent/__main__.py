"""The command line: antiphon jam | listen | reply | compose | codes | weights | calibrate | devices | doctor."""

from __future__ import annotations

import argparse
import logging
import os
import sys
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

# before NumPy is loaded: a second BLAS thread gains nothing on products this small, spins, and starves the audio process
for _threads in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_threads, "1")

from agent import calibratecommand, codescommand, composecommand, replycommand  # noqa: E402
from agent.config import load  # noqa: E402
from agent.errors import UserError  # noqa: E402
from agent.options import add_config, pairs  # noqa: E402
from agent.settings import Config  # noqa: E402

JAM_EXAMPLES = """examples:
  antiphon jam                                    microphone in, band out; the take that ships if there is no microphone
  antiphon jam --midi "My Synth" --no-audio       the band on a hardware synth
  antiphon jam --midi virtual                     a port other programs can connect to
  antiphon jam --input take.wav --fast --out DIR  a file, faster than real time, into DIR
  antiphon jam --input "USB" --seed 7             an interface by part of its name; the same seed repeats a session
  antiphon jam --set parts.line.program=4 --set band.hold_bars=4
"""
LISTEN_EXAMPLES = """examples:
  antiphon listen take.wav                        what is heard, as a table
  antiphon listen a.wav b.flac --json             JSON lines: onsets, notes, pitch, beats, tempo, meter, key
  antiphon listen take.wav --plot take.png        the same as a picture
  antiphon listen --mic                           live on the terminal: tuner, notes, beat, chord, feel
  antiphon listen --mic --input "USB" --json      JSON lines as they are said
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; the exit code: 0 well, 1 trouble on the way, 2 a mistake in what was asked."""
    parser = _parser()
    given = parser.parse_args(argv)
    if not hasattr(given, "run"):
        parser.print_help()
        return 2
    try:
        code: int = given.run(given)
    except UserError as mistake:
        print(f"antiphon: {mistake}", file=sys.stderr)
        return 2
    except BrokenPipeError:  # antiphon listen ... | head
        sys.stderr.close()
        return 0
    except KeyboardInterrupt:
        return 130
    return code


def _parser() -> argparse.ArgumentParser:
    raw = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser("antiphon", description="A bandmate that listens: play bass, a band answers.")
    parser.add_argument("--version", action="version", version=f"antiphon {version('antiphon')}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND")

    jam = commands.add_parser("jam", help="play together", epilog=JAM_EXAMPLES, formatter_class=raw)
    add_config(jam)
    jam.add_argument(
        "--input", metavar="FILE|DEVICE", help="an audio file, or an input device's number or part of its name"
    )
    jam.add_argument("--output", metavar="DEVICE", help="an output device's number or part of its name")
    jam.add_argument(
        "--midi", metavar="PORT", help="play to a MIDI port: its number, part of its name, or virtual[:NAME]"
    )
    jam.add_argument("--midi-api", choices=("auto", "alsa", "jack", "core", "windows"), help="which MIDI system")
    jam.add_argument("--no-audio", action="store_true", help="play nothing through the sound card")
    jam.add_argument("--fast", action="store_true", help="a file faster than real time, with the same result")
    jam.add_argument(
        "--out", metavar="DIR", type=Path, help="the session's folder (default: a new one in paths.sessions)"
    )
    jam.add_argument("--seed", type=int, help="the same seed and input give the same session, bit for bit")
    _add_time(jam)
    jam.add_argument("--quiet", action="store_true", help="no display")
    jam.set_defaults(run=_jam)

    listen = commands.add_parser(
        "listen", help="say what is heard in files or live", epilog=LISTEN_EXAMPLES, formatter_class=raw
    )
    add_config(listen)
    listen.add_argument("files", nargs="*", metavar="FILE")
    listen.add_argument("--mic", action="store_true", help="listen to the sound card, live, until Ctrl-C")
    listen.add_argument("--input", metavar="DEVICE", help="with --mic: an input device's number or part of its name")
    listen.add_argument("--json", action="store_true", help="JSON lines on standard output")
    listen.add_argument("--plot", type=Path, metavar="OUT.png", help="draw what is heard in one file")
    _add_time(listen)
    listen.set_defaults(run=_listen)

    replycommand.add(commands)
    composecommand.add(commands)
    codescommand.add(commands)
    calibratecommand.add(commands)

    listing = commands.add_parser("devices", help="audio devices and MIDI ports, with latencies")
    listing.add_argument("--json", action="store_true")
    listing.set_defaults(run=_devices)

    doctor = commands.add_parser("doctor", help="check this machine; exit 1 if jam could not run")
    add_config(doctor)
    doctor.set_defaults(run=_doctor)
    return parser


def _add_time(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--tempo", type=float, metavar="BPM", help="the tempo, told beforehand (default: it is heard)")
    parser.add_argument("--meter", metavar="M", help="the meter, such as 7/8, told beforehand (default: it is heard)")


def _jam(given: argparse.Namespace) -> int:
    from rich.console import Console

    from agent import devices
    from agent import rig as rigs
    from agent.monitor import Monitor
    from agent.recorder import new_session_folder

    config = load(given.config, _overrides(given))
    logging.basicConfig(level=config.log.level.upper(), format="antiphon: %(message)s")
    take = Path(given.input) if given.input and rigs.looks_like_file(given.input) else None
    if given.fast and config.midi.port is not None:
        raise UserError("--fast with --midi: a MIDI port plays in real time; leave one of the two out")
    if given.fast and given.input and take is None:
        raise UserError(f"--fast with --input {given.input}: only a file can be faster than real time; give a file")
    if given.out and (given.out / "events.jsonl").exists():
        raise UserError(f"--out {given.out}: it holds a session already, which would be lost; give another folder")
    rig = rigs.choose(config, take, given.fast)
    devices.release()
    folder = given.out or new_session_folder(Path(config.paths.sessions))
    console = Console(stderr=True, quiet=given.quiet)
    console.print(
        rig.says.replace("in real time", "as fast as it goes") if given.fast else rig.says, markup=False, soft_wrap=True
    )
    troubles = _session(config, rig, folder, Monitor(console, live=not given.quiet), given.fast).run()
    for trouble in troubles:
        print(f"antiphon: {trouble}", file=sys.stderr)
    console.print(f"session written to {folder}", markup=False, soft_wrap=True)
    return 1 if troubles else 0


def _session(config: Config, rig: Any, folder: Path, monitor: Any, fast: bool) -> Any:
    if fast:
        from agent.fast import Fast

        return Fast(config, rig, folder, monitor)
    from agent.session import Live

    return Live(config, rig, folder, monitor)


def _overrides(given: argparse.Namespace) -> dict[str, Any]:
    from agent.rig import looks_like_file

    chosen = pairs(given)
    if given.input and not looks_like_file(given.input):
        chosen["audio.input"] = _number_or_name(given.input)
    if given.output:
        chosen["audio.output"] = _number_or_name(given.output)
    if given.midi is not None:
        chosen["midi.port"] = _number_or_name(given.midi)
    if given.midi_api:
        chosen["midi.api"] = given.midi_api
    if given.no_audio:
        chosen["audio.output_enabled"] = False
    if given.seed is not None:
        chosen["band.seed"] = given.seed
    return chosen | _time(given)


def _time(given: argparse.Namespace) -> dict[str, Any]:
    """What is told beforehand of tempo and meter."""
    told = {"band.tempo_bpm": given.tempo, "band.meter": given.meter}
    return {key: value for key, value in told.items() if value is not None}


def _number_or_name(given: str) -> int | str:
    return int(given) if given.isdecimal() else given


def _listen(given: argparse.Namespace) -> int:
    from agent import listen
    from listener.capture import AudioFileError

    if given.mic:
        return _listen_live(given)
    if not given.files:
        raise UserError("listen: give a file, or --mic to listen to the sound card; see `antiphon listen --help`")
    if given.input:
        raise UserError(f"--input {given.input}: names the sound card for --mic; a file is given without it")
    try:
        band = load(given.config, pairs(given) | _time(given)).band
        return listen.run(given.files, given.json, plot=given.plot, time_given=(band.meter, band.tempo_bpm))
    except AudioFileError as cause:
        raise UserError(str(cause)) from None


def _listen_live(given: argparse.Namespace) -> int:
    from agent import listenlive

    if given.files:
        raise UserError(f"--mic with {given.files[0]}: listen to the sound card or to files; leave one of the two out")
    if given.plot:
        raise UserError(f"--plot {given.plot} with --mic: what is drawn is a file; record first, then draw that")
    device = {"audio.input": _number_or_name(given.input)} if given.input else {}
    return listenlive.run(load(given.config, pairs(given) | _time(given) | device), given.json)


def _devices(given: argparse.Namespace) -> int:
    from agent import devices

    return devices.run(given.json)


def _doctor(given: argparse.Namespace) -> int:
    from agent import doctor

    return doctor.run(given.config)


if __name__ == "__main__":
    sys.exit(main())
