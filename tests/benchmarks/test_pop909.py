"""POP909 on the grid: a song made here comes back as it was made; the real archive where it is."""

import io
from pathlib import Path

import mido
import numpy as np
import pytest

from benchmarks.baselines import pop909
from benchmarks.baselines.pop909 import NO_CHORD, QUALITIES, REST, chord_id, chord_tones, song_of, splits, transposed

BEAT_S = 0.5  # at the 120 bpm of the file


def track(name: str, notes: list[tuple[int, int, int]]) -> mido.MidiTrack:
    """notes: (first tick, last, pitch) in 480 per beat, one after the other."""
    made, now = mido.MidiTrack([mido.MetaMessage("track_name", name=name)]), 0
    for start, end, pitch in notes:
        made.append(mido.Message("note_on", note=pitch, velocity=80, time=start - now))
        made.append(mido.Message("note_off", note=pitch, time=end - start))
        now = end
    return made


def files() -> dict[str, bytes]:
    tempo = mido.MidiTrack([mido.MetaMessage("set_tempo", tempo=500_000)])
    melody = track("MELODY", [(0, 480, 60), (490, 720, 64), (1910, 2400, 67)])
    piano = track("PIANO", [(0, 960, 24), (960, 1920, 64)])
    saved = io.BytesIO()
    mido.MidiFile(tracks=[tempo, melody, piano], ticks_per_beat=480).save(file=saved)
    beats = "".join(f"{k * BEAT_S} 0.0 {float(k % 4 == 1)}\n" for k in range(16))
    chords = "0.0 1.0 N\n1.0 3.0 C#:min7/b7\n3.0 9.0 Bb:maj\n"
    return {
        "7.mid": saved.getvalue(),
        "beat_midi.txt": beats.encode(),
        "chord_midi.txt": chords.encode(),
        "key_audio.txt": b"0.0 9.0 Eb:min\n",
    }


def test_a_song_made_here_comes_back_on_the_grid() -> None:
    song = song_of("7", files())
    assert song.melody[:8].tolist() == [60] * 4 + [64, 64, REST, REST]
    assert np.flatnonzero(song.melody_on).tolist() == [0, 4, 16]  # 10 ticks late or early is on the 16th
    assert song.bass[[0, 7, 8, 15, 16]].tolist() == [36, 36, 52, 52, REST]  # folded into E1 to E3
    assert song.chord[[7, 8, 23, 24, 63]].tolist() == [NO_CHORD, *[chord_id("C#:min7")] * 2, *[chord_id("A#")] * 2]
    assert song.bar[[0, 3, 4, 19, 20]].tolist() == [12, 15, 0, 15, 0] and song.bar_ticks == 16
    assert song.key == (3, True)


def test_songs_survive_the_cache(tmp_path: Path) -> None:
    song = song_of("7", files())
    pop909._write([song, song], tmp_path / "c.npz")
    for back in pop909._read(tmp_path / "c.npz"):
        assert all(np.array_equal(getattr(back, name), getattr(song, name)) for name in pop909.ARRAYS)
        assert (back.name, back.bar_ticks, back.key) == ("7", 16, (3, True))


def test_a_cache_of_garbage_is_told_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "c.npz").write_bytes(b"garbage")
    with pytest.raises(ValueError, match=r"c\.npz: not a cache of POP909"):
        pop909.load(tmp_path / "none", tmp_path / "c.npz")


def test_chords_have_their_tones_in_every_key() -> None:
    tones = chord_tones()
    assert np.flatnonzero(tones[chord_id("G:7/b7")]).tolist() == [2, 5, 7, 11]
    assert not tones[NO_CHORD].any()
    every = np.arange(12 * len(QUALITIES))
    assert np.array_equal(tones[transposed(every, 5)], np.roll(tones[every], 5, axis=1))
    assert transposed(np.array([NO_CHORD]), 3)[0] == NO_CHORD
    with pytest.raises(ValueError, match="C:power"):
        chord_id("C:power")


def test_the_split_is_by_song_and_does_not_depend_on_the_order() -> None:
    names = [f"{k:03}" for k in range(1, 910)]
    parts = splits(names)
    assert [len(parts[s]) for s in ("train", "val", "test")] == [727, 91, 91]
    assert sorted(name for part in parts.values() for name in part) == names
    assert splits(names[::-1]) == parts


@pytest.mark.slow
@pytest.mark.skipif(not pop909.ARCHIVE.exists(), reason="../shared is absent, and POP909 with it")
def test_the_annotated_chords_hold_the_notes() -> None:
    songs = pop909.load()["val"]
    tones = chord_tones()
    inside = [tones[s.chord[s.melody >= 0], s.melody[s.melody >= 0] % 12].mean() for s in songs]
    assert 0.70 < np.mean(inside) < 0.74  # 0.725 by the issue
