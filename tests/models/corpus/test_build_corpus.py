"""MIDI -> ticks -> training rows."""

import json
import lzma
from collections.abc import Sequence
from pathlib import Path

import mido
import numpy as np
import pytest

from listener.types import Meter
from models.corpus import build_corpus
from models.corpus.song import Song, load_songs, save_songs
from models.music import features, tick_grid, tokens
from models.training.batches import Sampler, collate, crop_of, transposed

QUARTER = 480


def write(
    path: Path, parts: Sequence[tuple[int, int, Sequence[tuple[float, float, int]]]], signature: tuple[int, int]
) -> Path:
    """parts: (channel, program, [(start, length, pitch)] in quarters)."""
    file = mido.MidiFile(ticks_per_beat=QUARTER)
    for channel, program, notes in parts:
        track = mido.MidiTrack()
        track.append(mido.MetaMessage("time_signature", numerator=signature[0], denominator=signature[1]))
        track.append(mido.Message("program_change", channel=channel, program=program))
        events = [(round(s * QUARTER), 1, p) for s, _, p in notes] + [
            (round((s + d) * QUARTER), 0, p) for s, d, p in notes
        ]
        now = 0
        for at, on, pitch in sorted(events):
            track.append(mido.Message("note_on", channel=channel, note=pitch, velocity=90 * on, time=at - now))
            now = at
        file.tracks.append(track)
    file.save(path)
    return path


def band(path: Path, beats: int, off_beat: float = 0.5, signature: tuple[int, int] = (4, 4)) -> Path:
    """Bass on every quarter (C, then F), hats on and off the beat, a triad on every second quarter."""
    bass = [(float(b), 0.9, 36 if b < beats / 2 else 41) for b in range(beats)]
    hats = [(b + o, 0.1, 42) for b in range(beats) for o in (0.0, off_beat)]
    triads = [(float(b), 0.9, p + (0 if b < beats / 2 else 5)) for b in range(0, beats, 2) for p in (60, 64, 67)]
    return write(path, [(0, 33, bass), (9, 0, hats), (1, 0, triads)], signature)


def song(path: Path, **changes: object) -> Song:
    piece = tick_grid.read(path)
    return Song("x", "freedoom", "train", piece.ticks, piece.bars, piece.meters, piece.events, piece.has)


def test_a_straight_piece_lands_on_its_ticks(tmp_path: Path) -> None:
    piece = tick_grid.read(band(tmp_path / "a.mid", 48))
    hats = piece.events.drums[:, tokens.PIECES.index("closed_hat")]
    assert np.array_equal(np.flatnonzero(hats), np.arange(0, 192, 2)[: len(np.flatnonzero(hats))])
    assert np.array_equal(np.flatnonzero(piece.events.bass[:, 0] >= 0), np.arange(0, 192, 4))
    assert piece.has == (True, True, False)


def test_a_swung_piece_is_put_on_the_straight_grid(tmp_path: Path) -> None:
    swung, straight = band(tmp_path / "s.mid", 48, 2 / 3), band(tmp_path / "a.mid", 48, 0.5)
    assert np.array_equal(tick_grid.read(swung).events.drums, tick_grid.read(straight).events.drums)


def test_chords_are_named_from_their_notes(tmp_path: Path) -> None:
    chord = tick_grid.read(band(tmp_path / "a.mid", 48)).events.chord
    new = chord[chord[:, 0] == tokens.NEW]
    assert [(r, tokens.QUALITY_NAMES[q]) for _, _, r, q in new] == [(0, "maj"), (5, "maj")]
    assert (chord[:, 0] == tokens.OFF).sum() >= 20


@pytest.mark.parametrize("quality", tokens.QUALITIES)
@pytest.mark.parametrize("root", range(12))
def test_every_quality_is_recognised_in_every_key(root: int, quality: str) -> None:
    weights = np.zeros(12)
    weights[[(root + i) % 12 for i in tokens.QUALITIES[quality]]] = 1
    weights[root] += 0.5
    assert tick_grid.name_chord(weights) == (root, tokens.quality_index(quality))


def test_seven_eight_has_fourteen_ticks(tmp_path: Path) -> None:
    piece = tick_grid.read(band(tmp_path / "a.mid", 56, signature=(7, 8)))
    assert piece.ticks.max() == 13
    assert set(piece.meters) == {Meter(7, 8)}


def test_what_cannot_be_used_says_why(tmp_path: Path) -> None:
    (tmp_path / "x.mid").write_bytes(b"garbage")
    with pytest.raises(tick_grid.Unusable, match="not readable as MIDI"):
        tick_grid.read(tmp_path / "x.mid")
    with pytest.raises(tick_grid.Unusable, match="no bass"):
        tick_grid.read(write(tmp_path / "y.mid", [(9, 0, [(0.0, 1.0, 36)])], (4, 4)))


def test_transposing_moves_all_but_the_drums(tmp_path: Path) -> None:
    events = song(band(tmp_path / "a.mid", 48)).events
    moved = transposed(events, 5)
    assert np.array_equal(moved.drums, events.drums)
    assert set(moved.chord[:, 2]) == {5, 10}
    assert np.array_equal(transposed(moved, -5).bass, events.bass)


def test_unknown_bass_is_not_in_the_rows(tmp_path: Path) -> None:
    piece = song(band(tmp_path / "a.mid", 48))
    known = np.ones(len(piece), bool)
    known[40:80] = False
    blind = features.Events(piece.events.bass, known, piece.events.drums, piece.events.chord, piece.events.line)
    rows = features.song_rows(blind)
    assert (rows[41:81, 0] == 2).all()
    assert (rows[41:81, features.COLUMN["bass_sounding"]] == features.NO_PC).all()
    assert (rows[81:, 0] != 2).all()


def test_targets_never_reach_the_rows_of_their_own_tick(tmp_path: Path) -> None:
    """Change tick 100 of the bass and the band: no row up to 100 may differ."""
    piece = song(band(tmp_path / "a.mid", 48))
    before = collate([crop_of(piece, 0, 192, 4)]).rows[0]
    piece.events.drums[100], piece.events.bass[100], piece.events.chord[100, 0] = 4, (50, 127, 50), tokens.OFF
    after = collate([crop_of(piece, 0, 192, 4)]).rows[0]
    assert (before[:101] == after[:101]).all()
    assert (before[101] != after[101]).any()


def test_batches_are_seeded(tmp_path: Path) -> None:
    piece = song(band(tmp_path / "a.mid", 48))
    first, second = (Sampler([piece], 64, 4, seed=1).batch(0, 4) for _ in range(2))
    assert (first.rows == second.rows).all()
    assert first.rows.shape == (4, 64, len(features.COLUMNS))


def test_a_cache_comes_back_as_it_was(tmp_path: Path) -> None:
    piece = song(band(tmp_path / "a.mid", 48))
    save_songs(tmp_path / "c.npz", [piece])
    again = load_songs(tmp_path / "c.npz")[0]
    assert np.array_equal(again.events.chord, piece.events.chord)
    assert (again.meters, again.has, again.split, again.sound) == (piece.meters, piece.has, "train", None)


def test_pieces_over_one_song_stay_on_one_side(shared: Path) -> None:
    """In the split that ships: MMA made several pieces over each song's chords."""
    with lzma.open(shared / "data" / "band" / "mma" / "index.jsonl.xz", "rt") as index:
        song_of = {f"mma/{row['i']:05d}.mid": f"mma song {row['song']}" for row in map(json.loads, index)}
    split = json.loads(Path("models/weights/responder_split.json").read_text())
    songs = {side: {song_of.get(name, name) for name in names} for side, names in split.items()}
    assert len(songs["train"]) > 100
    assert not songs["train"] & songs["test"]
    assert not songs["train"] & songs["valid"]


def test_mma_groups_are_turned_into_beats() -> None:
    assert build_corpus.mma_meter({"ts": "7/8", "groups": [2, 1.5]}) == Meter(7, 8, (2, 2, 3))
    assert build_corpus.mma_meter({"ts": "5/4", "groups": [3, 2]}) == Meter(5, 4, (3, 2))
    assert build_corpus.mma_meter({"ts": "4/4", "groups": None}) == Meter(4, 4)
