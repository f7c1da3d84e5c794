"""Describe the first 140 ms of a note in numbers that show how it was played: float [SIZE], NaN = unknown.

Band energies of the attack against those of the sustain, how fast each band decays, how noisy each is (periodicity at
the note's own period, after Boersma 1993), how the pitch settles. Neither a gain nor an equaliser moves them much: how
bright a bass is in itself depends more on the bass than on the technique (held-out instruments, benchmarks/timbre.py).
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from listener.kernel import kernel
from listener.types import ANALYSIS_RATE

LEAD_S, LENGTH_S = 0.010, 0.140  # heard before and after the onset
SHORTEST_S = 0.06  # the shortest note that can be judged
LEAD = round(LEAD_S * ANALYSIS_RATE)
WINDOW = LEAD + round(LENGTH_S * ANALYSIS_RATE)
BRIGHTNESS_S = 0.120

EDGES_HZ = (30, 90, 180, 360, 700, 1400, 2800, 5600, 11_000)
SEGMENTS_S = ((0.0, 0.005), (0.005, 0.015), (0.015, 0.035), (0.035, 0.06), (0.06, 0.09), (0.09, 0.12))
EARLY, SUSTAIN, LAST = (0, 1, 2, 3), 4, 5
GROUPS = ((0, 3), (3, 5), (5, 8))  # bands below 360, to 1400, above
PERIODIC_S = (0.004, 0.03, 0.06)  # where noise is measured, from the onset
PERIOD_SPREAD = (-0.012, -0.006, 0.0, 0.006, 0.012)
GLIDE_S = (0.012, 0.06)
ENVELOPE_S = 0.06
BLOCK = 72  # samples: 3 ms, of the envelope
FLOOR_DB = -80.0
MAX_NOISE_DB, MAX_GLIDE_CENTS = 20.0, 120.0
STEP = 24  # samples: 1 ms, of the search for the attack
SEARCH = (-8, 16)  # steps around the onset as named
BEFORE, AFTER = 4, 3  # steps compared there
QUIET = 0.01  # of the peak's power: not where a note begins

_FFT = 4096
_HZ = np.fft.rfftfreq(_FFT, 1 / ANALYSIS_RATE)
_BANDS = np.stack([(low <= _HZ) & (high > _HZ) for low, high in pairwise(EDGES_HZ)])
_FADE = np.sin(np.linspace(0, np.pi / 2, 48)) ** 2
BANDS = len(_BANDS)
_THREE = ("low", "mid", "high")
NAMES = (
    *(f"attack{s}_{hz}" for s in EARLY for hz in EDGES_HZ[:-1]),
    *(f"decay_{hz}" for hz in EDGES_HZ[:-1]),
    *(f"{what}_{g}" for what in ("crest", "peak_at") for g in _THREE),
    *(f"noise{i}_{g}" for i in range(len(PERIODIC_S)) for g in _THREE),
    *("glide", "f0", "length", "rise"),
)
SIZE = len(NAMES)

Floats = NDArray[np.float64]
Array = NDArray[np.floating]


def features(sound: Array, f0_hz: float) -> Floats:
    """Return the features [SIZE] of one note.

    sound: [n] at 24 kHz, from LEAD before the onset; what lies past WINDOW is not used. A note that ends early (n <
    WINDOW) leaves NaN where it no longer sounds; n must reach SHORTEST_S past the onset.
    """
    x = np.array(sound[:WINDOW], np.float64)
    x[-48:] *= _FADE[::-1]
    x[:48] *= _FADE
    bands = np.fft.irfft(_BANDS * np.fft.rfft(x, _FFT), _FFT)[:, : len(x)]
    grown = _grown(bands)
    onset = _onset(grown[GROUPS[1][1] :].sum(0))
    energy = _energies(grown, onset)
    groups = np.stack([bands[a:b].sum(0) for a, b in GROUPS])
    period = ANALYSIS_RATE / f0_hz
    sustain = energy[:, SUSTAIN] if np.isfinite(energy[0, SUSTAIN]) else energy[:, EARLY[-1]]
    return np.concatenate(
        [
            *(energy[:, s] - sustain for s in EARLY),
            energy[:, LAST] - energy[:, EARLY[-1]],
            _envelopes(grown, onset),
            *(_noise(groups, onset + round(at_s * ANALYSIS_RATE), period) for at_s in PERIODIC_S),
            [_glide(groups[0] + groups[1], onset, period)],
            [np.log2(f0_hz / 55), min((len(x) - LEAD) / ANALYSIS_RATE, LENGTH_S) * 10, _rise(grown.sum(0), onset)],
        ]
    )


@kernel()
def _grown(bands: Floats) -> Floats:
    """Return the energy up to each sample: [bands, n] -> [bands, n + 1]."""
    out = np.zeros((bands.shape[0], bands.shape[1] + 1))
    for b in range(bands.shape[0]):
        for i in range(bands.shape[1]):
            out[b, i + 1] = out[b, i] + bands[b, i] * bands[b, i]
    return out


def _onset(high: Floats) -> int:
    """Return the sample at which the upper bands rise most steeply, near the onset as named, which is some ms off."""
    at = LEAD + np.arange(SEARCH[0], SEARCH[1] + 1) * STEP
    before = (high[at] - high[np.maximum(at - BEFORE * STEP, 0)]) / BEFORE
    after = (high[at + AFTER * STEP] - high[at]) / AFTER
    rise = after / (before + QUIET * after.max() + 1e-20)
    return int(at[np.argmax(rise)])


def _energies(grown: Floats, onset: int) -> Floats:
    """Return energies in dB re the whole note's power, [bands, segments]; NaN where the note has ended."""
    count = grown.shape[1] - 1
    total = (grown[:, -1] - grown[:, onset]).sum() / (count - onset) + 1e-20
    out = np.full((BANDS, len(SEGMENTS_S)), np.nan)
    for s, (start_s, end_s) in enumerate(SEGMENTS_S):
        start, end = onset + round(start_s * ANALYSIS_RATE), onset + round(end_s * ANALYSIS_RATE)
        if end <= count:
            power = (grown[:, end] - grown[:, start]) / (end - start) / total
            out[:, s] = np.maximum(10 * np.log10(power + 1e-12), FLOOR_DB)
    return out


def _envelopes(grown: Floats, onset: int) -> Floats:
    """Return, per group of bands of the first 60 ms, peak over mean in dB, and the peak's time in units of 10 ms."""
    edges = np.arange(onset, min(onset + round(ENVELOPE_S * ANALYSIS_RATE), grown.shape[1] - 1) + 1, BLOCK)
    blocks = np.stack([np.diff(grown[a:b].sum(0)[edges]) for a, b in GROUPS])
    crest = 10 * np.log10((blocks.max(1) + 1e-12) / (blocks.mean(1) + 1e-12))
    return np.concatenate([crest, blocks.argmax(1) * (BLOCK / ANALYSIS_RATE / 0.01)])


@kernel()
def _correlation(x: Floats, start: int, length: int, lag: int) -> float:
    """Return the normalised correlation of [start, start + length) with the same `lag` later."""
    ab, aa, bb = 0.0, 1e-12, 1e-12
    for i in range(start, start + length):
        ab += x[i] * x[i + lag]
        aa += x[i] * x[i]
        bb += x[i + lag] * x[i + lag]
    return float(ab / np.sqrt(aa * bb))


@kernel()
def _correlations(x: Floats, start: int, length: int, first: int, last: int) -> Floats:
    """Return the normalised correlation at every lag from first to last."""
    out, aa, bb = np.zeros(last - first + 1), 1e-12, 1e-12
    for i in range(start, start + length):
        aa += x[i] * x[i]
        bb += x[i + first] * x[i + first]
    for k in range(len(out)):
        ab, lag = 0.0, first + k
        for i in range(start, start + length):
            ab += x[i] * x[i + lag]
        out[k] = ab / np.sqrt(aa * bb)
        if k + 1 < len(out):
            bb += x[start + lag + length] ** 2 - x[start + lag] ** 2
    return out


def _noise(groups: Floats, start: int, period: float) -> Floats:
    """Return the noise-to-harmonic ratio in dB of each group at one moment, at the best lag near the period."""
    length = max(360, round(period))
    lags = sorted({max(1, round(period * (1 + d))) for d in PERIOD_SPREAD})
    if start + length + lags[-1] > groups.shape[1]:
        return np.full(len(groups), np.nan)
    r = np.array([max(_correlation(group, start, length, lag) for lag in lags) for group in groups])
    ratio = 10 * np.log10(np.clip(1 - r, 1e-3, None) / np.clip(r, 1e-3, None))
    return np.asarray(np.clip(ratio, -MAX_NOISE_DB, MAX_NOISE_DB))


def _settled_period(x: Floats, start: int, period: float) -> float:
    """Return the best lag within about a semitone of the period, to a fraction of a sample; NaN past the note's end."""
    length, first, last = max(480, round(period)), int(period * 0.93), int(period * 1.07) + 1
    if start + length + last > len(x):
        return float("nan")
    r = _correlations(x, start, length, first, last)
    k = int(np.argmax(r))
    if not 0 < k < len(r) - 1:
        return float("nan")
    bend = r[k - 1] - 2 * r[k] + r[k + 1]
    return float(first + k + (0.5 * (r[k - 1] - r[k + 1]) / bend if bend < 0 else 0.0))


def _glide(x: Floats, onset: int, period: float) -> float:
    """Return how much higher the pitch starts than it settles, in semitones."""
    early, late = (_settled_period(x, onset + round(at_s * ANALYSIS_RATE), period) for at_s in GLIDE_S)
    cents = 1200 * np.log2(late / early)
    return float(np.clip(cents, -MAX_GLIDE_CENTS, MAX_GLIDE_CENTS) / 100)


def _rise(grown: Floats, onset: int) -> float:
    """Return the rise in dB from just before the onset to the 30 ms after it: small when another note still sounded."""
    first = max(onset - 240, 0)
    before = (grown[max(onset - 24, first + 1)] - grown[first]) / (max(onset - 24, first + 1) - first)
    after = (grown[onset + 720] - grown[onset]) / 720
    return float(np.clip(10 * np.log10((after + 1e-12) / (before + 1e-12)), -20, 40))


def brightness_hz(sound: Array) -> float:
    """Return the spectral centroid of float [n] at 24 kHz: magnitude spectrum under a Hann window (as librosa's)."""
    magnitude = np.abs(np.fft.rfft(sound * np.hanning(len(sound) + 1)[:-1]))
    hz = np.fft.rfftfreq(len(sound), 1 / ANALYSIS_RATE)
    return float(hz @ magnitude / (magnitude.sum() + 1e-12))
