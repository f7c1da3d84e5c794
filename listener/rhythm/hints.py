"""Use what a player says about the time: a meter, a tempo, taps, or four dead notes to count in.

A given meter is an order; everything else is a likelihood over the bar filter's table, which what is played can
overrule.
"""

from __future__ import annotations

import numpy as np

from listener.rhythm.bar_models import BINS, LENGTHS, MODELS, PERIODS_S, PLACES, STARTS, TEMPI, Floats32
from listener.types import Meter

TEMPO_SPREAD = 0.04  # of a given tempo, in log
UNLIKELY = 1e-8  # against a hint that is right
BEAT_SPREAD = 0.06  # pulses, of a tap around its beat
EVEN = 0.12  # by which the gaps of taps and counts may differ from their median
TAPS_FOR_TEMPO = 3
TAP_PAUSE_S = 2.5
SLOWEST_BPM, FASTEST_BPM = 40.0, 480.0
METERS = {str(model.meter): model.meter for model in MODELS}


def meter_of(name: str) -> Meter:
    """Return the Meter called '7/8'. Raises ValueError for a meter that is not known."""
    if name not in METERS:
        raise ValueError(f"meter {name!r}: allowed are {', '.join(sorted(METERS))}; leave it out to have it heard")
    return METERS[name]


def check_tempo(bpm: float) -> float:
    """Raise ValueError for a tempo outside what can be followed, in beats of the meter per minute."""
    if not SLOWEST_BPM <= bpm <= FASTEST_BPM:
        raise ValueError(
            f"tempo {bpm:g} bpm: allowed are {SLOWEST_BPM:g} to {FASTEST_BPM:g}; try half or twice the tempo"
        )
    return bpm


def likely(meter: str | None, bpm: float | None) -> Floats32:
    """Return the likelihood of a given meter and tempo (beats or pulses per minute), float32 [TEMPI, PLACES], 1 where
    they fit.
    """
    out = np.ones((TEMPI, PLACES), np.float32)
    pulses = 60 / PERIODS_S
    for start, length, model in zip(STARTS, LENGTHS, MODELS, strict=True):
        fits = np.ones(TEMPI, np.float32)
        if bpm is not None:
            readings = {1.0, float(model.beats_per_pulse)} if meter is None else {float(model.beats_per_pulse)}
            off = np.min([np.abs(np.log(pulses * reading / bpm)) for reading in readings], axis=0)
            fits = np.maximum(np.exp(-0.5 * (off / TEMPO_SPREAD) ** 2), UNLIKELY)
        out[:, start : start + length] = fits[:, None] * (meter is None or str(model.meter) == meter)
    return out


def on_beat(pulses_to_downbeat: float | None = None) -> Floats32:
    """Return the likelihood of a beat at every place, float32 [PLACES].

    With the distance to the next bar line given, only of the beat that lies so long before one.
    """
    out = np.empty(PLACES, np.float32)
    for start, length, model in zip(STARTS, LENGTHS, MODELS, strict=True):
        place, bar = np.arange(length) / BINS, length / BINS
        period, phase = (1.0, 0.0) if pulses_to_downbeat is None else (bar, -pulses_to_downbeat)
        if pulses_to_downbeat is None and model.beats_per_pulse == 2:
            period = 0.5
        far = (place - phase + period / 2) % period - period / 2
        out[start : start + length] = np.maximum(np.exp(-0.5 * (far / BEAT_SPREAD) ** 2), 0.02)
    return out


def even(times_s: list[float]) -> float | None:
    """Return the period of evenly spaced times in seconds, or None."""
    gaps = np.diff(times_s)
    period_s = float(np.median(gaps))
    if not 60 / FASTEST_BPM < period_s < 60 / SLOWEST_BPM or np.abs(gaps - period_s).max() > EVEN * period_s:
        return None
    return period_s


class Taps:
    """Collects the player's taps on the beat; the first is a downbeat."""

    def __init__(self) -> None:
        self._times_s: list[float] = []

    def tap(self, time_s: float) -> float | None:
        """Return the tempo as seconds per tap, once there are three even taps."""
        if self._times_s and not 0 < time_s - self._times_s[-1] < TAP_PAUSE_S:
            self._times_s = []
        self._times_s = [*self._times_s[-7:], time_s]
        return even(self._times_s) if len(self._times_s) >= TAPS_FOR_TEMPO else None

    @property
    def count(self) -> int:
        return len(self._times_s)

    @property
    def last_gap_s(self) -> float | None:
        """Return the seconds between the last two taps, None at the first."""
        return self._times_s[-1] - self._times_s[-2] if len(self._times_s) > 1 else None

    @property
    def is_first(self) -> bool:
        return len(self._times_s) == 1
