"""Make sound for the codec to learn, float32 mono at 24 kHz: bass lines, clean and through a microphone, drums, bands.

The lines are made of single notes (bass_tones.py, ears_corpus.py), the songs rendered with FluidSynth. One recorded
bass (HELD_OUT_BASS), the whole of the soundfont TimGM6mb and every eighth song are kept for the scores
(heldout_sounds.py).
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from listener.types import ANALYSIS_RATE, FRAME_SAMPLES
from models.sounds import bass_lines, degrade, ears_corpus

if TYPE_CHECKING:
    import fluidsynth
    import mido

Samples = NDArray[np.float32]
Rng = np.random.Generator

HELD_OUT_BASS = "linguine"
HELD_OUT_EVERY = 8  # songs
BASS_PROGRAMS = range(32, 40)  # General MIDI
DRUM_CHANNEL = 9
SOUNDFONT = Path("/usr/share/sounds/sf2/FluidR3_GM.sf2")
SHARES = {"clean": 0.5, "noisy": 0.2, "drums": 0.08, "song": 0.11, "band": 0.11}  # of the items
ITEM_S, SONG_S = 8, 45.0
ITEM_SAMPLES = ITEM_S * ANALYSIS_RATE
GAIN_DB = (-12.0, 3.0)  # drawn anew each time an item is


@dataclass(frozen=True, slots=True)
class Sources:
    """What items are made of: single tones and loops, and rendered songs."""

    bank: ears_corpus.Bank
    songs: list[Samples]

    @classmethod
    def load(cls, shared: Path) -> Sources:
        """Load the sources. Raises FileNotFoundError that names what is absent."""
        for path in (shared / "data" / "bass" / "index.json", shared / "data" / "band" / "freedoom", SOUNDFONT):
            if not path.exists():
                raise FileNotFoundError(f"{path}: needed to train the codec; see models/weights/codec.md for the data")
        bank = ears_corpus.load_bank(("FluidR3_GM",))
        del bank.recorded[HELD_OUT_BASS]
        songs = [s for i, s in enumerate(render_songs(song_paths(shared))) if i % HELD_OUT_EVERY]
        return cls(bank, [stems["bass_and_drums"] for stems in songs if "bass_and_drums" in stems])


def song_paths(shared: Path) -> list[Path]:
    return sorted((shared / "data" / "band" / "freedoom").glob("*.mid"))[:48]


def make_item(sources: Sources, rng: Rng) -> Samples:
    """Return [ITEM_SAMPLES], peak at most 1, of a kind drawn by SHARES."""
    sound = MAKERS[str(rng.choice(list(SHARES), p=list(SHARES.values())))](sources, rng)
    return np.asarray(sound / max(1.0, float(np.abs(sound).max())), np.float32)


def _line(sources: Sources, rng: Rng) -> Samples:
    instrument, _ = sources.bank.instrument(rng)
    notes = bass_lines.random_notes(bass_lines.random_style(rng), ITEM_SAMPLES, rng)
    sound, _ = bass_lines.render(instrument, notes, ITEM_SAMPLES, FRAME_SAMPLES, rng)
    return sound


def _clean(sources: Sources, rng: Rng) -> Samples:
    sound = _line(sources, rng).astype(np.float64)
    if rng.random() < 0.5:
        sound = degrade.equalise(sound, rng)
    return _levelled(sound, rng)


def _noisy(sources: Sources, rng: Rng) -> Samples:
    return degrade.degrade(_line(sources, rng), lambda length, r: _drum_loop(sources, length, r), rng)


def _drums(sources: Sources, rng: Rng) -> Samples:
    return _levelled(_drum_loop(sources, ITEM_SAMPLES, rng), rng)


def _song(sources: Sources, rng: Rng) -> Samples:
    song = sources.songs[int(rng.integers(len(sources.songs)))]
    start = int(rng.integers(len(song) - ITEM_SAMPLES))
    return song[start : start + ITEM_SAMPLES]


def _band(sources: Sources, rng: Rng) -> Samples:
    """Return a line with drums beside it, and now and then chords above it."""
    sound = _levelled(_line(sources, rng), rng)
    sound = sound + _levelled(_drum_loop(sources, ITEM_SAMPLES, rng), rng)
    if rng.random() < 0.3:
        sound = sound + 0.5 * _levelled(ears_corpus.looped(sources.bank.others, ITEM_SAMPLES, rng), rng)
    return np.asarray(sound, np.float32)


MAKERS: dict[str, Callable[[Sources, Rng], Samples]] = {
    "clean": _clean,
    "noisy": _noisy,
    "drums": _drums,
    "song": _song,
    "band": _band,
}


def _drum_loop(sources: Sources, length: int, rng: Rng) -> Samples:
    return ears_corpus.looped(sources.bank.drums, length, rng)


def _levelled(sound: NDArray[np.floating], rng: Rng) -> Samples:
    peak = float(np.abs(sound).max()) + 1e-9
    return np.asarray(sound / peak * 10 ** (rng.uniform(-14, -1) / 20), np.float32)


def render_songs(paths: Iterable[Path]) -> Iterable[dict[str, Samples]]:
    """Render each song's first SONG_S seconds as its General MIDI bass, its drums and both, without silent stems."""
    import fluidsynth

    synth = fluidsynth.Synth(samplerate=float(ANALYSIS_RATE), gain=0.6)
    font = synth.sfload(str(SOUNDFONT))
    for path in paths:
        bass = render(synth, font, path, lambda channel, program: program in BASS_PROGRAMS)
        drums = render(synth, font, path, lambda channel, program: channel == DRUM_CHANNEL)
        stems = {"gm_bass": bass, "drums": drums, "bass_and_drums": bass + drums}
        yield {kind: take for kind, take in stems.items() if np.sqrt(np.mean(take**2)) > 3e-3}
    synth.delete()


def render(synth: fluidsynth.Synth, font: int, path: Path, wanted: Callable[[int, int], bool]) -> Samples:
    """Render one stem: the notes of the channels for which wanted(channel, program) holds, mono float32."""
    import mido

    programs, blocks, length = [0] * 16, [], 0
    reset(synth, font)
    for message in mido.MidiFile(str(path), clip=True):
        count = int(message.time * ANALYSIS_RATE)
        if count:
            blocks.append(synth.get_samples(count))
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


def reset(synth: fluidsynth.Synth, font: int) -> None:
    synth.system_reset()
    for channel in range(16):
        bank = 128 if channel == DRUM_CHANNEL else 0
        synth.program_select(channel, font, bank, 0)


def play(
    synth: fluidsynth.Synth,
    font: int,
    message: mido.Message,
    programs: list[int],
    wanted: Callable[[int, int], bool],
) -> None:
    kind, channel = message.type, getattr(message, "channel", 0)
    if kind == "program_change":
        programs[channel] = message.program
        if channel != DRUM_CHANNEL:  # songs name kits the soundfont lacks: all play the standard kit
            synth.program_select(channel, font, 0, programs[channel])
    elif kind == "control_change":
        synth.cc(channel, message.control, message.value)
    elif kind == "note_on" and message.velocity:
        if wanted(channel, -1 if channel == DRUM_CHANNEL else programs[channel]):
            synth.noteon(channel, message.note, message.velocity)
    elif kind in {"note_on", "note_off"}:
        synth.noteoff(channel, message.note)


def build(folder: Path, sources: Sources, indices: range, seed: int) -> None:
    """Write the items of `indices` that are not there yet, as NNNNN.npy int16; item i depends on (seed, i) alone."""
    from tqdm import tqdm

    folder.mkdir(parents=True, exist_ok=True)
    for index in tqdm(indices, desc=f"{folder} from {indices.start}", mininterval=10):
        path = folder / f"{index:05d}.npy"
        if path.exists():
            continue
        item = make_item(sources, np.random.default_rng((seed, index)))
        part = path.with_suffix(f".{os.getpid()}.part")
        with part.open("wb") as file:
            np.save(file, np.round(item * 32767).astype(np.int16))
        part.rename(path)


class Corpus:
    """Reads the items of a folder; ValueError when there is none."""

    def __init__(self, folder: Path) -> None:
        self.items = [np.load(path, mmap_mode="r") for path in sorted(folder.glob("*.npy"))]
        if not self.items:
            raise ValueError(f"{folder}: no items; make them with: python -m models.train codec --build")

    def segments(self, count: int, frames: int, rng: Rng) -> Samples:
        """Return [count, frames * 320]: items, places and gains at random."""
        length = frames * FRAME_SAMPLES
        batch = np.empty((count, length), np.float32)
        for row in batch:
            item = self.items[int(rng.integers(len(self.items)))]
            start = int(rng.integers(len(item) - length + 1))
            row[:] = item[start : start + length] * (10 ** (rng.uniform(*GAIN_DB) / 20) / 32767)
        return np.clip(batch, -1, 1)
