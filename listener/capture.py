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

from listener.types import ANALYSIS_RATE, FRAME_SAMPLES, Frame, Samples

RATES = (1_000, 384_000)  # Hz, what the resampler takes
MAX_CHANNELS = 64
FULL_SCALE = 4.0  # float files may exceed 1; beyond this they are not sound but damage
ZERO_CROSSINGS = 16  # of the resampling filter, each side: 0.67 ms at 24 kHz
KAISER_BETA = 8.0  # about 80 dB of stop band


class AudioFileError(ValueError):
    """An audio file cannot be played; the message says what came, what is allowed and what to try."""


class Resampler:
    """Resamples a mono stream with a polyphase windowed sinc (Crochiere & Rabiner 1983, ch. 3), linear phase.

    Output sample k lies at k / rate_out seconds of the input and is available delay_s later. Output comes in units of
    `unit` samples, each computed in the same way whatever the size of the input blocks, so that the result does not
    depend on block size.
    """

    def __init__(self, rate_in: int, rate_out: int, unit: int) -> None:
        common = math.gcd(rate_in, rate_out)
        self.up, self.down, self.unit = rate_out // common, rate_in // common, unit
        low = min(rate_in, rate_out)
        self.half = 0 if self.up == self.down else math.ceil(ZERO_CROSSINGS * rate_in / low)
        self.delay_s = self.half / rate_in
        self._bank = _filter_bank(self.up, self.half, low / rate_in)
        self._buffer: Samples = np.zeros(self.half, np.float32)  # from input sample _start on
        self._start, self._next = -self.half, 0

    def push(self, samples: Samples) -> list[Samples]:
        """Take mono input [n] and return every whole unit [unit] that can now be computed."""
        self._buffer = np.concatenate([self._buffer, samples.astype(np.float32, copy=False)])
        units = []
        while self._last_needed() < self._start + len(self._buffer):
            units.append(self._unit())
        return units

    @property
    def wants(self) -> int:
        """Return how many input samples are needed for the next unit."""
        return self._last_needed() + 1 - self._start - len(self._buffer)

    def _last_needed(self) -> int:
        return (self._next + self.unit - 1) * self.down // self.up + self.half

    def _unit(self) -> Samples:
        k = self._next + np.arange(self.unit)
        centre = k * self.down // self.up
        if self.half == 0:
            out = self._buffer[centre - self._start].copy()
        else:
            window = centre[:, None] + np.arange(-self.half + 1, self.half + 1) - self._start
            out = np.einsum("kt,kt->k", self._buffer[window], self._bank[k * self.down % self.up])
        self._next += self.unit
        keep_from = max(self._next * self.down // self.up - self.half, self._start)
        self._buffer, self._start = self._buffer[keep_from - self._start :], keep_from
        return out


def _filter_bank(up: int, half: int, cutoff: float) -> NDArray[np.float32]:
    """Return a windowed sinc for each of `up` fractional positions, [up, 2 * half]; cutoff is relative to the input's
    rate.
    """
    if half == 0:
        return np.zeros((1, 0), np.float32)
    fraction = np.arange(up)[:, None] / up
    t = np.arange(-half + 1, half + 1)[None, :] - fraction
    window = np.i0(KAISER_BETA * np.sqrt(np.maximum(0, 1 - (t / half) ** 2))) / np.i0(KAISER_BETA)
    bank = 0.92 * cutoff * np.sinc(0.92 * cutoff * t) * window
    bank32: NDArray[np.float32] = (bank / bank.sum(axis=1, keepdims=True)).astype(np.float32)
    return bank32


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
