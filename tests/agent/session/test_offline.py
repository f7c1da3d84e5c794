"""A file as fast as it goes: what real time would play is in the recording, the loop too."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
import soundfile

from agent.__main__ import main
from agent.core.paths import shipped

RIFF_S, LENGTH_S = 10.2, 24.0  # the player stops once the loop's two bars were recorded
LOOP = ("band.mode=loop", "band.loop_bars=2", "band.commit_ms=300")
SEAM_S = 0.030


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("loop")
    sound, rate = soundfile.read(shipped("take.flac"), dtype="float32")
    silence = np.zeros(round((LENGTH_S - RIFF_S) * rate), np.float32)
    soundfile.write(folder / "riff.wav", np.concatenate([sound[: round(RIFF_S * rate)], silence]), rate, "PCM_24")
    flags = [word for flag in LOOP for word in ("--set", flag)]
    given = ["--input", str(folder / "riff.wav"), "--fast", "--quiet", "--seed", "5", "--out", str(folder / "s")]
    before = os.umask(0)  # as careless as can be
    try:
        assert main(["jam", *given, *flags]) == 0
    finally:
        os.umask(before)
    return folder / "s"


def read(session: Path, name: str) -> np.ndarray:
    return soundfile.read(session / f"{name}.wav", dtype="float32", always_2d=True)[0]


def test_the_loop_repeats_the_riff_sample_by_sample(session: Path) -> None:
    bass, loop = read(session, "bass")[:, 0], read(session, "loop")
    rate = soundfile.info(session / "bass.wav").samplerate
    assert (loop[:, 0] == loop[:, 1]).all()
    begins = int(np.argmax(loop[:, 0] != 0))
    at, second = begins + rate, rate
    period = at - int(np.argmax(np.correlate(bass[: begins + second], loop[at : at + second, 0], "valid")))
    seam, start = round(SEAM_S * rate), begins - period
    riff = bass[start + seam : start + period]
    turns = (int(LENGTH_S * rate) - begins) // period
    assert turns >= 2
    for turn in range(turns):
        first = begins + turn * period
        np.testing.assert_array_equal(loop[first + seam : first + period, 0], riff)
    quiet = loop[int(RIFF_S * rate) + 1 : int(LENGTH_S * rate)]
    assert np.abs(quiet).max() > 0.1, "it sounds while the player does not"


def test_nobody_but_the_user_can_read_a_session(session: Path) -> None:
    files = [session, *session.iterdir()]
    assert [path.name for path in files if path.stat().st_mode & 0o077] == []


def test_the_mix_holds_the_loop(session: Path) -> None:
    """The stems sum to the mix, but for the limiter; the loop is in bass_mix, as it goes through the bass's strip."""
    plain = np.sum([read(session, part) for part in ("drums", "chords", "line", "bass_mix")], axis=0)
    mix = read(session, "mix")
    untouched = np.abs(mix - plain).max(axis=1) <= 8 * 2**-23
    assert untouched.mean() > 0.5
    assert 20 * np.log10((mix - plain).std() / mix.std()) < -20
    rest = slice(int((RIFF_S + 4) * 48_000), int((RIFF_S + 10) * 48_000))  # the player is silent
    assert np.abs(read(session, "bass_mix")[rest]).max() > 0.1
