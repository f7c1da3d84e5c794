"""Makes sine sweeps and finds when they come back in a recording, for latencies exact to the sample.

An exponential sweep (Farina, "Simultaneous measurement of impulse response and distortion with a swept-sine
technique", AES 2000) divided out of the recording leaves the path's impulse response; its first strong peak is the way
the sound took, whatever the room adds later.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from listener.decibels import amplitude_db

Floats = NDArray[np.float64]

CHIRP_S, FADE_S = 0.2, 0.005
LOWEST_HZ, HIGHEST_SHARE = 150.0, 0.45  # of the sampling rate
FLOOR = 1e-4  # of the sweep's strongest frequency: what is weaker is not divided by
BEFORE_S, FIRST_SHARE = 0.02, 0.5  # an earlier peak within BEFORE_S, half as high, is the direct way
AROUND_S = 0.002  # of the peak, which is no other peak
LEAST = 1e-12  # amplitude: -240 dB


@dataclass(frozen=True, slots=True)
class Arrival:
    """When and how well a chirp came back.

    delay_samples: from sent to heard. clarity_db: the peak over the largest other one. level_db: of the loudest
    recorded sample, re full scale. clips: whether samples reached full scale.
    """

    delay_samples: int
    clarity_db: float
    level_db: float
    clips: bool


def chirp(rate: int) -> Floats:
    """The sweep, peak 1, CHIRP_S long."""
    t = np.arange(round(CHIRP_S * rate)) / rate
    octaves = np.log(HIGHEST_SHARE * rate / LOWEST_HZ)
    sweep = np.sin(2 * np.pi * LOWEST_HZ * CHIRP_S / octaves * (np.exp(t * octaves / CHIRP_S) - 1))
    fade = np.minimum(1.0, np.minimum(t, t[::-1]) / FADE_S)
    return np.asarray(sweep * np.sin(np.pi / 2 * fade) ** 2, np.float64)


def arrivals(recording: Floats, rate: int, starts: Sequence[int], longest_s: float) -> list[Arrival]:
    """recording [n]: what came in; a chirp left with each sample of `starts`. Looks for delays up to longest_s."""
    sent, length = chirp(rate), round((CHIRP_S + longest_s) * rate)
    parts = [np.pad(part := recording[at : at + length], (0, length - len(part))) for at in starts]
    return [_arrival(part, sent, rate, round(longest_s * rate)) for part in parts]


def _arrival(part: Floats, sent: Floats, rate: int, longest: int) -> Arrival:
    size = 1 << (len(part) + len(sent)).bit_length()
    spectrum = np.fft.rfft(sent, size)
    power = np.abs(spectrum) ** 2
    response = np.fft.irfft(np.fft.rfft(part, size) * spectrum.conj() / (power + FLOOR * power.max()), size)
    height = np.abs(response[: longest + 1])  # a path may turn the wave upside down
    peak = _first(height, rate)
    around = round(AROUND_S * rate)
    others = np.concatenate([height[: max(peak - around, 0)], height[peak + around + 1 :]])
    loudest = float(np.abs(part).max(initial=0.0))
    clarity_db = amplitude_db(height[peak], LEAST) - amplitude_db(others.max(initial=0.0), LEAST)
    return Arrival(peak, clarity_db, amplitude_db(loudest, LEAST), bool((np.abs(part) >= 0.999).sum() > 4))


def _first(height: Floats, rate: int) -> int:
    """The earliest peak that is nearly as high as the highest and little before it."""
    highest = int(height.argmax())
    begin = max(highest - round(BEFORE_S * rate), 1)
    near = height[begin - 1 : highest + 1]
    is_peak = (near[1:-1] > near[:-2]) & (near[1:-1] >= near[2:]) & (near[1:-1] > FIRST_SHARE * height[highest])
    return begin + int(is_peak.argmax()) if is_peak.any() else highest
