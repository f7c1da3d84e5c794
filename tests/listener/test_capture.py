"""Any rate, channel count and block size in: the same frames out. Bad files are named in one line."""

from pathlib import Path

import numpy as np
import pytest
import soundfile as sf

from listener.capture import AudioFile, AudioFileError, Framer, file_frames, to_mono
from listener.resampler import Resampler

soxr = pytest.importorskip("soxr")


def sine(rate: int, seconds: float = 1.0, hz: float = 98.0) -> np.ndarray:
    return np.sin(2 * np.pi * hz * np.arange(round(rate * seconds)) / rate).astype(np.float32)


@pytest.mark.parametrize("rate", [8_000, 11_025, 22_050, 44_100, 48_000, 96_000, 192_000, 384_000])
def test_resampled_sound_lies_where_it_lay(rate: int) -> None:
    out = np.concatenate(Resampler(rate, 24_000, 320).push(sine(rate)))
    np.testing.assert_allclose(out[200:-200], sine(24_000)[: len(out)][200:-200], atol=1e-4)


def test_resampling_agrees_with_soxr_on_a_bass_band_signal() -> None:
    rng = np.random.default_rng(0)
    noise = np.convolve(rng.standard_normal(48_000), np.hanning(48) / 24, "same").astype(np.float32)
    ours = np.concatenate(Resampler(48_000, 24_000, 320).push(noise))
    theirs = soxr.resample(noise, 48_000, 24_000, quality="VHQ")[: len(ours)]
    assert np.sqrt(np.mean((ours - theirs)[200:-200] ** 2)) < 1e-3 * np.std(theirs)


@pytest.mark.parametrize("block", [1, 64, 128, 320, 1000, 48_000])
def test_frames_do_not_depend_on_block_size(block: int) -> None:
    sound = np.random.default_rng(1).standard_normal(44_100 // 4).astype(np.float32)
    whole = Framer(44_100).push(sound)
    framer, parts = Framer(44_100), []
    for start in range(0, len(sound), block):
        parts += framer.push(sound[start : start + block])
    assert [f.start_sample for f in parts] == [f.start_sample for f in whole]
    for a, b in zip(parts, whole, strict=True):
        np.testing.assert_array_equal(a.samples, b.samples)


def test_a_frame_says_when_it_could_be_had() -> None:
    frame = Framer(48_000).push(sine(48_000))[3]
    assert frame.start_s == pytest.approx(3 * 320 / 24_000)
    assert frame.emit_s == pytest.approx(4 * 320 / 24_000 + 32 / 48_000)


def test_damage_in_the_input_is_mended_and_counted() -> None:
    block = np.array([[0.5], [np.nan], [np.inf], [-np.inf], [1e9], [-0.5]], np.float32)
    mono, mended = to_mono(block)
    assert mended == 4
    np.testing.assert_array_equal(mono, np.array([0.5, 0, 0, 0, 4.0, -0.5], np.float32))


@pytest.mark.parametrize("channels", [1, 2, 8])
def test_a_file_gives_the_same_frames_at_any_channel_count(tmp_path: Path, channels: int) -> None:
    sf.write(tmp_path / "a.wav", np.repeat(sine(48_000)[:, None], channels, 1), 48_000, subtype="FLOAT")
    frames = list(file_frames(tmp_path / "a.wav"))
    expected = Framer(48_000).push(np.append(sine(48_000), np.zeros(384, np.float32)))
    np.testing.assert_allclose(frames[10].samples, expected[10].samples, atol=1e-6)


def test_a_file_is_played_at_the_rate_asked_for(tmp_path: Path) -> None:
    sf.write(tmp_path / "a.wav", sine(384_000), 384_000, subtype="FLOAT")
    sound = np.concatenate(list(AudioFile(tmp_path / "a.wav", 48_000).blocks(128)))
    assert abs(len(sound) - 48_000) < 128
    np.testing.assert_allclose(sound[200:47_000], sine(48_000)[200:47_000], atol=1e-4)


def _zero_rate(path: Path) -> None:
    sf.write(path, np.zeros(480), 48_000)
    data = bytearray(path.read_bytes())
    data[24:28] = bytes(4)
    path.write_bytes(data)


BAD_FILES = {
    "missing": (lambda p: None, "no such file"),
    "empty": (lambda p: p.write_bytes(b""), "empty"),
    "text": (lambda p: p.write_text("not a sound\n" * 50), "not an audio file"),
    "truncated": (lambda p: p.write_bytes(b"RIFF\x24\x00\x00\x00WAVEfmt "), "not an audio file"),
    "silent": (lambda p: sf.write(p, np.zeros((0, 1)), 48_000), "no sound"),
    "folder": (lambda p: p.mkdir(), "folder"),
    "zero rate": (_zero_rate, "0 Hz|not an audio file"),
}


@pytest.mark.parametrize("name", BAD_FILES)
def test_a_bad_file_is_named_in_one_line(tmp_path: Path, name: str) -> None:
    make, says = BAD_FILES[name]
    path = tmp_path / "bad.wav"
    make(path)
    with pytest.raises(AudioFileError, match=says) as caught:
        AudioFile(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_channel_that_the_file_lacks_is_named_counted_from_1(tmp_path: Path) -> None:
    sf.write(tmp_path / "a.wav", np.repeat(sine(48_000)[:, None], 2, 1), 48_000)
    with pytest.raises(AudioFileError, match=r"channel 3 was chosen, but the file has 2; choose .* 1 to 2"):
        AudioFile(tmp_path / "a.wav", channel=2)


def test_a_float_file_of_whole_numbers_is_scaled_and_that_is_said(tmp_path: Path) -> None:
    sf.write(tmp_path / "a.wav", sine(48_000) * 16_383, 48_000, subtype="FLOAT")
    sound = AudioFile(tmp_path / "a.wav")
    heard = np.concatenate(list(sound.blocks(1024)))[:48_000]
    np.testing.assert_allclose(heard, sine(48_000) * 16_383 / 32_768, atol=1e-6)
    assert "go up to 32,768 instead of 1" in sound.take_lines()[0]
