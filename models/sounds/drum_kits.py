"""Play drummers of the Groove MIDI Dataset on kits of soundfonts and on kits made here: sound, and times of the hits.

A kit is a set of single hits; a take varies each piece's pitch, decay and level, so that a kit never sounds the same.
"""

from __future__ import annotations

import csv
import lzma
import tarfile
from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO, StringIO
from pathlib import Path
from typing import Any

import mido
import numpy as np
from numpy.typing import NDArray
from scipy import signal

from models.sounds.bass_tones import RATE, Floats, Rng, Samples

GROOVE = Path("groove") / "groove-v1-midi.tar.xz"
PERCUSSION = 128  # bank of a soundfont
NOTES = range(35, 60)  # General MIDI, kick to ride
ROLAND = {22: 42, 26: 46, 58: 43}  # the data set's kit has notes General MIDI does not know
LAYERS = (40, 80, 115)  # velocities rendered
HIT_S = 1.2
KICKS = (35, 36)
HATS, OPEN_HAT = (42, 44, 46), 46
QUIET = 0.02  # of a hit's peak: there it begins
SOFTEST = 12  # velocity below which a hit is not said to be one
CHOKE = np.cos(np.linspace(0, np.pi / 2, int(0.012 * RATE))) ** 2

Hits = dict[int, dict[int, Samples]]  # note -> velocity -> sound that begins with the hit


@dataclass(frozen=True, slots=True)
class Stroke:
    """One stroke of a drummer."""

    time_s: float
    note: int
    velocity: int


def drummers(data: Path, split: str, most: int = 100, least_s: float = 10.0) -> list[list[Stroke]]:
    """Read at most `most` takes of a split ("train", "validation", "test"), each at least least_s long.

    They are spread evenly over info.csv. data: shared/data. Raises FileNotFoundError when it is absent.
    """
    with tarfile.open(fileobj=BytesIO(lzma.open(data / GROOVE).read())) as tar:
        rows = csv.DictReader(StringIO(read(tar, "groove/info.csv").decode()))
        names = [r["midi_filename"] for r in rows if r["split"] == split and float(r["duration"]) >= least_s]
        chosen = np.unique(np.linspace(0, len(names) - 1, min(most, len(names))).round().astype(int))
        return [strokes(mido.MidiFile(file=BytesIO(read(tar, f"groove/{names[i]}")))) for i in chosen]


def read(tar: tarfile.TarFile, name: str) -> bytes:
    file = tar.extractfile(name)
    assert file is not None
    return file.read()


def strokes(midi: mido.MidiFile) -> list[Stroke]:
    out, now_s = list[Stroke](), 0.0
    for message in midi:
        now_s += message.time
        if message.type == "note_on" and message.velocity:
            out.append(Stroke(now_s, ROLAND.get(message.note, message.note), message.velocity))
    return out


def font_kit(font: Path | str, program: int, bank: int = PERCUSSION) -> Hits:
    """Render the single hits of a soundfont's kit at 24 kHz; a note it does not have is left out."""
    import fluidsynth

    synth = fluidsynth.Synth(gain=0.6, samplerate=float(RATE))
    synth.setting("synth.reverb.active", 0)
    synth.setting("synth.chorus.active", 0)
    handle = synth.sfload(str(font))
    kit: Hits = {}
    for note in NOTES:
        for velocity in LAYERS:
            synth.system_reset()
            synth.program_select(9, handle, bank, program)
            synth.noteon(9, note, velocity)
            sound = np.asarray(synth.get_samples(int(HIT_S * RATE)), np.float32).reshape(-1, 2).mean(1) / 32768
            if np.abs(sound).max() > 1e-3:
                kit.setdefault(note, {})[velocity] = _from_hit(sound)
    synth.delete()
    return kit


def _from_hit(sound: Samples) -> Samples:
    level = np.abs(sound)
    out = sound[int(np.argmax(level > QUIET * level.max())) :].copy()
    out[-len(CHOKE) :] *= CHOKE
    return out


def made_kit(rng: Rng) -> Hits:
    """Make a kit of swept sines and filtered noise with random properties (as drum machines do)."""
    kit: Hits = {}
    for note in NOTES:
        make = _drum(note, rng)
        kit[note] = {velocity: make(velocity / 127) for velocity in LAYERS}
    return kit


def _drum(note: int, rng: Rng) -> Any:
    """Return loudness 0-1 -> hit, of one piece."""
    t = np.arange(int(HIT_S * RATE)) / RATE
    kinds = {35: "kick", 36: "kick", 37: "rim", 38: "snare", 39: "snare", 40: "snare", 42: "closed", 44: "closed"}
    kind = kinds.get(note, "tom" if note in (41, 43, 45, 47, 48, 50) else "open" if note == 46 else "cymbal")
    hz = {"kick": rng.uniform(38, 90), "snare": rng.uniform(140, 280), "rim": rng.uniform(300, 900)}.get(
        kind, rng.uniform(65, 95) * 2 ** ((note - 41) / 9)
    )
    sweep, fall = rng.uniform(0, 4 if kind == "kick" else 0.6), rng.uniform(15, 120)
    ring = {"kick": rng.uniform(5, 25), "snare": rng.uniform(10, 35), "tom": rng.uniform(4, 15)}.get(kind, 40.0)
    noise_fall = {"kick": rng.uniform(80, 400), "snare": rng.uniform(8, 35), "tom": rng.uniform(60, 300),
                  "rim": rng.uniform(60, 200), "closed": rng.uniform(20, 80), "open": rng.uniform(3, 9)}.get(
                      kind, rng.uniform(1.5, 5))  # fmt: skip
    body = {"kick": 1.0, "tom": 1.0, "snare": rng.uniform(0.2, 0.9), "rim": 0.6}.get(kind, 0.0)
    hiss = {"kick": 10 ** rng.uniform(-2, -0.4), "tom": 10 ** rng.uniform(-2, -0.6), "snare": rng.uniform(0.4, 1.2),
            "rim": 0.4}.get(kind, rng.uniform(0.15, 0.5))  # fmt: skip
    low = {"kick": 1500.0, "tom": 1200.0, "snare": rng.uniform(500, 2500), "rim": 1500.0}.get(
        kind, rng.uniform(3000, 7000)
    )
    band = signal.butter(2, low, "low" if kind in ("kick", "tom") else "high", fs=RATE, output="sos")
    overtone = rng.uniform(1.4, 1.7)

    def make(loudness: float) -> Samples:
        phase = 2 * np.pi * np.cumsum(hz * (1 + sweep * loudness * np.exp(-fall * t))) / RATE
        sound = body * (np.sin(phase) + 0.3 * np.sin(overtone * phase)) * np.exp(-ring * t)
        rush = signal.sosfilt(band, rng.normal(0, 1, len(t)))
        sound = sound + hiss * (0.5 + loudness) * rush / (np.abs(rush).max() + 1e-9) * np.exp(-noise_fall * t)
        sound[: int(0.002 * RATE)] *= np.linspace(0.2, 1, int(0.002 * RATE))
        return np.asarray(sound * loudness**1.5, np.float32)

    return make


def stretch(take: Sequence[Stroke], length: int, rng: Rng) -> list[Stroke]:
    """Return a random stretch of `length` samples of a take, at another tempo and dynamics, repeated where it ends."""
    pace, power = rng.uniform(0.8, 1.25), rng.uniform(0.6, 1.4)
    total = take[-1].time_s + 0.25
    start = rng.uniform(0, total)
    out: list[Stroke] = []
    for turn in range(int(length / RATE * pace / total) + 2):
        for stroke in take:
            at = (stroke.time_s + turn * total - start) / pace
            if 0 <= at < length / RATE:
                out.append(Stroke(at, stroke.note, int(np.clip(127 * (stroke.velocity / 127) ** power, 1, 127))))
    return out


def play(
    kit: Hits, strokes: Sequence[Stroke], length: int, rng: Rng, varied: bool = True
) -> tuple[Samples, NDArray[np.int64]]:
    """Return sound [length] and the samples at which something is hit. varied: each piece is tuned and mixed anew."""
    out = np.zeros(length + int(HIT_S * RATE) * 2, np.float32)
    tuning = {note: rng.uniform(0.8, 1.25) if varied else 1.0 for note in NOTES}
    damping = {note: max(0.0, rng.uniform(-4, 12)) if varied else 0.0 for note in NOTES}
    mix = {note: 10 ** (rng.uniform(-8, 4) / 20) if varied else 1.0 for note in NOTES}
    made: dict[tuple[int, int], Floats] = {}
    times = []
    closings = np.array([s.time_s for s in strokes if s.note in HATS])
    for stroke in strokes:
        if stroke.note not in kit or not stroke.time_s < length / RATE:
            continue
        layer = min(kit[stroke.note], key=lambda v: abs(v - stroke.velocity))
        if (stroke.note, layer) not in made:
            made[stroke.note, layer] = _tuned(kit[stroke.note][layer], tuning[stroke.note], damping[stroke.note])
        sound = made[stroke.note, layer] * (mix[stroke.note] * (stroke.velocity / layer) ** 1.5)
        at = int(stroke.time_s * RATE)
        if stroke.note == OPEN_HAT and (later := closings[closings > stroke.time_s]).size:
            sound = sound[: int((later[0] - stroke.time_s) * RATE) + len(CHOKE)].copy()
            sound[-len(CHOKE) :] *= CHOKE[-len(sound) :]
        out[at : at + len(sound)] += sound.astype(np.float32)
        if stroke.velocity >= SOFTEST:
            times.append(at)
    return out[:length], np.array(sorted(times), np.int64)


def _tuned(sound: Samples, speed: float, damping: float) -> Floats:
    at = np.arange(0, len(sound) - 1, speed)
    out = np.interp(at, np.arange(len(sound)), sound)
    return np.asarray(out * np.exp(-damping * np.arange(len(out)) / RATE))
