"""Runs `antiphon reply`: its options and checks; the models are loaded only when it runs."""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from agent.cli.options import Commands, add_config, pairs
from agent.core.config import load
from agent.core.errors import UserError
from agent.core.midi_constants import BASS_PROGRAM
from agent.core.settings import Config

if TYPE_CHECKING:
    from models.music.tokens import Reply

EXAMPLES = """examples:
  antiphon reply bass.mid -o band.mid             write drums, chords and a line to a bass, in its tempo and meter
  antiphon reply song.mid -o band.mid --seed 7    find the bass of a whole song (program, name, range) and answer it
  antiphon reply bass.mid -o band.mid --parts drums,chords --style jazz --density 0.3 --tension 0.9
  antiphon reply bass.mid -o band.mid --model lstm --count-in
"""


def add(commands: Commands) -> None:
    """Add the command to argparse's subparsers."""
    from agent.reply import responder_options

    raw = argparse.RawDescriptionHelpFormatter
    parser = commands.add_parser("reply", help="write a band to a bass MIDI file", epilog=EXAMPLES, formatter_class=raw)
    add_config(parser)
    parser.add_argument("file", type=Path, metavar="IN.mid", help="a MIDI file with a bass")
    parser.add_argument("-o", "--out", type=Path, metavar="OUT.mid", required=True, help="the multitrack file to write")
    parser.add_argument("--count-in", action="store_true", help="a bar of sticks before the bass comes in")
    responder_options.add_options(parser)
    parser.set_defaults(run=_reply)


def _reply(given: argparse.Namespace) -> int:
    from agent.reply import copy_guard, reply
    from agent.reply.generation_options import open_responder
    from agent.reply.responder_options import wish
    from models.music.midi_reader import Unusable, read_score

    config = load(given.config, pairs(given))
    asked = wish(given, config)
    check_out(given.out, given.file)
    try:
        score = read_score(given.file, near=True)
        heard = reply.bass_part(score, given.file.name)
    except Unusable as cause:
        raise UserError(str(cause)) from None
    responder = open_responder(given.model, config)

    def play(offset: int) -> list[Reply]:
        return reply.answer(responder, heard, replace(asked, seed=asked.seed + offset))

    replies = copy_guard.original(play, lambda played: played, heard.places)
    _write(given, config, asked, heard, score, replies)
    return 0


def check_out(out: Path, source: Path | None) -> None:
    """Raise UserError when `out` cannot be written or would overwrite the input."""
    if out.is_dir():
        raise UserError(f"-o {out}: is a folder; name the .mid file to write")
    if not out.parent.is_dir():
        raise UserError(f"-o {out}: there is no folder {out.parent}; make it first")
    if source and out.exists() and source.exists() and out.samefile(source):
        raise UserError(f"-o {out}: is the input file; name another, so that it is not overwritten")


def _write(given: argparse.Namespace, config: Config, asked: Any, heard: Any, score: Any, replies: Any) -> None:
    from agent.core.midi_file_writer import TimeMap
    from agent.reply import multitrack
    from agent.reply.band_notes import band_notes
    from agent.reply.count_off import counted_in
    from agent.reply.drum_hits import strike_of
    from models.music.part_roles import BASS_PROGRAMS

    time = TimeMap(score.per_quarter, score.tempi, score.meters, score.keys)
    strike = strike_of(asked, heard.places, heard.grid.at, time)
    notes = {name: found for name, found in band_notes(replies, heard.grid.at, strike).items() if name in asked.parts}
    notes, shift = {"bass": heard.track.notes, **notes}, 0
    if given.count_in:
        time, notes, shift = counted_in(time, notes, heard)
    program = heard.track.program if heard.track.program in BASS_PROGRAMS else BASS_PROGRAM
    written = multitrack.parts_of(config, notes, program)
    multitrack.write(given.out, time, written, heard.end + shift, f"Antiphon replies to {given.file.stem}")
    name = heard.track.name or f"channel {heard.track.channel + 1}"
    mended = "".join(f", {count} {what} corrected" for what, count in score.mended)
    print(f"heard the bass in {given.file.name}: {name}, {len(heard.track.notes)} notes{mended}")
    print(summary(given.out, heard.places[-1].bar + 1, heard.places, score.tempo_bpm, written))


def summary(out: Path, bars: int, places: Any, quarter_bpm: float, parts: Any) -> str:
    """Return one line about what was written."""
    meters = " ".join(dict.fromkeys(str(place.meter) for place in places))
    counts = ", ".join(f"{part.name.lower()} {len(part.notes)}" for part in parts)
    return f"wrote {out}: {bars} bars of {meters} at {quarter_bpm:g} quarters a minute; notes: {counts}"
