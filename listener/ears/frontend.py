"""Compute what the ear network reads: step(samples [80]) -> features float32 [SIZE], every 3.3 ms.

The features are four views of a bass: band energies over a short window that weighs its newest end (attacks), a
log-frequency spectrum over 43 ms (hum, drums, which strings ring), a finer one over 85 ms (partials stand out of a
drum's noise), and normalised cross-correlations of the newest 10, 20 and 50 ms with what lay one lag before (periods;
McLeod & Wyvill 2005, at half-semitone lags).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from listener.biquads import butterworth
from listener.kernel import kernel
from listener.types import ANALYSIS_RATE, Samples

HOP = 80  # samples; four to a frame
HOP_S = HOP / ANALYSIS_RATE
DECIMATION = 4
LOW_RATE = ANALYSIS_RATE // DECIMATION
LOW_HOP = HOP // DECIMATION
LOW_CUT_HZ = 1900.0

SHORT = 384  # samples at 24 kHz, 16 ms
FALL = 40  # samples of its newest end: short, so that an attack weighs at once
SHORT_BANDS = 20
SHORT_RANGE_HZ = (50.0, 9000.0)
ATTACK_BAND = 12  # from here on, 1.3 kHz
LONG = 256  # samples at 6 kHz, 43 ms
LONG_FFT = 512
LONG_RANGE_HZ = (31.0, 1500.0)
LONG_PER_OCTAVE = 12
FINE = 512  # samples at 6 kHz, 85 ms
FINE_FFT = 1024
FINE_RANGE_HZ = (60.0, 960.0)
FINE_PER_OCTAVE = 24
REFERENCE_HOPS = (2, 9)  # a rise is measured against the loudest of 7 to 30 ms ago

LONG_AGO, FINE_AGO = (6, 15), (12, 26)  # hops: a partial that rises against this was struck, whatever else sounds

LOWEST, HIGHEST = 19, 71  # MIDI: G0 (24.5 Hz) to B4 (494 Hz)
BINS_PER_SEMITONE = 2
WINDOWS = (3, 6, 15)  # hops: 10, 20, 50 ms
MAX_LAG = 260
POWER_FLOOR = 1e-9  # -90 dB: silence has no shape

Array = NDArray[np.float64]

LAG_MIDI = np.arange(LOWEST - 0.5, HIGHEST + 0.75, 1 / BINS_PER_SEMITONE)
LAGS = LOW_RATE / (440 * 2 ** ((LAG_MIDI - 69) / 12))
LONG_BINS = int(LONG_PER_OCTAVE * np.log2(LONG_RANGE_HZ[1] / LONG_RANGE_HZ[0]))
FINE_BINS = int(FINE_PER_OCTAVE * np.log2(FINE_RANGE_HZ[1] / FINE_RANGE_HZ[0]))
BANDS = 2 * SHORT_BANDS + LONG_BINS  # the first features
VIEWS = BANDS + len(WINDOWS) * (len(LAGS) + 1) + FINE_BINS  # and these the correlations and the fine spectrum
SIZE = VIEWS + len(LONG_AGO) * LONG_BINS + len(FINE_AGO) * FINE_BINS


def _asymmetric(n: int, fall: int) -> Array:
    rise = np.sin(np.linspace(0, np.pi / 2, n - fall)) ** 2
    window: Array = np.concatenate([rise, np.cos(np.linspace(0, np.pi / 2, fall)) ** 2])
    window /= np.sqrt(np.sum(window**2))
    return window


def _log_bands(size: int, rate: int, range_hz: tuple[float, float], count: int) -> Array:
    """Return triangles on a log axis, [bands, bins up to the last that counts]; no band is narrower than a bin."""
    hz, centres_hz = np.arange(size // 2 + 1) * rate / size, np.geomspace(*range_hz, count)
    octave, width = np.log2(np.maximum(hz, 1e-3)), np.log2(centres_hz[1] / centres_hz[0])
    bands: Array = np.maximum(0, 1 - np.abs(octave[:, None] - np.log2(centres_hz)) / width)
    for band, centre in enumerate(centres_hz):
        if bands[:, band].sum() < 1:
            below = np.searchsorted(hz, centre) - 1
            share = (centre - hz[below]) / (hz[1] - hz[0])
            bands[:, band] = 0
            bands[below, band], bands[below + 1, band] = 1 - share, share
    last = np.flatnonzero(bands.any(axis=1))[-1]
    out: Array = np.ascontiguousarray(bands[: last + 1].T)
    return out


def _spans(bands: Array) -> NDArray[np.int64]:
    """Return the first bin and the end of those that count in each band, [bands, 2]."""
    heard = [np.flatnonzero(band) for band in bands]
    return np.array([(bins[0], bins[-1] + 1) for bins in heard], np.int64)


_SHORT_BANDS = _log_bands(SHORT, ANALYSIS_RATE, SHORT_RANGE_HZ, SHORT_BANDS) / SHORT
_LONG_BANDS = _log_bands(LONG_FFT, LOW_RATE, LONG_RANGE_HZ, LONG_BINS)
_FINE_BANDS = _log_bands(FINE_FFT, LOW_RATE, FINE_RANGE_HZ, FINE_BINS)
_SHORT_SPANS, _LONG_SPANS, _FINE_SPANS = (_spans(bands) for bands in (_SHORT_BANDS, _LONG_BANDS, _FINE_BANDS))
_SHORT_WINDOW, _LONG_WINDOW = _asymmetric(SHORT, FALL), _asymmetric(LONG, LONG // 4)
_FINE_WINDOW = _asymmetric(FINE, FINE // 4)
_WINDOWS = np.array(WINDOWS)
_LONG_AGO, _FINE_AGO = np.array(LONG_AGO), np.array(FINE_AGO)
_REACH = 2 ** (0.5 / BINS_PER_SEMITONE / 12)


@kernel()
def _low_pass(x: Array, sos: Array, state: Array) -> Array:
    """Filter by a cascade of biquads, direct form II transposed, every DECIMATION-th sample kept; state is changed in
    place."""
    out = np.empty(len(x) // DECIMATION)
    for i in range(len(x)):
        v = x[i]
        for s in range(sos.shape[0]):
            y = sos[s, 0] * v + state[s, 0]
            state[s, 0] = sos[s, 1] * v - sos[s, 4] * y + state[s, 1]
            state[s, 1] = sos[s, 2] * v - sos[s, 5] * y
            v = y
        if i % DECIMATION == DECIMATION - 1:
            out[i // DECIMATION] = v
    return out


@kernel(fastmath=True)
def _correlate(
    low: Array,
    products: Array,
    windows: NDArray[np.int64],
    hop: int,
    lags: Array,
    reach: float,
    curve: Array,
    out: Array,
) -> None:
    """low: the last samples at 6 kHz, newest last. products [max hops, MAX_LAG]: block products, newest first,
    moved on and filled here. curve [windows, MAX_LAG]: correlation at whole lags. out [windows, lags + 1]: its maximum
    within `reach` of each lag (a bright low note's peak is narrower than a bin), then log energy."""
    n, max_lag = len(low), products.shape[1]
    for block in range(products.shape[0] - 1, 0, -1):
        products[block] = products[block - 1]
    for lag in range(max_lag):
        total = 0.0
        for i in range(n - hop, n):
            total += low[i] * low[i - lag]
        products[0, lag] = total
    squares = np.zeros(n + 1)
    for i in range(n):
        squares[i + 1] = squares[i] + low[i] * low[i]
    sums, done = np.zeros(max_lag), 0
    for w in range(len(windows)):
        for block in range(done, windows[w]):
            for lag in range(max_lag):
                sums[lag] += products[block, lag]
        done = windows[w]
        count = windows[w] * hop
        energy = sums[0]
        for lag in range(max_lag):
            before = squares[n - lag] - squares[n - lag - count]
            curve[w, lag] = 2 * sums[lag] / (energy + before + 2 * POWER_FLOOR * count)
        for b in range(len(lags)):
            lag = int(lags[b])
            best = curve[w, lag] + (lags[b] - lag) * (curve[w, lag + 1] - curve[w, lag])
            for whole in range(int(np.ceil(lags[b] / reach)), int(lags[b] * reach) + 1):
                best = max(best, curve[w, whole])
            out[w, b] = best
        out[w, len(lags)] = np.log10(energy / count + POWER_FLOOR)


@kernel()
def _powers(x: Array, window: Array, size: int, bands: Array, spans: NDArray[np.int64], out: Array) -> None:
    """Return the log10 power of the bands [bands, bins] of the newest samples of x. spans [bands, 2]: the bins that
    count."""
    padded = np.zeros(size)
    n = len(window)
    for i in range(n):
        padded[i] = x[len(x) - n + i] * window[i]
    spectrum = np.fft.rfft(padded)
    power = spectrum.real**2 + spectrum.imag**2
    for band in range(bands.shape[0]):
        total = 0.0
        for b in range(spans[band, 0], spans[band, 1]):
            total += bands[band, b] * power[b]
        out[band] = np.log10(total + POWER_FLOOR)


@kernel()
def _features(level: Array, levels: Array, long: Array, view: Array, fine: Array, out: Samples) -> float:
    """Write what the network reads into out and move levels on; return FrontEnd.attack."""
    bands, rise = len(level), np.zeros(len(level) - ATTACK_BAND)
    for band in range(bands):
        loudest = levels[: 1 - REFERENCE_HOPS[0], band].max()
        out[band], out[bands + band] = (level[band] + 6) / 2, level[band] - loudest
        if band >= ATTACK_BAND:
            rise[band - ATTACK_BAND] = max(level[band] - loudest, 0.0)
    for hop in range(len(levels) - 1):
        levels[hop] = levels[hop + 1]
    levels[-1] = level
    at = 2 * bands
    out[at : at + len(long)] = (long + 5) / 2
    at += len(long)
    for window in range(view.shape[0]):
        for lag in range(view.shape[1] - 1):
            out[at + lag] = view[window, lag]
        out[at + view.shape[1] - 1] = (view[window, -1] + 5) / 2
        at += view.shape[1]
    out[at : at + len(fine)] = (fine + 5) / 2
    return float(rise.mean())


@kernel()
def _rises(spectrum: Array, past: Array, ago: NDArray[np.int64], out: Samples) -> None:
    """Write how much each band has risen against the hops `ago`, in the features' unit; past moves on."""
    for hop in range(len(past) - 1, 0, -1):
        past[hop] = past[hop - 1]
    past[0] = spectrum
    for i in range(len(ago)):
        for band in range(len(spectrum)):
            out[i * len(spectrum) + band] = (spectrum[band] - past[ago[i], band]) / 2


@kernel()
def _shift(x: Array, fresh: Array) -> None:
    keep = len(x) - len(fresh)
    for i in range(keep):
        x[i] = x[i + len(fresh)]
    x[keep:] = fresh


class FrontEnd:
    """Turns a stream of hops into features. The same sound gives the same features, however it is cut into hops."""

    def __init__(self) -> None:
        high = butterworth(2, 25, ANALYSIS_RATE, high=True)
        self._sos: Array = np.vstack([high, butterworth(6, LOW_CUT_HZ, ANALYSIS_RATE)])
        self._filter: Array = np.zeros((len(self._sos), 2))
        self._sound: Array = np.zeros(SHORT)
        self._low: Array = np.zeros(MAX_LAG + 1 + max(WINDOWS) * LOW_HOP)  # at 6 kHz, newest last
        self._products: Array = np.zeros((max(WINDOWS), MAX_LAG))
        self.curve: Array = np.zeros((len(WINDOWS), MAX_LAG))  # correlation at whole lags
        self._view: Array = np.zeros((len(WINDOWS), len(LAGS) + 1))
        self._levels: Array = np.full((REFERENCE_HOPS[1], SHORT_BANDS), np.log10(POWER_FLOOR))
        # in bels, the mean rise of the bands in which a plucked string is heard and a hammered one hardly
        self.attack = 0.0
        self._long_past: Array = np.full((LONG_AGO[-1] + 1, LONG_BINS), np.log10(POWER_FLOOR))  # newest first
        self._fine_past: Array = np.full((FINE_AGO[-1] + 1, FINE_BINS), np.log10(POWER_FLOOR))
        self._level, self._long, self._fine = np.zeros(SHORT_BANDS), np.zeros(LONG_BINS), np.zeros(FINE_BINS)

    def step(self, samples: Samples) -> Samples:
        """Read samples float32 [HOP] at 24 kHz, all finite; return features float32 [SIZE], mostly within -2 to 2."""
        sound = samples.astype(np.float64)
        _shift(self._sound, sound)
        _shift(self._low, _low_pass(sound, self._sos, self._filter))
        _correlate(self._low, self._products, _WINDOWS, LOW_HOP, LAGS, _REACH, self.curve, self._view)
        _powers(self._sound, _SHORT_WINDOW, SHORT, _SHORT_BANDS, _SHORT_SPANS, self._level)
        _powers(self._low, _LONG_WINDOW, LONG_FFT, _LONG_BANDS, _LONG_SPANS, self._long)
        _powers(self._low, _FINE_WINDOW, FINE_FFT, _FINE_BANDS, _FINE_SPANS, self._fine)
        features = np.empty(SIZE, np.float32)
        self.attack = _features(self._level, self._levels, self._long, self._view, self._fine, features)
        _rises(self._long, self._long_past, _LONG_AGO, features[VIEWS:])
        _rises(self._fine, self._fine_past, _FINE_AGO, features[VIEWS + len(LONG_AGO) * LONG_BINS :])
        return features

    def rescale(self, factor: float) -> None:
        """Go on as if everything heard so far had been louder by this factor: a new gain is no attack."""
        for heard in (self._filter, self._sound, self._low):
            heard *= factor
        self._products *= factor**2
        for past in (self._levels, self._long_past, self._fine_past):
            past[:] = np.log10(np.maximum(10**past - POWER_FLOOR, 0.0) * factor**2 + POWER_FLOOR)
