"""The first 140 ms of a note -> numbers that tell how it was played, whatever its level: float [SIZE], NaN = unknown.

Band energies of the attack against those of the sustain, how fast each band decays, how noisy each is (periodicity
at the note's own period, after Boersma 1993), how the pitch settles, spectral centroids (Peeters 2004, section 6).
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from listener.types import ANALYSIS_RATE

LEAD_S, LENGTH_S = 0.010, 0.140  # heard before and after the onset
SHORTEST_S = 0.06  # of a note that can be told
LEAD = round(LEAD_S * ANALYSIS_RATE)
WINDOW = LEAD + round(LENGTH_S * ANALYSIS_RATE)
BRIGHTNESS_S = 0.120

EDGES_HZ = (30, 90, 180, 360, 700, 1400, 2800, 5600, 11_000)
SEGMENTS_S = ((0.0, 0.012), (0.012, 0.03), (0.03, 0.06), (0.06, 0.1), (0.1, 0.14))
EARLY, SUSTAIN, LAST = (0, 1, 2), 3, 4
GROUPS = ((0, 3), (3, 5), (5, 8))  # bands below 360, to 1400, above
PERIODIC_S = (0.004, 0.03, 0.07)  # where noise is measured, from the onset
GLIDE_S = (0.015, 0.075)
BLOCK = 72  # samples: 3 ms, of the envelope
FLOOR_DB = -80.0
MAX_NOISE_DB, MAX_GLIDE_CENTS = 20.0, 120.0

_FFT = 4096
_HZ = np.fft.rfftfreq(_FFT, 1 / ANALYSIS_RATE)
_BANDS = np.stack([(low <= _HZ) & (high > _HZ) for low, high in pairwise(EDGES_HZ)])
_FADE = np.sin(np.linspace(0, np.pi / 2, 48)) ** 2
BANDS = len(_BANDS)
NAMES = (
    *(f"tone_{hz}" for hz in EDGES_HZ[:-1]),
    *(f"attack{s}_{hz}" for s in EARLY for hz in EDGES_HZ[:-1]),
    *(f"decay_{hz}" for hz in EDGES_HZ[:-1]),
    *(f"{what}_{g}" for what in ("crest", "peak_at") for g in ("low", "mid", "high")),
    *(f"noise{i}_{g}" for i in range(len(PERIODIC_S)) for g in ("low", "mid", "high")),
    *("glide", "centroid_attack", "centroid_sustain", "centroid_f0", "f0", "length", "rise"),
)
SIZE = len(NAMES)

Floats = NDArray[np.float64]
Array = NDArray[np.floating]


def features(sound: Array, f0_hz: float) -> Floats:
    """sound: [n] at 24 kHz, from LEAD before the onset; what lies past WINDOW is not used. -> [SIZE].

    A note that ends early (n < WINDOW) leaves NaN where it no longer sounds; n must reach SHORTEST_S past the onset.
    """
    x = np.array(sound[:WINDOW], np.float64)
    x[-48:] *= _FADE[::-1][-len(x) :]
    x[:48] *= _FADE[: len(x)]
    spectrum = np.fft.rfft(x, _FFT)
    bands = np.fft.irfft(_BANDS * spectrum, _FFT)[:, : len(x)]
    energy = _energies(bands)
    groups = np.stack([bands[a:b].sum(0) for a, b in GROUPS])
    period = ANALYSIS_RATE / f0_hz
    sustain = energy[:, SUSTAIN] if np.isfinite(energy[0, SUSTAIN]) else energy[:, EARLY[-1]]
    return np.concatenate(
        [
            sustain,
            *(energy[:, s] - sustain for s in EARLY),
            energy[:, LAST] - energy[:, EARLY[-1]],
            _envelopes(groups),
            *(_noise(groups, at_s, period) for at_s in PERIODIC_S),
            [_glide(groups[0] + groups[1], period)],
            _centroids(energy[:, 0], sustain, f0_hz),
            [np.log2(f0_hz / 55), min((len(x) - LEAD) / ANALYSIS_RATE, LENGTH_S) * 10, _rise(x)],
        ]
    )


def _energies(bands: Floats) -> Floats:
    """dB re the whole note's power, [bands, segments]; NaN where the note has ended."""
    total = np.mean(np.square(bands).sum(0)[LEAD:]) + 1e-20
    out = np.full((BANDS, len(SEGMENTS_S)), np.nan)
    for s, (start_s, end_s) in enumerate(SEGMENTS_S):
        start, end = LEAD + round(start_s * ANALYSIS_RATE), LEAD + round(end_s * ANALYSIS_RATE)
        if end <= bands.shape[1]:
            power = np.mean(np.square(bands[:, start:end]), 1) / total
            out[:, s] = np.maximum(10 * np.log10(power + 1e-12), FLOOR_DB)
    return out


def _envelopes(groups: Floats) -> Floats:
    """Of the first 60 ms, per group of bands: peak over mean in dB, and when the peak comes, in units of 10 ms."""
    until = (groups.shape[1] - LEAD) // BLOCK * BLOCK
    blocks = np.square(groups[:, LEAD : LEAD + min(until, 20 * BLOCK)]).reshape(len(groups), -1, BLOCK).mean(2)
    crest = 10 * np.log10((blocks.max(1) + 1e-12) / (blocks.mean(1) + 1e-12))
    return np.concatenate([crest, blocks.argmax(1) * (BLOCK / ANALYSIS_RATE / 0.01)])


def _correlation(x: Floats, start: int, length: int, lag: int) -> Floats:
    """Normalised correlation of each row's [start, start + length) with itself `lag` later."""
    a, b = x[..., start : start + length], x[..., start + lag : start + lag + length]
    norm = np.sqrt(np.square(a).sum(-1) * np.square(b).sum(-1))
    return np.asarray((a * b).sum(-1) / (norm + 1e-12))


def _noise(groups: Floats, at_s: float, period: float) -> Floats:
    """Noise-to-harmonic ratio in dB of each group at one moment, the best lag near the period."""
    start, length = LEAD + round(at_s * ANALYSIS_RATE), max(360, round(period))
    lags = {max(1, round(period * (1 + d))) for d in (-0.012, -0.006, 0.0, 0.006, 0.012)}
    if start + length + max(lags) > groups.shape[1]:
        return np.full(len(groups), np.nan)
    r = np.max([_correlation(groups, start, length, lag) for lag in sorted(lags)], 0)
    ratio = 10 * np.log10(np.clip(1 - r, 1e-3, None) / np.clip(r, 1e-3, None))
    return np.asarray(np.clip(ratio, -MAX_NOISE_DB, MAX_NOISE_DB))


def _settled_period(x: Floats, at_s: float, period: float) -> float:
    """The best lag within a semitone or so of the period, to a fraction of a sample; NaN past the note's end."""
    start, length = LEAD + round(at_s * ANALYSIS_RATE), max(480, round(period))
    lags = np.arange(int(period * 0.93), int(period * 1.07) + 2)
    if start + length + lags[-1] > len(x):
        return float("nan")
    a = x[start : start + length]
    ahead = np.lib.stride_tricks.sliding_window_view(x[start : start + length + lags[-1]], length)[lags]
    r = ahead @ a / (np.sqrt(np.square(ahead).sum(1)) + 1e-12)
    k = int(np.argmax(r))
    if not 0 < k < len(lags) - 1:
        return float("nan")
    bend = r[k - 1] - 2 * r[k] + r[k + 1]
    return float(lags[k] + (0.5 * (r[k - 1] - r[k + 1]) / bend if bend < 0 else 0.0))


def _glide(x: Floats, period: float) -> float:
    """How much higher the pitch starts than it settles, in semitones."""
    early, late = (_settled_period(x, at_s, period) for at_s in GLIDE_S)
    cents = 1200 * np.log2(late / early)
    return float(np.clip(cents, -MAX_GLIDE_CENTS, MAX_GLIDE_CENTS) / 100)


def _centroids(attack: Floats, sustain: Floats, f0_hz: float) -> Floats:
    """Octaves: the attack's centroid re 1 kHz, the sustain's re 1 kHz and re the fundamental."""
    centres = np.sqrt(np.array(EDGES_HZ[:-1]) * np.array(EDGES_HZ[1:], float))
    amplitude = 10 ** (np.stack([attack, sustain], 1) / 20)
    first, later = (centres @ amplitude) / amplitude.sum(0)
    return np.log2([first / 1000, later / 1000, later / f0_hz])


def _rise(x: Floats) -> float:
    """dB from just before the onset to the 30 ms after it: a note out of silence, or out of another one."""
    before = np.mean(np.square(x[48 : LEAD - 24])) + 1e-12
    after = np.mean(np.square(x[LEAD : LEAD + 720])) + 1e-12
    return float(np.clip(10 * np.log10(after / before), -20, 40))


def brightness_hz(sound: Array) -> float:
    """Spectral centroid of float [n] at 24 kHz: magnitude spectrum under a Hann window (as librosa's)."""
    magnitude = np.abs(np.fft.rfft(sound * np.hanning(len(sound) + 1)[:-1]))
    hz = np.fft.rfftfreq(len(sound), 1 / ANALYSIS_RATE)
    return float(hz @ magnitude / (magnitude.sum() + 1e-12))
