"""Writes a song's folder: mix and stems as WAV, MIDI, piano roll, the account, and what is needed to revise it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import msgspec
import soundfile

from agent.core import stored
from agent.core.errors import UserError
from agent.core.settings import Config
from agent.core.whole_file import try_folder, write_whole
from agent.making.account import account, summary
from agent.making.brief import CHARACTERS_MAX, SENTENCES_MAX, Brief
from agent.making.changes import facts
from agent.making.form import ticks_of
from agent.making.outline import Given
from agent.making.song_maker import Song
from agent.parts.bass_bar import BassBar
from agent.recording.piano_roll import draw
from agent.takes.mixdown import render
from agent.takes.performance import Clock, notes_of
from agent.takes.take_midi import write_midi
from listener.types import Beat, Chord, Key, Note
from models.timing.drum_timing import Timing

FILE, ACCOUNT, MIDI, MIX, ROLL, STEMS = "song.json", "account.md", "song.mid", "song.wav", "pianoroll.png", "stems"
OF_RIFFS = ("bass", "band", "feel")  # targets of directions that the bass concerns


@dataclass(frozen=True, slots=True)
class Kept:
    """What a song was made from. sentences: the words, in order; like, after: paths of the reference and of the file
    that it goes on from, "" = none. riffs, cycles, key: what it was made of; asked: what the riffs were to be; facts:
    what it was like, for a revision to say what changed."""

    sentences: tuple[str, ...]
    seed: int = 0
    like: str = ""
    after: str = ""
    responder: str = ""
    riffs: Mapping[str, tuple[BassBar, ...]] = field(default_factory=dict)
    cycles: Mapping[str, tuple[tuple[int, str], ...]] = field(default_factory=dict)
    key: Key | None = None
    asked: str = ""
    facts: Mapping[str, str] = field(default_factory=dict)


def asked_of_riffs(brief: Brief) -> str:
    """Return what a brief asks of the riffs: a revision that asks for the same keeps them."""
    edits = [str(edit) for edit in brief.edits if edit.target in OF_RIFFS and edit.dimension != "tempo"]
    return repr((brief.moods, brief.scene_words, brief.style, brief.mode, str(brief.meter), edits))


def revised(kept: Kept, brief: Brief, reference: Given) -> Given:
    """Return what a revision is given: the song's own riffs and chords, where nothing else is asked of them."""
    meters = {bar.meter for riff in kept.riffs.values() for bar in riff}
    sound = all(bar.ticks == ticks_of(bar.meter) and _fits(bar) for riff in kept.riffs.values() for bar in riff)
    if kept.key is None or kept.asked != asked_of_riffs(brief) or len(meters) != 1 or not sound:
        return reference
    return replace(reference, key=kept.key, riffs=kept.riffs, cycles=kept.cycles)


def _fits(bar: BassBar) -> bool:
    return all(
        0 <= n.tick < bar.ticks and n.length > 0 and 20 <= n.pitch <= 80 and 0 < n.velocity < 128 for n in bar.notes
    )


def check(folder: Path) -> None:
    """Raise UserError where no song can be written in a folder."""
    try:
        try_folder(folder)
    except OSError as cause:
        raise _unwritable(folder, cause) from None


def _unwritable(folder: Path, cause: Exception) -> UserError:
    reason = getattr(cause, "strerror", None) or cause
    return UserError(f"{folder}: cannot be written ({reason}); name another folder with -o")


def write(folder: Path, song: Song, config: Config, timing: Timing | None, kept: Kept, sound: bool = True) -> list[str]:
    """Write all files of a song and return their names. sound: whether it is rendered. Raises UserError."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        write_file(folder / MIDI, song, config, timing)
        names = [MIDI]
        if sound:
            names += _sounds(folder, song, timing)
        _roll(folder / ROLL, song, timing)
        write_whole(folder / ACCOUNT, account(song, kept.facts).encode())
        themes, asked = song.themes, asked_of_riffs(song.brief)
        kept = replace(kept, riffs=themes.riffs, cycles=themes.cycles, key=song.key, asked=asked, facts=facts(song))
        write_whole(folder / FILE, msgspec.json.format(msgspec.json.encode(kept), indent=1) + b"\n")
    except (OSError, soundfile.LibsndfileError) as cause:
        raise _unwritable(folder, cause) from None
    return [*names, ROLL, ACCOUNT, FILE]


def write_file(path: Path, song: Song, config: Config, timing: Timing | None) -> None:
    """Write a song as a MIDI file with its sections' names. Raises UserError."""
    marks = {part.first: part.name for part in song.form.parts}
    write_midi(path, song.take, config, timing, marks, f"Antiphon: {summary(song)}")


def read(folder: Path) -> Kept:
    """Return what a song in a folder was made from. Raises UserError where there is none."""
    try:
        kept: Kept = stored.read(folder / FILE, Kept)
    except FileNotFoundError:
        raise UserError(f"{folder}: no song is in it (no {FILE}); give a folder that `antiphon make` wrote") from None
    except (OSError, stored.Damaged) as cause:
        raise UserError(f"{folder / FILE}: damaged: {getattr(cause, 'strerror', None) or cause}") from None
    if len(kept.sentences) > SENTENCES_MAX or any(len(one) > CHARACTERS_MAX for one in kept.sentences):
        raise UserError(f"{folder / FILE}: damaged: more words than a song takes")
    return kept


def _sounds(folder: Path, song: Song, timing: Timing | None) -> list[str]:
    mix = render(song.take, None, timing, song.voice)
    (folder / STEMS).mkdir(exist_ok=True)
    soundfile.write(folder / MIX, mix.mix, mix.rate, subtype="PCM_16")
    for part, stem in mix.stems.items():
        soundfile.write(folder / STEMS / f"{part}.wav", stem, mix.rate, subtype="PCM_16")
    return [MIX, *(f"{STEMS}/{part}.wav" for part in mix.stems)]


def _roll(path: Path, song: Song, timing: Timing | None) -> None:
    clock, played = Clock.of(song.take), notes_of(song.take, timing)
    bass = [Note(n.on_s, n.on_s, n.off_s - n.on_s, n.pitch, n.velocity) for n in played["bass"]]
    band = [note for part, notes in played.items() if part != "bass" for note in notes]
    draw(path, bass, band, _beats(song, clock), _chords(song, clock), summary(song), song.key)


def _beats(song: Song, clock: Clock) -> Sequence[Beat]:
    found = []
    for bar, meter in enumerate(song.form.meters):
        start, end = clock.bar_starts_s[bar], clock.bar_starts_s[bar + 1]
        beat_s = (end - start) / meter.numerator
        found += [
            Beat(start + i * beat_s, start + i * beat_s, i + 1, 60 / beat_s, meter, 1.0) for i in range(meter.numerator)
        ]
    return found


def _chords(song: Song, clock: Clock) -> list[tuple[float, Chord]]:
    out: list[tuple[float, Chord]] = []
    for bar, chords in enumerate(song.harmonies):
        for one in chords:
            chord = Chord(one.root, one.quality, 1.0)
            if not out or (out[-1][1].root, out[-1][1].quality) != (chord.root, chord.quality):
                ticks = song.bass[bar].ticks
                at = (
                    clock.bar_starts_s[bar] + (clock.bar_starts_s[bar + 1] - clock.bar_starts_s[bar]) * one.tick / ticks
                )
                out.append((at, chord))
    return out
