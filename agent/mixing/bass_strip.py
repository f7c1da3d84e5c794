"""The bass's channel strip: a high-pass, a slow level, a gentle compressor with make-up, a quicker one for the peaks of
slap and staccato, which would else drive the limiter of the mix. Its tone is not touched."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from agent.mixing.block_filter import BLOCK, BlockFilter, high_pass
from agent.mixing.compressor import BASS, Compressor
from agent.mixing.lanes import BASS_LUFS
from agent.mixing.leveller import BASS_LEVEL, Leveller, Pace
from agent.mixing.limiter import HeldGain
from agent.mixing.loudness import HOP_S, k_weighting

HIGH_PASS_HZ = 28.0  # the low B of a five-string bass has 30.9 Hz
MAKEUP_DB = 4.0  # what the compressors take on average; it follows what they take of this bass
MAKEUP = Pace(0.6, 2.5, 0.05, (0.0, 9.0), gate_lufs=BASS_LEVEL.gate_lufs)
PEAK, PEAK_RATIO = 10 ** (-10.0 / 20), 4.0  # above it so many dB in give 1 dB out, by block, without look-ahead
QUICK = 16  # samples in which a peak's gain is there
SIDES = 2  # the mix has the bass on both: twice its power
Mono = NDArray[np.float32]


class BassStrip:
    """Processes the bass, mono, in blocks of 64 samples.

    observe() tells its level what comes; process() gives the sound. Where the sound may come later than it is known
    (recordings), observing ahead spares the first notes a moving level.
    """

    def __init__(self, rate_hz: int) -> None:
        self._high_pass = BlockFilter((high_pass(HIGH_PASS_HZ, rate_hz),), 1, np.float64)
        self._weighting = BlockFilter(k_weighting(rate_hz), 1, np.float64)
        self._level = Leveller((BASS_LUFS,), BASS_LEVEL)
        self._compressor = Compressor(BASS, rate_hz)
        self._hop, self._metered, self._power = round(HOP_S * rate_hz / BLOCK), 0, 0.0
        self._ramp = (np.arange(BLOCK) + 1) / BLOCK
        self._quick_ramp = np.minimum((np.arange(BLOCK) + 1) / QUICK, 1.0)
        self._gain, self._peak = 1.0, HeldGain(rate_hz)
        self._makeup = Leveller((BASS_LUFS,), MAKEUP)
        self._makeup.gain_db[:] = MAKEUP_DB
        self._out_weighting = BlockFilter(k_weighting(rate_hz), 1, np.float64)
        self._out_metered, self._out_power = 0, 0.0  # without the make-up

    def observe(self, sound: Mono) -> None:
        """Measure float32 [n], n a multiple of 64."""
        for at in range(0, len(sound), BLOCK):
            block = self._weighting(sound[None, at : at + BLOCK])
            self._power += SIDES * float(np.einsum("ij,ij", block, block))
            self._metered += 1
            if self._metered == self._hop:
                self._level.hop(np.array([self._power / (self._hop * BLOCK)]))
                self._power, self._metered = 0.0, 0

    def process(self, sound: Mono) -> Mono:
        """Return float32 [n] as it is mixed; n a multiple of 64."""
        out = np.empty(len(sound), np.float32)
        level = float(10 ** (self._level.gain_db[0] / 20))
        for at in range(0, len(sound), BLOCK):
            makeup = float(10 ** (self._makeup.gain_db[0] / 20))
            block = self._high_pass(sound[None, at : at + BLOCK])[0]
            power = float(block @ block) / BLOCK
            gain = level * makeup * self._compressor(level * level * power)
            over = gain * float(np.abs(block).max()) / PEAK
            gain *= self._peak.next(over ** (1 / PEAK_RATIO - 1) if over > 1 else 1.0)
            ramp = self._quick_ramp if over > 1 else self._ramp
            out[at : at + BLOCK] = block * (self._gain + (gain - self._gain) * ramp)
            self._gain = gain
            self._measure(out[at : at + BLOCK], makeup)
        return out

    def _measure(self, block: Mono, makeup: float) -> None:
        """Take in what is heard of a block, so that the make-up follows what was taken."""
        weighted = self._out_weighting(block[None])
        self._out_power += SIDES * float(np.einsum("ij,ij", weighted, weighted)) / makeup**2
        self._out_metered += 1
        if self._out_metered == self._hop:
            self._makeup.hop(np.array([self._out_power / (self._hop * BLOCK)]))
            self._out_power, self._out_metered = 0.0, 0
