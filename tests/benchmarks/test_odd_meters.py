"""Re-barring a made song in 4/4, and the arithmetic of what is worse than in 4/4."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks import odd_meters as bench
from benchmarks.common import band_score
from tests.benchmarks.made_songs import write_song

needs_scripts = pytest.mark.skipif(not band_score.is_there(), reason="../shared/band_score is absent")


def test_a_cut_keeps_whole_beats_of_whole_turns() -> None:
    kept = bench.kept_of(bench.CUTS["5/4"], 5)
    assert kept.spans == ((0, 3), (4, 6), (8, 11), (12, 14))
    assert [kept.at(quarter) for quarter in (0, 2.5, 3.5, 4, 5.5, 7, 8)] == [0, 2.5, 3, 3, 4.5, 5, 5]
    assert kept.has(2.9) and not kept.has(3.0) and not kept.has(16)


@needs_scripts
@pytest.mark.parametrize("row", list(bench.CUTS))
def test_a_re_barred_song_is_in_its_meter_and_begins_each_bar_as_the_original(tmp_path: Path, row: str) -> None:
    song = write_song(tmp_path / "song", bars=24)
    assert bench.in_four(song) and not bench.is_odd(song)
    folder = bench.made(song, tmp_path / "made")[row]
    assert bench.meters_of(folder) == set(bench.CUTS[row].bars)
    assert bench.is_odd(folder) == (row != "3/4")
    bars, read = band_score.playing(folder), band_score.read(folder, "truth")
    chords = {start for start, *_ in read.parts["chords"]}
    assert {bar.start for bar in bars} <= chords
    assert set(read.parts) == {"bass", "drums", "chords", "line"}
    starts = [sum(4 * beats for beats in (bench.CUTS[row].kept * 24)[:n]) for n in range(24)]
    whole = 24 // len(bench.CUTS[row].kept) * len(bench.CUTS[row].kept)
    assert sorted(chords) == starts[:whole]


def test_worse_is_less_where_much_is_wanted_and_more_where_little_is() -> None:
    least, most = {"min": 0.8, "max": 0.9}, {"max": 0.25}
    assert not bench.is_worse(least, 0.82, 1.0)  # what is wanted of all songs is met
    assert bench.is_worse(least, 0.7, 0.9)
    assert not bench.is_worse(least, 0.7, 0.75)
    assert bench.is_worse(most, 0.4, 0.3)
    assert not bench.is_worse(most, 0.2, 0.1)
    assert bench.ratio(least, 0.45, 0.9) == pytest.approx(0.5)
    assert bench.ratio(most, 0.4, 0.2) == pytest.approx(0.5)


def test_a_row_is_compared_with_the_same_songs_in_four() -> None:
    rows = {
        "4/4": {"a": {"reply": {"x": 1.0}}, "b": {"reply": {"x": 3.0}}},
        "3/4": {"a": {"reply": {"x": 0.5}}},
    }
    assert bench.pairs(rows, "3/4", "reply", "x") == (0.5, 1.0, 1)
    assert bench.pairs(rows, "3/4", "truth", "x")[2] == 0
    rows[bench.beside("3/4")] = {"a": {"reply": {"x": 0.8}}}
    assert bench.pairs(rows, "3/4", "reply", "x") == (0.5, 0.8, 1)
    assert bench.pairs(rows, "3/4", "reply", "x", whole=True) == (0.5, 1.0, 1)


@needs_scripts
@pytest.mark.parametrize("row", list(bench.CUTS))
def test_the_original_beside_a_row_is_as_long_as_its_version(tmp_path: Path, row: str) -> None:
    song = write_song(tmp_path / "song", bars=24)
    for name in ("rule.mid", "reply.mid"):
        (song / name).write_bytes((song / "truth.mid").read_bytes())
    version, four = bench.made(song, tmp_path / "made")[row], bench.as_long(song, row, tmp_path / "long")
    lengths = [sum(bar.ticks for bar in band_score.playing(folder)) for folder in (version, four)]
    assert abs(lengths[0] - lengths[1]) <= 8 and bench.meters_of(four) == {(4, 4)}
