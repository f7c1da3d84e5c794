"""Degrade a clean line as a microphone would: rooms, noise, hum, drums beside it, laptops, amplifiers, clipping."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy import signal

RATE = 24_000

Samples = NDArray[np.float32]
Floats = NDArray[np.float64]
Rng = np.random.Generator
Bleed = Callable[[int, Rng], Samples]


def degrade(sound: Samples, drums: Bleed, rng: Rng) -> Samples:
    """Return what the microphone brings of a clean line: one or two of the ways sounds suffer, and a random level."""
    out = equalise(sound.astype(np.float64), rng)
    out /= np.abs(out).max() + 1e-9
    chosen = rng.random()
    if chosen < 0.25:
        ways: list[str] = []
    elif chosen < 0.75:
        ways = [str(rng.choice(list(SHARES), p=list(SHARES.values())))]
    else:
        ways = [str(w) for w in rng.choice(list(SHARES), 2, replace=False, p=list(SHARES.values()))]
    for way in sorted(ways, key=list(WAYS).index):
        out = WAYS[way](out, drums, rng)
    out = out + rng.normal(0, 10 ** (rng.uniform(-100, -66) / 20), len(out))
    level = 10 ** (rng.uniform(-26, -1) / 20)
    return np.asarray(out / (np.abs(out).max() + 1e-9) * level, np.float32)


def equalise(x: Floats, rng: Rng) -> Floats:
    for _ in range(int(rng.integers(0, 4))):
        b, a = _peaking(float(np.exp(rng.uniform(np.log(50), np.log(5000)))), rng.uniform(-9, 7), rng.uniform(0.5, 2))
        x = signal.lfilter(b, a, x)
    if rng.random() < 0.3:
        b, a = signal.butter(1, rng.uniform(700, 6000), fs=RATE)
        x = signal.lfilter(b, a, x)
    return x


def _peaking(hz: float, gain_db: float, q: float) -> tuple[Floats, Floats]:
    """Design a peaking filter (Audio EQ cookbook, Bristow-Johnson)."""
    w, amp = 2 * np.pi * hz / RATE, 10 ** (gain_db / 40)
    alpha = np.sin(w) / (2 * q)
    b = np.array([1 + alpha * amp, -2 * np.cos(w), 1 - alpha * amp])
    return b, np.array([1 + alpha / amp, -2 * np.cos(w), 1 - alpha / amp])


def _coloured(n: int, slope: float, rng: Rng) -> Floats:
    spectrum = np.fft.rfft(rng.normal(0, 1, n))
    spectrum *= np.maximum(np.fft.rfftfreq(n, 1 / RATE), 20.0) ** (-slope / 2)
    x = np.fft.irfft(spectrum, n)
    return np.asarray(x / np.std(x))


def _rms(x: Floats) -> float:
    """Return the RMS of the loud half: rests do not count."""
    blocks = np.sqrt(np.mean(x[: len(x) // 2400 * 2400].reshape(-1, 2400) ** 2, 1))
    return float(np.sqrt(np.mean(np.sort(blocks)[len(blocks) // 2 :] ** 2)) + 1e-9)


def _noise(x: Floats, drums: Bleed, rng: Rng) -> Floats:
    return x + _coloured(len(x), rng.choice([0.0, 1.0, 1.0, 2.0]), rng) * _rms(x) * 10 ** (-rng.uniform(10, 40) / 20)


def _hum(x: Floats, drums: Bleed, rng: Rng) -> Floats:
    base, t = rng.choice([50.0, 60.0]) * rng.uniform(0.998, 1.002), np.arange(len(x)) / RATE
    k = np.arange(1, int(rng.integers(2, 12)))
    loud = rng.uniform(0, 1, len(k)) / k ** rng.uniform(0, 1.5)
    hum = sum(a * np.sin(2 * np.pi * base * n * t + rng.uniform(0, 6.28)) for a, n in zip(loud, k, strict=True))
    return np.asarray(x + np.asarray(hum) / (np.std(hum) + 1e-9) * _rms(x) * 10 ** (-rng.uniform(8, 36) / 20))


def _room(x: Floats, drums: Bleed, rng: Rng) -> Floats:
    decay_s = rng.uniform(0.12, 0.9)
    n = int(decay_s * RATE)
    tail = rng.normal(0, 1, n) * np.exp(-6.9 * np.arange(n) / n) * (np.arange(n) > rng.uniform(0.002, 0.02) * RATE)
    for _ in range(int(rng.integers(2, 9))):
        tail[int(rng.uniform(0.001, 0.06) * RATE)] += rng.normal(0, 4)
    b, a = signal.butter(1, rng.uniform(1500, 8000), fs=RATE)
    wet = signal.fftconvolve(x, signal.lfilter(b, a, tail))[: len(x)]
    return np.asarray(x + wet * _rms(x) / _rms(wet) * 10 ** (-rng.uniform(2, 18) / 20))


def _drums(x: Floats, drums: Bleed, rng: Rng) -> Floats:
    bleed = drums(len(x), rng).astype(np.float64)
    if rng.random() < 0.5:
        bleed = signal.lfilter(*signal.butter(1, rng.uniform(500, 6000), fs=RATE), bleed)
    return x + bleed / _rms(bleed) * _rms(x) * 10 ** (rng.uniform(-18, 3) / 20)


def _laptop(x: Floats, drums: Bleed, rng: Rng) -> Floats:
    order, cut = int(rng.integers(1, 5)), rng.uniform(110, 320)
    x = np.asarray(signal.sosfilt(signal.butter(order, cut, "high", fs=RATE, output="sos"), x))
    x = np.asarray(signal.sosfilt(signal.butter(2, rng.uniform(4000, 11000), fs=RATE, output="sos"), x))
    for _ in range(3):
        x = signal.lfilter(*_peaking(rng.uniform(300, 4000), rng.uniform(-6, 9), rng.uniform(1, 4)), x)
    if rng.random() < 0.5:
        x = _room(x, drums, rng)
    x = x + _coloured(len(x), 1.0, rng) * _rms(x) * 10 ** (-rng.uniform(18, 40) / 20)
    return np.asarray(np.tanh(x / np.abs(x).max() * rng.uniform(0.2, 2.0)))


def _clip(x: Floats, drums: Bleed, rng: Rng) -> Floats:
    return np.asarray(np.clip(x / np.abs(x).max() * rng.uniform(1.5, 8), -1, 1))


def _amp(x: Floats, drums: Bleed, rng: Rng) -> Floats:
    y = np.tanh(x / np.abs(x).max() * rng.uniform(1, 14) + rng.uniform(-0.2, 0.2))
    y = signal.sosfilt(signal.butter(2, rng.uniform(1800, 6000), fs=RATE, output="sos"), y)
    y = signal.sosfilt(signal.butter(2, rng.uniform(30, 90), "high", fs=RATE, output="sos"), y)
    return np.asarray(signal.lfilter(*_peaking(rng.uniform(150, 1200), rng.uniform(-8, 8), 1.0), y))


SHARES = {"clip": 0.06, "amp": 0.09, "room": 0.18, "laptop": 0.13, "drums": 0.36, "noise": 0.11, "hum": 0.07}
WAYS = {"clip": _clip, "amp": _amp, "room": _room, "laptop": _laptop, "drums": _drums, "noise": _noise, "hum": _hum}
