"""The held-out takes repeat, hold sound, and come from songs that no trainer renders."""

from pathlib import Path

import numpy as np
import pytest

from models.sounds.bass_tones import FONTS, recorded_tones
from models.sounds.codec_sounds import HELD_OUT_EVERY
from models.sounds.heldout_sounds import KINDS, SONG_FONTS, held_out, held_out_songs, line


@pytest.fixture(scope="module")
def takes(shared: Path):
    missing = [FONTS[name] for name in SONG_FONTS if not Path(FONTS[name]).exists()]
    if missing:
        pytest.skip(f"needs {', '.join(missing)} beside ../shared")
    return held_out(shared, seed=5, seconds=20)


@pytest.mark.slow
def test_the_same_seed_gives_the_same_takes_and_another_seed_others(takes, shared: Path) -> None:
    again = held_out(shared, seed=5, seconds=20)
    assert all(np.array_equal(takes[kind][0], again[kind][0]) for kind in KINDS)
    bass = recorded_tones(shared / "data" / "bass")["linguine"]
    assert not np.array_equal(line(bass, np.random.default_rng(5)), line(bass, np.random.default_rng(6)))


def test_every_take_is_sound_of_a_recordings_level(takes) -> None:
    assert set(takes) == set(KINDS)
    for kind in KINDS:
        for take in takes[kind]:
            seconds = np.sqrt((take.reshape(-1, 24_000) ** 2).mean(1))
            assert (take.dtype, len(take)) == (np.float32, 480_000)
            assert 0.29 < np.abs(take).max() < 0.81
            assert (seconds > 1e-3).mean() >= 0.8


def test_the_songs_are_those_training_leaves_out_and_choosing_and_reporting_use_others(shared: Path) -> None:
    songs = sorted((shared / "data" / "band" / "freedoom").glob("*.mid"))
    reported, chosen = held_out_songs(shared, 0), held_out_songs(shared, 1)
    assert {songs.index(path) % HELD_OUT_EVERY for path in reported + chosen} == {0}
    assert not set(reported) & set(chosen)


def test_missing_data_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"index\.json: needed"):
        held_out(tmp_path)
