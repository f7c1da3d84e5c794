"""Where notes begin: rises of log energy in bands, in hops of 3.3 ms, against what each band just held.

Spectral flux after Boeck & Widmer 2013 (SuperFlux: the reference is a maximum over the recent past, so ripple
and beating are no rise); bands, an asymmetric window and a per-band noise floor are our departures.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from listener.types import ANALYSIS_RATE, FRAME_SAMPLES, Frame, Onset

HOP = 80  # samples, 3.3 ms
WINDOW = 512  # samples, 21 ms
FALL = 48  # samples of the window's newest end: short, so that an attack weighs at once
BAND_EDGES_HZ = (60, 150, 250, 350, 480, 640, 850, 1150, 1550, 2100, 2900, 4000, 5400)
REFERENCE_HOPS = (2, 10)  # compare with the loudest of 7 to 30 ms ago
SILENCE_POWER = 1e-9  # about -66 dBFS in a band: below it nothing rises
FLOOR_RISE = 1.0008  # per hop: the noise floor forgets 1 dB per second
FLOOR_GAIN = 3.0
THRESHOLD_DB = 1.8
RELATIVE = 1.3  # of the recent mean flux
REFRACTORY_HOPS = 14
LEAD_S = 0.0035  # from the start of the rise in the window to the attack itself

Array = NDArray[np.float64]


def _window() -> Array:
    rise = np.sin(np.linspace(0, np.pi / 2, WINDOW - FALL)) ** 2
    window: Array = np.concatenate([rise, np.cos(np.linspace(0, np.pi / 2, FALL)) ** 2])
    window /= np.sqrt(np.sum(window**2))
    return window


def _bands() -> Array:
    """Bin powers [WINDOW/2+1] -> band powers: 0/1 matrix [bins, bands]."""
    hz = np.fft.rfftfreq(WINDOW, 1 / ANALYSIS_RATE)
    edges = np.array(BAND_EDGES_HZ)
    return ((hz[:, None] >= edges[:-1]) & (hz[:, None] < edges[1:])).astype(np.float64)


class OnsetDetector:
    """step(frame) -> (strength, onsets). strength: the frame's largest flux over its threshold (1 = an onset)."""

    def __init__(self) -> None:
        self._past: NDArray[np.float32] = np.zeros(WINDOW - HOP, np.float32)
        self._window, self._bands = _window(), _bands()
        bands = len(BAND_EDGES_HZ) - 1
        self._smooth, self._floor = np.zeros(bands), np.full(bands, -1.0)
        self._levels: Array = np.full((REFERENCE_HOPS[1], bands), 10 * np.log10(SILENCE_POWER))
        self._flux: Array = np.zeros(90)  # the last 300 ms
        self._wait = 0

    def step(self, frame: Frame) -> tuple[float, tuple[Onset, ...]]:
        sound = np.concatenate([self._past, frame.samples])
        self._past = sound[-(WINDOW - HOP) :]
        views = np.lib.stride_tricks.sliding_window_view(sound, WINDOW)[::HOP] * self._window
        powers = (np.abs(np.fft.rfft(views)) ** 2 / WINDOW) @ self._bands
        onsets: list[Onset] = []
        strength = 0.0
        for hop in range(FRAME_SAMPLES // HOP):
            ratio = self._hop(powers[hop])
            strength = max(strength, ratio)
            if ratio >= 1 and self._wait <= 0:
                end_s = frame.start_s + (hop + 1) * HOP / ANALYSIS_RATE
                onsets.append(Onset(max(0.0, end_s - self._age_s()), frame.emit_s, ratio))
                self._wait = REFRACTORY_HOPS
        return strength, tuple(onsets)

    def _hop(self, power: Array) -> float:
        """Band powers of one hop -> flux over threshold."""
        self._follow_floor(power)
        level = 10 * np.log10(power + FLOOR_GAIN * self._floor + SILENCE_POWER)
        reference = self._levels[: -REFERENCE_HOPS[0] + 1].max(axis=0)
        flux = float(np.mean(np.maximum(level - reference, 0)))
        threshold = THRESHOLD_DB + RELATIVE * float(self._flux[:-4].mean())
        self._levels = np.vstack([self._levels[1:], level])
        self._flux = np.append(self._flux[1:], flux)
        self._wait -= 1
        return flux / threshold

    def _follow_floor(self, power: Array) -> None:
        if self._floor[0] < 0:
            self._smooth, self._floor = power.copy(), power.copy()
        self._smooth += 0.04 * (power - self._smooth)
        self._floor = np.minimum(self._floor * FLOOR_RISE + 1e-14, self._smooth)

    def _age_s(self) -> float:
        """How long before the end of this hop the rise began."""
        rising = self._flux[-4:] > 0.25 * self._flux[-1]
        hops = int(np.argmin(rising[::-1])) if not rising.all() else len(rising)
        return LEAD_S + (hops - 1) * HOP / ANALYSIS_RATE
