"""Writes the parts of a piece to a multitrack MIDI file for a DAW, on the config's channels and programs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from agent.core import midi_file_writer
from agent.core.errors import UserError
from agent.core.midi_constants import BASS_PROGRAM
from agent.core.midi_file_writer import Part, TickNote, TimeMap, without_overlap
from agent.core.settings import Config
from models.music.midi_reader import RawNote

TRACK_NAMES = {"bass": "Bass", "drums": "Drums", "chords": "Chords", "line": "Line"}
KEY_NAMES = {  # pitch class -> as a key signature can say it
    "maj": ("C", "Db", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B"),
    "min": ("Cm", "C#m", "Dm", "Ebm", "Em", "Fm", "F#m", "Gm", "G#m", "Am", "Bbm", "Bm"),
}


def parts_of(config: Config, notes: dict[str, tuple[RawNote, ...]], bass_program: int = BASS_PROGRAM) -> list[Part]:
    """Return the parts in score order, bass first, with the config's channels and programs; the bass's channel is a
    free one."""
    taken = {part.channel for part in config.parts.values()} | {10}
    free = next((channel for channel in range(1, 17) if channel not in taken), 1)
    voices = {"bass": (free, bass_program)} | {name: (p.channel, p.program) for name, p in config.parts.items()}
    return [Part(TRACK_NAMES[name], *voices[name], playable(notes[name])) for name in TRACK_NAMES if name in notes]


def write(path: Path, time: TimeMap, parts: Sequence[Part], end: int, title: str) -> None:
    """Write a format 1 file whose tracks all end at MIDI tick `end`. Raises UserError where it cannot be written."""
    last = max([end, *(note.end for part in parts for note in part.notes)])
    try:
        midi_file_writer.write(path, time, parts, title, last)
    except OSError as cause:
        raise UserError(f"{path}: cannot be written ({cause.strerror}); name another place with -o") from None


def playable(notes: Iterable[RawNote]) -> tuple[TickNote, ...]:
    """Return the notes in time order: each ends at the latest when its pitch is struck again; of two struck at once
    one stays."""
    latest_first = sorted(notes, key=lambda note: (note.start, note.end), reverse=True)
    kept = without_overlap(TickNote(note.start, note.end, note.pitch, note.velocity) for note in latest_first)
    return tuple(reversed([*kept]))
