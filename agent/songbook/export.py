"""Writes a song as a MIDI file: its sections in order, the riff and the chords, a marker for each section."""

from __future__ import annotations

from pathlib import Path

from agent.core.midi_file_writer import Part, TickNote, TimeMap
from agent.core.midi_file_writer import write as write_file
from agent.song.kept import KeptSection
from agent.songbook.song_file import Song
from listener.types import Meter
from models.music.tokens import QUALITIES

PER_QUARTER, PER_TICK = 480, 120
USUAL_BPM = 100.0
CHORD_LOW, CHORD_VELOCITY = 55, 72
BASS_PROGRAM, CHORD_PROGRAM = 33, 4


def write(song: Song, path: Path) -> None:
    """Write the song. Raises OSError."""
    order = [song.section(name) for name in song.order] or list(song.sections)
    at = 0
    bass: list[TickNote] = []
    chords: list[TickNote] = []
    tempi: list[tuple[int, int]] = []
    meters: list[tuple[int, Meter]] = []
    marks: list[tuple[int, str]] = []
    for kept in order:
        tempi.append((at, round(60e6 / (kept.quarter_bpm or USUAL_BPM))))
        marks.append((at, kept.name))
        odd = dict(kept.odd)
        for number, bar in enumerate(kept.bars):
            meter = odd.get(number, bar.meter)
            if not meters or meters[-1][1] != meter:
                meters.append((at, meter))
            length = meter.numerator * 16 // meter.denominator * PER_TICK
            bass += [_note(at, length, one.tick, one.length, one.pitch, one.velocity) for one in bar.notes]
            chords += _chords(at, length, kept, number)
            at += length
    bass = [note for note in bass if note.end > note.start]
    time = TimeMap(PER_QUARTER, tuple(tempi), tuple(meters), (), tuple(marks))
    parts = [
        Part("bass", 1, BASS_PROGRAM, tuple(bass)),
        Part("chords", 2, CHORD_PROGRAM, tuple(chords)),
    ]
    write_file(path, time, parts, song.name, at)


def _note(at: int, length: int, tick: int, ticks: int, pitch: int, velocity: int) -> TickNote:
    start = min(tick * PER_TICK, length)
    return TickNote(at + start, at + min(start + ticks * PER_TICK, length), pitch, velocity)


def _chords(at: int, length: int, kept: KeptSection, number: int) -> list[TickNote]:
    out: list[TickNote] = []
    chords = kept.chords[number]
    for chord, after in zip(chords, [*(one.tick for one in chords[1:]), 10_000], strict=True):
        start, end = min(chord.tick * PER_TICK, length), min(after * PER_TICK, length)
        pitches = (CHORD_LOW + (chord.root + step - CHORD_LOW) % 12 for step in QUALITIES[chord.quality])
        out += [TickNote(at + start, at + end, pitch, CHORD_VELOCITY) for pitch in sorted(pitches) if end > start]
    return out
