"""Runs `antiphon codes` and `antiphon weights`; the models are loaded only when they run."""

from __future__ import annotations

import argparse
from pathlib import Path

from agent.cli.options import Commands, add_config, pairs
from agent.core.config import load
from agent.core.errors import UserError

CODES_EXAMPLES = """examples:
  antiphon codes take.wav -o codes.npz            write the EnCodec codes [K, T] of a file, 75 frames a second
  antiphon codes take.wav --resynth out.wav       decode them to sound, 24 kHz: hear what the codec keeps
  antiphon codes codes.npz --resynth out.wav      decode stored codes
  antiphon codes take.wav --plot out.png          draw spectrograms before and after
  antiphon codes take.wav --check                 compare with the encodec package's offline codes; exit 1 if any differ
  antiphon codes take.wav --kbps 1.5 --codec encodec --resynth out.wav
"""
WEIGHTS_EXAMPLES = """examples:
  antiphon weights                                list the weights and where they are
  antiphon weights fetch encodec                  download the official 24 kHz EnCodec weights (93 MB)
  antiphon codes take.wav --codec encodec --resynth out.wav
"""


def add(commands: Commands) -> None:
    """Add both commands to argparse's subparsers."""
    raw = argparse.RawDescriptionHelpFormatter
    codes_help, weights_help = "turn a file into EnCodec codes, and back", "list the models' weights; download others"
    _add_codes(commands.add_parser("codes", help=codes_help, epilog=CODES_EXAMPLES, formatter_class=raw))
    _add_weights(commands.add_parser("weights", help=weights_help, epilog=WEIGHTS_EXAMPLES, formatter_class=raw))


def _add_codes(codes: argparse.ArgumentParser) -> None:
    add_config(codes)
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
    codes.add_argument("--float64", action="store_true", help="compute in double precision: exact with any weights")
    codes.set_defaults(run=_codes)


def _add_weights(weights: argparse.ArgumentParser) -> None:
    weights.set_defaults(run=_weights, act="list")
    acts = weights.add_subparsers(title="what to do", metavar="list | fetch")
    acts.add_parser("list", help="list the weights (the default)")
    fetch = acts.add_parser("fetch", help="download weights that do not ship")
    fetch.add_argument("name", metavar="NAME", help="encodec: the official 24 kHz EnCodec weights")
    fetch.add_argument("--url", help="download from this address instead; the hash is still checked")
    fetch.set_defaults(act="fetch")


def _codes(given: argparse.Namespace) -> int:
    from agent.listen import codes
    from listener.capture import AudioFileError

    chosen_keys = {"models.codec": given.codec, "models.codec_kbps": given.kbps}
    chosen = pairs(given) | {key: value for key, value in chosen_keys.items() if value is not None}
    models = load(given.config, chosen).models
    kbps = None if codes.is_codes(given.file) else models.codec_kbps
    asked = {name: getattr(given, name) for name in ("file", "out", "resynth", "plot", "check", "float64")}
    span_s = tuple(given.span) if given.span else None
    wish = codes.Wish(**asked, codec=models.codec, kbps=kbps, span_s=span_s)
    if given.kbps is not None and kbps is None:
        raise UserError(f"--kbps {given.kbps:g}: {given.file} holds codes, which have their own; leave --kbps out")
    try:
        return codes.run(wish)
    except AudioFileError as cause:
        raise UserError(str(cause)) from None


def _weights(given: argparse.Namespace) -> int:
    from agent.cli import weights

    return weights.fetch(given.name, given.url) if given.act == "fetch" else weights.show()
