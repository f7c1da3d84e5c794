"""Compute feature vectors of notes whose technique is known: recorded sets, soundfonts, damped copies, many
microphones.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import signal

from listener.timbre.features import EDGES_HZ, LEAD, SHORTEST_S, WINDOW, features
from models.sounds.bass_tones import PROGRAMS, RATE, Tone, font_tones, recorded_tones, trim
from models.sounds.degrade import degrade
from models.sounds.made_strings import PLAYED, MadeBass

CLASSES = ("fingers", "pick", "slap", "mute", "fretless", "upright")
# name -> (instrument, technique). One instrument is held out as a whole: the same bass may be in several sets.
SETS = {
    "growl": ("growlybass", "fingers"),
    "growl_staccato": ("growlybass", "fingers"),
    "killer": ("killer", "pick"),
    "linguine": ("pastabass", "pick"),
    "spaghetti": ("pastabass", "pick"),
    "tagliatelle": ("pastabass", "mute"),
    "fetuccine": ("pastabass", "fingers"),
    "meat_pizz": ("meatbass", "upright"),
    "swagbass": ("swagbass", "fingers"),
    "fashionbass": ("fashionbass", "fingers"),
    "yr_finger": ("yrbass", "fingers"),
    "yr_pick": ("yrbass", "pick"),
}
# name -> (folder of checkouts of github.com/sfzinstruments, CC0; semitones from the file's octave to the sounding one)
PACKS = {
    "tagliatelle": ("karoryfer.pastabass/samples/tagliatelle", 0),
    "fetuccine": ("karoryfer.pastabass/samples/fetuccine", 0),
    "swagbass": ("karoryfer.swagbass/notes", 0),
    "fashionbass": ("karoryfer.fashionbass/notes", 12),
}
# The same of github.com/freepats (CC0): one file a note, one octave from E1.
OCTAVES = {
    "yr_finger": "electric-bass-YR/samples/finger",
    "yr_pick": "electric-bass-YR/samples/pick",
}
LOWEST_E = 28
PROGRAM_TECHNIQUE = dict(zip(PROGRAMS, ("upright", "fingers", "pick", "fretless", "slap", "slap"), strict=False))
MADE_BASSES = 60
DAMPED = {"fingers", "pick"}  # what a palm can mute
PACK_NOTES = {"c": 0, "d": 2, "e": 4, "f": 5, "g": 7, "a": 9, "b": 11}
HELD_S = 0.6  # of a tone, that is kept
LOWEST, HIGHEST = 23, 67

Floats = NDArray[np.float64]
Rng = np.random.Generator


@dataclass(frozen=True, slots=True)
class Bank:
    """One set of tones. instrument: what is held out together; damped: made into palm mutes here."""

    name: str
    instrument: str
    technique: str
    tones: list[Tone]
    damped: bool = False


@dataclass(frozen=True, slots=True)
class Examples:
    """Feature vectors with labels.

    x: [N, SIZE], y: [N] index into CLASSES, bank: [N] names, clean: [N] no degradation.
    """

    x: Floats
    y: NDArray[np.int64]
    bank: NDArray[np.str_]
    instrument: NDArray[np.str_]
    clean: NDArray[np.bool_]

    def where(self, mask: NDArray[np.bool_]) -> Examples:
        return Examples(self.x[mask], self.y[mask], self.bank[mask], self.instrument[mask], self.clean[mask])


def recorded_banks(root: Path, packs: Path | None = None) -> list[Bank]:
    """Read shared/data/bass, and those of PACKS that lie in `packs`. Raises FileNotFoundError without the first."""
    tones = recorded_tones(root) | (pack_tones(packs) if packs else {})
    banks = [Bank(name, *SETS[name], cut(found)) for name, found in tones.items()]
    return banks + [mutes(bank) for bank in banks if bank.technique in DAMPED]


def font_banks(font: str) -> list[Bank]:
    """Render the GM basses of a soundfont, each preset an instrument."""
    banks = []
    for name, found in font_tones(font).items():
        if technique := PROGRAM_TECHNIQUE.get(int(name.rsplit("-", 1)[1])):
            banks.append(Bank(name, name, technique, cut(found)))
    return banks + [mutes(bank) for bank in banks if bank.technique in DAMPED]


def made_banks(seed: int) -> list[Bank]:
    """Make every technique on the same random basses."""
    rng = np.random.default_rng((seed, 60))
    basses = [MadeBass(rng) for _ in range(MADE_BASSES)]
    banks = []
    for technique, playing in PLAYED.items():
        pitches = [int(rng.integers(LOWEST, HIGHEST - 7)) for _ in range(2 * MADE_BASSES)]
        tones = [basses[i % MADE_BASSES].tone(p, playing, rng).astype(np.float32) for i, p in enumerate(pitches)]
        made = [Tone(p, 0.5, tone) for p, tone in zip(pitches, tones, strict=True)]
        banks.append(Bank(f"made-{technique}", "made-up", technique, made))
    return banks


def cut(tones: list[Tone]) -> list[Tone]:
    playable = [tone for tone in tones if LOWEST <= tone.pitch <= HIGHEST]
    return [Tone(tone.pitch, tone.loudness, tone.samples[: int(HELD_S * RATE)].copy()) for tone in playable]


def mutes(bank: Bank) -> Bank:
    return Bank(f"{bank.name}+palm", bank.instrument, "mute", bank.tones, damped=True)


def pack_tones(root: Path) -> dict[str, list[Tone]]:
    """Read the sets of PACKS that lie under root.

    Files are <note>_<layer>_rr<n>.wav; the first two repetitions are read.
    """
    out: dict[str, list[Tone]] = {}
    for name, (folder, shift) in PACKS.items():
        for path in sorted((root / folder).glob("*_rr[12].wav")):
            note = path.name.split("_")[0]
            if (kept := trim(_read(path))) is not None and "open" not in path.name:
                out.setdefault(name, []).append(Tone(_pack_pitch(note) + shift, 0.5, kept))
    for name, folder in OCTAVES.items():
        for path in sorted((root / folder).glob("?.flac")) + sorted((root / folder).glob("?#.flac")):
            if (kept := trim(_read(path))) is not None:
                above_e = (PACK_NOTES[path.stem[0].lower()] + path.stem.count("#") - PACK_NOTES["e"]) % 12
                out.setdefault(name, []).append(Tone(LOWEST_E + above_e, 0.5, kept))
    return out


def _read(path: Path) -> NDArray[np.float32]:
    """Read a file's first second, mono, at RATE."""
    import soundfile

    rate = soundfile.info(path).samplerate
    sound, _ = soundfile.read(path, frames=rate, dtype="float32", always_2d=True)
    shared = math.gcd(RATE, rate)
    return np.asarray(signal.resample_poly(sound.mean(1), RATE // shared, rate // shared), np.float32)


def _pack_pitch(note: str) -> int:
    """Return the MIDI number of a file's note, where c0 is 0: most of these files are named an octave above what
    sounds.
    """
    return PACK_NOTES[note[0]] + (-1 if note[1:-1] == "b" else 0) + 12 * int(note[-1])


# ---------------------------------------------------------------- one example


def palm(sound: Floats, rng: Rng) -> Floats:
    """Damp a tone with a palm: every band decays sooner, the high ones most; the attack is duller."""
    tau_s, slope = np.exp(rng.uniform(np.log(0.035), np.log(0.14))), rng.uniform(0.15, 0.6)
    spectrum, hz = np.fft.rfft(sound), np.fft.rfftfreq(len(sound), 1 / RATE)
    t = np.maximum(np.arange(len(sound)) - RATE // 1000, 0) / RATE
    out = np.zeros(len(sound))
    for low, high in zip((0, *EDGES_HZ[1:]), EDGES_HZ[1:], strict=False):
        band = np.fft.irfft(spectrum * ((hz >= low) & (hz < high)), len(sound))
        out += band * np.exp(-t / (tau_s * (100 / np.sqrt(max(low, 40) * high)) ** slope))
    b, a = signal.butter(1, np.exp(rng.uniform(np.log(500), np.log(5000))), fs=RATE)
    return np.asarray(signal.lfilter(b, a, out))


def example(bank: Bank, tone: Tone, clean: bool, rng: Rng) -> Floats:
    """Return the features [SIZE] of one note of a line, cut as the tracker would."""
    sound = tone.samples.astype(np.float64)
    sound = palm(sound, rng) if bank.damped else sound
    lead = int(0.25 * RATE)
    line = np.zeros(lead + len(sound))
    if rng.random() < 0.6:
        _before(line, bank, lead, rng)
    start = lead - RATE // 1000
    line[start : start + len(sound)] += sound * 10 ** (rng.uniform(-6, 0) / 20)
    if not clean:
        line = degrade(line.astype(np.float32), _silence, rng).astype(np.float64)
    else:
        line += rng.normal(0, 10 ** (rng.uniform(-100, -70) / 20), len(line))
    onset = lead + int(np.clip(rng.normal(0, 0.004), -0.008, 0.012) * RATE)
    length = WINDOW if rng.random() < 0.8 else LEAD + int(rng.uniform(SHORTEST_S, 0.14) * RATE)
    f0_hz = 440 * 2 ** ((tone.pitch + rng.normal(0, 0.1) - 69) / 12)
    return features(line[onset - LEAD : onset - LEAD + length], f0_hz)


def _silence(n: int, rng: Rng) -> NDArray[np.float32]:
    return np.zeros(n, np.float32)


def _before(line: Floats, bank: Bank, lead: int, rng: Rng) -> None:
    """Return the note before, still sounding or just damped."""
    other = bank.tones[int(rng.integers(len(bank.tones)))].samples.astype(np.float64)
    end = lead + int(rng.uniform(-0.08, 0.01) * RATE)
    fade = int(rng.uniform(0.008, 0.04) * RATE)
    piece = other[: min(end + fade, len(line))].copy()
    tail = max(0, len(piece) - end)
    piece[end:] *= np.cos(np.linspace(0, np.pi / 2, tail)) ** 2
    line[: len(piece)] += piece * 10 ** (rng.uniform(-12, 0) / 20)


def examples(banks: list[Bank], count: int, clean_share: float, seed: int) -> Examples:
    """Return `count` examples of every bank, each tone as often as the others; the same for the same seed."""
    rows = [row for bank in banks for row in _of_bank(bank, count, clean_share, seed)]
    x, y, names, instruments, clean = zip(*rows, strict=True)
    return Examples(np.stack(x), np.array(y), np.array(names), np.array(instruments), np.array(clean))


def _of_bank(bank: Bank, count: int, clean_share: float, seed: int) -> Iterator[tuple[Floats, int, str, str, bool]]:
    rng = np.random.default_rng((seed, zlib.crc32(bank.name.encode())))
    order = np.concatenate([rng.permutation(len(bank.tones)) for _ in range(count // len(bank.tones) + 1)])[:count]
    for index in order:
        clean = bool(rng.random() < clean_share)
        x = example(bank, bank.tones[index], clean, rng)
        yield x, CLASSES.index(bank.technique), bank.name, bank.instrument, clean
