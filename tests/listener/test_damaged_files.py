"""A sound file that lies about itself, or breaks off, gives what sounds in it, and one line."""

from __future__ import annotations

import os
import struct
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf

from listener.capture import AudioFile, AudioFileError, file_frames

RATE = 48_000
SOUND = (0.5 * np.sin(np.arange(2 * RATE) / 80)).astype(np.float32)


def samples(path: Path) -> np.ndarray:
    return np.concatenate(list(AudioFile(path).blocks(480)))


def riff(*chunks: bytes) -> bytes:
    form = struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, 1, RATE, 2 * RATE, 2, 16)
    return b"RIFF" + bytes(4) + b"WAVE" + form + b"".join(chunks)


def data(sound: np.ndarray, size: int | None = None) -> bytes:
    pcm = (sound * 32767).astype("<i2").tobytes()
    return struct.pack("<4sI", b"data", len(pcm) if size is None else size) + pcm


@pytest.mark.parametrize("size", [0, 2**32 - 1])
def test_sound_behind_a_header_that_was_never_finished_is_read(tmp_path: Path, size: int) -> None:
    (tmp_path / "a.wav").write_bytes(riff(data(SOUND, size)))
    np.testing.assert_allclose(samples(tmp_path / "a.wav"), SOUND, atol=1e-4)


def test_two_data_chunks_are_one_sound(tmp_path: Path) -> None:
    (tmp_path / "a.wav").write_bytes(riff(data(SOUND[:RATE]), data(SOUND[RATE:], 0)))
    first = samples(tmp_path / "a.wav")[:RATE]
    np.testing.assert_allclose(first, SOUND[:RATE], atol=1e-4)


def test_a_file_that_breaks_off_is_heard_up_to_there(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).uniform(-0.5, 0.5, 4 * RATE)
    sf.write(tmp_path / "a.flac", noise, RATE)
    whole = bytearray((tmp_path / "a.flac").read_bytes())
    whole[len(whole) // 2 :] = os.urandom(len(whole) // 2)
    (tmp_path / "a.flac").write_bytes(whole)
    sound = AudioFile(tmp_path / "a.flac")
    heard = np.concatenate(list(sound.blocks(480)))
    assert RATE < len(heard) < 3 * RATE
    np.testing.assert_allclose(heard[:RATE], noise[:RATE], atol=1e-4)
    assert sum("damaged after" in line for line in sound.take_lines()) == 1
    assert len(list(file_frames(tmp_path / "a.flac"))) <= len(heard) // 640 + 1


def test_a_length_that_is_only_claimed_is_not_believed(tmp_path: Path) -> None:
    sf.write(tmp_path / "a.aiff", SOUND, RATE, format="AIFF", subtype="PCM_16")
    whole = bytearray((tmp_path / "a.aiff").read_bytes())
    at = whole.index(b"COMM") + 10
    whole[at : at + 4] = struct.pack(">I", 2**31)
    (tmp_path / "a.aiff").write_bytes(whole)
    assert len(samples(tmp_path / "a.aiff")) <= len(SOUND)


def test_no_more_is_read_than_was_asked_for(tmp_path: Path) -> None:
    sf.write(tmp_path / "a.wav", SOUND, RATE)
    sound = AudioFile(tmp_path / "a.wav", most_s=0.5)
    assert sum(map(len, sound.blocks(480))) == RATE // 2
    assert "longer than 0.5 s" in sound.take_lines()[0]


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.wav")
    with pytest.raises(AudioFileError, match="no plain file"):
        AudioFile(tmp_path / "a.wav")
