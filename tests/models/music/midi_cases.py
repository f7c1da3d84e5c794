"""Small MIDI files for tests: raw chunks, and songs of named tracks."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from pathlib import Path

import mido

QUARTER = 480
BASS, DRUMS, PIANO, LEAD = (0, 33, "Bass"), (9, 0, "Drums"), (1, 0, "Piano"), (2, 73, "Flute")
Part = tuple[tuple[int, int, str], Sequence[tuple[float, float, int]]]


def header(kind: int, tracks: int, division: int) -> bytes:
    return b"MThd" + struct.pack(">IHHH", 6, kind, tracks, division)


def chunk(events: bytes) -> bytes:
    return b"MTrk" + struct.pack(">I", len(events)) + events


def vlq(value: int) -> bytes:
    """A variable-length quantity."""
    out = [value & 0x7F]
    while value := value >> 7:
        out.insert(0, value & 0x7F | 0x80)
    return bytes(out)


def write(path: Path, parts: Sequence[Part], meter: tuple[int, int] = (4, 4), bpm: float = 120.0) -> Path:
    """parts: ((channel, program, name), [(start, length, pitch) in quarters])."""
    file = mido.MidiFile(ticks_per_beat=QUARTER)
    signature = mido.MetaMessage("time_signature", numerator=meter[0], denominator=meter[1])
    file.tracks.append(mido.MidiTrack([signature, mido.MetaMessage("set_tempo", tempo=round(60e6 / bpm))]))
    for (channel, program, name), notes in parts:
        track = mido.MidiTrack([mido.MetaMessage("track_name", name=name)])
        track.append(mido.Message("program_change", channel=channel, program=program))
        events = [(round(s * QUARTER), 1, p) for s, _, p in notes]
        events += [(round((s + d) * QUARTER), 0, p) for s, d, p in notes]
        now = 0
        for at, on, pitch in sorted(events):
            track.append(mido.Message("note_on", channel=channel, note=pitch, velocity=90 * on, time=at - now))
            now = at
        file.tracks.append(track)
    file.save(path)
    return path


def song(
    path: Path, bars: int = 16, roots: Sequence[int] = (0, 5, 7, 0), up: int = 0, meter: tuple[int, int] = (4, 4)
) -> Path:
    """Bass, drums, piano and flute over a progression of one root a bar, `up` semitones above C."""
    beat = 4 / meter[1]
    length = meter[0] * beat
    starts = [(bar * length, roots[bar % len(roots)] + up) for bar in range(bars)]
    bass = [(at + k * beat, 0.8 * beat, 36 + root) for at, root in starts for k in range(meter[0])]
    drums = [(at + k * beat, 0.1, 36 if k == 0 else 42) for at, _ in starts for k in range(meter[0])]
    piano = [(at, length * 0.9, 60 + root + i) for at, root in starts for i in (0, 4, 7)]
    flute = [(at + k * beat, 0.7 * beat, 67 + root + 2 * k) for at, root in starts for k in (0, 2)]
    return write(path, [(BASS, bass), (DRUMS, drums), (PIANO, piano), (LEAD, flute)], meter)
