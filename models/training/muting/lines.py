"""Make lines of a bass that is muted with the palm in the middle, or driven, brighter, darker, slapped, or as before.

Both halves go through the same microphone and room, as loud on average or up to 6 dB apart, and often in another
register: the mute alone is what is to be told.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy import signal

from listener.types import FRAME_SAMPLES
from models.codec.muting import FRAMES, row_of
from models.sounds.bass_tones import RATE, Tone
from models.sounds.degrade import degrade
from models.sounds.made_strings import PLAYED, MadeBass
from models.sounds.technique_notes import DAMPED, MADE_BASSES, Bank, palm

if TYPE_CHECKING:
    from models.codec.codec import Codec

BEFORE, AFTER = 10, 8  # notes
LEAD_S, STEP_S, FADE_S = 0.25, (0.22, 0.42), 0.02
CHANGES = ("same", "muted", "driven", "bright", "dark", "slapped")
REGISTER = 6  # semitones around the first note
ELSEWHERE_SHARE, DEGRADED_SHARE = 0.4, 0.7

Floats = NDArray[np.float64]
Rows = NDArray[np.float32]
Rng = np.random.Generator
Draw = Callable[[Rng, int], Floats]  # (rng, pitch near which) -> a tone at RATE


@dataclass(frozen=True, slots=True)
class Changed:
    """rows: of each note (models/codec/muting.py), before and after. back: the changed notes come first."""

    rows: Rows
    what: str
    bank: str
    back: bool = False

    @property
    def difference(self) -> Rows:
        """Return the mean of the notes after less that of those before [2 * D]."""
        first = AFTER if self.back else BEFORE
        return np.asarray(self.rows[first:].mean(0) - self.rows[:first].mean(0), np.float32)


def of_banks(banks: Sequence[Bank], codec: Codec, count: int, seed: int) -> Iterator[Changed]:
    """Yield `count` lines of every change on each bank that can be played so; the same for the same seed."""
    for bank in banks:
        rng = np.random.default_rng((seed, zlib.crc32(bank.name.encode())))
        pitches = sorted({tone.pitch for tone in bank.tones})
        for what in CHANGES[:-1]:
            if what == "muted" and bank.technique not in DAMPED:
                continue
            for _ in range(count):
                plain, damped = _tones(bank.tones, False), _tones(bank.tones, what == "muted")
                yield line(plain, damped, what, int(rng.choice(pitches)), bank.name, codec, rng)


def of_made(codec: Codec, count: int, seed: int) -> Iterator[Changed]:
    """Yield `count` lines of every change on strings made of partials; the same for the same seed."""
    rng = np.random.default_rng((seed, 61))
    basses = [MadeBass(rng) for _ in range(MADE_BASSES)]
    for number in range(count * len(CHANGES)):
        bass, what = basses[number % MADE_BASSES], CHANGES[number % len(CHANGES)]
        usual = str(rng.choice(["fingers", "pick"]))
        other = {"muted": "mute", "slapped": "slap"}.get(what, usual)
        yield line(_made(bass, usual), _made(bass, other), what, int(rng.integers(28, 52)), "made", codec, rng)


def line(plain: Draw, other: Draw, what: str, low: int, bank: str, codec: Codec, rng: Rng) -> Changed:
    """Make one line, through the codec. low: the pitch around which it lies at first."""
    step = round(rng.uniform(*STEP_S) * RATE)
    moved = low + int(rng.choice([-12, -7, 7, 12])) if rng.random() < ELSEWHERE_SHARE else low
    before = _laid([plain(rng, low) for _ in range(BEFORE)], step, rng)
    after = _altered(_laid([other(rng, moved) for _ in range(AFTER)], step, rng), what, rng)
    apart_db = rng.uniform(-6, 6) if rng.random() < 0.5 else 0.0
    after *= _rms(before) / _rms(after) * 10 ** (apart_db / 20)
    back = bool(rng.random() < 0.5)
    lead = np.zeros(int(LEAD_S * RATE))
    sound = np.concatenate([lead, after, before] if back else [lead, before, after])
    if rng.random() < DEGRADED_SHARE:
        heard = degrade(sound.astype(np.float32), lambda n, _: np.zeros(n, np.float32), rng)
    else:
        heard = (sound / np.abs(sound).max() * 10 ** (rng.uniform(-24, 0) / 20)).astype(np.float32)
    onsets = [len(lead) + number * step for number in range(BEFORE + AFTER)]
    late = np.clip(rng.normal(0, 0.003, len(onsets)), -0.006, 0.008) * RATE
    rows = rows_of(heard, [int(at + by) for at, by in zip(onsets, late, strict=True)], codec)
    return Changed(rows, what, bank, back)


def rows_of(heard: NDArray[np.float32], onsets: Sequence[int], codec: Codec) -> Rows:
    """Return the row [2 * D] of each note of a sound at RATE. onsets: in samples."""
    state, latents = codec.initial_state(), []
    silence = np.zeros(FRAMES * FRAME_SAMPLES, np.float32)
    for frame in np.concatenate([heard, silence])[: (len(heard) // FRAME_SAMPLES + FRAMES) * FRAME_SAMPLES].reshape(
        -1, FRAME_SAMPLES
    ):
        codes, state = codec.step(frame, state)
        latents.append(np.asarray(codec.embed(codes), np.float32))
    firsts = [onset // FRAME_SAMPLES for onset in onsets]
    return np.stack([row_of(latents[first : first + FRAMES]) for first in firsts])


def _tones(tones: Sequence[Tone], damped: bool) -> Draw:
    def draw(rng: Rng, low: int) -> Floats:
        near = [tone for tone in tones if abs(tone.pitch - low) <= REGISTER] or list(tones)
        sound = near[int(rng.integers(len(near)))].samples.astype(np.float64)
        sound = sound / np.abs(sound).max()
        return palm(sound, rng) if damped else sound

    return draw


def _made(bass: MadeBass, technique: str) -> Draw:
    return lambda rng, low: bass.tone(low + int(rng.integers(0, REGISTER)), PLAYED[technique], rng)


def _laid(tones: Sequence[Floats], step: int, rng: Rng) -> Floats:
    """Return the tones one after the other, each held for most of a step and let go."""
    out, fade = np.zeros(step * (len(tones) + 1)), int(FADE_S * RATE)
    for number, tone in enumerate(tones):
        kept = tone[: int(rng.uniform(0.6, 1.0) * step)].copy()
        tail = min(fade, len(kept))
        kept[-tail:] *= np.linspace(1, 0, tail)
        out[number * step : number * step + len(kept)] += kept * 10 ** (rng.uniform(-4, 0) / 20)
    return out[: step * len(tones)]


def _altered(sound: Floats, what: str, rng: Rng) -> Floats:
    """Return a sound through a pedal or with the tone control turned; a muted or slapped one is played so already."""
    if what == "driven":
        loud = np.tanh(sound / np.abs(sound).max() * 10 ** (rng.uniform(14, 36) / 20) + rng.uniform(-0.15, 0.15))
        return np.asarray(signal.sosfilt(signal.butter(2, rng.uniform(2000, 6000), fs=RATE, output="sos"), loud))
    if what == "dark":
        b, a = signal.butter(int(rng.integers(1, 3)), rng.uniform(250, 700), fs=RATE)
        return np.asarray(signal.lfilter(b, a, sound))
    if what == "bright":
        b, a = signal.butter(1, rng.uniform(900, 2500), "high", fs=RATE)
        return np.asarray(sound + signal.lfilter(b, a, sound) * 10 ** (rng.uniform(8, 20) / 20))
    return sound


def _rms(sound: Floats) -> float:
    return float(np.sqrt(np.mean(np.square(sound)))) + 1e-9
