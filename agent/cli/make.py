"""Runs `antiphon make`, `mood` and `compose`: options and checks; the models are loaded only when they run."""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path
from typing import Any

from agent.cli.options import Commands, add_config, pairs
from agent.core.config import load
from agent.core.errors import UserError
from agent.core.settings import Config

MAKE_EXAMPLES = """examples:
  antiphon make "slow, heavy, unresolved, early-90s Bristol, 90 bpm, a 7/8 bar before each chorus, two minutes" -o song/
  antiphon make "joyful, starts sparse, peaks at 1:20, ends alone" -o song/ --seed 7
  antiphon make "calm" --like take.wav -o song/   in the tempo, key and harmony of what is heard in a file
  antiphon make --continue song/ "faster, and less snare in the verse"
  antiphon make --continue song/ --instead "slower"       in place of the last sentence
"""
MOOD_EXAMPLES = """examples:
  antiphon mood calm                                          endless music; Ctrl-C ends it
  antiphon mood "dark, driving, 110 bpm" --midi "My Synth"
  antiphon ctl mood "joyful, over 8 bars"                     while it plays: glide to another mood
  antiphon mood focus --minutes 90 --fast --out focus/        written faster than it would be played
  antiphon mood drive --set 'mood.senses={heart_rate: arousal 0.6 cc 21}'
                                                              moved by a controller, or by `ctl mood heart_rate 0.7`
"""
COMPOSE_EXAMPLES = """examples:
  antiphon compose -o tune.mid                                16 bars in C at 110, with bass, drums, chords and line
  antiphon compose -o tune.mid --key Dm --meter 7/8=2+2+3 --tempo 96 --bars 32 --style jazz --tension 0.8
  antiphon compose -o more.mid --continue song.mid --bars 8   goes on from a file's last bars, in its key and meter
  antiphon compose -o tune.mid --seed 5 --model ssm           another seed, another tune; another model
"""
KEY, METER, BARS, TEMPO = "C", "4/4", 16, 110.0
BARS_RANGE, TEMPO_RANGE = (1, 1024), (20.0, 400.0)
MINUTES_RANGE = (0.5, 1_440.0)
SWUNG_STYLES = ("jazz", "blues")  # written with triplet off-beats; the model plays them straight
PER_QUARTER = 480


def add(commands: Commands) -> None:
    """Add the commands to argparse's subparsers."""
    raw = argparse.RawDescriptionHelpFormatter
    says = {"epilog": MAKE_EXAMPLES, "formatter_class": raw}
    _add_make(commands.add_parser("make", help="make a song from words", **says))
    says = {"epilog": MOOD_EXAMPLES, "formatter_class": raw}
    _add_mood(commands.add_parser("mood", help="play endless music in a mood, without a player", **says))
    says = {"epilog": COMPOSE_EXAMPLES, "formatter_class": raw}
    _add_compose(commands.add_parser("compose", help="write a tune as MIDI", **says))


def _add_make(parser: argparse.ArgumentParser) -> None:
    add_config(parser)
    parser.add_argument("words", nargs="*", metavar="WORDS", help="what music is wanted; several are one sentence")
    parser.add_argument("-o", "--out", type=Path, metavar="FOLDER", help="where it is written (or --continue's)")
    parser.add_argument("--seed", metavar="N", help="another number, another song (default: band.seed, 0)")
    parser.add_argument("--like", type=Path, metavar="FILE|SESSION", help="a MIDI or sound file, or a recorded session")
    parser.add_argument(
        "--continue", dest="source", type=Path, metavar="FOLDER", help="go on from a song that was made: revise it"
    )
    parser.add_argument("--instead", metavar="WORDS", help="with --continue: in place of its last sentence")
    parser.add_argument("--model", metavar="NAME|STEM", help="weights of the responder (default: models.responder)")
    parser.add_argument("--midi-only", action="store_true", help="write no sound, which takes most of the time")
    parser.set_defaults(run=_make)


def _add_mood(parser: argparse.ArgumentParser) -> None:
    from agent.cli.jam import add_playing

    parser.add_argument("words", nargs="+", metavar="WORDS", help="a mood: calm, focus, drive, dark ...; or in words")
    add_playing(parser)
    parser.add_argument("--minutes", metavar="N", help="how long (default: until Ctrl-C)")
    parser.add_argument("--fast", action="store_true", help="write it faster than it would be played; needs --minutes")
    parser.add_argument("--quiet", action="store_true", help="show no display")
    parser.set_defaults(run=_mood, private=True)


def _add_compose(parser: argparse.ArgumentParser) -> None:
    from agent.compose import responder_options

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


def _make(given: argparse.Namespace) -> int:
    from agent.compose.generation_options import open_responder
    from agent.compose.responder_options import SEED_END, number
    from agent.making import song_folder
    from agent.making.account import summary
    from agent.making.brief_reader import brief_of
    from agent.making.outline import Given
    from agent.making.song_maker import make
    from models.timing.drum_timing import Timing

    config = load(given.config, pairs(given))
    out, kept = _wanted(given)
    if given.seed is not None:
        seed = number("--seed", given.seed, 0, SEED_END - 1, 0)
        if seed != int(seed):
            raise UserError(f"--seed {given.seed}: give a whole number, such as 7")
        kept = replace(kept, seed=int(seed))
    elif not given.source:
        kept = replace(kept, seed=config.band.seed)
    brief = brief_of(kept.sentences)
    like = Given()
    if kept.like:
        from agent.making.reference import given_by  # it brings the ears along

        like = given_by(Path(kept.like), config.conversation.player)
    responder = open_responder(kept.responder or None, config)
    try:
        timing = Timing.load()
        song = make(brief, responder, kept.seed, like)
    except (OSError, ValueError) as cause:
        raise UserError(str(cause)) from None
    written = song_folder.write(out, song, config, timing, kept, not given.midi_only)
    print(summary(song))
    for words in brief.strange:
        print(f"not understood: {words}")
    for one in brief.cannot:
        print(one)
    print(f"wrote {out}: {', '.join(written)}")
    return 0


def _mood(given: argparse.Namespace) -> int:
    from agent.cli.jam import check_out, perform, settings
    from agent.compose.responder_options import number
    from agent.mood.mood_session import with_mood
    from agent.mood.mood_words import mood_of
    from agent.session import setup

    config, take = settings(given)
    if take is not None:
        raise UserError(f"--input {given.input}: a mood hears no file; name a microphone that hears the room")
    minutes = None if given.minutes is None else number("--minutes", given.minutes, *MINUTES_RANGE, 0.0)
    if given.fast and minutes is None:
        raise UserError("--fast: say how long with --minutes")
    words = ", ".join(word.strip() for word in given.words if word.strip())
    mood_of(words)
    config = with_mood(config, words, given.fast, keeps_sound=given.out is not None)
    check_out(given.out)
    where = setup.for_mood(config, None if minutes is None else 60 * minutes, given.fast)
    return perform(given, config, where)


def _wanted(given: argparse.Namespace) -> tuple[Path, Any]:
    """Return (the folder to write to, what the song is made from). Raises UserError."""
    from agent.making import song_folder

    words = ", ".join(word.strip() for word in given.words if word.strip())
    if given.instead is not None and not given.source:
        raise UserError("--instead: name the song with --continue FOLDER")
    if given.source is None:
        if not words:
            raise UserError('make: say what music is wanted, such as "slow, dark, 90 bpm, two minutes"')
        if given.out is None:
            raise UserError("make: name a folder to write to with -o")
        kept = song_folder.Kept((words,))
    else:
        kept = song_folder.read(given.source)
        before = kept.sentences[:-1] if given.instead is not None else kept.sentences
        more = [one for one in (given.instead, words) if one]
        if not more:
            raise UserError('--continue: say what is to change, such as "faster"')
        kept = replace(kept, sentences=(*before, *more))
    out = given.out or given.source
    if out.exists() and not out.is_dir():
        raise UserError(f"-o {out}: is a file; give a folder")
    if given.like:
        kept = replace(kept, like=str(given.like))
    if given.model:
        kept = replace(kept, responder=given.model)
    return out, kept


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
