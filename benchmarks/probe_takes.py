"""Lines whose every onset, pitch, level and way of playing is known, for the probes of benchmarks/probes.py.

Whole instruments are held out: no bass of the asked takes is in the taught ones nor in the codec's training. The
recorded `spaghetti` and `linguine` are one Bass VI in two sets, so the first teaches nothing here either.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from listener.types import FRAME_SAMPLES
from models.sounds.bass_lines import Played, Style, random_notes, render
from models.sounds.bass_tones import RATE, Rng, Tone, font_tones, recorded_tones
from models.sounds.heldout_sounds import TrueBass, levelled, style_for
from models.sounds.made_strings import PLAYED, MadeBass
from models.sounds.technique_notes import cut, pack_tones, palm

TECHNIQUES = ("fingers", "pick", "slap", "mute")
TAKE_S = 12.0
STEP_S = (0.15, 0.45)
REPEAT = 0.2  # share of notes that repeat the one before
LOWEST, HIGHEST = 24, 59  # C1 to B3: octaves 1 to 3
GAIN_DB = (-20.0, 0.0)
NOISE_DB = (-100.0, -70.0)
LEVEL_FRAMES = 4
DAMPED_TONES = 60
MADE_PITCHES = range(LOWEST, HIGHEST + 1, 3)

# What excites the string: fretless and upright are played with the fingers, growl_staccato is short but not damped.
TAUGHT = {"growl": "fingers", "growl_staccato": "fingers", "meat_pizz": "fingers", "killer": "pick"}
ASKED = {"linguine": "pick"}
PACKS = {"tagliatelle": "mute", "fetuccine": "fingers", "swagbass": "fingers", "fashionbass": "fingers"}  # asked
PROGRAMS = {32: "fingers", 33: "fingers", 34: "pick", 35: "fingers", 36: "slap", 37: "slap", 38: "", 39: ""}
TAUGHT_FONT, ASKED_FONT = "FluidR3_GM", "TimGM6mb"
PALMED = ("growl", "killer", "linguine", "FluidR3_GM-33", "FluidR3_GM-34", "TimGM6mb-33", "TimGM6mb-34")

Samples = NDArray[np.float32]
Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Take:
    """sound [T * 320] at 24 kHz and, per frame [T]: pitch (MIDI, 0 where none sounds), since (frames since the frame
    that holds the latest onset, -1 before the first), level_db (RMS of it and the 3 before). technique "": no class.
    made: a string that exists only as partials; it teaches the way of playing and nothing else."""

    bank: str
    technique: str
    taught: bool
    made: bool
    sound: Samples
    pitch: Ints
    since: Ints
    level_db: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Bank:
    name: str
    technique: str
    taught: bool
    tones: list[Tone]
    made: bool = False


def takes(shared: Path, packs: Path, per_bank: int = 3, seed: int = 0) -> list[Take]:
    """`per_bank` takes of every bank; the same for the same seed. FileNotFoundError names what is missing."""
    return [
        line_of(bank, np.random.default_rng((seed, i, zlib.crc32(bank.name.encode()))))
        for bank in banks(shared, packs, seed)
        for i in range(1 if bank.made else per_bank)
    ]


def banks(shared: Path, packs: Path, seed: int = 0) -> Iterator[Bank]:
    recorded, found = recorded_tones(shared / "data" / "bass"), pack_tones(packs)
    fonts = {name: tones for font in (TAUGHT_FONT, ASKED_FONT) for name, tones in font_tones(font).items()}
    known = {name: Bank(name, technique, True, recorded[name]) for name, technique in TAUGHT.items()}
    known |= {name: Bank(name, technique, False, recorded[name]) for name, technique in ASKED.items()}
    known |= {name: Bank(name, PACKS[name], False, tones) for name, tones in found.items()}
    for name, tones in fonts.items():
        font, program = name.rsplit("-", 1)
        known[name] = Bank(name, PROGRAMS[int(program)], font == TAUGHT_FONT, tones)
    yield from known.values()
    yield from (palmed(known[name], np.random.default_rng((seed, i))) for i, name in enumerate(PALMED))
    yield from made(seed)


def palmed(bank: Bank, rng: Rng) -> Bank:
    """The same bass with a palm on its strings, made here: a true palm is only in the set tagliatelle."""
    chosen = [bank.tones[i] for i in rng.permutation(len(bank.tones))[:DAMPED_TONES]]
    tones = [Tone(t.pitch, t.loudness, palm(t.samples.astype(np.float64), rng).astype(np.float32)) for t in cut(chosen)]
    return Bank(f"{bank.name}+palm", "mute", bank.taught, tones)


def made(seed: int, basses: int = 6) -> Iterator[Bank]:
    """Made-up basses, each in every technique, so that the instrument does not tell it."""
    rng = np.random.default_rng((seed, 60))
    for number in range(basses):
        bass = MadeBass(rng)
        for technique in TECHNIQUES:
            tones = [Tone(p, 0.5, bass.tone(p, PLAYED[technique], rng).astype(np.float32)) for p in MADE_PITCHES]
            yield Bank(f"made-{number}-{technique}", technique, True, tones, made=True)


def line_of(bank: Bank, rng: Rng) -> Take:
    """One take of it: every note plucked, at a level of its own, in a little noise."""
    length = int(TAKE_S * RATE) // FRAME_SAMPLES * FRAME_SAMPLES
    notes = random_notes(_chromatic(bank, rng), length, rng)
    sound, track = render(TrueBass(bank.tones, rng), notes, length, FRAME_SAMPLES, rng)
    sound = levelled(sound, rng) * np.float32(10 ** (rng.uniform(*GAIN_DB) / 20))
    sound = (sound + rng.normal(0, 10 ** (rng.uniform(*NOISE_DB) / 20), length)).astype(np.float32)
    since = frames_since(notes, length // FRAME_SAMPLES)
    return Take(
        bank.name, bank.technique, bank.taught, bank.made, sound, track.astype(np.int64), since, levels_db(sound)
    )


def _chromatic(bank: Bank, rng: Rng) -> Style:
    """A player who walks over all semitones of the bass, so that no pitch belongs to one instrument."""
    style = style_for(bank.tones, rng, odd=0.0)
    style.low, style.high = LOWEST, min(HIGHEST, max(tone.pitch for tone in bank.tones) + 2)
    style.scale, style.repeat, style.step_s = tuple(range(12)), REPEAT, rng.uniform(*STEP_S)
    return style


def frames_since(notes: list[Played], frames: int) -> Ints:
    """[frames]: how many frames ago the latest onset was; -1 before the first."""
    onsets = np.array(sorted(note.onset // FRAME_SAMPLES for note in notes))
    at = np.arange(frames)
    latest = np.searchsorted(onsets, at, "right") - 1
    return np.where(latest >= 0, at - onsets[np.maximum(latest, 0)], -1)


def levels_db(sound: Samples) -> NDArray[np.float64]:
    """[T]: RMS of each frame and the 3 before it (silence before the start), dB re full scale."""
    power = (sound.astype(np.float64).reshape(-1, FRAME_SAMPLES) ** 2).mean(1)
    mean = np.convolve(power, np.full(LEVEL_FRAMES, 1 / LEVEL_FRAMES))[: len(power)]
    return np.asarray(10 * np.log10(mean + 1e-12))
