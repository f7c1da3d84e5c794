"""The pitch of one bass string: normalised square difference (McLeod & Wyvill 2005, "A smarter way to find pitch")
over a window that starts anew at every onset, so the last note's sound never blurs the next one's.

The sound is taken down to 6 kHz first: bass fundamentals and the harmonics that stand in for a missing one survive.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray
from scipy import signal

from listener.types import ANALYSIS_RATE, Frame, Onset

DECIMATION = 4
RATE = ANALYSIS_RATE // DECIMATION
F0_RANGE_HZ = (30.0, 420.0)
LAGS = (int(RATE / F0_RANGE_HZ[1]), int(RATE / F0_RANGE_HZ[0]) + 2)
WINDOW = 480  # samples, 80 ms: 2.5 periods of B0
SHORTEST = 120  # samples, 20 ms after an onset nothing is said before
OVERLAP = 0.3  # of the lag: as much must be compared at least
FIRST_PEAK = 0.87  # the first peak this near to the highest is the period
STAY_BONUS = 0.04  # for the pitch that was heard a frame ago
FLOOR_DB = (-62.0, 8.0)  # silent below this level, and within this much of the noise floor
FLOOR_RISE_DB = 0.012  # per frame: 0.9 dB per second
ATTACK_SKIP = 12  # samples of pick noise left out at the start of a note

Array = NDArray[np.float64]


@njit(cache=True)
def nsdf(x: Array, low: int, high: int, overlap: float) -> Array:
    """NSDF of x [n] at lags low..high-1 (0 where fewer than overlap * lag samples meet)."""
    n = len(x)
    squares = np.zeros(n + 1)
    for i in range(n):
        squares[i + 1] = squares[i] + x[i] * x[i]
    out = np.zeros(high)
    for lag in range(low, high):
        count = n - lag
        if count < max(overlap * lag, 24):
            break
        r = 0.0
        for i in range(count):
            r += x[i] * x[i + lag]
        m = squares[count] + squares[n] - squares[lag]
        out[lag] = 2 * r / (m + 1e-12)
    return out


class PitchTracker:
    """step(frame, onsets) -> (f0_hz | None, voiced_prob 0-1). centre_s: the stream time the answer is about."""

    def __init__(self) -> None:
        self._sos = signal.butter(6, 1900, fs=ANALYSIS_RATE, output="sos")
        self._high = signal.butter(1, 30, "high", fs=ANALYSIS_RATE, output="sos")
        self._zi = np.zeros((self._sos.shape[0], 2))
        self._zi_high = np.zeros((self._high.shape[0], 2))
        self._sound: Array = np.zeros(WINDOW)
        self._since = WINDOW  # samples at 6 kHz since the last onset
        self._last_hz: float | None = None
        self._floor_db: float | None = None
        self.centre_s = 0.0
        self.level_db = -120.0

    def step(self, frame: Frame, onsets: tuple[Onset, ...] = ()) -> tuple[float | None, float]:
        high, self._zi_high = signal.sosfilt(self._high, frame.samples.astype(np.float64), zi=self._zi_high)
        low, self._zi = signal.sosfilt(self._sos, high, zi=self._zi)
        fresh = low[::DECIMATION]
        self._sound = np.concatenate([self._sound[len(fresh) :], fresh])
        self._since += len(fresh)
        if onsets:
            self._since = int((frame.end_s - onsets[-1].onset_s) * RATE) - ATTACK_SKIP
        n = min(max(self._since, 0), WINDOW)
        self.centre_s = frame.end_s - n / 2 / RATE
        self._follow_floor(fresh)
        if n < SHORTEST:
            return None, 0.0
        return self._decide(self._sound[WINDOW - n :])

    def _follow_floor(self, fresh: Array) -> None:
        power = float(np.mean(fresh**2))
        self.level_db = 10 * np.log10(power + 1e-12)
        floor = self.level_db if self._floor_db is None else self._floor_db
        self._floor_db = min(floor + FLOOR_RISE_DB, max(self.level_db, floor - 3.0))

    def _decide(self, x: Array) -> tuple[float | None, float]:
        assert self._floor_db is not None
        if self.level_db < max(FLOOR_DB[0], min(self._floor_db + FLOOR_DB[1], -30.0)):
            self._last_hz = None
            return None, 0.0
        clarity, hz = self._period(nsdf(x - x.mean(), LAGS[0], LAGS[1], OVERLAP))
        prob = float(np.clip((clarity - 0.4) / 0.45, 0, 1))
        self._last_hz = hz if prob > 0.3 else None
        return self._last_hz, prob

    def _period(self, curve: Array) -> tuple[float, float]:
        """NSDF [lags] -> (clarity, f0 in Hz) of the chosen peak."""
        inner = curve[1:-1]
        peaks = np.flatnonzero((inner > curve[:-2]) & (inner >= curve[2:]) & (inner > 0)) + 1
        peaks = peaks[peaks > LAGS[0]]
        if not len(peaks):
            return 0.0, 0.0
        heights = curve[peaks].copy()
        if self._last_hz:
            heights[np.abs(12 * np.log2(RATE / peaks / self._last_hz)) < 0.8] += STAY_BONUS
        lag = int(peaks[np.flatnonzero(heights >= FIRST_PEAK * heights.max())[0]])
        a, b, c = curve[lag - 1 : lag + 2]
        shift = 0.5 * (a - c) / (a - 2 * b + c) if a - 2 * b + c < 0 else 0.0
        return float(b), RATE / (lag + float(np.clip(shift, -0.5, 0.5)))
