"""Contact sheets of a made song: a picture a song, and one page of all."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from benchmarks import renders
from benchmarks.common import band_score
from tests.benchmarks.made_songs import write_song


@dataclass(frozen=True)
class Bar:
    start: int
    ticks: int = 16


BARS = [Bar(16 * number) for number in range(32)]


def test_the_phrase_end_lies_across_a_line_of_eight_bars_where_the_bass_plays() -> None:
    bass = [(bar.start, bar.start + 4, 40, 90) for bar in BARS]
    found = renders.excerpts(BARS, bass, 4)
    assert [found[name][0].start // 16 for name in found] == [0, 16, 22]
    rests = [note for note in bass if not 20 <= note[0] // 16 < 26]
    assert renders.excerpts(BARS, rests, 4)["phrase end"][0].start // 16 == 14


def test_a_short_song_has_what_bars_there_are() -> None:
    assert [len(some) for some in renders.excerpts(BARS[:3], [], 4).values()] == [3, 3, 3]


@pytest.mark.skipif(not band_score.is_there(), reason="../shared/band_score is absent")
def test_every_song_has_a_sheet_and_all_stand_on_one_page(tmp_path: Path) -> None:
    for name in ("one", "two"):
        write_song(tmp_path / "replies" / name, ("reply", "rule", "truth"))
    assert renders.main(["-o", str(tmp_path / "out"), "--replies", str(tmp_path / "replies"), "--bars", "2"]) == 0
    assert {path.name for path in (tmp_path / "out").iterdir()} == {
        "one.png", "two.png", "contact_sheet.png", "index.html"
    }  # fmt: skip
    assert renders.main(["-o", str(tmp_path / "out"), "--replies", str(tmp_path / "replies"), "--only", "three"]) == 2
