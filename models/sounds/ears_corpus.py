"""Build the corpus of the ears: `build(folder, count, seed)` writes items of 8 s as features and labels, resumable.

Item i depends on (seed, i) alone, so that any number of processes may write and an interrupted run goes on.
"""

from __future__ import annotations

import lzma
import os
import tarfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from io import BytesIO
from pathlib import Path
from typing import Any

import mido
import numpy as np
from numpy.typing import NDArray
from scipy import signal

from listener.ears.frontend import HIGHEST, HOP, VIEWS, FrontEnd
from models import paths
from models.sounds import bass_lines, bass_tones, degrade, drum_kits
from models.sounds.bass_lines import Played, Style
from models.sounds.bass_tones import RATE, Instrument, MadeString, MadeSynth, Rng, Sampled, Samples, Tone

SECONDS = 8
AGES = 15  # hops after an onset that are distinguished: 50 ms
KITS = (0, 8, 16, 24, 25, 32, 40)
DRUM_LOOPS, DRUM_LOOP_S = 160, 12
OTHERS = (0, 4, 16, 24, 25, 27, 29, 48, 56, 65, 73)  # GM programs of the music that is no bass
OTHERS_LOWEST = 57
NOTHING, OTHER_MUSIC = 0.12, 0.07  # shares of items without a bass, and with other music beside it
TOGETHER = 0.4  # of the items: a bass that plays with the drummer
MORE_DRUMS = 0.3  # of the other items to which degrade.py has added none
BLEED_DB = (-15.0, 4.0)
LOW, HIGH = 0.16, 0.06  # shares of lines on a string tuned down, and at the upper end of the neck
RINGING = 0.3  # of lines: strings ring into each other
REST, REST_S = 0.25, (2.0, 5.0)  # share of lines with a long rest
SOFTER, SOFTER_DB = 0.3, 18.0
MADE_KITS = 40
SHARED = paths.SHARED / "data"


@dataclass(slots=True)
class Bank:
    """Everything sound is made of. recorded, fonts: sets of tones; drums, others: loops float32; kits, takes: of drums,
    hit by hit.
    """

    recorded: dict[str, list[Tone]]
    fonts: dict[str, list[Tone]]
    drums: list[Samples]
    others: list[Samples]
    kits: list[drum_kits.Hits] = field(default_factory=list)
    takes: list[list[drum_kits.Stroke]] = field(default_factory=list)

    def instrument(self, rng: Rng) -> tuple[Instrument, str]:
        which = rng.random()
        if which < 0.25:
            return (MadeSynth(rng), "synth") if which < 0.05 else (MadeString(rng), "made")
        sets = self.recorded if which < 0.72 and self.recorded else self.fonts
        name = sorted(sets)[int(rng.integers(len(sets)))]
        return Sampled(sets[name], rng), name


def load_bank(
    fonts: Sequence[str] = ("FluidR3_GM", "FluidR3Mono_GM"), recorded: bool = True, seed: int = 0, split: str = ""
) -> Bank:
    """Load what items are made of. split: of the drummers, "" for none, "test" for kits held out as well."""
    rng = np.random.default_rng(seed)
    tones = bass_tones.recorded_tones(SHARED / "bass") if recorded else {}
    font_tones = {name: tones for font in fonts for name, tones in bass_tones.font_tones(font).items()}
    bank = Bank(tones, font_tones, _drum_loops(rng), _other_loops(rng))
    if split:
        bank.takes = drum_kits.drummers(SHARED, split)
        bank.kits = [drum_kits.font_kit(bass_tones.FONTS[font], kit) for font, kit in _kits(split)]
        bank.kits += [drum_kits.made_kit(rng) for _ in range(MADE_KITS)]
    return bank


def _kits(split: str) -> list[tuple[str, int]]:
    if split == "test":
        return [("TimGM6mb", 0), ("TimGM6mb", 8), ("TimGM6mb", 16), ("TimGM6mb", 25), ("TimGM6mb", 40)] * 8
    return [("FluidR3_GM", kit) for kit in KITS] * 5 + [("FluidR3Mono_GM", kit) for kit in (0, 40)] * 8


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


@dataclass(slots=True)
class Item:
    """Sound with its truth: onsets of the bass and hits of drums in samples, pitch per hop (0 none, -1 not taught)."""

    sound: Samples
    onsets: NDArray[np.int64]
    hits: NDArray[np.int64]
    pitch: NDArray[np.int8]
    name: str


class Drummer:
    """Plays one stretch of one take on one kit, heard as a microphone at the bass hears it, and knows its hits."""

    def __init__(self, bank: Bank, length: int, rng: Rng) -> None:
        self._bank = bank
        take = bank.takes[int(rng.integers(len(bank.takes)))]
        self.strokes = drum_kits.stretch(take, length, rng)
        self.hits = np.zeros(0, np.int64)

    def together_s(self, rng: Rng) -> list[float]:
        """Return when a bass plays that listens: with many of the kicks and some of the other strokes."""
        with_kick, with_others = rng.uniform(0.4, 0.95), rng.uniform(0.05, 0.5)
        apart_s, times = rng.choice([0.11, 0.2, 0.3]), list[float]()
        for stroke in self.strokes:
            joined = rng.random() < (with_kick if stroke.note in drum_kits.KICKS else with_others)
            if joined and (not times or stroke.time_s > times[-1] + apart_s):
                times.append(stroke.time_s)
        return [max(0.01, time + rng.normal(0, 0.01)) for time in times]

    def __call__(self, length: int, rng: Rng) -> Samples:
        kit = self._bank.kits[int(rng.integers(len(self._bank.kits)))]
        sound, self.hits = drum_kits.play(kit, self.strokes, length, rng)
        heard = degrade.equalise(sound.astype(np.float64) + 1e-6 * rng.normal(0, 1, length), rng)
        if rng.random() < 0.4:
            heard = degrade.WAYS["room"](heard, self, rng)
        return np.asarray(heard, np.float32)


def make_item(bank: Bank, rng: Rng) -> Item:
    length = SECONDS * RATE
    drummer = Drummer(bank, length, rng)
    if rng.random() < NOTHING:
        sound = _softer(_nothing(bank, drummer, length, rng), rng)
        return Item(sound, np.zeros(0, np.int64), drummer.hits, np.zeros(length // HOP, np.int8), "none")
    instrument, name = bank.instrument(rng)
    together = rng.random() < TOGETHER
    notes = _line(length, rng, drummer if together else None)
    sound, track = bass_lines.render(instrument, notes, length, HOP, rng)
    if rng.random() < OTHER_MUSIC:
        beside = looped(bank.others, length, rng)
        sound = sound + beside / (np.abs(beside).max() + 1e-9) * np.abs(sound).max() * 10 ** (-rng.uniform(8, 30) / 20)
    sound = degrade.degrade(sound, drummer, rng)
    if not len(drummer.hits) and (together or rng.random() < MORE_DRUMS):
        sound = _with_drums(sound, drummer, rng)
    onsets = np.array([n.onset for n in notes], np.int64)
    return Item(_softer(sound, rng), onsets, drummer.hits, track, name)


def _line(length: int, rng: Rng, drummer: Drummer | None) -> list[Played]:
    """Return a random line; also on strings tuned down, high up, ringing into each other, with rests.

    drummer: who it is played with; else it has a tempo of its own.
    """
    style = _style(rng)
    notes = bass_lines.notes_at(drummer.together_s(rng), style, length, rng) if drummer else []
    notes = notes or bass_lines.random_notes(style, length, rng)
    if rng.random() < REST:
        start, size = rng.uniform(0, length), rng.uniform(*REST_S) * RATE
        notes = [n for n in notes if not start < n.onset < start + size] or notes
        notes = [n if n.kind != "legato" else replace(n, kind="pluck") for n in notes]
    if rng.random() < RINGING:
        follows = zip(notes, [*notes[1:], None], strict=True)
        notes = [replace(n, end=n.end + int(rng.uniform(0.1, 1.5) * RATE)) if _rings(n, f) else n for n, f in follows]
    return notes


def _rings(note: Played, follower: Played | None) -> bool:
    return note.kind != "ghost" and (follower is None or (follower.pitch != note.pitch and follower.kind == "pluck"))


def _style(rng: Rng) -> Style:
    style, which = bass_lines.random_style(rng), rng.random()
    if which < LOW:
        style.low = int(rng.choice([19, 21, 21, 23, 24, 26]))
        style.high = style.low + int(rng.choice([3, 7, 12]))
    elif which < LOW + HIGH:
        style.low, style.high = 52, HIGHEST
    return style


def _with_drums(sound: Samples, drummer: Drummer, rng: Rng) -> Samples:
    level = float(np.abs(sound).max())
    bleed = drummer(len(sound), rng).astype(np.float64)
    if rng.random() < 0.3:
        bleed = signal.lfilter(*signal.butter(1, rng.uniform(800, 6000), fs=RATE), bleed)
    out = sound + bleed / rms(bleed) * rms(sound.astype(np.float64)) * 10 ** (rng.uniform(*BLEED_DB) / 20)
    return np.asarray(out / (np.abs(out).max() + 1e-9) * level, np.float32)


def rms(x: NDArray[np.float64]) -> float:
    """Return the RMS of the loud half of the tenths of a second: rests do not count."""
    blocks = np.mean(x[: len(x) // 2400 * 2400].reshape(-1, 2400) ** 2, 1)
    return float(np.sqrt(np.mean(np.sort(blocks)[len(blocks) // 2 :])) + 1e-9)


def _softer(sound: Samples, rng: Rng) -> Samples:
    return sound * np.float32(10 ** (-rng.uniform(0, SOFTER_DB) / 20)) if rng.random() < SOFTER else sound


def _nothing(bank: Bank, drummer: Drummer, length: int, rng: Rng) -> Samples:
    kind = rng.integers(7)
    if kind == 0:
        return np.zeros(length, np.float32) + np.float32(rng.uniform(-0.3, 0.3) * rng.integers(2))
    if kind == 1:
        source = looped(bank.others, length, rng)
    elif kind == 2:
        source = rng.normal(0, 1e-3, length).astype(np.float32)
    else:
        level = 10 ** (rng.uniform(-30, -1) / 20)
        source = drummer(length, rng)
        return np.asarray(source / (np.abs(source).max() + 1e-9) * level, np.float32)
    out = degrade.degrade(source, drummer, rng)
    out *= np.float32(0.03 if rng.random() < 0.3 else 1.0)
    return out


def ages(onsets: NDArray[np.int64], hops: int) -> NDArray[np.int8]:
    """Return, per hop, how many hops ago the newest onset was, AGES when longer ago or never."""
    out = np.full(hops, AGES, np.int8)
    for onset in np.sort(onsets):
        first = int(onset) // HOP
        out[first : first + AGES] = np.arange(len(out[first : first + AGES]))
    return out


def features_of(sound: Samples) -> NDArray[np.float16]:
    """Return what FrontEnd computes, without the rises, which are computed again when read."""
    front = FrontEnd()
    return np.array([front.step(sound[i : i + HOP])[:VIEWS] for i in range(0, len(sound), HOP)], np.float16)


def build(folder: Path, bank: Bank, indices: range, seed: int) -> None:
    """Write the items of `indices` that are not there yet: NNNNN.npz with x, age, hit, pitch."""
    from tqdm import tqdm

    folder.mkdir(parents=True, exist_ok=True)
    for index in tqdm(indices, desc=f"{folder} from {indices.start}", mininterval=10):
        path = folder / f"{index:05d}.npz"
        if path.exists():
            continue
        item = make_item(bank, np.random.default_rng((seed, index)))
        hops = len(item.pitch)
        part = path.with_suffix(f".{os.getpid()}.part")
        with part.open("wb") as file:
            np.savez(
                file,
                x=features_of(item.sound),
                age=ages(item.onsets, hops),
                hit=ages(item.hits, hops),
                pitch=item.pitch,
                name=np.array(item.name),
            )
        part.rename(path)
