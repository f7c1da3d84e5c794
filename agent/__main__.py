"""The command line: antiphon jam | listen | codes | weights | devices | doctor."""

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

from agent.config import Config, load, parse_value  # noqa: E402
from agent.errors import UserError  # noqa: E402

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
CODES_EXAMPLES = """examples:
  antiphon codes take.wav -o codes.npz            the EnCodec codes [K, T] the agent would hear, 75 frames a second
  antiphon codes take.wav --resynth out.wav       the sound that is in them, 24 kHz; hear what the codec keeps
  antiphon codes codes.npz --resynth out.wav      stored codes as sound again
  antiphon codes take.wav --plot out.png          spectrograms before and after
  antiphon codes take.wav --check                 streamed codes against the encodec package's offline ones; exit 1 if any differs
  antiphon codes take.wav --kbps 1.5 --codec encodec --resynth out.wav
"""
WEIGHTS_EXAMPLES = """examples:
  antiphon weights                                what ships and what is found where
  antiphon weights fetch encodec                  download the official 24 kHz EnCodec weights (93 MB)
  antiphon codes take.wav --codec encodec --resynth out.wav
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
    _add_config(jam)
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
    _add_config(listen)
    listen.add_argument("files", nargs="*", metavar="FILE")
    listen.add_argument("--mic", action="store_true", help="listen to the sound card, live, until Ctrl-C")
    listen.add_argument("--input", metavar="DEVICE", help="with --mic: an input device's number or part of its name")
    listen.add_argument("--json", action="store_true", help="JSON lines on standard output")
    listen.add_argument("--plot", type=Path, metavar="OUT.png", help="draw what is heard in one file")
    _add_time(listen)
    listen.set_defaults(run=_listen)

    _add_codes(
        commands.add_parser(
            "codes", help="a file as EnCodec codes, and back", epilog=CODES_EXAMPLES, formatter_class=raw
        )
    )
    _add_weights(
        commands.add_parser(
            "weights", help="which weights are here; fetch others", epilog=WEIGHTS_EXAMPLES, formatter_class=raw
        )
    )

    listing = commands.add_parser("devices", help="audio devices and MIDI ports, with latencies")
    listing.add_argument("--json", action="store_true")
    listing.set_defaults(run=_devices)

    doctor = commands.add_parser("doctor", help="check this machine; exit 1 if jam could not run")
    _add_config(doctor)
    doctor.set_defaults(run=_doctor)
    return parser


def _add_codes(codes: argparse.ArgumentParser) -> None:
    _add_config(codes)
    codes.add_argument("file", type=Path, metavar="FILE", help="an audio file, or with --resynth a codes.npz")
    codes.add_argument(
        "-o", "--out", type=Path, metavar="OUT.npz", help="write the codes [K, T], rates and the weights' hash"
    )
    codes.add_argument("--resynth", type=Path, metavar="OUT.wav", help="write the sound decoded from the codes, 24 kHz")
    codes.add_argument("--plot", type=Path, metavar="OUT.png", help="draw the sound before and after")
    codes.add_argument("--span", type=float, nargs=2, metavar=("FROM", "TO"), help="seconds that --plot draws")
    codes.add_argument("--check", action="store_true", help="compare with the encodec package's offline codes")
    codes.add_argument("--kbps", type=float, metavar="KBPS", help="0.75 per codebook (default: models.codec_kbps, 3)")
    codes.add_argument("--codec", metavar="STEM|FILE.th|encodec", help="weights (default: models.codec, what ships)")
    codes.add_argument("--float64", action="store_true", help="count in double precision; exact with any weights")
    codes.set_defaults(run=_codes)


def _add_weights(weights: argparse.ArgumentParser) -> None:
    weights.set_defaults(run=_weights, act="list")
    acts = weights.add_subparsers(title="what to do", metavar="list | fetch")
    acts.add_parser("list", help="a table of the weights (as without a word)")
    fetch = acts.add_parser("fetch", help="download weights that do not ship")
    fetch.add_argument("name", metavar="NAME", help="encodec: the official 24 kHz EnCodec weights")
    fetch.add_argument("--url", help="another place to download from; the hash is checked all the same")
    fetch.set_defaults(act="fetch")


def _add_config(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--config", type=Path, metavar="FILE", help="settings (default: ./config.yaml if there is one)")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="any key of config.yaml")


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

    chosen = _pairs(given)
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


def _pairs(given: argparse.Namespace) -> dict[str, Any]:
    chosen: dict[str, Any] = {}
    for pair in given.set:
        key, equals, value = pair.partition("=")
        if not equals:
            raise UserError(f"--set {pair}: expected KEY=VALUE, such as --set band.hold_bars=4")
        chosen[key] = parse_value(value)
    return chosen


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
        band = load(given.config, _pairs(given) | _time(given)).band
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
    return listenlive.run(load(given.config, _pairs(given) | _time(given) | device), given.json)


def _codes(given: argparse.Namespace) -> int:
    from agent import codes
    from listener.capture import AudioFileError

    told = {"models.codec": given.codec, "models.codec_kbps": given.kbps}
    chosen = _pairs(given) | {key: value for key, value in told.items() if value is not None}
    models = load(given.config, chosen).models
    kbps = None if codes.is_codes(given.file) else models.codec_kbps
    wish = codes.Wish(
        given.file,
        given.out,
        given.resynth,
        given.plot,
        given.check,
        models.codec,
        kbps,
        given.float64,
        given.span and tuple(given.span),
    )
    if given.kbps is not None and kbps is None:
        raise UserError(f"--kbps {given.kbps:g}: {given.file} holds codes, which have their own; leave --kbps out")
    try:
        return codes.run(wish)
    except AudioFileError as cause:
        raise UserError(str(cause)) from None


def _weights(given: argparse.Namespace) -> int:
    from agent import weights

    return weights.fetch(given.name, given.url) if given.act == "fetch" else weights.show()


def _devices(given: argparse.Namespace) -> int:
    from agent import devices

    return devices.run(given.json)


def _doctor(given: argparse.Namespace) -> int:
    from agent import doctor

    return doctor.run(given.config)


if __name__ == "__main__":
    sys.exit(main())
