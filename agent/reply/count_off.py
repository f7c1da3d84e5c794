"""Puts a bar of sticks before the bass comes in, in the file's own tempo and meter."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from agent.core.midi_file_writer import TimeMap
from agent.reply.reply import BassPart
from agent.song.ending import count_off
from models.music.midi_reader import RawNote
from models.music.tokens import DRUM_PIECES

Notes = dict[str, tuple[RawNote, ...]]


def counted_in(time: TimeMap, notes: Mapping[str, tuple[RawNote, ...]], heard: BassPart) -> tuple[TimeMap, Notes, int]:
    """Return (time, notes of each part, MIDI ticks that everything moved) with the sticks in the bar before the bass.

    A bass that comes in with the first bar is moved back by one bar of its meter.
    """
    first = next(number for number, place in enumerate(heard.places) if place.bar == heard.begins)
    meter, ticks = heard.places[first].meter, heard.places[first].ticks_per_bar
    bar = ticks * time.per_quarter // 4
    shift = 0 if first >= ticks else bar
    if shift:
        time = replace(
            time,
            tempi=tuple((tick + shift * (tick > 0), us) for tick, us in time.tempi),
            meters=tuple((tick + shift * (tick > 0), one) for tick, one in time.meters),
            keys=tuple((tick + shift * (tick > 0), key) for tick, key in time.keys),
        )
    moved = {name: tuple(_later(note, shift) for note in part) for name, part in notes.items()}
    start = heard.grid.at(first) + shift - bar
    step = time.per_quarter // 4
    sticks = tuple(
        RawNote(start + tick * step, start + (tick + 1) * step, DRUM_PIECES[hit.piece].key, hit.velocity)
        for tick, hits in enumerate(count_off(meter, ticks))
        for hit in hits
    )
    return time, {**moved, "drums": (*sticks, *moved.get("drums", ()))}, shift


def _later(note: RawNote, shift: int) -> RawNote:
    return replace(note, start=note.start + shift, end=note.end + shift)
