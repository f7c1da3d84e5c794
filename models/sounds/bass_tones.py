"""Make single notes of basses: recorded (shared/data/bass), of FluidSynth's fonts, of strings and synthesisers made
here.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import signal

RATE = 24_000
FONTS = {
    "FluidR3_GM": "/usr/share/sounds/sf2/FluidR3_GM.sf2",
    "FluidR3Mono_GM": "/usr/share/sounds/sf3/FluidR3Mono_GM.sf3",
    "sf_GMbank": "/usr/share/sounds/sf2/sf_GMbank.sf2",
    "TimGM6mb": "/usr/share/sounds/sf2/TimGM6mb.sf2",  # never trained on: its instruments are for measuring
}
PROGRAMS = range(32, 40)
PITCHES = (22, 68)
FONT_VELOCITIES = (45, 85, 120)
FONT_HOLD_S = 2.5
RISE_SHARE = 0.1  # of the attack's peak: where a note is said to begin
ATTACK_S = 0.12
STRINGS = 40  # partials of a made string

Samples = NDArray[np.float32]
Floats = NDArray[np.float64]
Rng = np.random.Generator


@dataclass(frozen=True, slots=True)
class Tone:
    """One recorded note: samples float32 that begin 1 ms before its onset; loudness: rank 0-1 of its layer."""

    pitch: int
    loudness: float
    samples: Samples


def trim(samples: Samples) -> Samples | None:
    """Cut the lead-in so that the onset lies 1 ms in; return None when there is no sound."""
    level = np.abs(samples)
    loud = level > 0.02 * level.max()
    if level.max() < 1e-4 or not loud.any():
        return None
    start = int(np.argmax(loud))
    peak = level[start : start + int(ATTACK_S * RATE)].max()
    onset = start + int(np.argmax(level[start:] > RISE_SHARE * peak))
    lead = RATE // 1000
    lead_in = np.zeros(max(0, lead - onset), np.float32)
    return np.asarray(np.concatenate([lead_in, samples[max(0, onset - lead) :]]) / peak, np.float32)


def recorded_tones(root: Path) -> dict[str, list[Tone]]:
    """Read the sets of shared/data/bass: name -> tones. Raises FileNotFoundError when they are absent."""
    import soundfile

    out: dict[str, list[Tone]] = {}
    for entry in json.loads((root / "index.json").read_text()):
        samples, rate = soundfile.read(root / entry["f"], dtype="float32")
        assert rate == RATE
        if (cut := trim(samples)) is not None:
            out.setdefault(entry["lib"], []).append(Tone(entry["pitch"], entry["hivel"] / 127, cut))
    return out


def font_tones(font: str) -> dict[str, list[Tone]]:
    """Render the eight GM basses of a soundfont, every semitone in three layers."""
    import fluidsynth

    synth = fluidsynth.Synth(gain=0.8, samplerate=float(RATE))
    synth.setting("synth.reverb.active", 0)
    synth.setting("synth.chorus.active", 0)
    handle = synth.sfload(FONTS[font])
    out: dict[str, list[Tone]] = {}
    for program in PROGRAMS:
        for pitch in range(PITCHES[0], PITCHES[1] + 1):
            for velocity in FONT_VELOCITIES:
                synth.system_reset()
                synth.program_select(0, handle, 0, program)
                synth.noteon(0, pitch, velocity)
                sound = np.asarray(synth.get_samples(int(FONT_HOLD_S * RATE)), np.float32)
                if (cut := trim(sound.reshape(-1, 2).mean(1) / 32768)) is not None:
                    out.setdefault(f"{font}-{program}", []).append(Tone(pitch, velocity / 127, cut))
    return out


class MadeString:
    """A plucked string as a sum of decaying partials: one random instrument (Fletcher & Rossing 1998, ch. 2)."""

    def __init__(self, rng: Rng) -> None:
        self._rng = rng
        self._stiff = 10 ** rng.uniform(-5, -3.3)
        self._pluck, self._pickup = rng.uniform(0.05, 0.45), rng.uniform(0.03, 0.3)
        self._tilt, self._decay = rng.uniform(0.4, 2.2), rng.uniform(0.3, 2.0)
        self._damping = 10 ** rng.uniform(-2.2, -0.3)
        self._click, self._click_hz = 10 ** rng.uniform(-2.5, -0.5), rng.uniform(600, 5000)
        self._fundamental = rng.uniform(0.2, 1.2)
        self._made: dict[tuple[int, int], Samples] = {}

    def tone(self, pitch: int, loudness: float) -> Tone:
        layer = int(loudness * 2.99)
        if (pitch, layer) not in self._made:
            self._made[pitch, layer] = self._make(pitch, layer)
        return Tone(pitch, loudness, self._made[pitch, layer])

    def _make(self, pitch: int, layer: int) -> Samples:
        rng, t = self._rng, np.arange(int(2.0 * RATE)) / RATE
        f0 = 440 * 2 ** ((pitch + rng.normal(0, 0.05) - 69) / 12)
        k = np.arange(1, STRINGS + 1)
        hz = k * f0 * np.sqrt(1 + self._stiff * k**2)
        loud = np.abs(np.sin(np.pi * k * self._pluck) * np.sin(np.pi * k * self._pickup)) + 0.03
        loud *= k ** -(self._tilt - 0.25 * layer) * np.exp(rng.normal(0, 0.35, STRINGS))
        loud[0] *= self._fundamental
        rate = self._decay * (f0 / 60) ** 0.5 * (1 + self._damping * k**1.5)
        sound = np.zeros(len(t))
        for i in np.flatnonzero(hz < 9000):
            n = min(len(t), int(RATE * 7 / rate[i]))
            sound[:n] += loud[i] * np.sin(2 * np.pi * hz[i] * t[:n] + rng.uniform(0, 6.28)) * np.exp(-rate[i] * t[:n])
        rise = int(rng.uniform(0.0003, 0.004 if layer else 0.012) * RATE) + 1
        sound[:rise] *= np.linspace(0, 1, rise)
        click = rng.normal(0, 1, 600) * np.exp(-np.arange(600) / rng.uniform(20, 120))
        b, a = signal.butter(1, self._click_hz, fs=RATE)
        sound[:600] += self._click * (1 + layer) * np.abs(sound).max() * signal.lfilter(b, a, click)
        cut = trim(sound.astype(np.float32))
        return cut if cut is not None else np.zeros(RATE, np.float32)


class Sampled:
    """A bank of recorded tones: the nearest layer of a near pitch, resampled.

    Taken from `shift` semitones away and with another decay, the same recordings make another instrument.
    """

    def __init__(self, tones: list[Tone], rng: Rng) -> None:
        self._rng = rng
        self._shift = int(rng.integers(-5, 6)) if rng.random() < 0.6 else 0
        self._decay = rng.choice([0.0, 0.0, rng.uniform(-1, 5)])  # per second; below 0 it sustains more
        self._by_pitch: dict[int, list[Tone]] = {}
        for tone in tones:
            self._by_pitch.setdefault(tone.pitch, []).append(tone)

    def tone(self, pitch: int, loudness: float) -> Tone:
        wanted = pitch + self._shift
        nearest = min(self._by_pitch, key=lambda p: abs(p - wanted) + self._rng.uniform(0, 0.5))
        choices = sorted(self._by_pitch[nearest], key=lambda t: abs(t.loudness - loudness - 0.1))
        tone = choices[int(self._rng.integers(min(len(choices), 3)))]
        samples = tone.samples
        if nearest != pitch:
            at = np.arange(0, len(samples) - 1, 2 ** ((pitch - nearest) / 12))
            samples = np.interp(at, np.arange(len(samples)), samples)
        if self._decay:
            samples = samples * np.exp(-self._decay * np.arange(len(samples)) / RATE)
        return Tone(pitch, loudness, samples.astype(np.float32))


class MadeSynth:
    """A synthesiser's bass: a band-limited saw or pulse through a low-pass whose cut-off falls, one random patch."""

    def __init__(self, rng: Rng) -> None:
        self._square = rng.random() < 0.5
        self._cut, self._sweep, self._fall = rng.uniform(3, 14), rng.uniform(0, 30), rng.uniform(3, 30)
        self._decay, self._rise_s = rng.choice([0.3, rng.uniform(0.5, 6)]), 10 ** rng.uniform(-3.3, -1.9)
        self._detune = rng.choice([0.0, rng.uniform(0.05, 0.15)])
        self._made: dict[int, Samples] = {}

    def tone(self, pitch: int, loudness: float) -> Tone:
        if pitch not in self._made:
            self._made[pitch] = self._make(pitch)
        return Tone(pitch, loudness, self._made[pitch])

    def _make(self, pitch: int) -> Samples:
        t = np.arange(int(2.0 * RATE)) / RATE
        f0 = 440 * 2 ** ((pitch - 69) / 12)
        cut = self._cut + self._sweep * np.exp(-self._fall * t)  # in harmonics
        sound = np.zeros(len(t))
        for k in range(1, min(STRINGS, int(9000 / f0)), 2 if self._square else 1):
            wave = np.sin(2 * np.pi * k * f0 * t) + (np.sin(2 * np.pi * k * f0 * 2 ** (self._detune / 12) * t))
            sound = sound + wave / k / (1 + (k / cut) ** 4)
        sound *= np.exp(-self._decay * t) * np.clip(t / self._rise_s, 0, 1)
        cut_out = trim(sound.astype(np.float32))
        return cut_out if cut_out is not None else np.zeros(RATE, np.float32)


Instrument = MadeString | MadeSynth | Sampled
