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
BLOCK = 4_096  # samples that are scaled alike
LARGEST = 32_767
BEFORE_S, AFTER_S = 0.25, 0.25  # around the riff, for the loop's seam


class RecentSound:
    """put() what was read; cut() writes a stretch of it.

    It is held in 16 bits, scaled by the peak of each BLOCK samples: half the memory, and what is left out lies 90 dB
    below the sound, however soft it is.
    """

    def __init__(self, rate: int, seconds: float = SECONDS) -> None:
        blocks = -(-round(seconds * rate) // BLOCK)
        self._rate, self._size = rate, blocks * BLOCK
        self._blocks = np.zeros((0, BLOCK), np.int16)  # made with the first sound
        self._scales = np.zeros((blocks, 1), np.float32)
        self._newest = np.zeros(BLOCK, np.float32)  # the block that is not complete yet, from self._begin on
        self._begin = self._end = 0  # samples of the stream: of that block; after the newest

    def put(self, samples: Samples, end: int) -> None:
        """Take mono samples; end: the stream's sample after the last of them. What was left out is silence."""
        if not len(self._blocks):
            self._blocks = np.zeros((len(self._scales), BLOCK), np.int16)
        if end - len(samples) != self._end:
            self._skip_to(end - len(samples))
        while len(samples):
            at = self._end - self._begin
            piece, samples = samples[: BLOCK - at], samples[BLOCK - at :]
            self._newest[at : at + len(piece)] = piece
            self._end += len(piece)
            if self._end == self._begin + BLOCK:
                self._keep()

    def _skip_to(self, start: int) -> None:
        """Go on at another sample, after silence. Further back than the newest block all is forgotten."""
        if not self._begin <= start < self._begin + self._size:
            self._scales[:] = 0.0
            self._newest[:] = 0.0
            self._begin = start // BLOCK * BLOCK
        self._newest[max(start - self._begin, 0) :] = 0.0
        self._end = start
        while start >= self._begin + BLOCK:
            self._keep()

    def _keep(self) -> None:
        """Store the newest block and begin the next one."""
        at = self._begin // BLOCK % len(self._blocks)
        peak = float(np.abs(self._newest).max())
        self._scales[at] = 0.0
        if 0.0 < peak < np.inf:
            self._scales[at] = peak / LARGEST
            self._blocks[at] = np.rint(self._newest * (LARGEST / peak))
        self._begin += BLOCK
        self._newest[:] = 0.0

    def last(self, start: int, end: int) -> Samples:
        """Return the samples from start to end of the stream, zeros where they are not held."""
        out = np.zeros(end - start, np.float32)
        first, last = max(start, self._first, 0), min(end, self._end)
        if len(self._blocks) and first < last:
            kept = np.arange(first // BLOCK, min(-(-last // BLOCK), self._begin // BLOCK)) % len(self._blocks)
            sound = (self._blocks[kept] * self._scales[kept]).reshape(-1)
            whole = np.concatenate([sound, self._newest]) if last > self._begin else sound
            at = first - (first // BLOCK * BLOCK if first < self._begin else self._begin)
            out[first - start : last - start] = whole[at : at + last - first]
        return out

    @property
    def _first(self) -> int:
        """The oldest sample that is held; negative at the beginning."""
        return self._begin - self._size

    @property
    def end(self) -> int:
        """The stream's sample after the newest."""
        return self._end

    def cut(self, start_s: float, end_s: float, path: Path) -> float:
        """Write the sound from start_s to end_s, and a little around it, in a thread; return how much lies before it,
        seconds. Raises ValueError where it is not held any more.
        """
        start = round((start_s - BEFORE_S) * self._rate)
        end = min(round((end_s + AFTER_S) * self._rate), self._end)
        if start < max(self._first, 0) or end <= start or end_s * self._rate > self._end + self._rate:
            raise ValueError(f"its sound is not held any more: riffs of up to {self._size / self._rate:.0f} s are")
        piece = self.last(start, end)
        Thread(target=_write, args=(path, piece, self._rate), name="riff", daemon=True).start()
        return BEFORE_S


def _write(path: Path, piece: Samples, rate: int) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with written_whole(path) as file:
            soundfile.write(file, piece, rate, format="WAV", subtype="FLOAT")
    except (OSError, RuntimeError) as cause:
        log.warning("riff %s: its sound was not written: %s", path, cause)
