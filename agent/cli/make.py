"""Runs `antiphon make` and `mood`: options and checks; the models are loaded only when they run."""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from agent.cli.options import Commands, add_config, pairs
from agent.core.config import load
from agent.core.errors import UserError
from agent.core.settings import Config

if TYPE_CHECKING:
    from agent.making.outline import Given
    from agent.making.song_folder import Kept

MAKE_EXAMPLES = """examples:
  antiphon make "slow, heavy, unresolved, early-90s Bristol, 90 bpm, a 7/8 bar before each chorus, two minutes" -o song/
  antiphon make "joyful, starts sparse, peaks at 1:20, ends alone" -o song/ --seed 7
  antiphon make "calm" --like take.wav -o song/   in the tempo, key and harmony of what is heard in a file
  antiphon make --continue song/ "faster, and less snare in the verse"
  antiphon make --continue song/ --instead "slower"       in place of the last sentence
  antiphon make "16 bars in D minor, 7/8 as 2+2+3, 96 bpm, jazz, no drums" -o tune.mid   the MIDI file alone
  antiphon make --continue song.mid "8 bars, ends open" -o more.mid   goes on from the last bars of a file
  antiphon make "calm" -o song/ --set dials.tension=0.8 --model ssm   a dial to the number; another model
"""
MOOD_EXAMPLES = """examples:
  antiphon mood calm                                          endless music; Ctrl-C ends it
  antiphon mood "dark, driving, 110 bpm" --midi "My Synth"
  antiphon ctl mood "joyful, over 8 bars"                     while it plays: glide to another mood
  antiphon mood focus --minutes 90 --fast --out focus/        written faster than it would be played
  antiphon mood drive --set 'mood.senses={heart_rate: arousal 0.6 cc 21}'
                                                              moved by a controller, or by `ctl mood heart_rate 0.7`
"""
MINUTES_RANGE = (0.5, 1_440.0)


def add(commands: Commands) -> None:
    """Add the commands to argparse's subparsers."""
    raw = argparse.RawDescriptionHelpFormatter
    made, mood = "make a song from words", "play endless music in a mood, without a player"
    _add_make(commands.add_parser("make", help=made, epilog=MAKE_EXAMPLES, formatter_class=raw))
    _add_mood(commands.add_parser("mood", help=mood, epilog=MOOD_EXAMPLES, formatter_class=raw))


def _add_make(parser: argparse.ArgumentParser) -> None:
    add_config(parser)
    parser.add_argument("words", nargs="*", metavar="WORDS", help="what music is wanted; several are one sentence")
    parser.add_argument("-o", "--out", type=Path, metavar="FOLDER|FILE.mid", help="where it is written")
    parser.add_argument("--seed", metavar="N", help="another number, another song (default: band.seed, 0)")
    parser.add_argument("--like", type=Path, metavar="FILE|SESSION", help="a MIDI or sound file, or a recorded session")
    parser.add_argument(
        "--continue",
        dest="source",
        type=Path,
        metavar="FOLDER|FILE.mid",
        help="revise a song that was made; or go on from the last bars of a MIDI file",
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


def _make(given: argparse.Namespace) -> int:
    from agent.making import song_folder
    from agent.making.account import summary
    from agent.making.brief_reader import brief_of
    from agent.making.song_maker import make
    from agent.reply.generation_options import open_responder
    from agent.reply.responder_options import SEED_END, number
    from models.timing.drum_timing import Timing

    config = load(given.config, pairs(given))
    out, kept = _wanted(given)
    if given.seed is not None:
        seed = number("--seed", given.seed, 0, SEED_END - 1, 0)
        if seed != int(seed):
            raise UserError(f"--seed {given.seed}: give a whole number, such as 7")
        kept = replace(kept, seed=int(seed))
    elif given.source is None or _is_midi(given.source):
        kept = replace(kept, seed=config.band.seed)
    brief = brief_of(kept.sentences)
    brief = replace(brief, style=brief.style or config.dials.style)
    learned = _learned(kept, config)
    reference = song_folder.revised(kept, brief, _reference(kept, learned))
    responder = open_responder(kept.responder or None, learned, learned.models.adapter)
    try:
        timing = Timing.load()
        song = make(brief, responder, kept.seed, reference)
    except (OSError, ValueError) as cause:
        raise UserError(str(cause)) from None
    if _is_midi(out):
        song_folder.write_file(out, song, config, timing)
        said = f"wrote {out}"
    else:
        said = f"wrote {out}: {', '.join(song_folder.write(out, song, config, timing, kept, not given.midi_only))}"
    print(summary(song))
    for words in brief.strange:
        print(f"not understood: {words}")
    for one in brief.cannot:
        print(one)
    print(said)
    return 0


def _is_midi(path: Path) -> bool:
    return path.suffix.lower() in (".mid", ".midi") and not path.is_dir()


def _learned(kept: Kept, config: Config) -> Config:
    """Return the config with the voice that was learned from the player, where the song is to be like their session."""
    from agent.making.reference import is_session
    from agent.memory.player_profile import with_player_adapter

    of_player = kept.like and not kept.responder and is_session(Path(kept.like))
    return with_player_adapter(config) if of_player else config


def _reference(kept: Kept, config: Config) -> Given:
    """Return what a song is given beside words: by a reference, by a file that it goes on from, by the dials."""
    from agent.making.outline import Given
    from models.music.dials import NUMBERS

    reference = Given()
    if kept.like or kept.after:
        from agent.making.reference import given_by, going_on_from  # it brings the ears along

        talk = config.conversation
        like = given_by(Path(kept.like), talk.player, talk.half_life_days) if kept.like else Given()
        if kept.like and config.models.adapter:
            learned = f"; imagined by the voice that was learned ({Path(config.models.adapter).name})"
            like = replace(like, said=like.said + learned)
        reference = going_on_from(Path(kept.after)) if kept.after else like
    dials = {name: value for name in NUMBERS if (value := getattr(config.dials, name)) is not None}
    return replace(reference, wishes={**dials, **reference.wishes})


def _mood(given: argparse.Namespace) -> int:
    from agent.cli.jam import check_out, perform, settings
    from agent.mood.mood_session import with_mood
    from agent.mood.mood_words import left_out, mood_of
    from agent.reply.responder_options import number
    from agent.session import setup

    config, take = settings(given)
    if take is not None:
        raise UserError(f"--input {given.input}: a mood hears no file; name a microphone that hears the room")
    minutes = None if given.minutes is None else number("--minutes", given.minutes, *MINUTES_RANGE, 0.0)
    if given.fast and minutes is None:
        raise UserError("--fast: say how long with --minutes")
    words = ", ".join(word.strip() for word in given.words if word.strip())
    if left := left_out(mood_of(words)):
        print(f"antiphon: {left}", file=sys.stderr)
    config = with_mood(config, words, given.fast, keeps_sound=given.out is not None)
    check_out(given.out)
    where = setup.for_mood(config, None if minutes is None else 60 * minutes, given.fast)
    return perform(given, config, where)


def _wanted(given: argparse.Namespace) -> tuple[Path, Kept]:
    """Return (the folder or file to write to, what the song is made from). Raises UserError."""
    from agent.cli.reply import check_out
    from agent.making import song_folder

    words = ", ".join(word.strip() for word in given.words if word.strip())
    goes_on = given.source is not None and _is_midi(given.source)
    if given.instead is not None and (not given.source or goes_on):
        raise UserError("--instead: name the song with --continue FOLDER")
    if goes_on and given.like:
        raise UserError(f"--like {given.like}: a song that goes on from {given.source} is like that; give one of them")
    if given.source is None or goes_on:
        if not words:
            raise UserError('make: say what music is wanted, such as "slow, dark, 90 bpm, two minutes"')
        if given.out is None:
            raise UserError("make: name a folder or a .mid file to write to with -o")
        kept = song_folder.Kept((words,), after=str(given.source) if goes_on else "")
    else:
        kept = song_folder.read(given.source)
        before = kept.sentences[:-1] if given.instead is not None else kept.sentences
        more = [one for one in (given.instead, words) if one]
        if not more:
            raise UserError('--continue: say what is to change, such as "faster"')
        kept = replace(kept, sentences=(*before, *more))
    out = given.out or given.source
    if _is_midi(out):
        check_out(out, given.source)
    elif out.exists() and not out.is_dir():
        raise UserError(f"-o {out}: is a file; give a folder, or a name that ends in .mid")
    song_folder.check(out.parent if _is_midi(out) else out)
    if given.like:
        kept = replace(kept, like=str(given.like), after="")
    if given.model:
        kept = replace(kept, responder=given.model)
    return out, kept
