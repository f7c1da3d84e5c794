"""Defines the rows of events.jsonl that are read back, each with the ranges its values may have."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import msgspec
from msgspec import Meta as Range

from agent.core.stored import MOST_STREAM_S, Duration, Pitch, Share, StreamTime, Velocity, Word
from agent.recording.band_bars import BandBar
from listener.plain_file import open_plain
from listener.types import Beat, Chord, Meter, Note

LINE_BYTES = 1 << 20  # a longer line is none of ours
LINES_MAX = 20_000_000

PitchClass = Annotated[int, Range(ge=0, le=11)]
Cents = Annotated[float, Range(ge=-1e4, le=1e4)]
Tempo = Annotated[float, Range(ge=5.0, le=2_000.0)]  # in beats of any meter
Line = Annotated[str, Range(max_length=2_000)]
Beats = Annotated[int, Range(ge=1, le=64)]


class _Kind(msgspec.Struct):
    type: str = ""


class NoteRow(msgspec.Struct):
    """A note as heard, when it began or ended, or its pitch was mended."""

    onset_s: StreamTime
    pitch: Pitch
    velocity: Annotated[int, Range(ge=1, le=127)]
    emit_s: StreamTime = 0.0
    duration_s: Duration | None = None
    cents: Cents = 0.0
    articulation: Word = "normal"
    confidence: float = 1.0
    revises: Pitch | None = None

    def note(self) -> Note:
        return Note(**msgspec.structs.asdict(self))


class MeterRow(msgspec.Struct):
    numerator: Beats
    denominator: Literal[1, 2, 4, 8, 16, 32, 64]
    grouping: Annotated[tuple[Beats, ...], Range(max_length=64)] | None = None

    def meter(self) -> Meter:
        """Raises ValueError where the grouping does not add up."""
        return Meter(self.numerator, self.denominator, self.grouping or ())


class BeatRow(msgspec.Struct):
    """A beat as heard."""

    time_s: StreamTime
    position: Beats
    tempo_bpm: Tempo
    meter: MeterRow
    emit_s: StreamTime = 0.0
    confidence: Share = 0.0

    def beat(self) -> Beat:
        """Raises ValueError where the grouping does not add up."""
        return Beat(self.time_s, self.emit_s, self.position, self.tempo_bpm, self.meter.meter(), self.confidence)


class BarRow(msgspec.Struct):
    """A bar that the band played. take: of a riff that looped, 0 = none."""

    bar: Annotated[int, Range(ge=0)]
    start_s: StreamTime
    end_s: StreamTime
    meter: MeterRow
    take: Annotated[int, Range(ge=0)] = 0

    def band_bar(self) -> BandBar:
        """Raises ValueError where the grouping does not add up, or the bar has no length."""
        if self.end_s <= self.start_s:
            raise ValueError(f"bar {self.bar} ends at {self.end_s} s, before it begins")
        return BandBar(self.bar, self.start_s, self.end_s, self.meter.meter(), self.take)


class ChordRow(msgspec.Struct):
    """A chord as heard, from time_s on."""

    time_s: StreamTime
    root: PitchClass
    quality: Word
    confidence: Share = 0.0

    def chord(self) -> Chord:
        return Chord(self.root, self.quality, self.confidence)


class KeyRow(msgspec.Struct):
    tonic: PitchClass
    mode: Word


class ChoiceRow(msgspec.Struct):
    """A decision of the song plan, known at time_s."""

    time_s: StreamTime
    what: Word
    chosen: Line


class CommandRow(msgspec.Struct):
    """A command or a sentence of the player, and what was answered."""

    time_s: StreamTime
    text: Line
    says: Line = ""


class SentRow(msgspec.Struct):
    """A note-on or note-off that left for the synth or the MIDI port."""

    output: Literal["synth", "midi"]
    part: Word
    pitch: Pitch
    on: bool
    due_s: StreamTime
    velocity: Velocity = 0


class SessionRow(msgspec.Struct):
    """The first row. parts: channel 1-16 and program 0-127 of each."""

    parts: dict[Word, tuple[Annotated[int, Range(ge=1, le=16)], Pitch]]
    sample_rate: Annotated[int, Range(ge=1_000, le=1_000_000)] = 48_000


class SummaryRow(msgspec.Struct):
    """The last row of a session that was closed."""


Row = NoteRow | BeatRow | BarRow | ChordRow | KeyRow | ChoiceRow | CommandRow | SentRow | SessionRow | SummaryRow
ROWS: Mapping[str, type[Row]] = {
    "note": NoteRow,
    "note_revised": NoteRow,
    "note_end": NoteRow,
    "beat": BeatRow,
    "bar": BarRow,
    "chord": ChordRow,
    "key": KeyRow,
    "choice": ChoiceRow,
    "command": CommandRow,
    "sent": SentRow,
    "session": SessionRow,
    "summary": SummaryRow,
}


@dataclass(slots=True)
class Count:
    """How many lines could not be used."""

    bad: int = 0


def rows(path: Path, count: Count | None = None, longest_s: float = MOST_STREAM_S) -> Iterator[Row]:
    """Yield the rows of events.jsonl that are read back, as far as they can be used. Raises OSError.

    longest_s: no time after it is believed. count: takes how many lines were left out.
    """
    count = Count() if count is None else count
    kind_of = msgspec.json.Decoder(_Kind)
    decoders = {name: msgspec.json.Decoder(kind) for name, kind in ROWS.items()}
    with open_plain(path, follow_links=False) as file:
        for _ in range(LINES_MAX):
            line = file.readline(LINE_BYTES)
            if not line:
                return
            if len(line) == LINE_BYTES and not line.endswith(b"\n"):
                count.bad += 1
                while (rest := file.readline(LINE_BYTES)) and not rest.endswith(b"\n"):
                    pass
                continue
            try:
                decoder = decoders.get(kind_of.decode(line).type)
                row = decoder.decode(line) if decoder else None
            except (ValueError, RecursionError):  # msgspec's errors are ValueErrors
                count.bad += 1
                continue
            if row is None:
                continue
            if _time_of(row) > longest_s:
                count.bad += 1
                continue
            yield row


def _time_of(row: Row) -> float:
    match row:
        case NoteRow():
            return row.onset_s
        case BeatRow() | ChordRow() | ChoiceRow() | CommandRow():
            return row.time_s
        case SentRow():
            return row.due_s
        case BarRow():
            return row.end_s
    return 0.0
