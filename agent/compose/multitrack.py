"""Parts as notes in MIDI ticks -> a multitrack MIDI file for a DAW: one named track a part, tempi, meters and keys."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import mido

from agent.core.errors import UserError
from agent.core.midi_constants import BASS_PROGRAM
from agent.core.settings import Config
from listener.types import Meter
from models.music.midi_reader import RawNote

TRACK_NAMES = {"bass": "Bass", "drums": "Drums", "chords": "Chords", "line": "Line"}
KEY_NAMES = {  # pitch class -> as a key signature can say it
    "maj": ("C", "Db", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B"),
    "min": ("Cm", "C#m", "Dm", "Ebm", "Em", "Fm", "F#m", "Gm", "G#m", "Am", "Bbm", "Bm"),
}


@dataclass(frozen=True, slots=True)
class Part:
    """channel: 1-16. program: 0-127 as sent."""

    name: str
    channel: int
    program: int
    notes: tuple[RawNote, ...]


@dataclass(frozen=True, slots=True)
class TimeMap:
    """per_quarter: MIDI ticks. tempi: (tick, microseconds a quarter); meters: (tick, Meter); keys: (tick, "Dm")."""

    per_quarter: int
    tempi: tuple[tuple[int, int], ...] = ()
    meters: tuple[tuple[int, Meter], ...] = ()
    keys: tuple[tuple[int, str], ...] = ()


def parts_of(config: Config, notes: dict[str, tuple[RawNote, ...]], bass_program: int = BASS_PROGRAM) -> list[Part]:
    """The parts in score order, bass first, on the config's channels and programs; the bass on one that is free."""
    taken = {part.channel for part in config.parts.values()} | {10}
    free = next((channel for channel in range(1, 17) if channel not in taken), 1)
    voices = {"bass": (free, bass_program)} | {name: (p.channel, p.program) for name, p in config.parts.items()}
    return [Part(TRACK_NAMES[name], *voices[name], notes[name]) for name in TRACK_NAMES if name in notes]


def write(path: Path, time: TimeMap, parts: Sequence[Part], end: int, title: str) -> None:
    """A format 1 file of which every track ends at `end` MIDI ticks. UserError where it cannot be written."""
    file = mido.MidiFile(type=1, ticks_per_beat=time.per_quarter)
    last = max([end, *(note.end for part in parts for note in part.notes)])
    file.tracks.append(_track(title, _marks(time), last))
    for part in parts:
        file.tracks.append(_track(part.name, _messages(part), last))
    try:
        file.save(str(path))
    except OSError as cause:
        raise UserError(f"{path}: cannot be written ({cause.strerror}); name another place with -o") from None


def _marks(time: TimeMap) -> Iterator[tuple[int, mido.MetaMessage]]:
    for at, meter in time.meters:
        yield at, mido.MetaMessage("time_signature", numerator=meter.numerator, denominator=meter.denominator)
    for at, quarter_us in time.tempi:
        yield at, mido.MetaMessage("set_tempo", tempo=quarter_us)
    for at, key in time.keys:
        yield at, mido.MetaMessage("key_signature", key=key)


def _messages(part: Part) -> Iterator[tuple[int, mido.Message]]:
    channel = part.channel - 1
    yield 0, mido.Message("program_change", channel=channel, program=part.program)
    for note in without_overlap(part.notes):
        yield note.start, mido.Message("note_on", channel=channel, note=note.pitch, velocity=note.velocity)
        yield note.end, mido.Message("note_off", channel=channel, note=note.pitch, velocity=0)


def without_overlap(notes: Iterable[RawNote]) -> Iterator[RawNote]:
    """In time order; a note ends at the latest when its pitch is struck again, and of two struck at once one stays."""
    again: dict[int, int] = {}
    kept: list[RawNote] = []
    for note in sorted(notes, key=lambda n: (n.start, n.end), reverse=True):
        following = again.get(note.pitch)
        if following != note.start:
            kept.append(RawNote(note.start, min(note.end, following or note.end), note.pitch, note.velocity))
        again[note.pitch] = note.start
    return reversed(kept)


def _track(name: str, messages: Iterable[tuple[int, mido.Message | mido.MetaMessage]], end: int) -> mido.MidiTrack:
    """From absolute ticks; at one tick marks and programs come first, and a note ends before the next begins."""
    order = {"note_off": 1, "note_on": 2}
    track, now = mido.MidiTrack([mido.MetaMessage("track_name", name=name)]), 0
    for at, message in sorted(messages, key=lambda pair: (pair[0], order.get(pair[1].type, 0))):
        track.append(message.copy(time=at - now))
        now = at
    track.append(mido.MetaMessage("end_of_track", time=max(end - now, 0)))
    return track
