"""Runs `antiphon calibrate`: its options and its output."""

from __future__ import annotations

import argparse
import sys

from agent.audio import latencies
from agent.audio.latencies import Latencies
from agent.cli.options import Commands, add_config, pairs
from agent.core.config import load
from agent.core.errors import UserError
from agent.core.settings import Config

EXAMPLES = """examples:
  antiphon calibrate                              play chirps and hear them at the microphone, or over a cable
  antiphon calibrate --midi "MIDI 1"              send notes to that port and receive them at the port of the same name
  antiphon calibrate --midi Volca --listen        play clicks on that instrument and hear them at the microphone
  antiphon calibrate --show                       show what was measured; --forget deletes it
"""


def add(commands: Commands) -> None:
    """Add the command to argparse's subparsers."""
    raw = argparse.RawDescriptionHelpFormatter
    parser = commands.add_parser(
        "calibrate", help="measure the latency of sound card and MIDI", epilog=EXAMPLES, formatter_class=raw
    )
    add_config(parser)
    parser.add_argument("--midi", metavar="PORT", help="measure this MIDI port instead of the sound card")
    parser.add_argument("--midi-in", metavar="PORT", help="input port where the notes come back (default: --midi's)")
    parser.add_argument("--listen", action="store_true", help="with --midi: hear the instrument's clicks at the input")
    parser.add_argument("--note", type=int, metavar="KEY", help="the click's MIDI key, 0-127 (default: 37, side stick)")
    parser.add_argument("--channel", type=int, metavar="N", help="the click's channel, 1-16 (default: the drums')")
    parser.add_argument("--chirps", type=int, default=5, metavar="N", help="how many chirps, 3-50 (default: 5)")
    parser.add_argument(
        "--level", type=float, default=-12.0, metavar="DB", help="the chirps' level, -60 to 0 (default: -12)"
    )
    acts = parser.add_mutually_exclusive_group()
    acts.add_argument("--show", action="store_true", help="print what was measured")
    acts.add_argument("--forget", action="store_true", help="delete what was measured")
    parser.set_defaults(run=_calibrate, private=True)


def _calibrate(given: argparse.Namespace) -> int:
    config = load(given.config, pairs(given))
    _check(given)
    known, trouble = latencies.load(config)
    if trouble:
        print(trouble, file=sys.stderr)
    if given.show:
        return show(config, known)
    if given.forget:
        latencies.path(config).unlink(missing_ok=True)
        print("measurements deleted; the latencies that the devices report apply again")
        return 0
    measure = _card if given.midi is None else _click if given.listen else _loop
    entry, line = measure(given, config)
    print(line)
    print(f"kept in {_kept(config, known.having(entry))}")
    _warn(config, given.midi is not None)
    return 0


def _check(given: argparse.Namespace) -> None:
    """Raises UserError for options that do not go together or lie outside their range."""
    if given.midi is None and (given.listen or given.midi_in is not None):
        raise UserError("--listen and --midi-in go with --midi PORT; see `antiphon devices` for the ports")
    if given.listen and given.midi_in is not None:
        raise UserError("either --listen (the instrument is heard) or --midi-in (the notes come back), not both")
    ranges = {"--chirps": (given.chirps, 3, 50), "--level": (given.level, -60.0, 0.0)}
    ranges |= {"--note": (given.note, 0, 127), "--channel": (given.channel, 1, 16)}
    for name, (value, low, high) in ranges.items():
        if value is not None and not low <= value <= high:
            raise UserError(f"{name} {value:g}: allowed are {low:g} to {high:g}")


def _card(given: argparse.Namespace, config: Config) -> tuple[latencies.CardLatency, str]:
    from agent.audio import calibrate

    print(f"{given.chirps} chirps; quiet, please ...", file=sys.stderr)
    found = calibrate.card_latency(config, given.chirps, given.level)
    apart = (
        "" if found.input == found.output else "\nnote: two devices, each with a clock of its own, wander by some ms"
    )
    return found, card_line(found) + apart


def _loop(given: argparse.Namespace, config: Config) -> tuple[latencies.MidiLatency, str]:
    from agent.audio import calibrate

    found, trip_ms = calibrate.midi_loop(config, given.midi, given.midi_in or given.midi)
    return found, f"MIDI round trip {trip_ms:.2f} ms +- {found.spread_ms:.2f}; {midi_line(found)}"


def _click(given: argparse.Namespace, config: Config) -> tuple[latencies.MidiLatency, str]:
    from agent.audio import calibrate

    channel = given.channel - 1 if given.channel else config.parts["drums"].channel_index
    key = calibrate.SIDE_STICK if given.note is None else given.note
    print(f"{calibrate.CLICKS} clicks; quiet, please ...", file=sys.stderr)
    found = calibrate.midi_click(config, given.midi, calibrate.Click(channel, key))
    return found, midi_line(found)


def _kept(config: Config, known: Latencies) -> str:
    try:
        return str(latencies.store(config, known))
    except OSError as cause:
        raise UserError(
            f"the result could not be kept ({cause}); set paths.state to a folder that can be written"
        ) from None


def _warn(config: Config, is_midi: bool) -> None:
    name = "midi.latency_ms" if is_midi else "audio.output_latency_ms"
    value = config.midi.latency_ms if is_midi else config.audio.output_latency_ms
    if value is not None:
        print(f"note: config.yaml sets {name} to {value:g}, which wins; set it to null to use the measured value")


def card_line(one: latencies.CardLatency) -> str:
    return (
        f"{one.input} -> {one.output}, {one.rate_hz} Hz, {one.block_samples} samples a block: round trip "
        f"{one.round_trip_samples} samples ({one.round_trip_ms:.2f} ms; the driver reports {one.reported_ms:.2f}), "
        f"peak {one.clarity_db:.0f} dB over the next"
    )


def midi_line(one: latencies.MidiLatency) -> str:
    how = {latencies.CLICK: "sounds", latencies.LOOP: "one way, half the loop,"}[one.how]
    return f"{one.port} {how} {one.latency_ms:.2f} ms after a message, +- {one.spread_ms:.2f}"


def show(config: Config, known: Latencies) -> int:
    """Print what was measured and when. Returns the exit code."""
    for card in known.audio:
        print(f"{card_line(card)}; {card.measured}")
    for port in known.midi:
        print(f"{midi_line(port)}; {port.measured}")
    if not known.audio and not known.midi:
        print(f"nothing measured yet (in {latencies.path(config)}); run `antiphon calibrate`")
    return 0
