"""Opus (RFC 6716) through libsndfile, as the peer of the neural codec: sound -> sound, and what it really took."""

from __future__ import annotations

import io

import numpy as np
from numpy.typing import NDArray
from scipy import signal

RATE = 24_000  # one of Opus's own rates: nothing is resampled on the way
LOWEST_KBPS, HIGHEST_KBPS = 6.0, 256.0  # libsndfile's compression_level 1 and 0
HEADER_PAGES = 2  # OpusHead and OpusTags
LONGEST_LAG = 2400

Samples = NDArray[np.float32]


def opus(sound: Samples, kbps: float) -> tuple[Samples, float]:
    """float [N] at 24 kHz -> the decoded [N], aligned, and the kbit/s of its packets, without the container."""
    import soundfile

    file = io.BytesIO()
    level = (HIGHEST_KBPS - kbps) / (HIGHEST_KBPS - LOWEST_KBPS)
    soundfile.write(file, sound, RATE, format="OGG", subtype="OPUS", compression_level=level)
    bits = 8 * packet_bytes(file.getvalue())
    file.seek(0)
    decoded, rate = soundfile.read(file, dtype="float32")
    if rate != RATE:
        decoded = signal.resample_poly(decoded, RATE, rate).astype(np.float32)
    return aligned(decoded, sound), bits / (len(sound) / RATE) / 1000


def packet_bytes(ogg: bytes) -> int:
    """Bytes of an Ogg stream's pages (RFC 3533, section 6) without their headers and without Opus's two first pages."""
    at, page, total = 0, 0, 0
    while at < len(ogg):
        segments = ogg[at + 27 : at + 27 + ogg[at + 26]]
        total += sum(segments) if page >= HEADER_PAGES else 0
        at += 27 + len(segments) + sum(segments)
        page += 1
    return total


def aligned(got: Samples, wanted: Samples) -> Samples:
    """`got` moved by the lag within 0.1 s at which it correlates best with `wanted` [N] -> [N],
    zeros where it has none.
    """
    both = signal.correlate(got, wanted, "full", "fft")
    lags = signal.correlation_lags(len(got), len(wanted))
    near = np.abs(lags) <= LONGEST_LAG
    lag = int(lags[near][np.argmax(both[near])])
    moved = got[lag:] if lag >= 0 else np.concatenate([np.zeros(-lag, got.dtype), got])
    return np.asarray(np.pad(moved, (0, max(0, len(wanted) - len(moved))))[: len(wanted)], np.float32)
