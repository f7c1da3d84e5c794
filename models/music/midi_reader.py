"""Read Standard MIDI Files: bytes -> Score (notes, tempi and meters in MIDI ticks). Nothing else reads MIDI files.

Common faults are repaired (overlapping, zero-length and never-ended notes, impossible tempi and meters); what cannot be
read is refused with one line that says why.
"""

from __future__ import annotations

import re
import struct
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import Any

import mido

from listener.types import Meter

DRUM_CHANNEL = 9
MAX_BYTES = 16 * 2**20
MAX_QUARTERS = 250_000  # 34 hours at 120 bpm
OPEN_NOTE_QUARTERS = 4  # at the most, of a note that never ends
FINEST = 16  # denominator of a meter: a tick of the responder is a 16th
DEFAULT_QUARTER_US = 500_000  # what a file without a tempo means (Standard MIDI Files 1.0)
HEADER = struct.Struct(">4sIHHH")
WRAPPED_BYTES = 256  # RIFF and MacBinary put so much before the header, at the most
UNREADABLE = (
    OSError,
    ValueError,
    EOFError,
    LookupError,
    TypeError,
    struct.error,
    OverflowError,
    mido.KeySignatureError,
)
KEY_SIGNATURE, KEY_SIGNATURE_C = re.compile(rb"\xff\x59\x02..", re.DOTALL), b"\xff\x59\x02\x00\x00"
EARLY_END = "it ends too early: truncated"


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


def read_score(path: Path) -> Score:
    """Read one file.

    Raises Unusable: no file, a folder, not MIDI, damaged, format 2, SMPTE time, without notes, or too long.
    """
    data = _bytes(path)
    _check_header(data, path.name)
    file, strange_keys = _parsed(data, path.name)
    if file.type == 2 and len(file.tracks) > 1:
        raise Unusable(f"{path.name}: MIDI format 2 (patterns without a common time); save it as format 1")
    reading = _Reading(file.ticks_per_beat)
    reading.mended["impossible key_signature"] = strange_keys
    for index, track in enumerate(file.tracks):
        reading.track(index, track)
    return reading.score(path.name, single=file.type == 0)


def _parsed(data: bytes, name: str) -> tuple[Any, int]:
    """Return the parsed file and how many key signatures it has that mean no key (taken for C major, then dropped)."""
    strange = 0
    try:
        try:
            return mido.MidiFile(file=BytesIO(data), clip=True), 0
        except mido.KeySignatureError:
            data, strange = KEY_SIGNATURE.subn(KEY_SIGNATURE_C, data)
            return mido.MidiFile(file=BytesIO(data), clip=True), strange
    except UNREADABLE as error:
        reason = EARLY_END if isinstance(error, EOFError) else str(error) or type(error).__name__
        raise Unusable(f"{name}: not readable as MIDI ({reason})") from None


def _bytes(path: Path) -> bytes:
    """Return the file's bytes from the MIDI header on."""
    if path.is_dir():
        raise Unusable(f"{path}: a folder, a MIDI file is needed")
    if path.exists() and not path.is_file():
        raise Unusable(f"{path}: not a regular file, a MIDI file is needed")
    try:
        if path.stat().st_size > MAX_BYTES:
            raise Unusable(f"{path.name}: larger than {MAX_BYTES >> 20} MiB, which no song's MIDI is")
        data = path.read_bytes()
    except (OSError, ValueError) as error:
        if isinstance(error, Unusable):
            raise
        raise Unusable(f"{path}: cannot be read ({getattr(error, 'strerror', None) or error})") from None
    return data[max(data.find(b"MThd", 0, WRAPPED_BYTES), 0) :]


def _check_header(data: bytes, name: str) -> None:
    if not data.startswith(b"MThd"):
        raise Unusable(f"{name}: not readable as MIDI ({'it is empty' if not data else 'no MThd header'})")
    if len(data) < HEADER.size:
        raise Unusable(f"{name}: not readable as MIDI ({EARLY_END})")
    _, _, kind, _, division = HEADER.unpack_from(data)
    if kind > 2:
        raise Unusable(f"{name}: MIDI format {kind}; 0 and 1 are read")
    if division & 0x8000:
        raise Unusable(f"{name}: timed in SMPTE frames, which have no beats; export it with ticks per quarter note")
    if division == 0:
        raise Unusable(f"{name}: 0 ticks per quarter note; export it with 96 or more")


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

    def track(self, index: int, track: Any) -> None:
        now = 0
        held: dict[tuple[int, int], tuple[int, int]] = {}
        struck_again: dict[tuple[int, int], int] = {}
        for message in track:
            now += message.time
            kind = message.type
            if kind in ("note_on", "note_off"):
                self._note(index, message, now, held, struck_again)
            elif kind == "program_change":
                self.programs.setdefault((index, message.channel), message.program)
            elif message.is_meta:
                self._meta(index, message, now)
        for (channel, pitch), (start, velocity) in held.items():
            self.mended["notes that never ended"] += 1
            until = min(max(now, start + 1), start + OPEN_NOTE_QUARTERS * self.per_quarter)
            self.notes[index, channel].append(RawNote(start, until, pitch, velocity))
        self.end = max(self.end, now)

    def _note(
        self,
        index: int,
        message: Any,
        now: int,
        held: dict[tuple[int, int], tuple[int, int]],
        struck_again: dict[tuple[int, int], int],
    ) -> None:
        """Start or end a note.

        A note struck while it sounds ends there and begins again; its own end may come after, in the same tick.
        """
        key = message.channel, message.note
        begins = message.type == "note_on" and message.velocity > 0
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
            held[key] = now, message.velocity

    def _end(self, index: int, key: tuple[int, int], started: tuple[int, int], now: int) -> None:
        self.mended["notes of no length"] += now <= started[0]
        self.notes[index, key[0]].append(RawNote(started[0], max(now, started[0] + 1), key[1], started[1]))

    def _meta(self, index: int, message: Any, now: int) -> None:
        match message.type:
            case "track_name" | "instrument_name":
                self.names.setdefault(index, message.name.strip())
            case "set_tempo" if message.tempo > 0:
                self.tempi[now] = message.tempo
            case "time_signature" if message.numerator > 0:
                if message.denominator > FINEST:
                    raise Unusable(f"a time signature finer than 1/{FINEST}")
                self.meters[now] = Meter(message.numerator, message.denominator)
            case "set_tempo" | "time_signature":
                self.mended[f"impossible {message.type}"] += 1
            case "key_signature" if not self.mended["impossible key_signature"]:
                self.keys[now] = message.key

    def score(self, name: str, single: bool) -> Score:
        if not self.notes:
            raise Unusable(f"{name}: no notes")
        last = max(note.end for notes in self.notes.values() for note in notes)
        if last > MAX_QUARTERS * self.per_quarter:
            raise Unusable(
                f"{name}: {last // self.per_quarter:,} quarter notes long, at most {MAX_QUARTERS:,} are read"
            )
        return Score(
            self.per_quarter,
            tuple(self._tracks(single)),
            tuple(sorted(self.tempi.items())),
            tuple(sorted(self.meters.items(), key=lambda pair: pair[0])),
            tuple(sorted(self.keys.items())),
            max(self.end, last),
            tuple((reason, count) for reason, count in self.mended.items() if count),
        )

    def _tracks(self, single: bool) -> Iterator[RawTrack]:
        """Return the tracks; in a single-track file the track's name is the song's."""
        by_channel = {channel: program for (_, channel), program in self.programs.items()}
        for (index, channel), notes in self.notes.items():
            program = self.programs.get((index, channel), by_channel.get(channel))
            ordered = tuple(sorted(notes, key=lambda n: (n.start, n.end, n.pitch, n.velocity)))
            yield RawTrack("" if single else self.names.get(index, ""), channel, program, ordered)
