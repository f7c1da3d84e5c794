"""Build the corpus of the ears: `build(folder, count, seed)` writes items of 8 s as features and labels, resumable.

Item i depends on (seed, i) alone, so that any number of processes may write and an interrupted run goes on.
"""

from __future__ import annotations

import lzma
import os
import tarfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import mido
import numpy as np
from numpy.typing import NDArray

from listener.ears.frontend import HOP, FrontEnd
from models import paths
from models.sounds import bass_lines, bass_tones, degrade
from models.sounds.bass_tones import RATE, Instrument, MadeString, MadeSynth, Rng, Sampled, Samples, Tone

SECONDS = 8
AGES = 15  # hops after an onset that are distinguished: 50 ms
KITS = (0, 8, 16, 24, 25, 32, 40)
DRUM_LOOPS, DRUM_LOOP_S = 160, 12
OTHERS = (0, 4, 16, 24, 25, 27, 29, 48, 56, 65, 73)  # GM programs of the music that is no bass
OTHERS_LOWEST = 57
NOTHING, OTHER_MUSIC = 0.09, 0.07  # shares of items without a bass, and with other music beside it
SHARED = paths.SHARED / "data"


@dataclass(slots=True)
class Bank:
    """Everything sound is made of. recorded, fonts: sets of tones; drums, others: loops float32."""

    recorded: dict[str, list[Tone]]
    fonts: dict[str, list[Tone]]
    drums: list[Samples]
    others: list[Samples]

    def instrument(self, rng: Rng) -> tuple[Instrument, str]:
        which = rng.random()
        if which < 0.25:
            return (MadeSynth(rng), "synth") if which < 0.05 else (MadeString(rng), "made")
        sets = self.recorded if which < 0.72 and self.recorded else self.fonts
        name = sorted(sets)[int(rng.integers(len(sets)))]
        return Sampled(sets[name], rng), name


def load_bank(fonts: Sequence[str] = ("FluidR3_GM", "FluidR3Mono_GM"), recorded: bool = True, seed: int = 0) -> Bank:
    rng = np.random.default_rng(seed)
    tones = bass_tones.recorded_tones(SHARED / "bass") if recorded else {}
    font_tones = {name: tones for font in fonts for name, tones in bass_tones.font_tones(font).items()}
    return Bank(tones, font_tones, _drum_loops(rng), _other_loops(rng))


def _synth() -> tuple[Any, int]:
    import fluidsynth

    synth = fluidsynth.Synth(gain=0.6, samplerate=float(RATE))
    synth.setting("synth.chorus.active", 0)
    return synth, synth.sfload(bass_tones.FONTS["FluidR3_GM"])


def _drum_loops(rng: Rng) -> list[Samples]:
    """Render Groove MIDI's drummers on FluidR3's kits."""
    with tarfile.open(fileobj=BytesIO(lzma.open(SHARED / "groove" / "groove-v1-midi.tar.xz").read())) as tar:
        names = sorted(m.name for m in tar.getmembers() if m.name.endswith(".mid"))
        chosen = [names[i] for i in rng.permutation(len(names))[: 3 * DRUM_LOOPS]]
        files = [mido.MidiFile(file=BytesIO(_member(tar, name))) for name in chosen]
    synth, font = _synth()
    loops: list[Samples] = []
    for midi in files:
        if midi.length < 6 or len(loops) >= DRUM_LOOPS:
            continue
        synth.system_reset()
        synth.program_select(9, font, 128, int(rng.choice(KITS)))
        loops.append(_play(synth, ((m, 9) for m in midi), DRUM_LOOP_S))
    return [loop for loop in loops if np.abs(loop).max() > 0.01]


def _member(tar: tarfile.TarFile, name: str) -> bytes:
    file = tar.extractfile(name)
    assert file is not None
    return file.read()


def _other_loops(rng: Rng) -> list[Samples]:
    """Render chords and tunes above the bass, random and tonal."""
    synth, font = _synth()
    loops: list[Samples] = []
    for _ in range(30):
        synth.system_reset()
        synth.program_select(0, font, 0, int(rng.choice(OTHERS)))
        beat_s, scale = 60 / rng.uniform(60, 180), sorted(rng.choice(12, 7, replace=False))
        messages = []
        for _step in range(int(DRUM_LOOP_S / beat_s)):
            notes = [
                int(OTHERS_LOWEST + 12 * rng.integers(0, 3) + rng.choice(scale)) for _ in range(rng.integers(0, 4))
            ]
            messages += [mido.Message("note_on", note=n, velocity=int(rng.integers(40, 120))) for n in notes]
            messages += [mido.Message("note_off", note=n, time=beat_s if n == notes[0] else 0) for n in notes]
            if not notes:
                messages.append(mido.Message("note_off", note=0, time=beat_s))
        loops.append(_play(synth, ((m, 0) for m in messages), DRUM_LOOP_S))
    return [loop for loop in loops if np.abs(loop).max() > 0.01]


def _play(synth: Any, messages: Iterable[tuple[Any, int]], seconds: float) -> Samples:
    parts, total = [np.zeros(0, np.float32)], 0
    for message, channel in messages:
        if (n := int(message.time * RATE)) > 0:
            parts.append(np.asarray(synth.get_samples(n), np.float32).reshape(-1, 2).mean(1) / 32768)
            total += n
        if total > seconds * RATE:
            break
        if message.type == "note_on" and message.velocity:
            synth.noteon(channel, message.note, message.velocity)
        elif message.type in ("note_on", "note_off"):
            synth.noteoff(channel, message.note)
    return np.concatenate(parts)


def looped(loops: list[Samples], length: int, rng: Rng) -> Samples:
    """Return a random stretch of a random loop, at another speed, so that a kit never sounds the same."""
    loop = loops[int(rng.integers(len(loops)))]
    step = rng.uniform(0.8, 1.25)
    at = (rng.uniform(0, len(loop)) + step * np.arange(length)) % (len(loop) - 1)
    return np.asarray(np.interp(at, np.arange(len(loop)), loop), np.float32)


def make_item(bank: Bank, rng: Rng) -> tuple[Samples, NDArray[np.int64], NDArray[np.int8], str]:
    """Return sound, onsets in samples, pitch per hop (0 none, -1 not taught), instrument."""
    length = SECONDS * RATE
    drums = lambda n, r: looped(bank.drums, n, r)  # noqa: E731
    if rng.random() < NOTHING:
        return _nothing(bank, length, rng), np.zeros(0, np.int64), np.zeros(length // HOP, np.int8), "none"
    instrument, name = bank.instrument(rng)
    style = bass_lines.random_style(rng)
    notes = bass_lines.random_notes(style, length, rng)
    sound, track = bass_lines.render(instrument, notes, length, HOP, rng)
    if rng.random() < OTHER_MUSIC:
        beside = looped(bank.others, length, rng)
        sound = sound + beside / (np.abs(beside).max() + 1e-9) * np.abs(sound).max() * 10 ** (-rng.uniform(8, 30) / 20)
    return degrade.degrade(sound, drums, rng), np.array([n.onset for n in notes], np.int64), track, name


def _nothing(bank: Bank, length: int, rng: Rng) -> Samples:
    kind = rng.integers(5)
    if kind == 0:
        return np.zeros(length, np.float32) + np.float32(rng.uniform(-0.3, 0.3) * rng.integers(2))
    source = looped(bank.others if kind == 1 else bank.drums, length, rng)
    if kind == 2:
        source = rng.normal(0, 1e-3, length).astype(np.float32)
    quiet = rng.random() < 0.3
    out = degrade.degrade(source, lambda n, r: looped(bank.drums, n, r), rng)
    out *= np.float32(0.03 if quiet else 1.0)
    return out


def ages(onsets: NDArray[np.int64], hops: int) -> NDArray[np.int8]:
    """Return, per hop, how many hops ago the newest onset was, AGES when longer ago or never."""
    out = np.full(hops, AGES, np.int8)
    for onset in np.sort(onsets):
        first = int(onset) // HOP
        out[first : first + AGES] = np.arange(len(out[first : first + AGES]))
    return out


def features_of(sound: Samples) -> NDArray[np.float16]:
    front = FrontEnd()
    return np.array([front.step(sound[i : i + HOP]) for i in range(0, len(sound), HOP)], np.float16)


def build(folder: Path, bank: Bank, indices: range, seed: int) -> None:
    """Write the items of `indices` that are not there yet: NNNNN.npz with x, age, pitch."""
    from tqdm import tqdm

    folder.mkdir(parents=True, exist_ok=True)
    for index in tqdm(indices, desc=f"{folder} from {indices.start}", mininterval=10):
        path = folder / f"{index:05d}.npz"
        if path.exists():
            continue
        sound, onsets, track, name = make_item(bank, np.random.default_rng((seed, index)))
        part = path.with_suffix(f".{os.getpid()}.part")
        with part.open("wb") as file:
            np.savez(file, x=features_of(sound), age=ages(onsets, len(track)), pitch=track, name=np.array(name))
        part.rename(path)
