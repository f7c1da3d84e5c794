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

from listener.input_mixer import FULL_SCALE, InputMixer, repaired
from listener.resampler import RATES, Resampler
from listener.types import ANALYSIS_RATE, FRAME_SAMPLES, Frame, Samples

MAX_CHANNELS = 64
INTEGER_SCALES = (2.0**15, 2.0**23, 2.0**31)  # full scale of whole numbers that were stored as floats
LOUD_SHARE = 0.5  # of the sounding blocks that exceed FULL_SCALE: not damage, but another scale


class AudioFileError(ValueError):
    """An audio file cannot be played; the message says what came, what is allowed and what to try."""


def to_mono(block: NDArray[np.float32], channel: int | None = None) -> tuple[Samples, int]:
    """Take one channel of [n, channels], or their mean, as float32 [n]; also return how many samples were repaired."""
    block, bad = repaired(block)
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
        self.file_rate, self.rate = self._file.samplerate, rate or self._file.samplerate
        self._mixer = InputMixer(self._file.channels, self.file_rate, channel)
        self._scale, self._lines = self._scale_of_floats(), list[str]()
        if self._scale != 1.0:
            self._lines.append(
                f"{path}: its samples go up to {1 / self._scale:,.0f} instead of 1: they are scaled down by that"
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
                f"choose audio.input_channel 1 to {channels}, or null: the bass is found by ear"
            )
        if self._file.frames == 0:
            raise AudioFileError(f"{self.path}: holds no sound (0 samples); was the recording finished?")

    def _scale_of_floats(self) -> float:
        """Return what the samples are multiplied by: not 1 where a float file holds whole numbers, as 16-bit ones."""
        if self._file.subtype not in ("FLOAT", "DOUBLE"):
            return 1.0
        peaks = [float(np.abs(block).max()) for block in self._file.blocks(blocksize=1 << 16, dtype="float32")]
        self._file.seek(0)
        heard = sorted(peak for peak in peaks if 0.0 < peak < math.inf)
        if not heard or heard[int(LOUD_SHARE * len(heard))] <= FULL_SCALE:
            return 1.0
        return 1 / next((full for full in INTEGER_SCALES if heard[-1] <= full), heard[-1])

    def take_lines(self) -> list[str]:
        """Return what there is to tell the player of the sound read so far, each once."""
        lines, self._lines = [*self._lines, *self._mixer.take_lines()], []
        return lines

    def blocks(self, size: int) -> Iterator[Samples]:
        """Yield mono blocks [size] at self.rate; the last one is padded with zeros."""
        resampler = Resampler(self.file_rate, self.rate, size)
        left = self.frames
        for raw in self._file.blocks(blocksize=max(size, 1024), dtype="float32", always_2d=True):
            mono, mended = self._mixer.push(raw * np.float32(self._scale) if self._scale != 1.0 else raw)
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
        self._mixer.end()


def file_frames(path: str | Path, block_samples: int = 1024, channel: int | None = None) -> Iterator[Frame]:
    """Yield the frames of a file by the same steps as live sound: mixed to mono, repaired, resampled, cut.

    The frames are the same for any block size. The last one is padded with zeros. channel: of the file, counted from 0;
    None = found by ear.
    """
    yield from frames_of(AudioFile(path, channel=channel), block_samples)


def frames_of(sound: AudioFile, block_samples: int = 1024) -> Iterator[Frame]:
    """Yield the frames of an open file, at its own rate."""
    framer = Framer(sound.rate)
    left = math.ceil(sound.frames * ANALYSIS_RATE / (sound.rate * FRAME_SAMPLES))
    silence = itertools.repeat(np.zeros(block_samples, np.float32))
    for block in itertools.chain(sound.blocks(block_samples), silence):
        frames = framer.push(block)[:left]
        yield from frames
        left -= len(frames)
        if left <= 0:
            return
