"""24-bit WAV files that stay readable whenever the process dies, and the limiter of the mix."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import minimum_filter1d

SAMPLE_BYTES = 3
FLUSH_S = 0.5  # how much sound a kill -9 may cost
CEILING = 10 ** (-0.3 / 20)  # -0.3 dBFS: room for the overshoot of later sample-rate conversion
LIMITER_WINDOW_S = 0.03  # longer than a period of E1 (24 ms), so the bass is not bent within its own cycle

Float32 = NDArray[np.float32]


class WavWriter:
    """Appends float samples to a 24-bit PCM WAV; at every flush the header says what is on the disk."""

    def __init__(self, path: Path, rate_hz: int, channels: int) -> None:
        """Raises OSError when the file cannot be made."""
        self.path = path
        self.frames = 0  # taken in, on the disk or pending
        self._format = (rate_hz, channels)
        self._frame_bytes = SAMPLE_BYTES * channels
        self._flush_bytes = int(FLUSH_S * rate_hz) * self._frame_bytes
        self._pending = bytearray()
        self._written_bytes = 0
        self._file = path.open("wb", buffering=0)
        self._patch_header()

    def write(self, samples: Float32) -> None:
        """Append float32 [n] or [n, channels]; beyond +-1 is clipped, NaN is silence. Raises OSError."""
        self.frames += len(samples)
        self._pending += to_pcm24(samples)
        if len(self._pending) >= self._flush_bytes:
            self.flush()

    def flush(self) -> None:
        """Put everything on the disk, then count it in the header. Raises OSError."""
        try:
            while self._pending:
                count = self._file.write(self._pending)
                self._written_bytes += count
                del self._pending[:count]
        finally:
            self._patch_header()

    def close(self) -> None:
        """Flush and close. Raises OSError; what was written stays readable."""
        try:
            self.flush()
        finally:
            self._file.close()

    def abandon(self) -> None:
        """Close without another try to write what is pending; never raises."""
        self._pending.clear()
        try:
            self._file.close()
        except OSError:
            return

    def _patch_header(self) -> None:
        whole = self._written_bytes - self._written_bytes % self._frame_bytes
        self._file.seek(0)
        self._file.write(_header(*self._format, whole))
        self._file.seek(0, 2)


def _header(rate_hz: int, channels: int, data_bytes: int) -> bytes:
    frame = SAMPLE_BYTES * channels
    form = struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, channels, rate_hz, rate_hz * frame, frame, 8 * SAMPLE_BYTES)
    return struct.pack("<4sI4s", b"RIFF", 36 + data_bytes, b"WAVE") + form + struct.pack("<4sI", b"data", data_bytes)


def to_pcm24(samples: Float32) -> bytes:
    """Float samples as little-endian 24-bit PCM, clipped to the range; NaN becomes 0."""
    finite = np.nan_to_num(samples.astype(np.float64), nan=0.0, posinf=1.0, neginf=-1.0)
    scaled = np.clip(np.rint(finite * 2**23), -(2**23), 2**23 - 1).astype("<i4")
    return scaled.reshape(-1, 1).view(np.uint8)[:, :SAMPLE_BYTES].tobytes()


class Limiter:
    """A look-ahead peak limiter for stereo: the result never exceeds CEILING, and below it nothing changes.

    The gain each sample needs, its minimum over the window ahead, averaged over the window behind: every
    value in that average covers the sample itself, so the average is never more than what it needs.
    """

    def __init__(self, rate_hz: int) -> None:
        self._window = max(2, int(LIMITER_WINDOW_S * rate_hz))
        self._held = np.zeros((0, 2), np.float32)
        self._gains = np.ones(self._window - 1)

    def step(self, samples: Float32, last: bool = False) -> Float32:
        """Stereo float32 [n, 2] in, what is ready of it out; `last` gives out what was held back."""
        ahead = self._window - 1
        held = np.concatenate([self._held, samples])
        count = len(held) if last else max(0, len(held) - ahead)
        self._held = held[count:]
        if not count:
            return np.zeros((0, 2), np.float32)
        peaks = np.maximum(np.abs(held).max(axis=1), CEILING)
        needed = np.concatenate([CEILING / peaks, np.ones(ahead)])
        return held[:count] * self._smoothed(needed, count)[:, None]

    def _smoothed(self, needed: NDArray[np.float64], count: int) -> Float32:
        window = self._window
        minima = minimum_filter1d(needed, window, origin=-(window // 2), mode="nearest")[:count]
        gains = np.concatenate([self._gains, minima])
        self._gains = gains[-(window - 1) :]
        if gains.min() == 1.0:
            return np.ones(count, np.float32)
        sums = np.concatenate([[0.0], np.cumsum(gains)])
        means: Float32 = ((sums[window:] - sums[:-window]) / window).astype(np.float32)
        return means
