"""A session's mix as a file to pass on: every format, one loudness, tagged, and one line for what cannot be."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyloudnorm
import pytest
import soundfile
from scipy.signal import butter, lfilter, resample_poly

from agent.__main__ import main
from agent.core.types import PARTS
from agent.recording.file_tags import Tags, tag
from agent.recording.recorder import Recorder

RATE, SECONDS = 48_000, 6
PARTS_MIDI = {"drums": (10, 0), "chords": (2, 0), "line": (3, 11)}


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sessions") / "20260101-120000"
    rec, time_s = Recorder(folder, RATE, PARTS, PARTS_MIDI), np.arange(SECONDS * RATE) / RATE
    bass = 0.3 * np.sin(2 * np.pi * 82 * time_s) * np.exp(-4 * (time_s % 0.5))
    noise = lfilter(*butter(4, 14_000, fs=RATE), np.random.default_rng(0).standard_normal((len(time_s), 2)), axis=0)
    hits = 0.1 * noise * np.exp(-20 * (time_s % 0.25))[:, None]
    stems = np.stack([hits, 0.1 * np.roll(hits, 99, axis=0), np.zeros_like(hits)]).astype(np.float32)
    rec.bass(bass.astype(np.float32))
    rec.stems(stems)
    meter = {"numerator": 4, "denominator": 4, "grouping": []}
    for k in range(8):
        beat = {"time_s": k / 2, "emit_s": k / 2, "position": 1 + k % 4, "tempo_bpm": 120.2, "meter": meter}
        rec.event({"type": "beat", **beat, "confidence": 0.9})
    rec.event({"type": "key", "tonic": 4, "mode": "min", "confidence": 0.9, "time_s": 1.0})
    assert rec.close() == ()
    return folder


@pytest.mark.parametrize("ending", ["wav", "flac", "mp3", "opus"])
def test_the_mix_is_written_at_one_loudness_and_its_length(session: Path, tmp_path: Path, ending: str) -> None:
    out = tmp_path / f"song.{ending}"
    assert main(["sessions", "mix", str(session), "-o", str(out)]) == 0
    sound, rate = soundfile.read(out)
    assert len(sound) / rate == pytest.approx(SECONDS, abs=0.1)
    assert pyloudnorm.Meter(rate).integrated_loudness(sound) == pytest.approx(-16, abs=1)
    assert 20 * np.log10(np.abs(resample_poly(sound, 4, 1, axis=0)).max()) <= -1


def test_stems_sum_to_the_mix(session: Path) -> None:
    sounds = {name: soundfile.read(session / f"{name}.wav")[0] for name in ("mix", "bass_mix", *PARTS)}
    difference = sounds["mix"] - sum(sounds[name] for name in ("bass_mix", *PARTS))
    assert 20 * np.log10(difference.std() / sounds["mix"].std() + 1e-9) < -40


def test_title_tempo_and_key_are_in_the_file(session: Path, tmp_path: Path) -> None:
    for ending in ("mp3", "flac", "wav"):
        assert main(["sessions", "mix", str(session), "-o", str(tmp_path / f"a.{ending}"), "--title", "Größe"]) == 0
    mp3, flac = ((tmp_path / f"a.{ending}").read_bytes() for ending in ("mp3", "flac"))
    assert mp3[:4] == b"ID3\x04"
    assert b"TIT2" in mp3[:200] and "Größe".encode() in mp3[:200]
    assert b"TBPM\0\0\0\x04\0\0\x03120" in mp3[:200]
    assert b"TKEY\0\0\0\x03\0\0\x03Em" in mp3[:200]
    assert b"BPM=120" in flac[:300] and b"INITIALKEY=E minor" in flac[:300]
    with soundfile.SoundFile(tmp_path / "a.wav") as wav:
        assert wav.title == "Größe"


def test_the_tags_of_a_flac_are_read_by_libsndfile(tmp_path: Path) -> None:
    path = tmp_path / "a.flac"
    soundfile.write(path, np.zeros((RATE, 2)), RATE, subtype="PCM_24")
    tag(path, Tags("a title", 98, "C major"))
    with soundfile.SoundFile(path) as file:
        assert (file.title, file.frames) == ("a title", RATE)


@pytest.mark.parametrize(
    ("given", "says"),
    [
        (["song.xyz"], "allowed: .mp3"),
        (["nowhere/song.mp3"], "cannot be written"),
        (["a.mp3", "none"], "not a session"),
    ],
)
def test_what_cannot_be_written_is_one_line(
    session: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], given: list[str], says: str
) -> None:
    folder = tmp_path / given[1] if len(given) > 1 else session
    assert main(["sessions", "mix", str(folder), "-o", str(tmp_path / given[0])]) == 2
    error = capsys.readouterr().err
    assert says in error and error.count("\n") == 1
