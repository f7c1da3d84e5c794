"""Hears the bass beside what is rendered, so that the band is as loud as the bass in the mix asks for. One thread."""

from __future__ import annotations

import numpy as np

from agent.mixing.bass_reference import BassReference
from listener.input_mixer import InputMixer
from listener.ring import Ring

CHUNK = 2_048  # samples that are taken at once: many cost little more than few


class HeardBass:
    """Reads the microphone's ring. channel: counted from 0, None = the mean of all."""

    def __init__(self, ring: Ring, rate: int, channel: int | None = None) -> None:
        self._reader, self._reference = ring.reader(), BassReference(rate)
        self._weights = InputMixer(ring.channels, rate, channel).weights
        self._raw = np.zeros((CHUNK, ring.channels), np.float32)

    def take(self, weights: tuple[float, ...]) -> None:
        """Multiply the input's channels by these from now on, one for each."""
        self._weights = np.array(weights, np.float32)

    def away_db(self) -> float:
        """Take in what has come, CHUNK by CHUNK; return how much louder the mixed bass is than it is wished."""
        reader = self._reader
        reader.position = max(reader.position, reader.ring.written - reader.ring.capacity // 2)  # after a gap
        if reader.available >= CHUNK:
            raw = self._raw
            reader.read_into(raw)
            used = np.flatnonzero(self._weights)
            mono = np.nan_to_num(raw[:, used] @ self._weights[used], posinf=0.0, neginf=0.0)
            self._reference.hear(mono.clip(-1.0, 1.0))
        return self._reference.away_db
