"""Measures loudness as people hear it: K-weighting and gating of ITU-R BS.1770-4, for files and while sound goes on."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from agent.mixing.block_filter import BLOCK, BlockFilter, Section

SILENT_LUFS = -70.0  # the absolute gate
RELATIVE_LU = -10.0  # the relative gate
HOP_S, HOPS = 0.1, 4  # blocks of 400 ms, one each 100 ms
OFFSET_DB = -0.691
Sound = NDArray[np.float32]


def k_weighting(rate_hz: float) -> tuple[Section, Section]:
    """Return BS.1770's two filters (a shelf for the head, a high-pass) at any rate, as libebur128 derives them."""
    k, q, gain = np.tan(np.pi * 1681.974450955533 / rate_hz), 0.7071752369554196, 10 ** (3.999843853973347 / 20)
    middle, a0 = gain**0.4996667741545416, 1 + k / q + k * k
    shelf = (
        (gain + middle * k / q + k * k) / a0,
        2 * (k * k - gain) / a0,
        (gain - middle * k / q + k * k) / a0,
        2 * (k * k - 1) / a0,
        (1 - k / q + k * k) / a0,
    )
    k, q = np.tan(np.pi * 38.13547087602444 / rate_hz), 0.5003270373238773
    a0 = 1 + k / q + k * k
    return shelf, (1.0, -2.0, 1.0, 2 * (k * k - 1) / a0, (1 - k / q + k * k) / a0)


def k_power(frequencies_hz: NDArray[np.floating], rate_hz: float) -> NDArray[np.float64]:
    """Return the squared magnitude of the K-weighting at these frequencies."""
    z = np.exp(-2j * np.pi * frequencies_hz / rate_hz)
    power = np.ones(len(frequencies_hz))
    for b0, b1, b2, a1, a2 in k_weighting(rate_hz):
        power *= np.abs((b0 + b1 * z + b2 * z * z) / (1 + a1 * z + a2 * z * z)) ** 2
    return power


def k_mean_square(sound: Sound, rate_hz: float) -> float:
    """Return the mean square of K-weighted float [n], as if it were on both sides."""
    n = len(sound)
    weights = k_power(np.fft.rfftfreq(n, 1 / rate_hz), rate_hz) * 4 / n**2
    return float((np.abs(np.fft.rfft(sound)) ** 2 * weights).sum())


def lufs(power: float) -> float:
    """Return the loudness of a mean square of K-weighted sound, summed over the channels."""
    return OFFSET_DB + 10 * float(np.log10(max(power, 1e-12)))


class LoudnessMeter:
    """Measures the integrated, gated loudness of sound that comes piece by piece."""

    def __init__(self, rate_hz: int, channels: int) -> None:
        self._weighting = BlockFilter(k_weighting(rate_hz), channels, np.float64)
        self._hop = round(HOP_S * rate_hz / BLOCK)  # in blocks
        self._powers: list[float] = []  # of blocks

    def add(self, sound: Sound) -> None:
        """Take in float [n, channels]; less than 64 samples at the end of a piece are left out."""
        weighted = self._weighting.whole(sound[: len(sound) // BLOCK * BLOCK].T)
        self._powers += (np.square(weighted).reshape(len(weighted), -1, BLOCK).sum(axis=(0, 2)) / BLOCK).tolist()

    @property
    def lufs(self) -> float:
        """Return the loudness so far; -inf for silence or less than 400 ms."""
        whole = len(self._powers) // self._hop
        if whole < HOPS:
            return -np.inf
        hops = np.array(self._powers[: whole * self._hop]).reshape(whole, -1).mean(axis=1)
        blocks = np.convolve(hops, np.ones(HOPS) / HOPS, "valid")
        heard = blocks[blocks > 10 ** ((SILENT_LUFS - OFFSET_DB) / 10)]
        if not len(heard):
            return -np.inf
        return lufs(float(heard[heard > heard.mean() * 10 ** (RELATIVE_LU / 10)].mean()))


def integrated_lufs(sound: Sound, rate_hz: int) -> float:
    """Return the integrated, gated loudness of float [n, channels]; -inf for silence or less than 400 ms."""
    meter = LoudnessMeter(rate_hz, sound.shape[1])
    meter.add(sound)
    return meter.lufs


class RunningLoudness:
    """Measures the gated loudness of several voices as they go on, one hop of 100 ms after another.

    The mean goes back over the `memory_s` seconds last played; silence is left out. lufs: what is known, one a voice.
    """

    def __init__(self, voices: int, memory_s: float = 60.0, gate_lufs: float = SILENT_LUFS) -> None:
        self._hops = np.zeros((voices, HOPS))
        self._gate = 10 ** ((gate_lufs - OFFSET_DB) / 10)
        self._most = round(memory_s / HOP_S)
        self._mean = np.zeros(voices)
        self.heard = np.zeros(voices, np.int64)  # hops that counted

    def hop(self, powers: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Take in the mean K-weighted power [voices] of a hop; return which voices it counted for."""
        self._hops[:, :-1] = self._hops[:, 1:]
        self._hops[:, -1] = powers
        block = self._hops.mean(axis=1)
        counts: NDArray[np.bool_] = (block > self._gate) & (block > self._mean * 10 ** (RELATIVE_LU / 10))
        self.heard += counts
        share = 1.0 / np.minimum(np.maximum(self.heard, 1), self._most)
        self._mean += np.where(counts, share * (block - self._mean), 0.0)
        return counts

    @property
    def lufs(self) -> NDArray[np.float64]:
        loudness: NDArray[np.float64] = OFFSET_DB + 10 * np.log10(np.maximum(self._mean, 1e-12))
        return loudness

    def rest(self) -> None:
        """Forget the hops of the last 400 ms: silence follows."""
        self._hops[:] = 0.0
