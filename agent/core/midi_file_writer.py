"""Notes in ticks -> a format 1 MIDI file: tempi, meters and keys on the first track, one named track a part."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import mido

from agent.core.whole_file import written_whole
from listener.types import Meter


class TickNote(NamedTuple):
    """start, end: MIDI ticks from the beginning, end > start."""

    start: int
    end: int
    pitch: int
    velocity: int


@dataclass(frozen=True, slots=True)
class Part:
    """channel: 1-16. program: 0-127 as sent. notes: without overlap; of one tick, in the order they are written."""

    name: str
    channel: int
    program: int
    notes: tuple[TickNote, ...]


@dataclass(frozen=True, slots=True)
class TimeMap:
    """per_quarter: MIDI ticks. tempi: (tick, microseconds a quarter); meters: (tick, Meter); keys: (tick, "Dm").

    marks: (tick, text), shown as markers.
    """

    per_quarter: int
    tempi: tuple[tuple[int, int], ...] = ()
    meters: tuple[tuple[int, Meter], ...] = ()
    keys: tuple[tuple[int, str], ...] = ()
    marks: tuple[tuple[int, str], ...] = ()


def write(path: Path, time: TimeMap, parts: Sequence[Part], title: str, end: int = 0) -> None:
    """Write the file, whole or not at all; every track ends at tick `end` or later. Names are UTF-8. Raises OSError."""
    file = mido.MidiFile(type=1, ticks_per_beat=time.per_quarter, charset="utf-8")
    file.tracks.append(_track(title, _marks(time), end))
    for part in parts:
        file.tracks.append(_track(part.name, _messages(part), end))
    with written_whole(path) as out:
        file.save(file=out)


def without_overlap(latest_first: Iterable[TickNote]) -> Iterator[TickNote]:
    """Yield notes, in the order they come, so that each ends at the latest when its pitch is struck again.

    Of two that strike a pitch at one tick the one that comes first stays.
    """
    struck: dict[int, int] = {}
    for note in latest_first:
        again = struck.get(note.pitch)
        if again != note.start:
            yield note if again is None else note._replace(end=min(note.end, again))
        struck[note.pitch] = note.start


def _marks(time: TimeMap) -> Iterator[tuple[int, mido.MetaMessage]]:
    for at, meter in time.meters:
        yield at, mido.MetaMessage("time_signature", numerator=meter.numerator, denominator=meter.denominator)
    for at, quarter_us in time.tempi:
        yield at, mido.MetaMessage("set_tempo", tempo=quarter_us)
    for at, text in time.marks:
        yield at, mido.MetaMessage("marker", text=text)
    for at, key in time.keys:
        yield at, mido.MetaMessage("key_signature", key=key)


def _messages(part: Part) -> Iterator[tuple[int, mido.Message]]:
    channel = part.channel - 1
    yield 0, mido.Message("program_change", channel=channel, program=part.program)
    for note in part.notes:
        yield note.start, mido.Message("note_on", channel=channel, note=note.pitch, velocity=note.velocity)
        yield note.end, mido.Message("note_off", channel=channel, note=note.pitch, velocity=0)


def _track(name: str, messages: Iterable[tuple[int, mido.Message | mido.MetaMessage]], end: int) -> mido.MidiTrack:
    """From absolute ticks; at one tick marks and programs come first, and a note ends before the next begins."""
    order = {"note_off": 1, "note_on": 2}
    text = name.encode("utf-8", "replace").decode()  # a file's name may hold bytes that are no text
    track, now = mido.MidiTrack([mido.MetaMessage("track_name", name=text)]), 0
    for at, message in sorted(messages, key=lambda pair: (pair[0], order.get(pair[1].type, 0))):
        track.append(message.copy(time=at - now))
        now = at
    track.append(mido.MetaMessage("end_of_track", time=max(end - now, 0)))
    return track
