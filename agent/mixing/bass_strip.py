"""The bass's channel strip: a high-pass, a slow level, a gentle compressor with make-up, a quicker one for the peaks of
slap and staccato, which would else drive the limiter of the mix. Its tone is not touched."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from agent.mixing.block_filter import BLOCK, BlockFilter, high_pass
from agent.mixing.compressor import BASS, Compressor
from agent.mixing.hop_power import HopPower
from agent.mixing.lanes import BASS_LUFS
from agent.mixing.leveller import BASS_LEVEL, Leveller, Pace
from agent.mixing.limiter import HeldGain

HIGH_PASS_HZ = 28.0  # the low B of a five-string bass has 30.9 Hz
MAKEUP_DB = 4.0  # what the compressors take on average; it follows what they take of this bass
MAKEUP = Pace(0.6, 2.5, 0.05, (0.0, 9.0), gate_lufs=BASS_LEVEL.gate_lufs)
PEAK, PEAK_RATIO = 10 ** (-8.0 / 20), 4.0  # above it so many dB in give 1 dB out, by block, without look-ahead
QUICK = 16  # samples in which a peak's gain is there
SIDES = 2  # the mix has the bass on both: twice its power
Mono = NDArray[np.float32]


class StripGains:
    """Computes the strip's gains block by block. level: of the bass as it comes; makeup: what the compressors took."""

    def __init__(self, rate_hz: int) -> None:
        self.level, self.makeup = Leveller((BASS_LUFS,), BASS_LEVEL), Leveller((BASS_LUFS,), MAKEUP)
        self.makeup.gain_db[:] = MAKEUP_DB
        self._compressor, self._peak = Compressor(BASS, rate_hz), HeldGain(rate_hz)
        self._gain = 1.0
        self._ramp = (np.arange(BLOCK) + 1) / BLOCK
        self._quick_ramp = np.minimum((np.arange(BLOCK) + 1) / QUICK, 1.0)

    @property
    def makeup_gain(self) -> float:
        return float(10 ** (self.makeup.gain_db[0] / 20))

    def of(self, blocks: NDArray[np.floating]) -> NDArray[np.float64]:
        """Return the gain of each sample of the next blocks [count, 64], between which nothing is measured."""
        level = float(10 ** (self.level.gain_db[0] / 20))
        usual, at = level * self.makeup_gain, [self._gain]
        powers, peaks = np.einsum("ij,ij->i", blocks, blocks) / BLOCK, np.abs(blocks).max(axis=1)
        quick = []
        for power, peak in zip(powers.tolist(), peaks.tolist(), strict=True):
            gain = usual * self._compressor(level * level * power)
            over = gain * peak / PEAK
            at.append(gain * self._peak.next(over ** (1 / PEAK_RATIO - 1) if over > 1 else 1.0))
            quick.append(over > 1)
        self._gain = at[-1]
        ends = np.array(at)
        ramps = np.where(np.array(quick)[:, None], self._quick_ramp, self._ramp)
        gains: NDArray[np.float64] = ends[:-1, None] + np.diff(ends)[:, None] * ramps
        return gains


class BassStrip:
    """Processes the bass, mono, in blocks of 64 samples.

    observe() tells its level what comes; process() gives the sound. Where the sound may come later than it is known
    (recordings), observing ahead spares the first notes a moving level.
    """

    def __init__(self, rate_hz: int) -> None:
        self._high_pass = BlockFilter((high_pass(HIGH_PASS_HZ, rate_hz),), 1, np.float64)
        self._gains = StripGains(rate_hz)
        self._before, self._after = HopPower(rate_hz, 1, dtype=np.float64), HopPower(rate_hz, 1, dtype=np.float64)

    def observe(self, sound: Mono) -> None:
        """Measure float32 [n], n a multiple of 64."""
        for power in self._before.whole(sound[None], SIDES):
            self._gains.level.hop(power)

    def process(self, sound: Mono) -> Mono:
        """Return float32 [n] as it is mixed; n a multiple of 64."""
        out, passed = np.empty(len(sound), np.float32), self._high_pass.whole(sound[None])[0]
        at = 0
        while at < len(sound):
            end = min(at + self._after.blocks_left * BLOCK, len(sound))
            makeup = self._gains.makeup_gain
            blocks = passed[at:end].reshape(-1, BLOCK)
            out[at:end] = (blocks * self._gains.of(blocks)).reshape(-1)
            for power in self._after.whole(out[None, at:end], SIDES / makeup**2):
                self._gains.makeup.hop(power)
            at = end
        return out
