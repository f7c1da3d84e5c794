"""Sound for the codec to learn: bass lines assembled from recorded notes, and FluidSynth renders of MIDI bands.

Everything is float32 mono at 24 kHz, made from a seed. One bass (HELD_OUT_BASS) and every eighth song are kept
for the scores.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from listener.types import ANALYSIS_RATE, FRAME_SAMPLES

Samples = NDArray[np.float32]
Pool = dict[str, list[Samples]]

HELD_OUT_BASS = "linguine"
HELD_OUT_EVERY = 8  # songs
BASS_PROGRAMS = range(32, 40)  # General MIDI
DRUM_CHANNEL = 9
SOUNDFONT = Path("/usr/share/sounds/sf2/FluidR3_GM.sf2")
MIX = {"bass_line": 0.5, "gm_bass": 0.15, "drums": 0.15, "bass_and_drums": 0.2}  # share of the batches
FADE_SAMPLES = 240
LINE_S, SONG_S = 60.0, 45.0


def build_pools(shared: Path, seed: int, lines: int = 24, songs: int = 48) -> tuple[Pool, Pool]:
    """(train, held out): kind of sound -> takes. FileNotFoundError when the data or the soundfont is absent."""
    for path in (shared / "data" / "bass" / "index.json", shared / "data" / "band" / "freedoom", SOUNDFONT):
        if not path.exists():
            raise FileNotFoundError(f"{path}: needed to train the codec; see models/weights/codec.md for the data")
    train, held = bass_lines(shared / "data" / "bass", lines, seed)
    pools: tuple[Pool, Pool] = ({"bass_line": train}, {"bass_line": held})
    paths = sorted((shared / "data" / "band" / "freedoom").glob("*.mid"))[:songs]
    for number, stems in enumerate(render_songs(paths)):
        pool = pools[number % HELD_OUT_EVERY == 0]
        for kind, take in stems.items():
            pool.setdefault(kind, []).append(take)
    return pools


def bass_lines(folder: Path, count: int, seed: int) -> tuple[list[Samples], list[Samples]]:
    """`count` lines for training over the basses in turn, and a sixth as many of the held-out bass."""
    rng = np.random.default_rng(seed)
    sets = load_notes(folder)
    held_notes = sets.pop(HELD_OUT_BASS)
    names = sorted(sets)
    train = [bass_line(sets[names[i % len(names)]], rng) for i in range(count)]
    return train, [bass_line(held_notes, rng) for _ in range(max(1, count // 6))]


def load_notes(folder: Path) -> dict[str, list[tuple[int, Samples]]]:
    """bass -> [(MIDI pitch, samples)]"""
    import soundfile

    sets: dict[str, list[tuple[int, Samples]]] = {}
    for row in json.loads((folder / "index.json").read_text()):
        samples, rate = soundfile.read(folder / row["f"], dtype="float32")
        if rate != ANALYSIS_RATE or samples.ndim != 1:
            raise ValueError(f"{row['f']}: {rate} Hz, {samples.ndim} dimensions; needed: 24000 Hz mono")
        sets.setdefault(row["lib"], []).append((int(row["pitch"]), samples))
    return sets


def bass_line(notes: list[tuple[int, Samples]], rng: np.random.Generator) -> Samples:
    """LINE_S seconds of one bass: a walk over its notes at one tempo, with rests, legato and staccato."""
    line = np.zeros(int(LINE_S * ANALYSIS_RATE), np.float32)
    pitches = np.array([pitch for pitch, _ in notes])
    step_samples = int(ANALYSIS_RATE * 60 / rng.uniform(60, 180) / 2)
    position, pitch = 0, float(rng.choice(pitches))
    while position < len(line) - FADE_SAMPLES:
        slot = step_samples * int(rng.choice([1, 1, 2, 2, 3, 4]))
        if rng.random() > 0.12:
            pitch = float(np.clip(pitch + rng.normal(0, 4), pitches.min(), pitches.max()))
            nearest = np.flatnonzero(np.abs(pitches - pitch) <= np.abs(pitches - pitch).min() + 0.5)
            note = notes[int(rng.choice(nearest))][1][: int(slot * rng.uniform(0.3, 1.0))]
            note = faded(note, 10 ** (rng.uniform(-9, 0) / 20))[: len(line) - position]
            line[position : position + len(note)] += note
        position += slot
    return line


def faded(note: Samples, gain: float) -> Samples:
    note = note * np.float32(gain)
    fade = min(FADE_SAMPLES, len(note))
    note[len(note) - fade :] *= np.linspace(1, 0, fade, dtype=np.float32)
    return note


def render_songs(paths: Iterable[Path]) -> Iterable[dict[str, Samples]]:
    """Each song's first SONG_S seconds as its General MIDI bass, its drums and both; silent stems left out."""
    import fluidsynth

    synth = fluidsynth.Synth(samplerate=float(ANALYSIS_RATE), gain=0.6)
    font = synth.sfload(str(SOUNDFONT))
    for path in paths:
        bass = render(synth, font, path, lambda channel, program: program in BASS_PROGRAMS)
        drums = render(synth, font, path, lambda channel, program: channel == DRUM_CHANNEL)
        stems = {"gm_bass": bass, "drums": drums, "bass_and_drums": bass + drums}
        yield {kind: take for kind, take in stems.items() if np.sqrt(np.mean(take**2)) > 3e-3}
    synth.delete()


def render(synth: object, font: int, path: Path, wanted: Callable[[int, int], bool]) -> Samples:
    """One stem: the notes of the channels for which wanted(channel, program) holds, mono float32."""
    import mido

    programs, blocks, length = [0] * 16, [], 0
    reset(synth, font)
    for message in mido.MidiFile(str(path), clip=True):
        count = int(message.time * ANALYSIS_RATE)
        if count:
            blocks.append(synth.get_samples(count))  # type: ignore[attr-defined]
            length += count
        if length > SONG_S * ANALYSIS_RATE:
            break
        if not message.is_meta and message.type != "sysex":
            play(synth, font, message, programs, wanted)
    stereo = np.concatenate(blocks).reshape(-1, 2) if blocks else np.zeros((FRAME_SAMPLES, 2))
    padded = np.zeros(int(SONG_S * ANALYSIS_RATE), np.float32)
    mono = (stereo.mean(1) / 32768).astype(np.float32)[: len(padded)]
    padded[: len(mono)] = mono
    return padded


def reset(synth: object, font: int) -> None:
    synth.system_reset()  # type: ignore[attr-defined]
    for channel in range(16):
        bank = 128 if channel == DRUM_CHANNEL else 0
        synth.program_select(channel, font, bank, 0)  # type: ignore[attr-defined]


def play(synth: object, font: int, message: object, programs: list[int], wanted: Callable[[int, int], bool]) -> None:
    kind, channel = message.type, getattr(message, "channel", 0)  # type: ignore[attr-defined]
    if kind == "program_change":
        programs[channel] = message.program  # type: ignore[attr-defined]
        if channel != DRUM_CHANNEL:  # songs name kits the soundfont lacks: all play the standard kit
            synth.program_select(channel, font, 0, programs[channel])  # type: ignore[attr-defined]
    elif kind == "control_change":
        synth.cc(channel, message.control, message.value)  # type: ignore[attr-defined]
    elif kind == "note_on" and message.velocity:  # type: ignore[attr-defined]
        if wanted(channel, -1 if channel == DRUM_CHANNEL else programs[channel]):
            synth.noteon(channel, message.note, message.velocity)  # type: ignore[attr-defined]
    elif kind in {"note_on", "note_off"}:
        synth.noteoff(channel, message.note)  # type: ignore[attr-defined]


def segments(pool: Pool, count: int, frames: int, rng: np.random.Generator) -> Samples:
    """[count, frames * 320]: kinds drawn by MIX, places and gains (-12 to +3 dB) at random."""
    kinds = [kind for kind in MIX if kind in pool]
    shares = np.array([MIX[kind] for kind in kinds])
    length = frames * FRAME_SAMPLES
    batch = np.empty((count, length), np.float32)
    for row in batch:
        takes = pool[str(rng.choice(kinds, p=shares / shares.sum()))]
        take = takes[int(rng.integers(len(takes)))]
        start = int(rng.integers(len(take) - length))
        row[:] = take[start : start + length] * 10 ** (rng.uniform(-12, 3) / 20)
    return np.clip(batch, -1, 1)
