"""Bass lines whose every onset and pitch is known: rendered from recorded notes (shared/data/bass), FluidSynth's
basses and plucked strings made of partials. Everything takes a random generator.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import signal

RATE = 24_000
FONTS = {
    "FluidR3_GM": "/usr/share/sounds/sf2/FluidR3_GM.sf2",
    "MuseScore_General": "/usr/share/sounds/sf3/MuseScore_General.sf3",
    "TimGM6mb": "/usr/share/sounds/sf2/TimGM6mb.sf2",  # never trained on: its instruments are for measuring
}
PROGRAMS = range(32, 40)
PITCHES = (22, 68)
FONT_VELOCITIES = (45, 85, 120)
FONT_HOLD_S = 2.5
RISE_SHARE = 0.1  # of the attack's peak: where a note is said to begin
ATTACK_S = 0.12
FADED = 0.012  # of a note's peak: below it, it no longer sounds
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


@dataclass(frozen=True, slots=True)
class Played:
    """One note of a line, in samples. kind: pluck | legato | slide | ghost. technique: how the tone was made."""

    onset: int
    end: int
    pitch: float
    kind: str
    gain: float
    slide_from: float | None = None


@dataclass(slots=True)
class Line:
    samples: Samples
    notes: list[Played]
    pitch_track: NDArray[np.int8]  # per hop: MIDI number of the newest sounding note, 0 = none
    technique: str


# ---------------------------------------------------------------- tones


def trim(samples: Samples) -> Samples | None:
    """Cut the lead-in so that the onset lies 1 ms in; None when there is no sound."""
    level = np.abs(samples)
    loud = level > 0.02 * level.max()
    if level.max() < 1e-4 or not loud.any():
        return None
    start = int(np.argmax(loud))
    peak = level[start : start + int(ATTACK_S * RATE)].max()
    onset = start + int(np.argmax(level[start:] > RISE_SHARE * peak))
    lead = RATE // 1000
    return np.concatenate([np.zeros(max(0, lead - onset), np.float32), samples[max(0, onset - lead) :]]) / peak


def recorded_tones(root: Path) -> dict[str, list[Tone]]:
    """The sets of shared/data/bass: name -> tones. Raises FileNotFoundError when they are absent."""
    import soundfile

    out: dict[str, list[Tone]] = {}
    for entry in json.loads((root / "index.json").read_text()):
        samples, rate = soundfile.read(root / entry["f"], dtype="float32")
        assert rate == RATE
        if (cut := trim(samples)) is not None:
            out.setdefault(entry["lib"], []).append(Tone(entry["pitch"], entry["hivel"] / 127, cut))
    return out


def font_tones(font: str) -> dict[str, list[Tone]]:
    """The eight GM basses of a soundfont, every semitone in three layers."""
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
    """A bank of recorded tones: the nearest layer of a near pitch, resampled. Taken from `shift` semitones away and
    with another decay, the same recordings make another instrument."""

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

# ---------------------------------------------------------------- lines


@dataclass(slots=True)
class Style:
    """What a random player does in one line."""

    root: int
    low: int
    high: int
    step_s: float
    density: float
    repeat: float
    gate: str  # legato | staccato | ring | mixed
    swing: float
    accent_db: float
    odd: float  # share of ghosts, slides, hammer-ons
    scale: tuple[int, ...] = field(default=(0, 2, 4, 5, 7, 9, 11))


SCALES = ((0, 2, 4, 5, 7, 9, 11), (0, 2, 3, 5, 7, 8, 10), (0, 3, 5, 7, 10), (0, 7), tuple(range(12)), (0, 4, 7, 10))


def random_style(rng: Rng) -> Style:
    low = int(rng.choice([23, 26, 28, 28, 28, 33, 40, 48, 55]))
    span = int(rng.choice([5, 12, 12, 19, 24]))
    return Style(
        root=int(rng.integers(12)),
        low=low,
        high=min(low + span, 68),
        step_s=60 / rng.uniform(60, 190) / rng.choice([1, 2, 2, 3, 4]),
        density=rng.choice([1.0, 0.85, 0.6, 0.4]),
        repeat=rng.choice([0.1, 0.4, 0.8]),
        gate=str(rng.choice(["legato", "staccato", "ring", "mixed", "mixed"])),
        swing=rng.choice([0.5, 0.5, rng.uniform(0.5, 0.68)]),
        accent_db=rng.choice([2.0, 6.0, 12.0]),
        odd=rng.choice([0.0, 0.1, 0.3]),
        scale=SCALES[rng.integers(len(SCALES))],
    )


def random_notes(style: Style, length: int, rng: Rng) -> list[Played]:
    """One monophonic line of at least a few notes in `length` samples."""
    step_s = max(style.step_s, 0.085)
    pitches = [p for p in range(style.low, style.high + 1) if (p - style.root) % 12 in style.scale] or [style.low]
    times, at, index = [], rng.uniform(0.05, 0.6), 0
    while at < length / RATE - 0.1:
        if rng.random() < style.density:
            late = (style.swing - 0.5) * 2 * step_s if index % 2 else 0.0
            times.append(at + late + rng.normal(0, 0.006))
        at += step_s + (rng.uniform(0.4, 2.5) if rng.random() < 0.02 else 0)
        index += 1
    where, notes = int(rng.integers(len(pitches))), []
    for i, time in enumerate(times):
        if rng.random() > style.repeat:
            where = int(np.clip(where + rng.integers(-3, 4), 0, len(pitches) - 1))
            if rng.random() < 0.12:
                where = int(rng.integers(len(pitches)))
        onset = int(max(time, 0.01) * RATE)
        until = int(times[i + 1] * RATE) if i + 1 < len(times) else min(length, onset + int(rng.uniform(0.3, 2) * RATE))
        if until - onset < 0.05 * RATE:
            continue
        notes.append(_articulate(style, onset, until, pitches[where], notes, rng))
    return notes


def _articulate(style: Style, onset: int, until: int, pitch: int, before: list[Played], rng: Rng) -> Played:
    gain = 10 ** (rng.uniform(-style.accent_db, 0) / 20)
    gate = style.gate if style.gate != "mixed" else str(rng.choice(["legato", "staccato", "ring"]))
    end = {
        "legato": until - int(rng.uniform(-0.004, 0.03) * RATE),
        "staccato": onset + int(rng.uniform(0.3, 0.75) * (until - onset)),
        "ring": until + int(rng.uniform(0.02, 0.35) * RATE),
    }[gate]
    kind, glide = "pluck", None
    connected = bool(before) and before[-1].kind != "ghost" and onset - before[-1].end < 0.02 * RATE
    if rng.random() < style.odd:
        kind = str(rng.choice(["ghost", "legato", "legato", "slide"]))
        if kind == "legato" and (not connected or abs(pitch - before[-1].pitch) > 5 or pitch == before[-1].pitch):
            kind = "ghost" if rng.random() < 0.5 else "pluck"
        if kind == "slide":
            glide = float(pitch + rng.choice([-5, -4, -3, -2, -1, 1, 2, 3, 5]))
            kind = "slide" if until - onset > 0.25 * RATE else "pluck"
    if kind == "ghost":
        end = min(end, onset + int(rng.uniform(0.02, 0.07) * RATE))
    return Played(
        onset, max(end, onset + int(0.02 * RATE)), float(pitch), kind, gain, glide if kind == "slide" else None
    )


def render(
    instrument: Instrument, notes: list[Played], length: int, hop: int, rng: Rng
) -> tuple[Samples, NDArray[np.int8]]:
    """-> sound [length] and, per hop, the pitch of the newest sounding note (0 = none)."""
    sound, track = np.zeros(length + RATE), np.zeros(length // hop, np.int8)
    for i, note in enumerate(notes):
        wave = _wave(instrument, note, rng)
        fade = int(rng.uniform(0.006, 0.05) * RATE)
        follower = notes[i + 1] if i + 1 < len(notes) else None
        hold = note.end - note.onset
        if follower and follower.kind == "legato":
            hold, fade = follower.onset - note.onset, int(rng.uniform(0.002, 0.012) * RATE)
        wave = wave[: hold + fade + 24].copy()
        damped = max(len(wave) - hold, 0)
        if damped:
            wave[-damped:] *= np.cos(np.linspace(0, np.pi / 2, damped)) ** 2
        start = max(note.onset - RATE // 1000, 0)
        wave = wave[: len(sound) - start]
        sound[start : start + len(wave)] += note.gain * wave
        _mark(track, note, wave, follower, hop, hold)
    return sound[:length].astype(np.float32), track


def _wave(instrument: Instrument, note: Played, rng: Rng) -> Floats:
    tone = instrument.tone(round(note.pitch), note.gain)
    wave = tone.samples.astype(np.float64)
    if note.kind == "ghost":
        dead = wave[: int(0.08 * RATE)] * np.exp(-np.arange(min(len(wave), int(0.08 * RATE))) / rng.uniform(60, 400))
        b, a = signal.butter(1, rng.uniform(80, 400), "high", fs=RATE)
        return np.asarray(signal.lfilter(b, a, dead)) + 0.05 * rng.normal(0, 1, len(dead)) * np.exp(
            -np.arange(len(dead)) / 200
        )
    if note.kind == "legato":  # the string already moves: no attack, the level it would have had by now
        skip = int(rng.uniform(0.05, 0.15) * RATE)
        wave = wave[skip:] * rng.uniform(0.8, 1.6)
        rise = int(rng.uniform(0.001, 0.006) * RATE) + 1
        wave[:rise] *= np.linspace(0, 1, rise)
        return np.concatenate([np.zeros(RATE // 1000), wave])
    bend = _bend(note, len(wave), rng)
    if bend is None:
        return wave
    at = np.cumsum(2 ** (bend / 12))
    return np.interp(at[at < len(wave) - 1], np.arange(len(wave)), wave)


def _bend(note: Played, length: int, rng: Rng) -> Floats | None:
    """Semitones away from the note's pitch over time, or None."""
    t = np.arange(length) / RATE
    if note.slide_from is not None:
        start, end = rng.uniform(0.04, 0.12), 0.0
        end = start + rng.uniform(0.04, 0.12)
        return np.asarray((note.slide_from - note.pitch) * np.clip((end - t) / (end - start), 0, 1))
    if rng.random() < 0.06:
        return np.asarray(rng.uniform(0.1, 0.4) * np.sin(2 * np.pi * rng.uniform(4, 6.5) * t) * np.clip(t / 0.3, 0, 1))
    return None


def _mark(track: NDArray[np.int8], note: Played, wave: Floats, follower: Played | None, hop: int, hold: int) -> None:
    first = note.onset // hop
    until = min(note.onset + hold, note.onset + len(wave))
    if follower:
        until = min(until, follower.onset)
    last = min(len(track), max(first + 1, until // hop))
    if note.kind == "ghost":
        track[first:last] = 0
        return
    blocks = np.abs(wave[: (len(wave) // hop) * hop]).reshape(-1, hop).max(1)
    sounding = np.flatnonzero(blocks > FADED * blocks.max()) if len(blocks) else np.zeros(0, int)
    last = min(last, first + (int(sounding[-1]) if len(sounding) else 0) + 1)
    track[first:last] = round(note.pitch)
    if note.slide_from is not None:
        glide = _bend_hops(note, last - first, hop)
        track[first : first + len(glide)] = np.round(glide)


def _bend_hops(note: Played, count: int, hop: int) -> Floats:
    """A slide's pitch is not taught while it glides closer than its ends: before 80 ms the first, after 200 ms the last."""
    t = np.arange(count) * hop / RATE
    assert note.slide_from is not None
    return np.where(t < 0.08, note.slide_from, np.where(t < 0.2, -1.0, note.pitch))
