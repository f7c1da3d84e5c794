"""Take a Standard MIDI File apart: bytes -> tracks -> events. What is damaged ends a track; what came before it counts.

Standard MIDI Files 1.0 (RP-001): chunks of other kinds are skipped; running status; values above 127 are taken for 127.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import NamedTuple

HEADER = struct.Struct(">4sIHHH")
WRAPPED_BYTES = 256  # RIFF and MacBinary put so much before the header, at the most
TRACKS_MAX = 1_000
LENGTH_BYTES = 4  # of a variable-length number, at the most
META, SYSEX, SYSEX_GOES_ON = 0xFF, 0xF0, 0xF7
COMMON_BYTES = {0xF1: 1, 0xF2: 2, 0xF3: 1, 0xF6: 0} | dict.fromkeys((0xF8, 0xFA, 0xFB, 0xFC, 0xFE), 0)
EARLY_END = "it ends too early: truncated"


class BrokenOff(ValueError):
    """From here on the bytes are no MIDI; the message says why."""


class MidiEvent(NamedTuple):
    """ticks: since the event before. status: 0x80 to 0xFF; data: its bytes, of a META first its type."""

    ticks: int
    status: int
    data: bytes


class Chunks(NamedTuple):
    """kind: format 0, 1 or 2. division: ticks per quarter note. broken: why a track is missing, or ""."""

    kind: int
    division: int
    tracks: tuple[bytes, ...]
    broken: str


def split(data: bytes) -> Chunks:
    """Return the tracks of a file. Raises BrokenOff where it has no header that can be used."""
    data = data[max(data.find(b"MThd", 0, WRAPPED_BYTES), 0) :]
    if not data.startswith(b"MThd"):
        raise BrokenOff("it is empty" if not data else "no MThd header")
    if len(data) < HEADER.size:
        raise BrokenOff(EARLY_END)
    _, size, kind, count, division = HEADER.unpack_from(data)
    tracks, broken, at, others = list[bytes](), "", 8 + size, 0
    if at > len(data):
        at = HEADER.size
    while at + 8 <= len(data) and len(tracks) < TRACKS_MAX:
        name, length = data[at : at + 4], int.from_bytes(data[at + 4 : at + 8], "big")
        whole = at + 8 + length <= len(data)
        if name == b"MTrk":
            tracks.append(data[at + 8 : at + 8 + length])
            broken = broken or ("" if whole else EARLY_END)
        elif not whole or not name.isalnum():  # no chunk: go on at the next track
            following = data.find(b"MTrk", at + 1)
            if following < 0:
                break
            at = following
            continue
        else:
            others += 1
        at += 8 + length
    if len(tracks) + others < count:
        broken = broken or EARLY_END
    return Chunks(kind, division, tuple(tracks), broken)


def events(track: bytes) -> Iterator[MidiEvent]:
    """Yield the events of a track. Raises BrokenOff at damage, after what precedes it."""
    at, running = 0, 0
    try:
        while at < len(track):
            ticks, at = _number(track, at)
            status = track[at]
            if status < 0x80:
                if not running:
                    raise BrokenOff("running status without a status before it")
                status = running
            else:
                at += 1
            if status < SYSEX:
                running, size = status, 1 if status & 0xE0 == 0xC0 else 2
                data, at = _data(track, at, size), at + size
                yield MidiEvent(ticks, status, bytes(min(value, 127) for value in data))
                continue
            head, at = (track[at : at + 1], at + 1) if status == META else (b"", at)
            if status in (META, SYSEX, SYSEX_GOES_ON):
                size, at = _number(track, at)
            elif status in COMMON_BYTES:
                size = COMMON_BYTES[status]
            else:
                raise BrokenOff(f"unknown status byte {status:#x}")
            yield MidiEvent(ticks, status, head + _data(track, at, size))
            at += size
            if head == b"\x2f":
                return
    except IndexError:
        raise BrokenOff(EARLY_END) from None


def _number(track: bytes, at: int) -> tuple[int, int]:
    """Return a variable-length number and where it ends."""
    value = 0
    for index in range(at, at + LENGTH_BYTES):
        value = value << 7 | track[index] & 0x7F
        if track[index] < 0x80:
            return value, index + 1
    raise BrokenOff("a length of more than 4 bytes")


def _data(track: bytes, at: int, size: int) -> bytes:
    if at + size > len(track):
        raise BrokenOff(EARLY_END)
    return track[at : at + size]
