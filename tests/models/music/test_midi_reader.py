"""Whatever calls itself MIDI is read as it was meant, or refused in one line."""

from __future__ import annotations

import random
import re
import struct
import time
from pathlib import Path

import mido
import numpy as np
import pytest

from listener.types import Meter
from models.music import part_roles, tick_grid
from models.music.midi_reader import Score, Unusable, read_score
from tests.models.music.midi_cases import BASS, DRUMS, QUARTER, chunk, header, song, vlq, write

ON, OFF = 0x90, 0x80
END = b"\x00\xff\x2f\x00"


def made(path: Path, *events: bytes, kind: int = 0, division: int = QUARTER) -> Path:
    """A single track of raw events, each with its delta."""
    path.write_bytes(header(kind, 1, division) + chunk(b"".join(events) + END))
    return path


def event(delta: int, *data: int) -> bytes:
    return vlq(delta) + bytes(data)


def notes(score: Score) -> list[tuple[int, int, int]]:
    return [(n.start, n.end, n.pitch) for n in score.tracks[0].notes]


def refusal(path: Path) -> str:
    with pytest.raises(Unusable) as caught:
        read_score(path)
    assert len(str(caught.value).splitlines()) == 1
    return str(caught.value)


REFUSED = {
    "empty file": (b"", "it is empty"),
    "not MIDI": (b"RIFF....WAVEfmt a sound, rather", "no MThd header"),
    "half a header": (b"MThd\x00\x00", "truncated"),
    "no track where one is promised": (header(1, 1, 480), "truncated"),
    "format 3": (header(3, 1, 480) + chunk(END), "MIDI format 3"),
    "format 2": (header(2, 2, 480) + chunk(END) * 2, "format 2.*save it as format 1"),
    "SMPTE time": (header(1, 1, 0xE728) + chunk(END), "SMPTE.*ticks per quarter"),
    "no resolution": (header(1, 1, 0) + chunk(END), "0 ticks per quarter"),
    "running status from nothing": (header(0, 1, 480) + chunk(b"\x00\x3c\x40" + END), "running status"),
    "no notes": (header(0, 1, 480) + chunk(END), "no notes"),
    "a meter in 32nds": (header(0, 1, 480) + chunk(b"\x00\xff\x58\x04\x04\x05\x18\x08" + END), "finer than 1/16"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_read_is_refused_in_one_line(tmp_path: Path, case: str) -> None:
    data, reason = REFUSED[case]
    (tmp_path / "x.mid").write_bytes(data)
    assert re.search(reason, refusal(tmp_path / "x.mid"))


def test_no_file_a_folder_and_the_empty_path_are_refused(tmp_path: Path) -> None:
    assert "cannot be read (No such file" in refusal(tmp_path / "none.mid")
    assert "a folder" in refusal(tmp_path)
    assert "a folder" in refusal(Path(""))
    assert "not a regular file" in refusal(Path("/dev/null"))


def test_running_status_is_understood(tmp_path: Path) -> None:
    path = made(tmp_path / "r.mid", event(0, ON, 40, 90), event(480, 40, 0), event(0, 43, 90), event(480, 43, 0))
    assert notes(read_score(path)) == [(0, 480, 40), (480, 960, 43)]


def test_a_note_struck_while_it_sounds_ends_and_begins_again(tmp_path: Path) -> None:
    strikes = [event(0, ON, 40, 90), event(100, ON, 40, 80), event(100, OFF, 40, 0), event(50, OFF, 40, 0)]
    assert notes(read_score(made(tmp_path / "o.mid", *strikes))) == [(0, 100, 40), (100, 200, 40)]


def test_an_end_written_after_the_next_beginning_belongs_to_the_first(tmp_path: Path) -> None:
    late = [event(0, ON, 40, 90), event(100, ON, 40, 80), event(0, OFF, 40, 0), event(300, OFF, 40, 0)]
    assert notes(read_score(made(tmp_path / "l.mid", *late))) == [(0, 100, 40), (100, 400, 40)]


def test_notes_of_no_length_and_without_an_end_are_mended(tmp_path: Path) -> None:
    odd = [
        event(0, OFF, 40, 0),
        event(0, ON, 40, 90),
        event(0, OFF, 40, 0),
        event(10, ON, 45, 90),
        event(9000, 0xC0, 1),
    ]
    score = read_score(made(tmp_path / "z.mid", *odd))
    assert notes(score) == [(0, 1, 40), (10, 10 + 4 * QUARTER, 45)]
    assert dict(score.mended) == {"notes of no length": 1, "notes that never ended": 1}


def test_without_a_tempo_it_is_120(tmp_path: Path) -> None:
    score = read_score(made(tmp_path / "t.mid", event(0, ON, 40, 90), event(9, OFF, 40, 0)))
    assert (score.tempi, score.tempo_bpm) == ((), 120.0)


def test_a_thousand_tempo_changes_are_all_kept(tmp_path: Path) -> None:
    changes = [event(48, 0xFF, 0x51, 3) + (400_000 + i).to_bytes(3, "big") for i in range(1000)]
    score = read_score(made(tmp_path / "t.mid", event(0, ON, 40, 90), *changes, event(9, OFF, 40, 0)))
    assert score.tempi == tuple((48 * (i + 1), 400_000 + i) for i in range(1000))


def test_impossible_tempi_and_meters_are_left_out(tmp_path: Path) -> None:
    bad = [event(0, 0xFF, 0x51, 3, 0, 0, 0), event(0, 0xFF, 0x58, 4, 0, 2, 24, 8)]
    score = read_score(made(tmp_path / "t.mid", *bad, event(0, ON, 40, 90), event(9, OFF, 40, 0)))
    assert (score.tempi, score.meters) == ((), ())
    assert dict(score.mended) == {"impossible set_tempo": 1, "impossible time_signature": 1}


def test_a_key_that_is_none_does_not_cost_the_song(tmp_path: Path) -> None:
    bad = event(0, 0xFF, 0x59, 2, 0xFF, 0xFF)
    score = read_score(made(tmp_path / "k.mid", bad, event(0, ON, 40, 90), event(9, OFF, 40, 0)))
    assert (notes(score), score.keys) == ([(0, 9, 40)], ())
    assert dict(score.mended) == {"impossible key_signature": 1}


def test_formats_0_and_1_give_the_same_song(tmp_path: Path) -> None:
    one = mido.MidiFile(song(tmp_path / "one.mid"))
    zero = mido.MidiFile(type=0, ticks_per_beat=QUARTER, tracks=[one.merged_track])
    zero.save(tmp_path / "zero.mid")
    a, b = tick_grid.read(tmp_path / "one.mid"), tick_grid.read(tmp_path / "zero.mid")
    assert all(np.array_equal(getattr(a.events, k), getattr(b.events, k)) for k in ("bass", "drums", "chord", "line"))


def test_a_riff_around_it_is_looked_through(tmp_path: Path) -> None:
    plain = song(tmp_path / "a.mid").read_bytes()
    (tmp_path / "b.rmi").write_bytes(b"RIFF" + struct.pack("<I", len(plain) + 12) + b"RMIDdata\0\0\0\0" + plain)
    assert read_score(tmp_path / "b.rmi") == read_score(tmp_path / "a.mid")


def test_of_a_file_that_is_cut_what_comes_before_is_read(tmp_path: Path) -> None:
    whole, path = song(tmp_path / "a.mid", bars=8).read_bytes(), tmp_path / "cut.mid"
    all_notes = {t.name: t.notes for t in read_score(tmp_path / "a.mid").tracks}
    counts = []
    for length in range(0, len(whole) - 1, 97):
        path.write_bytes(whole[:length])
        try:
            score = read_score(path)
        except Unusable as reason:
            assert "cut.mid: not readable as MIDI" in str(reason)  # noqa: PT017
            counts.append(0)
            continue
        assert dict(score.mended)["damaged places"] == 1
        for track in score.tracks:
            assert set(track.notes[:-1]) <= set(all_notes[track.name])
        counts.append(sum(len(track.notes) for track in score.tracks))
    assert counts == sorted(counts)
    assert counts[-1] >= sum(map(len, all_notes.values())) - 15


def test_garbage_never_gets_further_than_one_line(tmp_path: Path) -> None:
    """90 files with bytes changed at random, and 30 of noise behind a good header."""
    rng, whole, path = random.Random(0), song(tmp_path / "a.mid", bars=8).read_bytes(), tmp_path / "g.mid"
    outcomes = []
    for trial in range(120):
        data = bytearray(whole if trial % 4 else whole[:22] + rng.randbytes(300))
        for _ in range(rng.randint(1, 12)):
            data[rng.randrange(len(data))] = rng.randrange(256)
        path.write_bytes(data)
        try:
            outcomes.append("read" if len(tick_grid.read(path, guess=True).ticks) else "nothing")
        except Unusable as reason:
            outcomes.append("one line" if len(str(reason).splitlines()) == 1 else str(reason))
    assert set(outcomes) == {"read", "one line"}


def test_ten_hours_are_read_in_seconds(tmp_path: Path) -> None:
    bars = 18_000  # 10 hours at 120 bpm in 4/4; a bass note every fourth bar
    bass = [(16.0 * b, 15.9, 36 + b % 5) for b in range(bars // 4)]
    path = write(tmp_path / "long.mid", [(BASS, bass), (DRUMS, [(4.0 * bars - 4, 4.0, 36)])])
    started = time.monotonic()
    piece = tick_grid.read(path)
    assert len(piece.ticks) == 16 * bars
    assert (piece.events.bass[:, 0] >= 0).sum() == bars // 4
    assert time.monotonic() - started < 30


def test_what_lies_years_away_is_left_out(tmp_path: Path) -> None:
    bar = [event(0, ON, 40, 90), event(9, OFF, 40, 0)]
    path = made(tmp_path / "y.mid", *bar, event(0x0FFFFFFF, ON, 41, 90), event(9, OFF, 41, 0))
    score = read_score(path, near=True)
    assert notes(score) == [(0, 9, 40)]
    assert dict(score.mended) == {"far-away notes": 1}
    path = made(tmp_path / "l.mid", event(0, ON, 40, 90), event(0x0FFFFFFF, OFF, 40, 0), division=1)
    assert notes(read_score(path)) == [(0, 256, 40)]
    path = made(tmp_path / "f.mid", event(0x0FFFFFFF, ON, 40, 90), event(9, OFF, 40, 0), division=1)
    assert "first note comes after 268,435,455 quarter notes" in refusal(path)


def test_names_are_utf_8_and_unknown_chunks_are_skipped(tmp_path: Path) -> None:
    name = "Бас-гитара".encode()
    named = event(0, 0xFF, 0x03, len(name)) + name
    one = chunk(named + event(0, ON, 40, 90) + event(9, OFF, 40, 0) + END)
    (tmp_path / "n.mid").write_bytes(header(1, 1, QUARTER) + b"XFIH\0\0\0\x03abc" + one)
    assert read_score(tmp_path / "n.mid").tracks[0].name == "Бас-гитара"


def test_terminal_escapes_in_names_are_not_kept(tmp_path: Path) -> None:
    named = event(0, 0xFF, 0x03, 8) + b"\x1b]0;bass"
    score = read_score(made(tmp_path / "n.mid", named, event(0, ON, 40, 90), event(9, OFF, 40, 0), kind=1))
    assert score.tracks[0].name == "]0;bass"


def test_a_signature_in_the_middle_of_a_bar_cuts_it_short() -> None:
    ticks, bars, meters = tick_grid.positions([(0, Meter(4, 4)), (24, Meter(7, 8)), (300, Meter(3, 4))], 60)
    assert ticks.tolist() == [*range(16), *range(8), *range(14), *range(14), *range(14)]
    assert bars.tolist() == [0] * 16 + [1] * 8 + [2] * 14 + [3] * 14 + [4] * 14
    assert [str(m) for m in meters[22:26]] == ["4/4", "4/4", "7/8", "7/8"]


def test_ticks_go_to_midi_and_back(tmp_path: Path) -> None:
    for swung in (False, True):
        grid = tick_grid.TickGrid(QUARTER, swung)
        assert [grid.tick(grid.at(t)) for t in range(64)] == list(range(64))


@pytest.mark.parametrize(
    ("track", "found"),
    [((0, 33, "x"), "program"), ((0, 0, "Bass gtr"), "name"), ((0, 0, "left hand"), "range")],
)
def test_the_bass_is_found_by_program_name_or_range(tmp_path: Path, track: tuple[int, int, str], found: str) -> None:
    low = [(float(b), 0.9, 36 + b % 4) for b in range(40)]
    high = [(float(b), 0.9, p) for b in range(40) for p in (60, 64, 67)]
    score = read_score(write(tmp_path / "b.mid", [((1, 0, "piano"), high), (track, low)]))
    assert part_roles.bass(score.tracks, "b", guess=found == "range").notes[0].pitch == 36


def test_a_bass_drum_is_no_bass(tmp_path: Path) -> None:
    kick = [(float(b), 0.1, 36) for b in range(40)]
    score = read_score(write(tmp_path / "b.mid", [((2, 0, "Bass Drum"), kick)]))
    with pytest.raises(Unusable, match="no bass"):
        part_roles.bass(score.tracks, "b.mid", guess=True)
    assert len(part_roles.drums(score.tracks, guess=True)) == 1
