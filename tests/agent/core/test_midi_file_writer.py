"""One writer of MIDI files: what it writes, mido and our own reader read back."""

from __future__ import annotations

from itertools import accumulate
from pathlib import Path

import mido

from agent.core.midi_file_writer import Part, TickNote, TimeMap, without_overlap, write
from listener.types import Meter
from models.music.midi_reader import read_score

NOTES = (TickNote(0, 480, 40, 90), TickNote(480, 960, 40, 80), TickNote(480, 500, 47, 70))
TIME = TimeMap(480, ((0, 500_000), (960, 600_000)), ((0, Meter(7, 8, (2, 2, 3))),), ((0, "Dm"),))


def test_notes_tempi_meters_and_keys_come_back(tmp_path: Path) -> None:
    write(tmp_path / "x.mid", TIME, [Part("Bass", 3, 33, NOTES)], "a title", end=1_920)
    score = read_score(tmp_path / "x.mid")
    (bass,) = score.tracks
    assert (bass.name, bass.channel, bass.program) == ("Bass", 2, 33)
    assert {(n.start, n.end, n.pitch, n.velocity) for n in bass.notes} == set(NOTES)
    assert (score.tempi, score.keys, score.end) == (TIME.tempi, TIME.keys, 1_920)
    assert [(at, str(meter)[:3]) for at, meter in score.meters] == [(0, "7/8")]


def test_at_one_tick_a_note_ends_before_the_next_begins(tmp_path: Path) -> None:
    write(tmp_path / "x.mid", TIME, [Part("Bass", 3, 33, NOTES)], "a title")
    title, track = mido.MidiFile(tmp_path / "x.mid").tracks
    times = accumulate(message.time for message in track)
    kinds = [message.type for at, message in zip(times, track, strict=True) if at == 480]
    assert kinds == ["note_off", "note_on", "note_on"]
    assert title.name == "a title"


def test_a_pitch_that_is_struck_again_ends_before() -> None:
    latest_first = [
        TickNote(100, 300, 40, 1),
        TickNote(100, 200, 40, 2),
        TickNote(0, 150, 40, 3),
        TickNote(0, 150, 41, 4),
    ]
    kept = [*without_overlap(latest_first)]
    assert kept == [TickNote(100, 300, 40, 1), TickNote(0, 100, 40, 3), TickNote(0, 150, 41, 4)]
