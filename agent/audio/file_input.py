"""Plays a file in place of the microphone, at the pace of the stream's clock."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Protocol

import numpy as np

from listener.capture import DAMAGED
from listener.ring import Ring
from listener.types import Samples


class Sound(Protocol):
    """What is played: listener/capture.py's AudioFile, or Silence."""

    @property
    def path(self) -> Path: ...
    @property
    def rate(self) -> int: ...
    def blocks(self, size: int) -> Iterator[Samples]: ...
    def take_lines(self) -> list[str]: ...


class Silence:
    """The sound of a bass that comes as MIDI: none, for duration_s (infinity: without end)."""

    def __init__(self, path: Path, rate: int, duration_s: float) -> None:
        self.path, self.rate, self._duration_s = path, rate, duration_s

    def blocks(self, size: int) -> Iterator[Samples]:
        """Yield zeros [size] until duration_s is over."""
        silence, sent = np.zeros(size, np.float32), 0
        while sent < self._duration_s * self.rate:
            yield silence
            sent += size

    def take_lines(self) -> list[str]:
        """Return nothing: there is nothing to say of silence that is meant."""
        return []


class FilePlayback:
    """Reads a file into the ring, its sample k at sample k of the stream; pace() says how far to read.

    On a ring that already holds sound the file goes on where the stream is. failed: why the file could not be read to
    its end.
    """

    def __init__(self, sound: Sound, block_samples: int, ring: Ring, pace: Callable[[], float]) -> None:
        self._sound, self._block, self._ring, self._pace = sound, block_samples, ring, pace
        self.failed = ""
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="file", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def _run(self) -> None:
        try:
            at = 0
            for block in self._sound.blocks(self._block):
                at += len(block)
                if not self._write(block[:, None], at):
                    return
        except Exception as cause:  # a file that breaks off is the end of the music, not of the session
            self.failed = f"{self._sound.path}: could not be read to its end ({cause})"
        self.failed = self.failed or next((line for line in self._sound.take_lines() if DAMAGED in line), "")
        self._ring.end()

    def _write(self, block: np.ndarray, until: int) -> bool:
        """The part of the block that is not in the ring yet, at its time; False when stopped meanwhile."""
        while until > self._pace():
            if self._stop.wait(0.001):
                return False
        self._ring.write(block[max(len(block) - max(until - self._ring.written, 0), 0) :])
        return True

    def close(self) -> None:
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(1.0)
