"""Makes a small sampled voice of the player's own bass from the cleanest notes heard: a SoundFont.

A note is clean when it stands alone, is held, keeps its pitch and is periodic. A technique (fingers, pick, slap) with
enough notes has a preset of its own, the most usual one 0:0. Each note becomes a sample with its measured pitch; where
it was sounding evenly it is looped over a whole number of periods, crossfaded, its decay taken out of the loop and
given back by the volume envelope (SoundFont 2.04, section 8.1.3). NumPy only.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

import msgspec
import numpy as np
from numpy.typing import NDArray

from agent.sounds import soundfont
from agent.sounds.soundfont import KEYS, MODES, MONO, SAMPLE, VELOCITIES, Font, Sample, Voices, Zone, signed, span

ENOUGH = 16  # clean notes to begin with
MOST = 32  # samples of a technique
SHORTEST_S, LONGEST_S = 0.22, 3.0
BEFORE_S, AFTER_S = 0.004, 0.03  # kept before the onset; left out before the next one
SETTLED_S = 0.08  # after the onset: the attack is over
DRIFT_CENTS, PERIODIC = 15.0, 0.90
SURE, NEAR = 0.5, 4  # share of a technique in what the ears name, this note and so many before and after it
HARMONICS = 5
LEVEL_DB = -16.0  # RMS of the first quarter of a second of each sample, re full scale
LOOP_S = 0.2
HOLD, DECAY, SUSTAIN, RELEASE = 35, 36, 37, 38  # generators of the volume envelope
RELEASE_S = 0.09
LATER = 0.6  # strings decay faster at first, and most of the notes are short
INFO = {b"INAM": soundfont.text("Antiphon: the player's own bass")}
Sound = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class HeardNote:
    """A note of the bass as the ears reported it. articulation, technique ("" = unsure): see listener/types.py."""

    onset_s: float
    duration_s: float
    pitch: int
    velocity: int
    articulation: str = "normal"
    technique: str = ""


@dataclass(frozen=True, slots=True)
class CleanNote:
    """A clean note's sound, its measured f0, velocity, how periodic it is, 0 to 1, and its technique ("" = unsure)."""

    sound: Sound
    f0_hz: float
    velocity: int
    periodic: float
    technique: str = ""

    @property
    def root(self) -> int:
        return round(69 + 12 * math.log2(self.f0_hz / 440))

    @property
    def cents(self) -> float:
        """By how much it is sharp of its root."""
        return float(1200 * np.log2(self.f0_hz / 440) - 100 * (self.root - 69))


class _Ended(msgspec.Struct, tag_field="type", tag="note_end"):
    """What is read of a note that ended, in a session's events.jsonl."""

    onset_s: float
    duration_s: float | None
    pitch: int
    velocity: int
    articulation: str


class _Named(msgspec.Struct, tag_field="type", tag="timbre"):
    """What is read of how a note was played."""

    onset_s: float
    technique: str
    confidence: float


def notes_of(events: Iterable[_Ended | _Named]) -> list[HeardNote]:
    """Return the notes of a session's events.jsonl that ended, in order."""
    found: dict[float, HeardNote] = {}
    named: dict[float, tuple[str, float]] = {}
    for event in events:
        match event:
            case _Named():
                named[event.onset_s] = event.technique, event.confidence
            case _Ended(onset_s, duration_s, pitch, velocity, articulation) if duration_s:
                found[onset_s] = HeardNote(onset_s, duration_s, pitch, velocity, articulation)
    return in_passages([found[onset_s] for onset_s in sorted(found)], named)


def in_passages(notes: Sequence[HeardNote], named: Mapping[float, tuple[str, float]]) -> list[HeardNote]:
    """Return the notes, each with the technique of its passage: of one note the ears are hardly sure.

    named: onset -> (technique, confidence).
    """
    names = [named.get(note.onset_s, ("", 0.0)) for note in notes]
    return [
        replace(note, technique=technique_of(names[max(i - NEAR, 0) : i + NEAR + 1], SURE))
        for i, note in enumerate(notes)
    ]


def technique_of(named: Iterable[tuple[str, float]], least: float) -> str:
    """Return the technique that has more than this share of the confidence of these notes, "" for none."""
    sums: dict[str, float] = {}
    for technique, confidence in named:
        sums[technique] = sums.get(technique, 0.0) + confidence
    most = max(sums, key=sums.__getitem__, default="")
    return most if sums.get(most, 0.0) > least * sum(sums.values()) else ""


def clean_notes(bass: NDArray[np.float32], rate: int, notes: Sequence[HeardNote]) -> list[CleanNote]:
    """Return the clean ones among the notes of a bass, float [n]."""
    found = []
    for i, note in enumerate(notes):
        after_s = notes[i + 1].onset_s if i + 1 < len(notes) else np.inf
        before = notes[i - 1] if i else None
        rings_in = before is not None and before.onset_s + before.duration_s > note.onset_s + 0.02
        length_s = min(note.duration_s, after_s - AFTER_S - note.onset_s, LONGEST_S)
        if rings_in or length_s < SHORTEST_S or note.articulation != "normal":
            continue
        start = max(round((note.onset_s - BEFORE_S) * rate), 0)
        sound = bass[start : start + round((length_s + BEFORE_S) * rate)].astype(np.float64)
        if clean := _clean(sound, rate, note):
            found.append(clean)
    return found


def _clean(sound: Sound, rate: int, note: HeardNote) -> CleanNote | None:
    steady = sound[round((SETTLED_S + BEFORE_S) * rate) :]
    if len(steady) < 0.11 * rate or np.abs(sound).max(initial=0.0) >= 0.999:
        return None
    near_hz = 440 * 2 ** ((note.pitch - 69) / 12)
    if steady.std() < 1e-5:
        return None
    thirds = np.array_split(steady, 3) if len(steady) > 0.36 * rate else [steady]
    f0s = [f0_of(part, rate, near_hz) for part in thirds if len(part) > 4 * rate / near_hz]
    if not f0s or max(abs(1200 * np.log2(f0 / near_hz)) for f0 in f0s) > 45:
        return None
    if 1200 * np.log2(max(f0s) / min(f0s)) > DRIFT_CENTS:
        return None
    f0_hz = f0_of(steady, rate, float(np.mean(f0s)))
    periodic = _periodic(steady, rate / f0_hz)
    return CleanNote(sound, f0_hz, note.velocity, periodic, note.technique) if periodic >= PERIODIC else None


def f0_of(sound: Sound, rate: int, near_hz: float) -> float:
    """Return the f0 near a frequency: how fast the phases of the first harmonics run on between two windows."""
    f0 = near_hz
    gap = min(round(0.04 * rate), len(sound) // 3)
    window = np.hanning(len(sound) - gap)
    t = np.arange(len(sound)) / rate
    for _ in range(4):
        shift, weight = 0.0, 1e-20
        for h in range(1, HARMONICS + 1):
            turned = sound * np.exp(-2j * np.pi * h * f0 * t)
            one, other = (turned[: len(window)] * window).sum(), (turned[gap:] * window).sum()
            power = abs(one) * abs(other)
            shift += power * float(np.angle(other * np.conj(one))) / (2 * np.pi * gap / rate) / h
            weight += power
        f0 += shift / weight
    return float(f0)


def _periodic(sound: Sound, period: float) -> float:
    """Return the correlation of a sound with itself two periods later."""
    lag = round(2 * period)
    a, b = sound[:-lag], sound[lag:]
    return float((a * b).sum() / np.sqrt((a * a).sum() * (b * b).sum() + 1e-20))


def voice(notes: Sequence[CleanNote], rate: int) -> Font:
    """Return the player's voice as a SoundFont: a preset for each technique, one or two velocity layers in each.

    Preset 0:0 is the most usual technique's, or all notes' where none has ENOUGH.
    """
    counts = Counter(note.technique for note in notes if note.technique)
    known = [technique for technique, count in counts.most_common() if count >= ENOUGH]
    samples: list[Sample] = []
    presets: list[Voices] = []
    instruments: list[Voices] = []
    for program, technique in enumerate(known or [""]):
        also = () if known[1:] else ("",)  # what is unsure belongs to the only one
        mine = [note for note in notes if not known or note.technique in (technique, *also)]
        name = technique or "as usual"
        presets.append(Voices(name, (Zone(((soundfont.INSTRUMENT, program),)),), (0, program)))
        instruments.append(Voices(name, _zones(mine, rate, samples)))
    return Font(tuple(presets), tuple(instruments), tuple(samples), INFO)


def _zones(notes: Sequence[CleanNote], rate: int, samples: list[Sample]) -> tuple[Zone, ...]:
    """Return the zones of one technique's notes; their samples join `samples`."""
    middle = float(np.median([note.velocity for note in notes]))
    soft, hard = ([n for n in notes if n.velocity <= middle], [n for n in notes if n.velocity > middle])
    two = len(notes) >= ENOUGH and all(len({n.root for n in layer}) >= 4 for layer in (soft, hard))
    layers = [(soft, 0, round(middle)), (hard, round(middle) + 1, 127)] if two else [(list(notes), 0, 127)]
    zones: list[Zone] = []
    for layer, low, high in layers:
        best = _best(layer, MOST // len(layers))
        edges = [-1, *((a.root + b.root) // 2 for a, b in pairwise(best)), 127]
        for note, below, top in zip(best, edges, edges[1:], strict=False):
            sample, generators = _looped(note, rate)
            where = ((KEYS, span(below + 1, top)), (VELOCITIES, span(low, high)))
            zones.append(Zone((*where, *generators, (MODES, 1), (SAMPLE, len(samples)))))
            samples.append(sample)
    return tuple(zones)


def _best(notes: Sequence[CleanNote], most: int) -> list[CleanNote]:
    """Return the best note of each pitch, by rising pitch; of too many pitches those that are spread best."""
    found: dict[int, CleanNote] = {}
    for note in notes:
        worth = note.periodic + 0.15 * min(len(note.sound), 10**5) / 10**5
        there = found.get(note.root)
        if there is None or worth > there.periodic + 0.15 * min(len(there.sound), 10**5) / 10**5:
            found[note.root] = note
    roots = sorted(found)
    kept = [roots[i] for i in np.unique(np.linspace(0, len(roots) - 1, min(most, len(roots))).round().astype(int))]
    return [found[root] for root in kept]


def _looped(note: CleanNote, rate: int) -> tuple[Sample, tuple[tuple[int, int], ...]]:
    """Return a note as a sample with a loop, and the generators of its volume envelope."""
    sound = note.sound * (10 ** (LEVEL_DB / 20) / max(note.sound[: rate // 4].std(), 1e-6))
    rise = max(round(BEFORE_S * rate / 2), 1)
    sound[:rise] *= np.arange(rise) / rise
    period = rate / note.f0_hz
    steady = round((SETTLED_S + BEFORE_S) * rate)
    room = (len(sound) - steady) / 2.2
    count = max(int(min(room, LOOP_S * rate) / period), 1)
    counts = np.arange(max(count // 2, 1), count + 1)
    count = int(counts[np.argmin(np.abs(counts * period - np.round(counts * period)) / counts)])
    loop = round(count * period)
    end = len(sound)
    hold = end - 2 * loop
    decay_db_s = _decay_db_s(sound[steady:], rate, round(period))
    late = np.maximum(np.arange(end) - hold, 0) / rate
    sound = sound * 10 ** (decay_db_s * late / 20)
    fade = min(loop, hold) if hold > 0 else loop // 2
    ramp = (np.arange(fade) + 1) / fade
    sound[end - fade :] = (1 - ramp) * sound[end - fade :] + ramp * sound[end - fade - loop : end - loop]
    sound = np.concatenate([sound, sound[end - loop : end - loop + 8]])  # what interpolation reads beyond the loop
    pcm = np.round(32767 * np.clip(sound, -1, 1)).astype(np.int16)
    name, cents = f"note {note.root} {note.velocity}", -round(note.cents)
    sample = Sample(name, rate, note.root, cents, (end - loop, end), MONO, 0, pcm)
    envelope = (
        (HOLD, signed(_timecents(hold / rate))),
        (DECAY, signed(_timecents(100 / (LATER * decay_db_s)))),
        (SUSTAIN, 1000),
        (RELEASE, signed(_timecents(RELEASE_S))),
    )
    return sample, envelope


def _decay_db_s(sound: Sound, rate: int, period: int) -> float:
    """Return by how many dB a second a sound decays, 1 to 60."""
    width = max(2 * period, rate // 50)
    powers = (sound[: len(sound) // width * width].reshape(-1, width) ** 2).mean(axis=1)
    if len(powers) < 3:
        return 6.0
    slope = np.polyfit(np.arange(len(powers)) * width / rate, 10 * np.log10(powers + 1e-12), 1)[0]
    return float(np.clip(-slope, 1.0, 60.0))


def _timecents(seconds: float) -> int:
    return round(1200 * math.log2(max(seconds, 0.001)))


def make(session: Path, target: Path, enough: int = ENOUGH) -> int:
    """Write the voice of a session's bass to `target`, in one step; return how many clean notes it has, 0 = too few.

    session: a folder with bass.wav and events.jsonl, which may still be growing. Raises OSError.
    """
    import soundfile

    lines = (session / "events.jsonl").read_text(encoding="utf-8").splitlines()
    bass, rate = soundfile.read(session / "bass.wav", dtype="float32")
    found = clean_notes(bass, rate, notes_of(_read(lines)))
    if len(found) < enough:
        return 0
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_suffix(".part")
    soundfont.write(part, voice(found, rate))
    part.chmod(0o600)
    part.replace(target)
    return len(found)


def _read(lines: Sequence[str]) -> Iterable[_Ended | _Named]:
    decoder = msgspec.json.Decoder(_Ended | _Named)
    for line in lines:
        with suppress(msgspec.DecodeError):  # another kind of event; the last line may be half written
            yield decoder.decode(line)
