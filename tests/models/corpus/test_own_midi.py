"""`python -m models.data --midi FOLDER`: a folder of one's own MIDI becomes token files, split by song."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from models.corpus import build_corpus, own_midi
from models.corpus.song import load_songs
from tests.models.music.midi_cases import BASS, DRUMS, PIANO, song, write


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ten songs, two of them twice (one in another key), one without a bass, one too short, one that is no MIDI."""
    top = tmp_path_factory.mktemp("mine")
    (top / "deep").mkdir()
    for number in range(8):
        song(top / f"song{number}.mid", roots=(0, number + 1, 7, number % 3), meter=((4, 4), (7, 8))[number % 2])
    song(top / "deep" / "again.MID", roots=(0, 4, 7, 0), meter=(7, 8))  # song3
    song(top / "deep" / "higher.midi", roots=(0, 5, 7, 1), up=3)  # song4
    write(top / "piano.mid", [(PIANO, [(b / 2, 0.5, p) for b in range(80) for p in (60, 64)])])
    song(top / "short.mid", bars=3)
    (top / "letter.mid").write_text("Dear bassist,")
    (top / "notes.txt").write_text("not asked for")
    return top


@pytest.fixture(scope="module")
def cache(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("cache") / "mine.npz"
    assert build_corpus.main(["--midi", str(folder), "--cache", str(path)]) == 0
    return path


def test_what_can_be_used_is_used_and_comes_back(cache: Path) -> None:
    songs = {s.name: s for s in load_songs(cache)}
    assert set(songs) == {*(f"song{n}.mid" for n in range(8)), "deep/again.MID", "deep/higher.midi"}
    assert all(s.has[:2] == (True, True) for s in songs.values())
    assert str(songs["song1.mid"].meter) == "7/8"
    assert {s.source for s in songs.values()} == {"own"}


def test_the_report_says_why_the_rest_was_skipped(cache: Path) -> None:
    report = own_midi.beside(cache, "report.txt").read_text()
    assert "13 MIDI files, 10 used, 3 skipped" in report
    lines = {line.split()[0]: line for line in report.split("\n\n")[2].splitlines()}
    assert "no bass" in lines["piano.mid"]
    assert "3 bars, 8 are needed" in lines["short.mid"]
    assert "no MThd header" in lines["letter.mid"]
    assert "Bass (channel 1 program 34)" in lines["song0.mid"]
    assert "same song as" in lines["song3.mid"]


def test_the_same_notes_stay_on_one_side_in_any_key(folder: Path, cache: Path) -> None:
    found = own_midi.read(folder)
    assert found.song["song3.mid"] == found.song["deep/again.MID"] != found.song["song4.mid"]
    assert found.song["song4.mid"] == found.song["deep/higher.midi"]
    split = json.loads(own_midi.beside(cache, "split.json").read_text())
    side = {name: s for s, names in split.items() for name in names}
    assert side["song3.mid"] == side["deep/again.MID"]
    assert side["song4.mid"] == side["deep/higher.midi"]
    assert {s.name: s.split for s in load_songs(cache)} == side


def test_a_song_keeps_its_side_when_others_come() -> None:
    keys = {str(n): f"{n * 7919:064x}" for n in range(200)}
    all_, few = (own_midi.sides(k, {n: n for n in k}) for k in (keys, dict(list(keys.items())[:100])))
    assert few.items() <= all_.items()
    assert [sum(s == side for s in all_.values()) for side in ("test", "valid")] == pytest.approx([20, 20], abs=8)


@pytest.mark.parametrize("count", [3, 4, 7])
def test_few_songs_still_give_every_side_one(count: int) -> None:
    keys = {str(n): f"{n + 50:064x}" for n in range(count)}
    assert set(own_midi.sides(keys, {n: n for n in keys}).values()) == {"train", "valid", "test"}


def test_a_folder_with_nothing_to_skip_is_reported_too(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    song(tmp_path / "one.mid")
    assert build_corpus.main(["--midi", str(tmp_path), "--cache", str(tmp_path / "c.npz")]) == 0
    said = capsys.readouterr().out
    assert "1 MIDI files, 1 used, 0 skipped" in said
    assert "fewer than 3 different songs" in said


def test_what_was_skipped_is_printed_with_its_reason(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert build_corpus.main(["--midi", str(folder), "--cache", str(tmp_path / "c.npz")]) == 0
    assert "  letter.mid: not readable as MIDI (no MThd header)" in capsys.readouterr().out.splitlines()


def test_a_song_without_drums_is_of_use(tmp_path: Path) -> None:
    bass = [(float(b), 0.9, 36 + b % 4) for b in range(40)]
    piano = [(2.0 * b, 1.8, p) for b in range(20) for p in (60, 64, 67)]
    write(tmp_path / "duo.mid", [(BASS, bass), (PIANO, piano)])
    (piece,) = own_midi.read(tmp_path).pieces
    assert piece.arrangement.has == (False, True, False)


def test_mistakes_are_one_line_and_code_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    empty, useless = tmp_path / "empty", tmp_path / "useless"
    empty.mkdir(), useless.mkdir()
    write(useless / "drums.mid", [(DRUMS, [(float(b), 0.1, 36) for b in range(40)])])
    said = {
        "none": "no such folder",
        "empty": "no MIDI files",
        "useless": "none of its 1 MIDI files can be used.*no bass",
    }
    for name, reason in said.items():
        assert build_corpus.main(["--midi", str(tmp_path / name), "--cache", str(tmp_path / "c.npz")]) == 2
        (line,) = [x for x in capsys.readouterr().err.splitlines() if x.startswith("models.data")]
        assert re.search(reason, line)


def test_a_damaged_cache_is_refused_in_one_line(tmp_path: Path, cache: Path) -> None:
    for number, data_ in enumerate((b"", b"no archive", cache.read_bytes()[:2000])):
        path = tmp_path / f"{number}.npz"
        path.write_bytes(data_)
        with pytest.raises(ValueError, match="not token files") as caught:
            load_songs(path)
        assert len(str(caught.value).splitlines()) == 1
