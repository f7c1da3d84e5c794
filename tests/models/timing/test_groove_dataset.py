"""Groove MIDI Dataset -> takes on the 16th grid -> drum-only songs."""

import io
import tarfile
from pathlib import Path

import mido
import numpy as np
import pytest

from listener.types import Meter
from models.music.features import song_rows
from models.music.tokens import PIECES
from models.timing import groove_dataset

QUARTER = 480
HEADER = "drummer,session,id,style,bpm,beat_type,time_signature,midi_filename,audio_filename,duration,split\n"
KICK, SNARE, HAT = (PIECES.index(piece) for piece in ("kick", "snare", "closed_hat"))


def midi(hits: list[tuple[float, int, int]]) -> bytes:
    """hits: (quarter, key, velocity)"""
    file, track, now = mido.MidiFile(type=0, ticks_per_beat=QUARTER), mido.MidiTrack(), 0
    for quarter, key, velocity in sorted(hits):
        at = round(quarter * QUARTER)
        track.append(mido.Message("note_on", channel=9, note=key, velocity=velocity, time=at - now))
        now = at
    file.tracks.append(track)
    out = io.BytesIO()
    file.save(file=out)
    return out.getvalue()


def row(**changes: str) -> dict[str, str]:
    base = {"style": "funk/groove1", "bpm": "120", "beat_type": "beat", "time_signature": "4-4"}
    return base | {"midi_filename": "drummer1/session1/1.mid", "split": "validation"} | changes


def take(hits: list[tuple[float, int, int]], straighten: bool = True, **changes: str) -> groove_dataset.Take:
    made = groove_dataset.take_of(groove_dataset.read(midi(hits)), row(**changes), straighten)
    assert made is not None
    return made


def archive(path: Path, files: dict[str, bytes], listed: str) -> Path:
    with tarfile.open(path, "w:xz") as tar:
        for name, data in {**files, "info.csv": listed.encode()}.items():
            info = tarfile.TarInfo(f"groove/{name}")
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return path


def test_a_hit_keeps_its_velocity_and_its_offset_from_the_nearest_tick() -> None:
    made = take([(0.0, 36, 101), (0.27, 38, 55), (0.98, 42, 33)])  # a 16th is 0.25 quarters: 125 ms
    assert made.tick.tolist() == [0, 1, 4]
    assert made.piece.tolist() == [KICK, SNARE, HAT]
    assert made.velocity.tolist() == [101, 55, 33]
    assert made.offset == pytest.approx([0.0, 0.08, -0.08], abs=0.01)
    assert made.offset_ms == pytest.approx([0.0, 10.0, -10.0], abs=1.1)
    assert (made.style, made.split, made.meter, made.tempo_bpm) == ("funk", "valid", Meter(4, 4), 120.0)


def test_the_pads_of_the_recorded_kit_are_pieces() -> None:
    made = take([(0.0, 22, 50), (1.0, 26, 50), (2.0, 58, 50), (3.0, 47, 50), (4.0, 3, 50)])
    assert [PIECES[p] for p in made.piece] == ["closed_hat", "open_hat", "low_tom", "low_tom"]


def test_a_flam_is_one_hit_the_loudest() -> None:
    made = take([(0.97, 38, 30), (1.0, 38, 90), (1.02, 38, 20)])
    assert made.tick.tolist() == [4]
    assert made.velocity.tolist() == [90]


def test_a_shuffles_off_beat_is_the_straight_ones_tick_and_its_swing_is_measured() -> None:
    hits = [(beat + place, 42, 80) for beat in range(8) for place in (0.0, 2 / 3)]
    made = take(hits)
    assert made.swung
    assert set(made.tick % 4) == {0, 2}
    assert made.swing == pytest.approx(2 / 3, abs=0.01)
    assert made.offset[1] == pytest.approx(groove_dataset.swing_shift(2, 2 / 3), abs=0.01)
    nearest = take(hits, straighten=False)
    assert set(nearest.tick % 4) == {0, 3}
    assert np.abs(nearest.offset).max() <= 0.5


def test_swing_moves_the_offbeat_and_what_lies_around_it_never_the_beat() -> None:
    assert groove_dataset.swing_shift(np.arange(4), 0.5) == pytest.approx([0, 0, 0, 0])
    assert groove_dataset.swing_shift(np.arange(4), 2 / 3) == pytest.approx([0, 1 / 3, 2 / 3, 1 / 3])


def test_straight_16ths_are_not_taken_for_a_shuffle() -> None:
    assert not take([(k / 4 + 0.01 * (k % 3), 42, 80) for k in range(32)]).swung


def test_the_archive_becomes_drum_only_songs_with_the_official_split(tmp_path: Path) -> None:
    hats = [(k / 2, 42, 80) for k in range(12)]
    files = {"d/1_a.mid": midi(hats), "d/2_b.mid": midi(hats), "d/3_c.mid": midi([(0.0, 38, 9)])}
    lines = [
        "d,d,1,jazz/swing,100,beat,3-4,d/1_a.mid,,1,train",
        "d,d,2,rock,90,beat,4-4,d/2_b.mid,,1,test",
        "d,d,3,rock,90,fill,4-4,d/3_c.mid,,1,test",
    ]
    where = archive(tmp_path / "g.tar.xz", files, HEADER + "\n".join(lines) + "\n")
    songs = groove_dataset.groove_songs(archive=where, cache=tmp_path / "g.npz")
    assert [(s.name, s.split, str(s.meter), len(s)) for s in songs] == [
        ("jazz:d/1_a", "train", "3/4", 24),
        ("rock:d/2_b", "test", "4/4", 32),
    ]
    assert all(s.source == "groove" and s.has == (True, False, False) for s in songs)
    assert not songs[0].events.known.any()
    assert songs[0].ticks.tolist() == list(range(12)) * 2
    assert songs[0].events.drums[:, HAT].tolist() == [3, 0] * 12
    assert song_rows(songs[0].events).shape == (24, 25)
    where.unlink()  # the cache is enough from now on
    assert len(groove_dataset.takes(archive=where, cache=tmp_path / "g.npz")) == 3


def test_without_archive_and_cache_one_line_says_so(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="Groove MIDI Dataset"):
        groove_dataset.takes(archive=tmp_path / "none.tar.xz", cache=tmp_path / "none.npz")


@pytest.mark.slow
@pytest.mark.skipif(not groove_dataset.ARCHIVE.exists(), reason="../shared is absent, and Groove with it")
def test_the_dataset_is_read_whole() -> None:
    found = groove_dataset.takes()
    splits = [t.split for t in found]
    assert [splits.count(s) for s in ("train", "valid", "test")] == [897, 124, 129]  # info.csv's own counts
    straight = np.concatenate([t.offset for t in found if not t.swung])
    assert np.abs(straight).max() <= 0.5
    assert all(t.velocity.min() >= 1 and t.velocity.max() <= 127 for t in found)
