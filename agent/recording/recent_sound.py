"""`RecentSound` holds the last minute of the bass, to cut a riff out of it. One thread."""

from __future__ import annotations

import logging
from pathlib import Path
from threading import Thread

import numpy as np
import soundfile

from agent.core.whole_file import written_whole
from listener.types import Samples

log = logging.getLogger(__name__)

SECONDS = 90.0
BEFORE_S, AFTER_S = 0.25, 0.25  # around the riff, for the loop's seam


class RecentSound:
    """put() what was read; cut() writes a stretch of it."""

    def __init__(self, rate: int, seconds: float = SECONDS) -> None:
        self._rate, self._size = rate, round(seconds * rate)
        self._sound: Samples = np.zeros(0, np.float32)  # made with the first sound
        self._end = 0  # sample of the stream after the newest

    def put(self, samples: Samples, end: int) -> None:
        """Take mono samples; end: the stream's sample after the last of them."""
        if not len(self._sound):
            self._sound = np.zeros(self._size, np.float32)
        samples = samples[-self._size :]
        at = (end - len(samples)) % self._size
        first = min(len(samples), self._size - at)
        self._sound[at : at + first] = samples[:first]
        self._sound[: len(samples) - first] = samples[first:]
        self._end = end

    def last(self, start: int, end: int) -> Samples:
        """Return the samples from start to end of the stream, zeros where they are not held."""
        out = np.zeros(end - start, np.float32)
        if len(self._sound):
            held = np.arange(max(start, self._end - self._size, 0), min(end, self._end))
            out[held - start] = self._sound[held % self._size]
        return out

    @property
    def end(self) -> int:
        """Return the stream's sample after the newest."""
        return self._end

    def cut(self, start_s: float, end_s: float, path: Path) -> float:
        """Write the sound from start_s to end_s, and a little around it, in a thread; return how much lies before it,
        seconds. Raises ValueError where it is not held any more.
        """
        start = round((start_s - BEFORE_S) * self._rate)
        end = min(round((end_s + AFTER_S) * self._rate), self._end)
        if start < max(self._end - self._size, 0) or end <= start or end_s * self._rate > self._end + self._rate:
            raise ValueError(f"its sound is not held any more: riffs of up to {self._size / self._rate:.0f} s are")
        piece = self._sound[np.arange(start, end) % self._size]
        Thread(target=_write, args=(path, piece, self._rate), name="riff", daemon=True).start()
        return BEFORE_S


def _write(path: Path, piece: Samples, rate: int) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with written_whole(path) as file:
            soundfile.write(file, piece, rate, format="WAV", subtype="FLOAT")
    except (OSError, RuntimeError) as cause:
        log.warning("riff %s: its sound was not written: %s", path, cause)
