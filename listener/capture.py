"""Turn a sound card's blocks or an audio file into frames of 320 samples at 24 kHz. Nothing else resamples.

`Framer` takes any sample rate and number of channels and gives the same frames at any block size, so that what follows
cannot distinguish a file from a sound card.
"""

from __future__ import annotations

import contextlib
import io
import itertools
import math
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from listener.input_mixer import FULL_SCALE, InputMixer, mean_of, repaired
from listener.plain_file import open_plain
from listener.resampler import RATES, Resampler
from listener.silence_stderr import quiet_stderr
from listener.types import ANALYSIS_RATE, FRAME_SAMPLES, Frame, Samples
from listener.wav_chunks import Spans, find_sound

MAX_CHANNELS = 64
INTEGER_SCALES = (2.0**15, 2.0**23, 2.0**31)  # full scale of whole numbers that were stored as floats
DAMAGED = "damaged"  # the word in the line that says where a file breaks off
LOUD_SHARE = 0.5  # of the sounding blocks that exceed FULL_SCALE: not damage, but another scale


class AudioFileError(ValueError):
    """An audio file cannot be played; the message says what came, what is allowed and what to try."""


def to_mono(block: NDArray[np.float32], channel: int | None = None) -> tuple[Samples, int]:
    """Take one channel of [n, channels], or their mean, as float32 [n]; also return how many samples were repaired."""
    block, bad = repaired(block)
    mono = block[:, channel] if channel is not None else mean_of(block)
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

    What the file says of its length is not believed: reading ends where the sound does, and a file that breaks off is
    read up to there. Raises AudioFileError when the file is missing, empty, not audio, or out of range.
    """

    def __init__(
        self, path: str | Path, rate: int | None = None, channel: int | None = None, most_s: float = math.inf
    ) -> None:
        """channel: counted from 0; None = found by ear. most_s: seconds after which reading ends."""
        self.path = Path(path)
        self._check_path()
        self._file, self._lines = self._opened(), list[str]()
        self._check_format(channel)
        self.file_rate: int = self._file.samplerate
        self.rate = rate or self.file_rate
        self._most = int(min(most_s * self.file_rate, 2**62))
        self._mixer = InputMixer(self._file.channels, self.file_rate, channel)
        self._scale = self._scale_of_floats()
        if self._scale != 1.0:
            self._lines.append(
                f"{path}: its samples go up to {1 / self._scale:,.0f} instead of 1: they are scaled down by that"
            )
        self.file_frames: int = self._file.frames  # as the file says, until it was read
        self.mended = 0

    @property
    def frames(self) -> int:
        """Return its samples at `rate`: as the file says, and as they were once it was read."""
        return self.file_frames * self.rate // self.file_rate

    @property
    def duration_s(self) -> float:
        return self.file_frames / self.file_rate

    def _check_path(self) -> None:
        if self.path.is_dir():
            raise AudioFileError(f"{self.path}: is a folder; give the path of an audio file in it")
        try:
            with open_plain(self.path) as file:
                is_empty = not file.read(1)
        except FileNotFoundError:
            raise AudioFileError(f"{self.path}: no such file; give the path of an audio file, e.g. take.wav") from None
        except OSError as cause:
            raise AudioFileError(f"{self.path}: cannot be read ({cause.strerror}); give an audio file") from None
        if is_empty:
            raise AudioFileError(f"{self.path}: the file is empty; was the recording finished?")

    def _opened(self) -> Any:
        """Return libsndfile's file; of a WAV file that it does not read to the end, the sound behind its headers."""
        import soundfile  # libsndfile is loaded only where a file is read

        try:
            with quiet_stderr():  # libmpg123 writes there what it makes of a file
                file = soundfile.SoundFile(self.path)
            if file.frames > 0:
                return file
        except (RuntimeError, TypeError, ValueError, OSError):
            file = None
        try:
            if found := find_sound(self.path):
                form = {"samplerate": found.rate, "channels": found.channels, "subtype": found.subtype}
                return soundfile.SoundFile(io.BufferedReader(Spans(self.path, found.spans)), format="RAW", **form)
        except (RuntimeError, TypeError, ValueError, OSError):
            pass
        if file is None:
            raise AudioFileError(
                f"{self.path}: not an audio file that can be read; WAV, FLAC, OGG, MP3 and AIFF are. Another can be "
                f"converted: ffmpeg -i {shlex.quote(self.path.name)} {shlex.quote(self.path.stem + '.wav')}"
            )
        return file

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
        if self._file.frames == 0 or not self._begins():
            raise AudioFileError(f"{self.path}: holds no sound (0 samples); was the recording finished?")

    def _begins(self) -> bool:
        """Return whether there is any sound that can be read."""
        try:
            count = len(self._read(1024))
        except RuntimeError:
            return False
        self._file.close()
        self._file = self._opened()  # not all can be wound back
        return count > 0

    def _scale_of_floats(self) -> float:
        """Return what the samples are multiplied by: not 1 where a float file holds whole numbers, as 16-bit ones."""
        if self._file.subtype not in ("FLOAT", "DOUBLE"):
            return 1.0
        peaks = [float(np.abs(block).max()) for block in self._pieces(1 << 16)]
        self._lines.clear()  # where it breaks off is said when it is played
        self._file.seek(0)
        heard = sorted(peak for peak in peaks if 0.0 < peak < math.inf)
        if not heard or heard[int(LOUD_SHARE * len(heard))] <= FULL_SCALE:
            return 1.0
        return 1 / next((full for full in INTEGER_SCALES if heard[-1] <= full), heard[-1])

    def _pieces(self, size: int) -> Iterator[NDArray[np.float32]]:
        """Yield float32 [size, channels] to the end of the sound; the last piece is shorter."""
        done = 0
        while done < self._most:
            try:
                piece = self._read(min(size, self._most - done))
            except RuntimeError as cause:  # libsndfile's, in the middle of a file
                at_s = done / self._file.samplerate
                self._lines.append(
                    f"{self.path}: {DAMAGED} after {at_s:.1f} s ({_reason(cause)}); the rest is not used"
                )
                return
            if not len(piece):
                return
            done += len(piece)
            yield piece
        if done < self._file.frames:
            self._lines.append(f"{self.path}: longer than {done / self._file.samplerate:g} s; the rest is not used")

    def _read(self, count: int) -> NDArray[np.float32]:
        with quiet_stderr() if self._file.format == "MP3" else contextlib.nullcontext():
            read: NDArray[np.float32] = self._file.read(count, dtype="float32", always_2d=True)
        return read

    def take_lines(self) -> list[str]:
        """Return what there is to tell the player of the sound read so far, each once."""
        lines, self._lines = [*self._lines, *self._mixer.take_lines()], []
        return lines

    def blocks(self, size: int) -> Iterator[Samples]:
        """Yield mono blocks [size] at self.rate; the last one is padded with zeros."""
        resampler = Resampler(self.file_rate, self.rate, size)
        read = given = 0
        for raw in self._pieces(max(size, 1024)):
            read += len(raw)
            mono, mended = self._mixer.push(raw * np.float32(self._scale) if self._scale != 1.0 else raw)
            self.mended += mended
            for block in resampler.push(mono):
                yield block
                given += size
        self.file_frames = read
        silence = np.zeros(max(size, 1024), np.float32)
        while given < self.frames:
            for block in resampler.push(silence):
                if given < self.frames:
                    yield block
                given += size
        self._mixer.end()


def _reason(cause: Exception) -> str:
    return str(cause).removeprefix("Error : ").strip().rstrip(".")


def file_frames(path: str | Path, block_samples: int = 1024, channel: int | None = None) -> Iterator[Frame]:
    """Yield the frames of a file by the same steps as live sound: mixed to mono, repaired, resampled, cut.

    The frames are the same for any block size. The last one is padded with zeros. channel: of the file, counted from 0;
    None = found by ear.
    """
    yield from frames_of(AudioFile(path, channel=channel), block_samples)


def frames_of(sound: AudioFile, block_samples: int = 1024) -> Iterator[Frame]:
    """Yield the frames of an open file, at its own rate."""
    framer = Framer(sound.rate)
    given = 0

    def whole() -> int:
        return math.ceil(sound.frames * ANALYSIS_RATE / (sound.rate * FRAME_SAMPLES))

    silence = itertools.repeat(np.zeros(block_samples, np.float32))
    for block in itertools.chain(sound.blocks(block_samples), silence):
        frames = framer.push(block)[: max(whole() - given, 0)]
        yield from frames
        given += len(frames)
        if given >= whole():
            return
