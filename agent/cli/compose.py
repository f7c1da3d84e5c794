"""Runs `antiphon compose`: its options and checks; the models are loaded only when it runs."""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path
from typing import Any

from agent.cli.options import add_config, pairs
from agent.core.config import load
from agent.core.errors import UserError
from agent.core.settings import Config

EXAMPLES = """examples:
  antiphon compose -o tune.mid                                16 bars in C at 110, with bass, drums, chords and line
  antiphon compose -o tune.mid --key Dm --meter 7/8=2+2+3 --tempo 96 --bars 32 --style jazz --tension 0.8
  antiphon compose -o more.mid --continue song.mid --bars 8   goes on from a file's last bars, in its key and meter
  antiphon compose -o tune.mid --seed 5 --model ssm           another seed, another tune; another model
"""
KEY, METER, BARS, TEMPO = "C", "4/4", 16, 110.0
BARS_RANGE, TEMPO_RANGE = (1, 1024), (20.0, 400.0)
SWUNG_STYLES = ("jazz", "blues")  # written with triplet off-beats; the model plays them straight
PER_QUARTER = 480


def add(commands: Any) -> None:
    """Add the command to argparse's subparsers."""
    from agent.compose import responder_options

    raw = argparse.RawDescriptionHelpFormatter
    parser = commands.add_parser("compose", help="write a tune as MIDI", epilog=EXAMPLES, formatter_class=raw)
    add_config(parser)
    parser.add_argument("-o", "--out", type=Path, metavar="OUT.mid", required=True, help="the multitrack file to write")
    parser.add_argument("--continue", dest="source", type=Path, metavar="FILE.mid", help="go on from its last bars")
    parser.add_argument("--key", metavar="KEY", help=f"such as Dm, F# or 'C major' (default: {KEY}, or the file's)")
    parser.add_argument("--meter", metavar="M", help="such as 7/8 or 7/8=2+2+3 (default: 4/4, or the file's)")
    parser.add_argument("--tempo", metavar="BPM", help=f"quarters a minute (default: {TEMPO:g}, or the file's)")
    parser.add_argument("--bars", metavar="N", help=f"length (default: {BARS})")
    parser.add_argument(
        "--end",
        choices=("tonic", "ritard", "stop", "open"),
        default="tonic",
        help="with a cadence that rings, slows down or is cut short; or in the middle",
    )
    responder_options.add_options(parser)
    parser.set_defaults(run=_compose)


def _compose(given: argparse.Namespace) -> int:
    from agent.cli.reply import check_out
    from agent.compose import composer, copy_guard
    from agent.compose.generation_options import open_responder
    from agent.compose.responder_options import number, wish
    from agent.core.music_names import key_of, meter_of

    config = load(given.config, pairs(given))
    asked = wish(given, config)
    check_out(given.out, given.source)
    bars = number("--bars", given.bars, *BARS_RANGE, BARS)
    if bars != int(bars):
        raise UserError(f"--bars {given.bars}: give a whole number, such as 16")
    key = None if given.key is None else key_of(given.key)
    meter = None if given.meter is None else meter_of(given.meter)
    bpm = number("--tempo", given.tempo, *TEMPO_RANGE, 0.0)
    start = _context(given.source) if given.source else None
    context = start.context if start else ()
    key = key or (start.key if start else key_of(KEY))
    meter = meter or (start.meter if start else meter_of(METER))
    bpm = bpm or (start.bpm if start else TEMPO)
    swung = start.swung if start else asked.dials.style in SWUNG_STYLES and meter.denominator == 4
    brief = composer.Brief(key, meter, int(bars), asked, given.end != "open", context, bpm, swung)
    responder = open_responder(given.model, config)

    def play(offset: int) -> list[composer.Moment]:
        return composer.compose(responder, replace(brief, options=replace(asked, seed=asked.seed + offset)))

    music = copy_guard.original(play, lambda moments: [m.reply for m in moments], composer.places_of(brief))
    _write(given, config, brief, music)
    return 0


def _context(source: Path) -> Any:
    """What a file says of how to go on: key, meter, bpm, swung, context."""
    from agent.compose.continuation import read

    return read(source)


def _write(given: argparse.Namespace, config: Config, brief: Any, music: Any) -> None:
    from agent.cli.reply import summary
    from agent.compose import composer, multitrack
    from agent.compose.band_notes import band_notes, bass_notes
    from agent.compose.drum_hits import strike_of
    from agent.core.midi_file_writer import TimeMap
    from agent.core.music_names import key_name
    from models.music.tick_grid import TickGrid

    bpm = brief.quarter_bpm
    at = TickGrid(PER_QUARTER, brief.swung).at
    key = multitrack.KEY_NAMES[brief.key.mode][brief.key.tonic]
    tempi = _slowed(brief, len(music), bpm, at) if given.end == "ritard" else ((0, round(60e6 / bpm)),)
    time = TimeMap(PER_QUARTER, tempi, ((0, brief.meter),), ((0, key),))
    if given.end == "stop":
        music = composer.cut_short(music)
    notes = {"bass": bass_notes([moment.bass for moment in music], at)}
    strike = strike_of(brief.options, [moment.place for moment in music], at, time)
    played = band_notes([moment.reply for moment in music], at, strike)
    notes |= {name: found for name, found in played.items() if name in brief.options.parts}
    parts = multitrack.parts_of(config, notes)
    title = f"Antiphon: {key_name(brief.key)}, {brief.meter}, seed {brief.options.seed}"
    multitrack.write(given.out, time, parts, at(len(music)), title)
    places = [moment.place for moment in music]
    print(f"{key_name(brief.key)}, {summary(given.out, brief.bars, places, bpm, parts)}")


def _slowed(brief: Any, ticks: int, bpm: float, at: Any) -> tuple[tuple[int, int], ...]:
    """Return the tempi of a tune of so many 16ths that slows down over the last felt beats before its last bar."""
    from agent.parts.bass_bar import group_starts
    from agent.song.ending import slowing

    bar = ticks // brief.bars
    starts = [ticks - 2 * bar + tick for tick in group_starts(brief.meter, bar)] if brief.bars > 1 else []
    beats = [*starts, ticks - bar]
    factors = slowing(len(beats))
    slower = ((at(beat), round(60e6 / (bpm * factor))) for beat, factor in zip(beats, factors, strict=True))
    return ((0, round(60e6 / bpm)), *(one for one in slower if one[0] > 0))
