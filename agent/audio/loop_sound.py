"""`SoundLoader` reads the sound of a kept riff in a thread, while the band plays on."""

from __future__ import annotations

import logging
from collections import deque
from pathlib import Path
from threading import Thread

import numpy as np
import soundfile

from agent.core.messages import PlayLoop
from agent.core.os_process import step_behind_realtime
from listener.types import Samples

log = logging.getLogger(__name__)

LONGEST_S = 180.0


class SoundLoader:
    """Call load() and take() from one thread; take() gives what is there."""

    def __init__(self) -> None:
        self._loaded: deque[tuple[PlayLoop, Samples]] = deque(maxlen=1)

    def load(self, wish: PlayLoop, rate: int) -> None:
        """Begin to read the wish's file; what cannot be read is logged and leaves what there was."""
        Thread(target=self._load, args=(wish, rate), name="loop", daemon=True).start()

    def _load(self, wish: PlayLoop, rate: int) -> None:
        step_behind_realtime()
        try:
            self._loaded.append((wish, read_sound(Path(wish.path), rate)))
        except (OSError, RuntimeError, ValueError) as cause:
            log.warning("loop %s: %s", wish.path, cause)

    def take(self) -> tuple[PlayLoop, Samples] | None:
        """Return what was loaded since the last call, else None."""
        return self._loaded.popleft() if self._loaded else None


def read_sound(path: Path, rate: int) -> Samples:
    """Return a mono sound file as float32 [n] at this rate. Raises OSError, RuntimeError and ValueError."""
    with soundfile.SoundFile(path) as file:
        if file.frames > LONGEST_S * file.samplerate:
            raise ValueError(f"{path}: longer than {LONGEST_S:.0f} s")
        sound = file.read(dtype="float32", always_2d=True).mean(axis=1)
        had = file.samplerate
    if had != rate:
        places = np.arange(round(len(sound) * rate / had)) * (had / rate)
        sound = np.interp(places, np.arange(len(sound)), sound)
    return np.nan_to_num(np.asarray(sound, np.float32))
