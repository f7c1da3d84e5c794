"""Turn a sound card's blocks or an audio file into frames of 320 samples at 24 kHz. Nothing else resamples.

`Framer` takes any sample rate and number of channels and gives the same frames at any block size, so that what follows
cannot distinguish a file from a sound card.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from listener.resampler import RATES, Resampler
from listener.types import ANALYSIS_RATE, FRAME_SAMPLES, Frame, Samples

MAX_CHANNELS = 64
FULL_SCALE = 4.0  # float files may exceed 1; beyond this they are not sound but damage


class AudioFileError(ValueError):
    """An audio file cannot be played; the message says what came, what is allowed and what to try."""


def to_mono(block: NDArray[np.float32], channel: int | None = None) -> tuple[Samples, int]:
    """Mix [n, channels] to float32 [n], finite and bounded; also return how many samples had to be repaired."""
    bad = int(np.size(block) - np.count_nonzero(np.abs(block) <= FULL_SCALE))  # NaN and Inf compare false
    if bad:
        block = np.clip(np.nan_to_num(block, nan=0.0, posinf=0.0, neginf=0.0), -FULL_SCALE, FULL_SCALE)
    mono = block[:, channel] if channel is not None else block.mean(axis=1, dtype=np.float32)
    return np.ascontiguousarray(mono, np.float32), bad


class Framer:
    """Cuts blocks at the device's rate into frames (of 320 samples by default) at 24 kHz.

    start_sample: where in the stream the first block begins, at the device's rate; a multiple of first_start(rate).
    """

    def __init__(self, rate: int, start_sample: int = 0, frame_samples: int = FRAME_SAMPLES) -> None:
        if start_sample % first_start(rate):
            raise ValueError(f"start_sample {start_sample}: must be a multiple of {first_start(rate)} at {rate} Hz")
        self._resampler = Resampler(rate, ANALYSIS_RATE, frame_samples)
        self._start_sample = start_sample * ANALYSIS_RATE // rate

    def push(self, mono: Samples) -> list[Frame]:
        return [self._frame(unit) for unit in self._resampler.push(mono)]

    @property
    def wants(self) -> int:
        """Return how many samples at the device's rate are needed for the next frame."""
        return self._resampler.wants

    def _frame(self, samples: Samples) -> Frame:
        frame = Frame(samples, self._start_sample, self._resampler.delay_s)
        self._start_sample += len(samples)
        return frame


def first_start(rate: int) -> int:
    """Return after how many device samples the device's and the analysis' sample grids meet again."""
    return rate // math.gcd(rate, ANALYSIS_RATE)


class AudioFile:
    """Reads an audio file as mono blocks at a chosen rate (the file's own by default), without reading it whole.

    Raises AudioFileError when the file is missing, empty, not audio, or out of range.
    """

    def __init__(self, path: str | Path, rate: int | None = None, channel: int | None = None) -> None:
        import soundfile  # libsndfile is loaded only where a file is read

        self.path = Path(path)
        self._check_path()
        try:
            self._file = soundfile.SoundFile(self.path)
        except (RuntimeError, TypeError) as cause:
            raise AudioFileError(
                f"{path}: not an audio file that can be read ({cause}); WAV, FLAC, OGG, MP3 or AIFF are"
            ) from None
        self._check_format(channel)
        self.file_rate, self.rate, self._channel = (
            self._file.samplerate,
            rate or self._file.samplerate,
            channel,
        )
        self.frames = self._file.frames * self.rate // self.file_rate
        self.duration_s = self._file.frames / self.file_rate
        self.mended = 0

    def _check_path(self) -> None:
        if not self.path.exists():
            raise AudioFileError(f"{self.path}: no such file; give the path of an audio file, e.g. take.wav")
        if self.path.is_dir():
            raise AudioFileError(f"{self.path}: is a folder; give the path of an audio file in it")
        if self.path.stat().st_size == 0:
            raise AudioFileError(f"{self.path}: the file is empty; was the recording finished?")

    def _check_format(self, channel: int | None) -> None:
        rate, channels = self._file.samplerate, self._file.channels
        if not RATES[0] <= rate <= RATES[1]:
            raise AudioFileError(
                f"{self.path}: sample rate {rate} Hz; allowed are {RATES[0]} to {RATES[1]} Hz; convert it first"
            )
        if channels > MAX_CHANNELS:
            raise AudioFileError(
                f"{self.path}: has {channels} channels; {MAX_CHANNELS} at most are allowed; mix it down first"
            )
        if channel is not None and channel >= channels:
            raise AudioFileError(
                f"{self.path}: channel {channel + 1} was chosen, but the file has {channels}; "
                f"choose audio.input_channel 1 to {channels}, or null for the mean of all"
            )
        if self._file.frames == 0:
            raise AudioFileError(f"{self.path}: holds no sound (0 samples); was the recording finished?")

    def blocks(self, size: int) -> Iterator[Samples]:
        """Yield mono blocks [size] at self.rate; the last one is padded with zeros."""
        resampler = Resampler(self.file_rate, self.rate, size)
        left = self.frames
        for raw in self._file.blocks(blocksize=max(size, 1024), dtype="float32", always_2d=True):
            mono, mended = to_mono(raw, self._channel)
            self.mended += mended
            for block in resampler.push(mono):
                yield block
                left -= size
        silence = np.zeros(max(size, 1024), np.float32)
        while left > 0:
            for block in resampler.push(silence):
                if left > 0:
                    yield block
                left -= size


def file_frames(path: str | Path, block_samples: int = 1024) -> Iterator[Frame]:
    """Yield the frames of a file by the same steps as live sound: mixed to mono, repaired, resampled, cut.

    The frames are the same for any block size. The last one is padded with zeros.
    """
    sound = AudioFile(path)
    framer = Framer(sound.rate)
    left = math.ceil(sound.frames * ANALYSIS_RATE / (sound.rate * FRAME_SAMPLES))
    silence = itertools.repeat(np.zeros(block_samples, np.float32))
    for block in itertools.chain(sound.blocks(block_samples), silence):
        frames = framer.push(block)[:left]
        yield from frames
        left -= len(frames)
        if left <= 0:
            return
