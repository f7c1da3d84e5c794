"""Make plucked strings of partials, every random bass played in every technique (Fletcher & Rossing 1998, ch. 2 and 9).

PLAYED alone says what differs between techniques; everything else (string, pickups, body) belongs to the bass, so that
no technique can be recognised by the instrument.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import signal

RATE = 24_000
PARTIALS = 40
HELD_S = 0.35

Floats = NDArray[np.float64]
Rng = np.random.Generator
Range = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Playing:
    """How one technique plays: ranges drawn from for every note.

    width: of what plucks, in shares of the string (a finger is wide, a pick is not); at: where. rise_ms: until full.
    click_db, click_hz, click_ms: the noise of the contact. dying: of the partials, in shares of the string's own.
    early_db: how much louder the upper partials start, and early_ms how soon that is over (a string that hits the
    frets). swell_ms: until the upper partials have grown (a string buzzing on a fingerboard). glide: semitones the
    pitch starts away.
    """

    width: Range
    at: Range
    rise_ms: Range
    click_db: Range
    click_hz: Range
    click_ms: Range
    dying: Range = (0.8, 1.25)
    early_db: Range = (0.0, 0.0)
    early_ms: Range = (10.0, 10.0)
    swell_ms: Range = (0.0, 0.0)
    glide: Range = (0.0, 0.04)
    high_dying: Range = (0.8, 1.25)


PLAYED = {
    "fingers": Playing((0.015, 0.05), (0.1, 0.3), (1.5, 6), (-42, -22), (400, 2000), (2, 8)),
    "pick": Playing((0.001, 0.008), (0.06, 0.3), (0.2, 1.5), (-30, -10), (1500, 6000), (1, 5)),
    "slap": Playing((0.004, 0.02), (0.2, 0.45), (0.3, 2.5), (-18, 0), (1500, 7000), (2, 10), early_db=(6, 22),
                    early_ms=(6, 30), glide=(0.0, 0.25)),
    "mute": Playing((0.003, 0.05), (0.06, 0.3), (0.4, 5), (-36, -14), (500, 4000), (2, 6), dying=(6, 28),
                    high_dying=(1.5, 8)),
    "fretless": Playing((0.02, 0.06), (0.1, 0.3), (3, 12), (-50, -30), (300, 1500), (2, 8), dying=(0.8, 2.0),
                        swell_ms=(15, 90), glide=(-0.35, 0.35)),
    "upright": Playing((0.03, 0.09), (0.1, 0.35), (3, 12), (-34, -14), (80, 700), (8, 30), dying=(1.5, 5),
                       high_dying=(2, 8), glide=(0.0, 0.1)),
}  # fmt: skip


class MadeBass:
    """One random bass."""

    def __init__(self, rng: Rng) -> None:
        self._stiff, self._pickup = 10 ** rng.uniform(-5, -3.6), rng.uniform(0.05, 0.3)
        self._decay, self._damping = rng.uniform(0.4, 2.0), 10 ** rng.uniform(-2.6, -1.0)
        self._tilt = rng.uniform(0.8, 1.8)
        self._tone_hz = np.exp(rng.uniform(np.log(700), np.log(9000)))

    def tone(self, pitch: int, playing: Playing, rng: Rng) -> Floats:
        """Return one note, float [HELD_S], that begins 1 ms in, peak about 1."""

        def draw(bounds: Range) -> float:
            return float(rng.uniform(*bounds))

        t = np.arange(int(HELD_S * RATE)) / RATE
        f0, k = 440 * 2 ** ((pitch - 69) / 12), np.arange(1, PARTIALS + 1)
        hz = k * f0 * np.sqrt(1 + self._stiff * k**2)
        heard = hz < 10_500
        k, hz = k[heard], hz[heard]
        loud = (np.abs(np.sin(np.pi * k * draw(playing.at)) * np.sin(np.pi * k * self._pickup)) + 0.03) * k**-self._tilt
        loud = loud * np.exp(-((k * draw(playing.width) * np.pi) ** 2) / 6) * np.exp(rng.normal(0, 0.4, len(k)))
        rate = self._decay * (f0 / 60) ** 0.5 * (1 + self._damping * draw(playing.high_dying) * k**1.5)
        rate = rate * draw(playing.dying) * np.exp(rng.normal(0, 0.25, len(k)))
        bend = 2 ** (draw(playing.glide) * np.exp(-t / 0.04) / 12)
        phase = 2 * np.pi * np.cumsum(bend) / RATE
        upper = np.clip(np.log2(hz / 250) / 2, 0, 1)[:, None]
        shape = np.exp(-rate[:, None] * t)
        shape *= 1 + upper * (10 ** (draw(playing.early_db) / 20) - 1) * np.exp(-t / (draw(playing.early_ms) / 1000))
        if (swell_ms := draw(playing.swell_ms)) > 0:
            shape *= 1 - upper * 0.85 * np.exp(-t / (swell_ms / 1000))
        sound = np.asarray(
            (loud[:, None] * shape * np.sin(hz[:, None] * phase + rng.uniform(0, 6.28, (len(k), 1)))).sum(0)
        )
        return self._finish(sound, playing, draw, rng)

    def _finish(self, sound: Floats, playing: Playing, draw: object, rng: Rng) -> Floats:
        rise = int(rng.uniform(*playing.rise_ms) * RATE / 1000) + 1
        sound[:rise] *= np.sin(np.linspace(0, np.pi / 2, rise)) ** 2
        length = int(rng.uniform(*playing.click_ms) * RATE / 1000)
        click = rng.normal(0, 1, 6 * length) * np.exp(-np.arange(6 * length) / length)
        click = signal.lfilter(*signal.butter(1, rng.uniform(*playing.click_hz), fs=RATE), click)
        click /= np.abs(click).max() + 1e-9
        sound[: len(click)] += click[: len(sound)] * np.abs(sound).max() * 10 ** (rng.uniform(*playing.click_db) / 20)
        sound = signal.lfilter(*signal.butter(1, self._tone_hz, fs=RATE), sound)
        out = np.concatenate([np.zeros(RATE // 1000), sound])[: len(sound)]
        return np.asarray(out / (np.abs(out).max() + 1e-9))
