"""Measures how loud the bass is as it is mixed, so that the band can follow it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from agent.mixing.bass_strip import SIDES, StripGains
from agent.mixing.block_filter import BLOCK
from agent.mixing.lanes import BASS_LUFS
from agent.mixing.leveller import BASS_LEVEL
from agent.mixing.loudness import HOP_S, RunningLoudness, k_power

RANGE_DB = (-6.0, 2.0)  # of what the band follows
LEAST_S, MEMORY_S = 1.0, 8.0  # of playing: before it follows; over which it measures
Float = NDArray[np.float32]


class BassReference:
    """Turns the bass down and up as BassStrip does, by hops of 100 ms, and measures the outcome; makes no sound.

    away_db: by how much the bass as mixed is louder than BASS_LUFS, within RANGE_DB; 0 while too little is known.
    """

    def __init__(self, rate_hz: int) -> None:
        self._gains = StripGains(rate_hz)
        hop = round(HOP_S * rate_hz / BLOCK) * BLOCK
        self._sound, self._filled = np.zeros(hop, np.float32), 0
        self._gain_of = np.zeros((hop // BLOCK, BLOCK), np.float32)
        self._gained = 0  # blocks of this hop whose gain is known
        weights = k_power(np.fft.rfftfreq(hop, 1 / rate_hz), rate_hz) * 2 * SIDES / hop**2
        self._weights = weights.astype(np.float32)
        self._loudness = RunningLoudness(1, MEMORY_S, gate_lufs=BASS_LEVEL.gate_lufs)
        self.away_db = 0.0

    def hear(self, sound: Float) -> None:
        """Take in what came of the bass, float32 [n]."""
        at = 0
        while at < len(sound):
            piece = sound[at : at + len(self._sound) - self._filled]
            self._sound[self._filled : self._filled + len(piece)] = piece
            self._filled += len(piece)
            at += len(piece)
            self._gain()
            if self._filled == len(self._sound):
                self._filled = 0
                self._hop()

    def _gain(self) -> None:
        """Reckon the gain of each block that is whole: a few a call, so that no call takes long."""
        whole = self._filled // BLOCK
        blocks = self._sound[self._gained * BLOCK : whole * BLOCK].reshape(-1, BLOCK)
        powers, peaks = np.einsum("ij,ij->i", blocks, blocks) / BLOCK, np.abs(blocks).max(axis=1)
        for i, (power, peak) in enumerate(zip(powers.tolist(), peaks.tolist(), strict=True), self._gained):
            self._gain_of[i] = self._gains.next(power, peak)
        self._gained = whole

    def _hop(self) -> None:
        gains = self._gains
        mixed = self._power(self._sound * self._gain_of.reshape(-1))
        gains.makeup.hop(mixed / gains.makeup_gain**2)
        gains.level.hop(self._power(self._sound))
        self._gained = 0
        if gains.level.sure:
            self._loudness.hop(mixed)
        if self._loudness.heard[0] * HOP_S >= LEAST_S:
            self.away_db = float(np.clip(self._loudness.lufs[0] - BASS_LUFS, *RANGE_DB))

    def _power(self, sound: Float) -> NDArray[np.float64]:
        spectrum = np.fft.rfft(sound)
        return np.array([float((spectrum.real**2 + spectrum.imag**2) @ self._weights)])
