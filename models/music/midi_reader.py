"""Read Standard MIDI Files: bytes -> Score (notes, tempi and meters in MIDI ticks). Nothing else reads MIDI files.

Common faults are repaired (overlapping, zero-length and never-ended notes, impossible tempi and meters); what cannot be
read is refused with one line that says why.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from listener.plain_file import read_plain
from listener.types import Meter
from models.music import midi_chunks
from models.music.midi_chunks import BrokenOff, Chunks, MidiEvent

DRUM_CHANNEL = 9
MAX_BYTES = 16 * 2**20
MAX_QUARTERS = 250_000  # 34 hours at 120 bpm
MAX_GAP_QUARTERS = 256  # in which nobody plays; what comes after it belongs to nothing
MAX_NOTE_QUARTERS = 256
OPEN_NOTE_QUARTERS = 4  # at the most, of a note that never ends
FINEST = 16  # denominator of a meter: a tick of the responder is a 16th
MOST_BEATS = 64  # in a bar, and the finest denominator that is a meter at all
SLOWEST_US, FASTEST_US = 3_000_000, 150_000  # 20 and 400 quarters a minute: what lies beyond is played as these
DEFAULT_QUARTER_US = 500_000  # what a file without a tempo means (Standard MIDI Files 1.0)
NOTE_OFF, NOTE_ON, PROGRAM = 0x80, 0x90, 0xC0
MAJORS = ("Cb", "Gb", "Db", "Ab", "Eb", "Bb", "F", "C", "G", "D", "A", "E", "B", "F#", "C#")  # 7 flats to 7 sharps
MINORS = ("Abm", "Ebm", "Bbm", "Fm", "Cm", "Gm", "Dm", "Am", "Em", "Bm", "F#m", "C#m", "G#m", "D#m", "A#m")


T = TypeVar("T")


class Unusable(ValueError):
    """The file has nothing to learn from or to answer; the message says why."""


@dataclass(frozen=True, slots=True)
class RawNote:
    """A note. start, end: MIDI ticks from the beginning, end > start."""

    start: int
    end: int
    pitch: int
    velocity: int


@dataclass(frozen=True, slots=True)
class RawTrack:
    """The notes of one channel of one track. channel: 0-15. program: 0-127, None where none is named."""

    name: str
    channel: int
    program: int | None
    notes: tuple[RawNote, ...]


@dataclass(frozen=True, slots=True)
class Score:
    """A MIDI file as read. per_quarter: MIDI ticks. tempi: (tick, microseconds a quarter). meters: (tick, Meter); keys:
    (tick, "Dm").

    mended: (what was repaired, how often). end: tick of the last event.
    """

    per_quarter: int
    tracks: tuple[RawTrack, ...]
    tempi: tuple[tuple[int, int], ...]
    meters: tuple[tuple[int, Meter], ...]
    keys: tuple[tuple[int, str], ...]
    end: int
    mended: tuple[tuple[str, int], ...] = ()

    @property
    def tempo_bpm(self) -> float:
        """Return the quarters a minute at the start."""
        return 60e6 / (self.tempi[0][1] if self.tempi else DEFAULT_QUARTER_US)


def read_score(path: Path, near: bool = False) -> Score:
    """Read one file; of a damaged one what comes before the damage.

    near: leave out what comes after a gap in which nobody plays for MAX_GAP_QUARTERS.
    Raises Unusable: no file, a folder, not MIDI, format 2, SMPTE time, without notes, or too long.
    """
    name = _printable(path.name)
    try:
        chunks = midi_chunks.split(_bytes(path, name))
    except BrokenOff as cause:
        raise Unusable(f"{name}: not readable as MIDI ({cause})") from None
    _check(chunks, name)
    reading = _Reading(chunks.division, broken=chunks.broken)
    for index, track in enumerate(chunks.tracks):
        reading.track(index, track)
    return reading.score(name, chunks.kind == 0, near)


def _bytes(path: Path, name: str) -> bytes:
    if path.is_dir():
        raise Unusable(f"{_printable(str(path))}: a folder, a MIDI file is needed")
    try:
        if path.exists() and not path.is_file():
            raise Unusable(f"{_printable(str(path))}: not a regular file, a MIDI file is needed")
        if path.stat().st_size > MAX_BYTES:
            raise Unusable(f"{name}: larger than {MAX_BYTES >> 20} MiB, which no song's MIDI is")
        return read_plain(path, MAX_BYTES)
    except (OSError, ValueError) as error:
        if isinstance(error, Unusable):
            raise
        reason = getattr(error, "strerror", None) or error
        raise Unusable(f"{_printable(str(path))}: cannot be read ({reason})") from None


def _check(chunks: Chunks, name: str) -> None:
    if chunks.kind > 2:
        raise Unusable(f"{name}: MIDI format {chunks.kind}; 0 and 1 are read")
    if chunks.division & 0x8000:
        raise Unusable(f"{name}: timed in SMPTE frames, which have no beats; export it with ticks per quarter note")
    if chunks.division == 0:
        raise Unusable(f"{name}: 0 ticks per quarter note; export it with 96 or more")
    if chunks.kind == 2 and len(chunks.tracks) > 1:
        raise Unusable(f"{name}: MIDI format 2 (patterns without a common time); save it as format 1")


def _printable(text: str) -> str:
    """Return the text without what a terminal would act on."""
    return "".join(c if c.isprintable() else "?" for c in text)


def _text(data: bytes) -> str:
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        text = data.decode("latin-1")
    return "".join(c if c.isprintable() else " " for c in text).strip()


@dataclass
class _Reading:
    """Collects what the tracks hold."""

    per_quarter: int
    notes: dict[tuple[int, int], list[RawNote]] = field(default_factory=lambda: defaultdict(list))
    programs: dict[tuple[int, int], int] = field(default_factory=dict)
    names: dict[int, str] = field(default_factory=dict)
    tempi: dict[int, int] = field(default_factory=dict)
    meters: dict[int, Meter] = field(default_factory=dict)
    keys: dict[int, str] = field(default_factory=dict)
    mended: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    end: int = 0
    broken: str = ""  # why something could not be read
    until: int | None = None  # the tick from which on notes are left out

    def track(self, index: int, track: bytes) -> None:
        now = 0
        held: dict[tuple[int, int], tuple[int, int]] = {}
        struck_again: dict[tuple[int, int], int] = {}
        try:
            for event in midi_chunks.events(track):
                now += event.ticks
                kind = event.status & 0xF0
                if kind in (NOTE_ON, NOTE_OFF):
                    self._note(index, event, now, held, struck_again)
                elif kind == PROGRAM:
                    self.programs.setdefault((index, event.status & 15), event.data[0])
                elif event.status == midi_chunks.META and event.data:
                    self._meta(index, event.data[0], event.data[1:], now)
        except BrokenOff as cause:
            self.broken = self.broken or str(cause)
        for (channel, pitch), (start, velocity) in held.items():
            self.mended["notes that never ended"] += 1
            until = min(max(now, start + 1), start + OPEN_NOTE_QUARTERS * self.per_quarter)
            self.notes[index, channel].append(RawNote(start, until, pitch, velocity))
        self.end = max(self.end, now)

    def _note(
        self,
        index: int,
        event: MidiEvent,
        now: int,
        held: dict[tuple[int, int], tuple[int, int]],
        struck_again: dict[tuple[int, int], int],
    ) -> None:
        """Start or end a note.

        A note struck while it sounds ends there and begins again; its own end may come after, in the same tick.
        """
        pitch, velocity = event.data
        key = event.status & 15, pitch
        begins = event.status & 0xF0 == NOTE_ON and velocity > 0
        if not begins and struck_again.get(key) == now:
            del struck_again[key]
            return
        started = held.pop(key, None)
        if started and not (begins and started[0] == now):
            if begins:
                self.mended["notes struck while they sounded"] += 1
                struck_again[key] = now
            self._end(index, key, started, now)
        if begins:
            held[key] = now, velocity

    def _end(self, index: int, key: tuple[int, int], started: tuple[int, int], now: int) -> None:
        self.mended["notes of no length"] += now <= started[0]
        longest = started[0] + MAX_NOTE_QUARTERS * self.per_quarter
        self.mended["endless notes"] += now > longest
        self.notes[index, key[0]].append(
            RawNote(started[0], min(max(now, started[0] + 1), longest), key[1], started[1])
        )

    def _meta(self, index: int, kind: int, data: bytes, now: int) -> None:
        match kind:
            case 0x03 | 0x04:  # the names of the track and the instrument
                self.names.setdefault(index, _text(data))
            case 0x51:  # tempo
                tempo_us = int.from_bytes(data[:3], "big") if len(data) >= 3 else 0
                self._mark(self.tempi, now, tempo_us, "set_tempo")
            case 0x58:  # time signature
                self._mark(self.meters, now, _meter(data), "time_signature")
            case 0x59:  # key signature
                self._mark(self.keys, now, _key(data), "key_signature")

    def _mark(self, marks: dict[int, T], now: int, value: T | None, name: str) -> None:
        if value:
            marks[now] = value
        else:
            self.mended[f"impossible {name}"] += 1

    def score(self, name: str, single: bool, near: bool) -> Score:
        finer = [meter for meter in self.meters.values() if meter.denominator > FINEST]
        if finer:
            raise Unusable(f"{name}: a time signature finer than 1/{FINEST} ({finer[0]}); write it in 16ths")
        if not self.notes:
            raise Unusable(f"{name}: not readable as MIDI ({self.broken})" if self.broken else f"{name}: no notes")
        self._leave_out_what_lies_far_away(name, MAX_GAP_QUARTERS if near else MAX_QUARTERS)
        self.mended["damaged places"] += bool(self.broken)
        last = max(note.end for notes in self.notes.values() for note in notes)
        return Score(
            self.per_quarter,
            tuple(self._tracks(single)),
            tuple(sorted(self._near(self.tempi))),
            tuple(sorted(self._near(self.meters), key=lambda pair: pair[0])),
            tuple(sorted(self._near(self.keys))),
            min(max(self.end, last), MAX_QUARTERS * self.per_quarter) if self.until is None else last,
            tuple((reason, count) for reason, count in self.mended.items() if count),
        )

    def _near(self, marks: dict[int, T]) -> list[tuple[int, T]]:
        return [(at, mark) for at, mark in marks.items() if self.until is None or at < self.until]

    def _leave_out_what_lies_far_away(self, name: str, gap_quarters: int) -> None:
        """Drop the notes after a gap in which nobody plays, and those beyond MAX_QUARTERS.

        Raises Unusable where the gap comes first.
        """
        sounding = 0
        for note in sorted((n for notes in self.notes.values() for n in notes), key=lambda n: n.start):
            is_far = note.start > sounding + gap_quarters * self.per_quarter
            if is_far or note.start > MAX_QUARTERS * self.per_quarter:
                self.until = note.start
                break
            sounding = max(sounding, note.end)
        if self.until is None:
            return
        if not sounding:
            raise Unusable(
                f"{name}: its first note comes after {self.until // self.per_quarter:,} quarter notes of nothing; at "
                f"most {gap_quarters:,} are allowed: cut the beginning off"
            )
        for place, notes in list(self.notes.items()):
            kept = [note for note in notes if note.start < self.until]
            self.mended["far-away notes"] += len(notes) - len(kept)
            self.notes[place] = kept
            if not kept:
                del self.notes[place]

    def _tracks(self, single: bool) -> Iterator[RawTrack]:
        """Return the tracks; in a single-track file the track's name is the song's."""
        by_channel = {channel: program for (_, channel), program in self.programs.items()}
        for (index, channel), notes in self.notes.items():
            program = self.programs.get((index, channel), by_channel.get(channel))
            ordered = tuple(sorted(notes, key=lambda n: (n.start, n.end, n.pitch, n.velocity)))
            yield RawTrack("" if single else self.names.get(index, ""), channel, program, ordered)


def _meter(data: bytes) -> Meter | None:
    """Return the meter of a time signature's bytes; None for what is none."""
    if len(data) < 2 or not 0 < data[0] <= MOST_BEATS or 2 ** min(data[1], 7) > MOST_BEATS:
        return None
    return Meter(data[0], 2 ** data[1])


def _key(data: bytes) -> str | None:
    """Return the key of a key signature's bytes, such as "Dm"; None for what is none."""
    sharps = (data[0] ^ 0x80) - 0x80 if len(data) >= 2 else 99
    if not -7 <= sharps <= 7 or data[1] > 1:
        return None
    return (MINORS if data[1] else MAJORS)[sharps + 7]
