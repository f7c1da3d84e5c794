"""The blind sheet on made songs: what the rater gets names no system, and the key puts the answers back in order."""

from __future__ import annotations

import json
import threading
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks import blind
from benchmarks.common import band_score, band_sound
from tests.benchmarks.made_songs import write_song

needs_scripts = pytest.mark.skipif(not band_score.is_there(), reason="../shared/band_score is absent")


@dataclass(frozen=True)
class Bar:
    start: int
    ticks: int = 16


BARS = [Bar(16 * number) for number in range(40)]


def test_an_excerpt_is_the_start_and_one_from_the_middle_where_the_bass_plays() -> None:
    bass = [(bar.start, bar.start + 4, 40, 90) for bar in BARS if not 80 <= bar.start < 384]
    start, middle = blind.excerpts(BARS, bass, 0.125, 8)
    assert (start[0].start, len(start)) == (0, 8)
    assert middle[0].start >= 352 and middle[0].start % 64 == 0


def test_an_excerpt_of_a_slow_song_is_shorter() -> None:
    bass = [(bar.start, bar.start + 4, 40, 90) for bar in BARS]
    assert len(blind.excerpts(BARS, bass, 0.25, 8)[0]) == 4


def test_clips_are_matched_in_loudness() -> None:
    tone = np.sin(2 * np.pi * 997 * np.arange(2 * band_sound.RATE) / band_sound.RATE).astype(np.float32)
    mono = np.stack([tone, np.zeros_like(tone)], 1)
    assert band_sound.loudness(mono) == pytest.approx(-3.01, abs=0.05)  # BS.1770: a 0 dBFS 997 Hz sine in one channel
    assert band_sound.loudness(band_sound.matched(0.01 * mono)) == pytest.approx(band_sound.LOUDNESS, abs=0.05)


@needs_scripts
def test_the_sheet_names_no_system_and_the_key_names_all(tmp_path: Path) -> None:
    folder = write_song(tmp_path / "songs" / "made-song", ("reply", "rule", "truth"))
    key = blind.make([folder], tmp_path / "out", seed=3, count=2)
    assert sorted(clip.system for clip in key.values()) == ["band", "rule", "truth"]
    sheet = tmp_path / "out" / "sheet"
    for name in key:
        assert (sheet / "clips" / f"{name}.mp3").stat().st_size > 1000
        assert (sheet / "pictures" / f"{name}.png").stat().st_size > 1000
    page = (sheet / "index.html").read_text()
    assert json.dumps(sorted(key)) in page and "made-song" not in page
    (sheet / "clips" / "001.mp3").write_bytes(b"kept")
    assert blind.make([folder], tmp_path / "out", seed=3, count=2) == key
    assert (sheet / "clips" / "001.mp3").read_bytes() == b"kept"  # of the same notes: not made again


def test_the_table_puts_what_was_not_kept_first() -> None:
    key = {
        f"{n}": {"song": f"song {n}", "system": s, "bars": [[1, 8]]} for n, s in enumerate(["band", "truth", "band"])
    }
    answers = {"0": {"keep": True, "score": 4}, "1": {"keep": True, "score": 5}, "2": {"keep": False, "score": 2}}
    rows = blind.table(key, blind.checked(answers))
    assert [row["song"] for row in rows] == ["song 2", "song 0", "song 1"]
    assert blind.show(rows)["band"] == {"kept": 1, "of": 2, "share": 0.5, "score": 3.0}


@pytest.mark.parametrize("wrong", [[], {"1": {"keep": "yes"}}, {"1": {"keep": True, "score": 7}}])
def test_answers_that_make_no_sense_are_refused(wrong: Any) -> None:
    with pytest.raises(ValueError, match="is wanted"):
        blind.checked(wrong)


def test_the_server_keeps_what_is_posted_and_refuses_nonsense(tmp_path: Path) -> None:
    (tmp_path / "sheet").mkdir()
    (tmp_path / "sheet" / "index.html").write_text("a page")
    with blind.server(tmp_path, 0) as web:
        thread = threading.Thread(target=web.serve_forever)
        thread.start()
        address = f"http://127.0.0.1:{web.server_address[1]}"
        try:
            post = {"001": {"keep": True, "score": 3, "reason": "steady"}}
            urllib.request.urlopen(f"{address}/answers", json.dumps(post).encode()).close()
            with urllib.request.urlopen(f"{address}/answers") as got:
                assert json.load(got) == post
            with pytest.raises(urllib.error.HTTPError) as refused:
                urllib.request.urlopen(f"{address}/answers", b"[]")
            refused.value.close()
        finally:
            web.shutdown()
            thread.join()
    assert json.loads((tmp_path / "answers.json").read_text()) == post
