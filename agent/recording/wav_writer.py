"""Writes 24-bit WAV files that stay readable whenever the process dies or the disk fills up."""

from __future__ import annotations

import contextlib
import errno
import io
import os
import stat
import struct
import time
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from agent.recording.full_disk import write_what_fits
from listener.plain_file import NO_FILE, open_plain

SAMPLE_BYTES = 3
FLUSH_S = 0.5  # how much sound a kill -9 may cost
SKIP_S = 10.0  # how much silence the header may lag behind
RETRY_S = 1.0  # after a failed write
HEADER_BYTES = 80  # RIFF, room for ds64, fmt, data
RIFFS = (b"RIFF", b"RF64")
CHANNELS_MAX = 64
RIFF_MAX_BYTES = 2**32 - 1 - HEADER_BYTES  # beyond it the file is RF64 (EBU Tech 3306)

Float32 = NDArray[np.float32]


class WavWriter:
    """Appends float samples to a 24-bit PCM WAV; at every flush the header says what is on the disk.

    A write that fails raises nothing: it is tried again each second. What does not fit into the memory of one flush
    meanwhile is lost, counted, and becomes silence in the file, so that what comes later lies at its time.
    """

    def __init__(self, path: Path, rate_hz: int, channels: int) -> None:
        """Raises OSError when the file cannot be made."""
        self.path = path
        self.frames = 0  # taken in, on the disk or pending
        self.lost_frames = 0  # silence in the file where there was sound
        self.failure = ""  # why the last write failed; "" when it went well
        self._format = (rate_hz, channels)
        self._frame_bytes = SAMPLE_BYTES * channels
        self._flush_bytes = int(FLUSH_S * rate_hz) * self._frame_bytes
        self._pending = bytearray()
        self._at_bytes = 0  # where pending begins
        self._retry_s = 0.0
        self._skipped = 0  # frames since the header was written
        self._file = open_ours(path, os.O_CREAT | os.O_TRUNC)
        self._patch_header()

    def write(self, samples: Float32) -> None:
        """Append float32 [n] or [n, channels]; beyond +-1 is clipped, NaN is silence. Never raises."""
        self.frames += len(samples)
        self._pending += to_pcm24(samples)
        if len(self._pending) >= self._flush_bytes and (not self.failure or time.monotonic() >= self._retry_s):
            self.flush()
        if len(self._pending) > 2 * self._flush_bytes:
            self._forget()

    def skip(self, frames: int) -> None:
        """Append silence; it takes no memory and, where the file system has holes, no room on the disk."""
        if self._pending:
            self.flush()
        if self._pending:
            self._forget()
        self.frames += frames
        self._at_bytes += frames * self._frame_bytes
        self._skipped += frames
        if self._skipped >= SKIP_S * self._format[0]:
            self.flush()

    def flush(self) -> None:
        """Put everything on the disk, then count it in the header. Never raises: see `failure`."""
        try:
            try:
                self._put()
            finally:
                self._patch_header()
                self._skipped = 0
            self.failure = ""
        except OSError as error:
            self.failure = error.strerror or str(error)
            self._retry_s = time.monotonic() + RETRY_S

    def _put(self) -> None:
        self._file.seek(0, os.SEEK_END)
        at = HEADER_BYTES + self._at_bytes
        if self._file.tell() < at:
            self._file.truncate(at)  # a hole: silence that takes no room
        self._file.seek(at)
        before = len(self._pending)
        try:
            write_what_fits(self._file, self._pending)
        finally:
            self._at_bytes += before - len(self._pending)

    def _forget(self) -> None:
        """Make silence of what is pending, the frame of which a part was written with it."""
        if torn := self._at_bytes % self._frame_bytes:
            with contextlib.suppress(OSError):
                self._file.truncate(HEADER_BYTES + self._at_bytes - torn)
        self.lost_frames += -(-len(self._pending) // self._frame_bytes)
        self._at_bytes += len(self._pending)
        self._pending.clear()

    def close(self) -> None:
        """Flush and close; what was written stays readable. Never raises: see `failure`."""
        self.flush()
        self._forget()
        with contextlib.suppress(OSError):
            self._file.close()

    def _patch_header(self) -> None:
        on_disk = max(0, os.fstat(self._file.fileno()).st_size - HEADER_BYTES)
        whole = min(on_disk, self._at_bytes)
        self._file.seek(0)
        self._file.write(header(*self._format, whole - whole % self._frame_bytes))


def header(rate_hz: int, channels: int, data_bytes: int) -> bytes:
    """Return the HEADER_BYTES before the samples: RIFF with a JUNK chunk, or RF64 with ds64 in its place."""
    frame = SAMPLE_BYTES * channels
    form = struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, channels, rate_hz, rate_hz * frame, frame, 8 * SAMPLE_BYTES)
    riff_bytes = HEADER_BYTES - 8 + data_bytes
    if data_bytes <= RIFF_MAX_BYTES:
        room = struct.pack("<4sI28x", b"JUNK", 28)
        start, size = struct.pack("<4sI4s", b"RIFF", riff_bytes, b"WAVE"), data_bytes
    else:
        room = struct.pack("<4sIQQQI", b"ds64", 28, riff_bytes, data_bytes, data_bytes // frame, 0)
        start, size = struct.pack("<4sI4s", b"RF64", 2**32 - 1, b"WAVE"), 2**32 - 1
    return start + room + form + struct.pack("<4sI", b"data", size)


def open_ours(path: Path, flags: int = 0) -> io.FileIO:
    """Open a file of the session's folder for reading and writing; links are not followed, pipes not waited for.

    Raises OSError, also for what is no plain file.
    """
    flags |= os.O_RDWR | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0)
    descriptor = os.open(path, flags, 0o666)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(errno.EINVAL, NO_FILE, str(path))
    return io.FileIO(descriptor, "r+")


def repair(path: Path, known: tuple[int, int] | None = None) -> int | None:
    """Make the header of a file that WavWriter left say what is in it; frames, or None where it is no file of ours.

    known: (sample rate, channels) it was made with, where its header no longer says so. Raises OSError.
    """
    with open_ours(path) as file:
        begins = file.read(HEADER_BYTES)
        form = _form(begins)
        if known and form != known and (begins[:4] in RIFFS or begins[72:76] == b"data"):
            form = known
        if form is None:
            return None
        rate_hz, channels = form
        frame = SAMPLE_BYTES * channels
        frames = max(os.fstat(file.fileno()).st_size - HEADER_BYTES, 0) // frame
        file.truncate(HEADER_BYTES + frames * frame)
        file.seek(0)
        file.write(header(rate_hz, channels, frames * frame))
        return int(frames)


def form_of(path: Path) -> tuple[int, int]:
    """Return (sample rate in Hz, channels) of a file that WavWriter left. Raises OSError."""
    with open_plain(path, follow_links=False) as file:
        form = _form(file.read(HEADER_BYTES))
    if form is None:
        raise OSError(errno.EINVAL, "not a WAV file that Antiphon recorded", str(path))
    return form


def _form(found: bytes) -> tuple[int, int] | None:
    if len(found) < HEADER_BYTES or found[:4] not in RIFFS or found[72:76] != b"data":
        return None
    channels, rate_hz = struct.unpack_from("<HI", found, 58)
    bits = struct.unpack_from("<H", found, 70)[0]
    whole = 1 <= channels <= CHANNELS_MAX and 1_000 <= rate_hz <= 1_000_000 and bits == 8 * SAMPLE_BYTES
    return (rate_hz, channels) if whole else None


def to_pcm24(samples: Float32) -> bytes:
    """Return float samples as little-endian 24-bit PCM, clipped to the range; NaN becomes 0."""
    if not samples.any():
        return bytes(SAMPLE_BYTES * samples.size)
    # exact in float32: a power of two, and its 24 bits hold every whole number that can come out
    scaled = np.nan_to_num(samples.astype(np.float32), nan=0.0, posinf=1.0, neginf=-1.0) * np.float32(2**23)
    whole = np.clip(np.rint(scaled), -(2**23), 2**23 - 1).astype("<i4")
    packed: bytes = whole.reshape(-1, 1).view(np.uint8)[:, :SAMPLE_BYTES].tobytes()
    return packed
