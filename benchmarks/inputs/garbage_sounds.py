"""The sounds that benchmarks/garbage.py feeds: KINDS, name -> maker(n samples) -> float [n] at RATE."""

from __future__ import annotations

import io
import shutil
import subprocess
import tarfile
import wave
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import mido
import numpy as np
import soundfile
from scipy.signal import butter, resample_poly, sosfilt

ROOT = Path(__file__).resolve().parents[2]
DATA, CLIPS = ROOT.parent / "shared" / "data", ROOT.parent / "shared" / "listening" / "clips"
FONT = Path("/usr/share/sounds/sf2/FluidR3_GM.sf2")
RATE = 48_000
LOWEST_PITCH = 56  # 208 Hz: below it nothing of the music without a bass
CLIP = "16_real_motown_44_104_growlybass_clean"
TEXT = (
    "The rain had stopped before the others came down to the river. Nobody spoke, and the boats lay still. "
    "Seven men carried the piano up four flights of stairs, and each of them said that it could not be done. "
)
VOICES = ("en", "en+f3", "de")
INSTRUMENTS = {"piano": 0, "guitar": 25, "strings": 48}
Sound = np.ndarray


class Unavailable(Exception):
    """Why a kind of garbage cannot be made here."""


def dither(n: int) -> Sound:
    return np.random.default_rng(1).normal(0, 10 ** (-90 / 20), n)


def offset(n: int) -> Sound:
    return np.full(n, 0.3)


def hum(hz: float) -> Callable[[int], Sound]:
    """Mains hum at -26 dBFS with eleven harmonics and a little noise, swelling slowly as cables do."""

    def make(n: int) -> Sound:
        t, rng = np.arange(n) / RATE, np.random.default_rng(2)
        levels = [1, 0.5, 0.7, 0.2, 0.4, 0.1, 0.25, 0.05, 0.15, 0.05, 0.1]
        phases = rng.uniform(0, 2 * np.pi, len(levels))
        tone = sum(
            a * np.sin(2 * np.pi * hz * (k + 1) * t + p) for k, (a, p) in enumerate(zip(levels, phases, strict=True))
        )
        sound = tone * (1 + 0.2 * np.sin(2 * np.pi * 0.13 * t)) + rng.normal(0, 0.02, n)
        return 0.05 * sound / np.std(sound)

    return make


def white(n: int) -> Sound:
    return np.random.default_rng(3).normal(0, 10 ** (-30 / 20), n)


def pink(n: int) -> Sound:
    spectrum = np.fft.rfft(np.random.default_rng(4).normal(0, 1, n))
    spectrum[1:] /= np.sqrt(np.arange(1, len(spectrum)))
    sound = np.fft.irfft(spectrum, n)
    return 10 ** (-30 / 20) * sound / np.std(sound)


def nan_blocks(n: int) -> Sound:
    """Faint noise; every half second a block of 512 samples that are no numbers."""
    sound = dither(n)
    for start in range(0, n - 512, RATE // 2):
        sound[start : start + 512] = [np.nan, np.inf, -np.inf][start // (RATE // 2) % 3]
    return sound


def speech(n: int) -> Sound:
    """Three synthetic voices, one after the other."""
    if not shutil.which("espeak-ng"):
        raise Unavailable("espeak-ng is not installed (apt install espeak-ng)")
    parts = [_voice(voice) for voice in VOICES]
    return _level(_repeat(np.concatenate([part[: n // len(VOICES)] for part in parts]), n))


def _voice(voice: str) -> Sound:
    said = subprocess.run(["espeak-ng", "-v", voice, "--stdout", TEXT * 2], capture_output=True, check=True).stdout
    with wave.open(io.BytesIO(said)) as file:
        samples = np.frombuffer(said[44:][: len(said[44:]) // 2 * 2], np.int16) / 32768.0
        return np.asarray(resample_poly(samples, RATE, file.getframerate()))


def drums(n: int) -> Sound:
    """Human drummers (Groove MIDI Dataset) on FluidR3's standard kit."""
    midis = [
        midi for _, midi in zip(range(40), _midis("groove/groove-v1-midi.tar.xz"), strict=False) if midi.length > 8
    ]
    return _level(_repeat(np.concatenate([_render(midi, n / 4 / RATE) for midi in midis[:4]]), n))


def keys(program: int) -> Callable[[int], Sound]:
    """A song's melody and accompaniment (POP909) on one instrument, with nothing below 200 Hz."""

    def make(n: int) -> Sound:
        sound = _render(_without_bass(next(_midis("pop909/pop909.tar.xz")), program), n / RATE + 5.0)[5 * RATE :]
        high = sosfilt(butter(8, 0.95 * 440 * 2 ** ((LOWEST_PITCH - 69) / 12), "high", fs=RATE, output="sos"), sound)
        return _level(_repeat(high, n))

    return make


def _midis(archive: str) -> Iterator[mido.MidiFile]:
    path = DATA / archive
    if not path.exists():
        raise Unavailable(f"{path} is absent (shared data)")
    with tarfile.open(path) as tar:
        for member in tar:
            if member.name.endswith(".mid"):
                file = tar.extractfile(member)
                assert file
                yield mido.MidiFile(file=io.BytesIO(file.read()), clip=True)


def _without_bass(midi: mido.MidiFile, program: int) -> mido.MidiFile:
    """Notes below LOWEST_PITCH become an octave or more higher; every channel plays `program`."""
    for track in midi.tracks:
        for message in track:
            if message.type in ("note_on", "note_off"):
                message.note += 12 * max(0, -(-(LOWEST_PITCH - message.note) // 12))
            elif message.type == "program_change":
                message.program = program
        track.insert(0, mido.Message("program_change", program=program, channel=0))
    return midi


def _render(midi: mido.MidiFile, seconds: float) -> Sound:
    """The first seconds of a piece on FluidR3, mono."""
    synth, parts, now = _synth(), [np.zeros(0)], 0
    synth.system_reset()
    for message in midi:
        wait = min(round(message.time * RATE), round(seconds * RATE) - now)
        parts.append(synth.get_samples(wait).reshape(-1, 2).mean(axis=1) / 32768.0)
        now += wait
        if now >= round(seconds * RATE):
            break
        if message.type == "note_on" and message.velocity:
            synth.noteon(message.channel, message.note, message.velocity)
        elif message.type in ("note_on", "note_off"):
            synth.noteoff(message.channel, message.note)
        elif message.type == "program_change":
            synth.program_change(message.channel, message.program)
    return np.concatenate(parts)


@cache
def _synth() -> Any:
    if not FONT.exists():
        raise Unavailable(f"{FONT} is absent (apt install fluid-soundfont-gm)")
    import fluidsynth

    synth = fluidsynth.Synth(gain=0.5, samplerate=float(RATE))
    synth.sfload(str(FONT))
    return synth


def _repeat(sound: Sound, n: int) -> Sound:
    return np.tile(sound, -(-n // len(sound)))[:n]


def _level(sound: Sound) -> Sound:
    return 0.5 * sound / np.abs(sound).max()


def clipped(n: int) -> Sound:
    """A bass 30 dB too hot for its converter."""
    return np.clip(32 * _clip(n), -1, 1)


def broken(n: int) -> Sound:
    """A bass through a cable that fails for 10 ms every 1.3 s."""
    sound = _clip(n)
    for start in range(0, n - 480, round(1.3 * RATE)):
        sound[start : start + 480] = np.nan
    return sound


def _clip(n: int) -> Sound:
    path = CLIPS / f"{CLIP}.flac"
    if not path.exists():
        raise Unavailable(f"{path} is absent (shared clips)")
    return np.asarray(soundfile.read(path)[0])[:n]


KINDS: dict[str, Callable[[int], Sound]] = {
    "silence": np.zeros,
    "dither": dither,
    "DC": offset,
    "hum 50 Hz": hum(50.0),
    "hum 60 Hz": hum(60.0),
    "white noise": white,
    "pink noise": pink,
    "NaN in silence": nan_blocks,
    "speech": speech,
    "drums only": drums,
    **{f"no bass: {name}": keys(program) for name, program in INSTRUMENTS.items()},
    "bass, clipped": clipped,
    "bass, NaN": broken,
}
