"""Make sound the codec was never trained on: a recorded bass, a soundfont's basses, spoiled lines, held-out songs.

Odd seeds choose between training runs, even seeds report: their lines differ and their songs are other songs.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import ceil
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from models.sounds.bass_lines import Style, random_notes, random_style
from models.sounds.bass_lines import render as render_line
from models.sounds.bass_tones import FONTS, RATE, Rng, Sampled, Tone, font_tones, recorded_tones
from models.sounds.codec_sounds import BASS_PROGRAMS, DRUM_CHANNEL, HELD_OUT_BASS, HELD_OUT_EVERY, render
from models.sounds.degrade import WAYS

Samples = NDArray[np.float32]

KINDS = ("linguine", "timgm_bass", "noisy_bass", "drums", "mix")
HELD_OUT_FONT = "TimGM6mb"  # drums and mix are played on FluidR3_GM too, which is in training: there the song is new
SONG_FONTS = ("TimGM6mb", "FluidR3_GM")
SPOILED_BY = ("noise", "room", "laptop", "hum", "amp", "drums")  # names in WAYS of degrade.py
TAKE_S, KIND_S = 20.0, 160.0
PEAK = (0.3, 0.8)
SILENT = 3e-3  # RMS of a second in which a stem does not play
PLAYING = 0.6  # of the seconds, at least, both bass and drums play


def held_out(shared: Path, seed: int = 0, seconds: float = KIND_S) -> dict[str, list[Samples]]:
    """Return kind -> takes [480000] at 24 kHz, `seconds` of each kind rounded up to whole takes; the same for the same
    seed.

    FileNotFoundError names what is missing: shared/data/bass, shared/data/band/freedoom or a soundfont.
    """
    check(shared)
    count = ceil(seconds / TAKE_S)
    recorded = recorded_tones(shared / "data" / "bass")[HELD_OUT_BASS]
    fonts = list(font_tones(HELD_OUT_FONT).values())
    takes = {
        "linguine": [line(recorded, np.random.default_rng((seed, 1, i))) for i in range(count)],
        "timgm_bass": [line(fonts[i % len(fonts)], np.random.default_rng((seed, 2, i))) for i in range(count)],
    }
    drums, mix = song_takes(shared, seed, count)
    takes["noisy_bass"] = [_noisy(i, takes, drums, np.random.default_rng((seed, 3, i))) for i in range(count)]
    return takes | {"drums": drums, "mix": mix}


def check(shared: Path) -> None:
    needed = [shared / "data" / "bass" / "index.json", shared / "data" / "band" / "freedoom"]
    for path in needed + [Path(FONTS[font]) for font in SONG_FONTS]:
        if not path.exists():
            raise FileNotFoundError(
                f"{path}: needed for the held-out takes; see ../shared/data, or install the soundfont"
            )


class TrueBass(Sampled):
    """The recorded instrument itself: no other pitches' samples shifted, no other decay."""

    def __init__(self, tones: list[Tone], rng: Rng) -> None:
        super().__init__(tones, rng)
        self._shift, self._decay = 0, 0.0


def line(tones: list[Tone], rng: Rng, seconds: float = TAKE_S, odd: float = 0.1) -> Samples:
    """Return one line of one bass within its compass; odd: share of ghosts, slides and hammer-ons."""
    length = int(seconds * RATE)
    notes = random_notes(style_for(tones, rng, odd), length, rng)
    sound, _ = render_line(TrueBass(tones, rng), notes, length, RATE, rng)
    return levelled(sound, rng)


def style_for(tones: list[Tone], rng: Rng, odd: float) -> Style:
    """Return a random player who stays on the instrument and mostly plays."""
    style = random_style(rng)
    lowest, highest = min(tone.pitch for tone in tones), max(tone.pitch for tone in tones)
    style.low = int(np.clip(style.low, lowest, highest - 12))
    style.high = int(np.clip(style.high, style.low + 5, highest))
    style.density, style.odd = max(style.density, 0.6), odd
    return style


def levelled(sound: Samples, rng: Rng) -> Samples:
    return np.asarray(sound * (rng.uniform(*PEAK) / np.abs(sound).max()), np.float32)


def _noisy(index: int, takes: dict[str, list[Samples]], drums: list[Samples], rng: Rng) -> Samples:
    """Return a clean take, recorded and soundfont in turn, spoiled in one of the ways of degrade.py in turn."""

    def bleed(length: int, rng: Rng) -> Samples:
        return np.asarray(drums[int(rng.integers(len(drums)))][:length])

    clean = (takes["linguine"], takes["timgm_bass"])[index % 2][index]
    spoiled = WAYS[SPOILED_BY[index % len(SPOILED_BY)]](clean.astype(np.float64), bleed, rng)
    return levelled(spoiled.astype(np.float32), rng)


# ---------------------------------------------------------------- songs


def song_takes(shared: Path, seed: int, count: int) -> tuple[list[Samples], list[Samples]]:
    """Return (drums, bass and drums) of held-out songs, on both soundfonts in turn."""
    rng, drums, mix = np.random.default_rng((seed, 4)), list[Samples](), list[Samples]()
    for bass, beat in _stems(held_out_songs(shared, seed), rng):
        both = np.minimum(_power(bass), _power(beat))
        at_s = _loudest(both)
        if (both[at_s : at_s + int(TAKE_S)] > SILENT**2).mean() < PLAYING:
            continue
        window = slice(at_s * RATE, at_s * RATE + int(TAKE_S * RATE))
        drums.append(levelled(beat[window], rng))
        mix.append(levelled(bass[window] + beat[window], rng))
        if len(mix) == count:
            break
    return drums, mix


def held_out_songs(shared: Path, seed: int) -> list[Path]:
    """Return the songs not used in training (every eighth); even and odd seeds take turns among those."""
    return sorted((shared / "data" / "band" / "freedoom").glob("*.mid"))[::HELD_OUT_EVERY][seed % 2 :: 2]


def _stems(paths: list[Path], rng: Rng) -> Iterator[tuple[Samples, Samples]]:
    """Yield (bass, drums) of every song, first each song once, then each on the other soundfont."""
    import fluidsynth

    order = [paths[i] for i in rng.permutation(len(paths))]
    synths = [fluidsynth.Synth(samplerate=float(RATE), gain=0.6) for _ in SONG_FONTS]
    handles = [synth.sfload(FONTS[font]) for synth, font in zip(synths, SONG_FONTS, strict=True)]
    for turn in range(len(SONG_FONTS)):
        for number, path in enumerate(order):
            which = (number + turn) % len(SONG_FONTS)
            yield _song(synths[which], handles[which], path)
    for synth in synths:
        synth.delete()


def _song(synth: object, font: int, path: Path) -> tuple[Samples, Samples]:
    bass = render(synth, font, path, lambda channel, program: program in BASS_PROGRAMS)
    drums = render(synth, font, path, lambda channel, program: channel == DRUM_CHANNEL)
    return bass, drums


def _power(sound: Samples) -> NDArray[np.float64]:
    """Return the mean square of each second, [seconds]."""
    whole: NDArray[np.float64] = sound[: len(sound) // RATE * RATE].astype(np.float64).reshape(-1, RATE)
    return np.asarray((whole**2).mean(1))


def _loudest(power: NDArray[np.float64]) -> int:
    """Return the second at which the loudest TAKE_S begin, every second counted by its level."""
    return int(np.convolve(np.sqrt(power), np.ones(int(TAKE_S)), "valid").argmax())
