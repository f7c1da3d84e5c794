"""The last minute of the bass is held, and a riff is cut out of it with a little around it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from agent.audio.loop_sound import read_sound
from agent.recording.recent_sound import BEFORE_S, RecentSound
from tests.waiting import wait_for

RATE = 8_000


def filled(seconds: float, kept_s: float = 4.0) -> tuple[RecentSound, np.ndarray]:
    sound = (np.arange(round(seconds * RATE)) % 1_000 / 1_000).astype(np.float32)
    recent = RecentSound(RATE, kept_s)
    for at in range(0, len(sound), 333):
        piece = sound[at : at + 333]
        recent.put(piece, at + len(piece))
    return recent, sound


def test_a_riff_is_cut_out_at_its_bar_lines(tmp_path: Path) -> None:
    recent, sound = filled(11.0)
    path = tmp_path / "riff.wav"
    assert recent.cut(8.0, 10.0, path) == BEFORE_S
    wait_for(path.exists, 5, "the riff")
    heard = read_sound(path, RATE)
    np.testing.assert_allclose(heard[: 2 * RATE], sound[round((8.0 - BEFORE_S) * RATE) :][: 2 * RATE], atol=2e-5)
    assert len(read_sound(path, 2 * RATE)) == 2 * len(heard)


@pytest.mark.parametrize("places", [(1.0, 3.0), (30.0, 32.0), (10.0, 9.0)])
def test_what_is_not_held_any_more_is_refused(tmp_path: Path, places: tuple[float, float]) -> None:
    recent, _ = filled(11.0)
    with pytest.raises(ValueError, match="not held"):
        recent.cut(*places, tmp_path / "riff.wav")


@pytest.mark.parametrize("level", [1.0, 1e-4])
def test_soft_sound_is_held_as_well_as_loud_sound(level: float) -> None:
    sound = (level * np.random.default_rng(0).standard_normal(5 * RATE)).astype(np.float32)
    recent = RecentSound(RATE, 4.0)
    for at in range(0, len(sound), 801):
        piece = sound[at : at + 801]
        recent.put(piece, at + len(piece))
    start, end = len(sound) - 3 * RATE, len(sound) - 17
    left_out = recent.last(start, end) - sound[start:end]
    assert 0.0 < np.abs(left_out).max() < 3e-5 * np.abs(sound).max()


def test_what_was_never_heard_is_silence() -> None:
    recent = RecentSound(RATE, 4.0)
    ones = np.ones(RATE, np.float32)
    recent.put(ones, RATE)
    recent.put(ones, 3 * RATE)  # a second was left out
    heard = recent.last(-100, 4 * RATE)
    wanted = np.zeros(4 * RATE + 100, np.float32)
    wanted[100 : RATE + 100] = wanted[2 * RATE + 100 : 3 * RATE + 100] = 1.0
    np.testing.assert_allclose(heard, wanted, atol=1e-4)
    assert recent.end == 3 * RATE
