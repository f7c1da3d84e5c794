"""Make bass lines whose every onset and pitch is known, rendered from single notes, with a given random generator."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy import signal

from models.sounds.bass_tones import RATE, Floats, Instrument, Rng, Samples

FADED = 0.012  # of a note's peak: below it, it no longer sounds


@dataclass(frozen=True, slots=True)
class Played:
    """One note of a line, in samples. kind: pluck | legato | slide | ghost."""

    onset: int
    end: int
    pitch: float
    kind: str
    gain: float
    slide_from: float | None = None


@dataclass(slots=True)
class Style:
    """How a random player plays in one line."""

    root: int
    low: int
    high: int
    step_s: float
    density: float
    repeat: float
    gate: str  # legato | staccato | ring | mixed
    swing: float
    accent_db: float
    odd: float  # share of ghosts, slides, hammer-ons
    scale: tuple[int, ...] = field(default=(0, 2, 4, 5, 7, 9, 11))


SCALES = ((0, 2, 4, 5, 7, 9, 11), (0, 2, 3, 5, 7, 8, 10), (0, 3, 5, 7, 10), (0, 7), tuple(range(12)), (0, 4, 7, 10))


def random_style(rng: Rng) -> Style:
    low = int(rng.choice([23, 26, 28, 28, 28, 33, 40, 48, 55]))
    span = int(rng.choice([5, 12, 12, 19, 24]))
    return Style(
        root=int(rng.integers(12)),
        low=low,
        high=min(low + span, 68),
        step_s=60 / rng.uniform(60, 190) / rng.choice([1, 2, 2, 3, 4]),
        density=rng.choice([1.0, 0.85, 0.6, 0.4]),
        repeat=rng.choice([0.1, 0.4, 0.8]),
        gate=str(rng.choice(["legato", "staccato", "ring", "mixed", "mixed"])),
        swing=rng.choice([0.5, 0.5, rng.uniform(0.5, 0.68)]),
        accent_db=rng.choice([2.0, 6.0, 12.0]),
        odd=rng.choice([0.0, 0.1, 0.3]),
        scale=SCALES[rng.integers(len(SCALES))],
    )


def random_notes(style: Style, length: int, rng: Rng) -> list[Played]:
    """Return one monophonic line of at least a few notes in `length` samples."""
    step_s = max(style.step_s, 0.085)
    times, at, index = [], rng.uniform(0.05, 0.6), 0
    while at < length / RATE - 0.1:
        if rng.random() < style.density:
            late = (style.swing - 0.5) * 2 * step_s if index % 2 else 0.0
            times.append(at + late + rng.normal(0, 0.006))
        at += step_s + (rng.uniform(0.4, 2.5) if rng.random() < 0.02 else 0)
        index += 1
    return notes_at(times, style, length, rng)


def notes_at(times: Sequence[float], style: Style, length: int, rng: Rng) -> list[Played]:
    """Return a line whose notes begin at `times`, seconds, those left out that would be too short."""
    pitches = [p for p in range(style.low, style.high + 1) if (p - style.root) % 12 in style.scale] or [style.low]
    where, notes = int(rng.integers(len(pitches))), list[Played]()
    for i, time in enumerate(times):
        if rng.random() > style.repeat:
            where = int(np.clip(where + rng.integers(-3, 4), 0, len(pitches) - 1))
            if rng.random() < 0.12:
                where = int(rng.integers(len(pitches)))
        onset = int(max(time, 0.01) * RATE)
        until = int(times[i + 1] * RATE) if i + 1 < len(times) else min(length, onset + int(rng.uniform(0.3, 2) * RATE))
        if until - onset < 0.05 * RATE:
            continue
        notes.append(_articulate(style, onset, until, pitches[where], notes, rng))
    return notes


def _articulate(style: Style, onset: int, until: int, pitch: int, before: list[Played], rng: Rng) -> Played:
    gain = 10 ** (rng.uniform(-style.accent_db, 0) / 20)
    gate = style.gate if style.gate != "mixed" else str(rng.choice(["legato", "staccato", "ring"]))
    end = {
        "legato": until - int(rng.uniform(-0.004, 0.03) * RATE),
        "staccato": onset + int(rng.uniform(0.3, 0.75) * (until - onset)),
        "ring": until + int(rng.uniform(0.02, 0.35) * RATE),
    }[gate]
    kind, glide = "pluck", None
    connected = bool(before) and before[-1].kind != "ghost" and onset - before[-1].end < 0.02 * RATE
    if rng.random() < style.odd:
        kind = str(rng.choice(["ghost", "legato", "legato", "slide"]))
        if kind == "legato" and (not connected or abs(pitch - before[-1].pitch) > 5 or pitch == before[-1].pitch):
            kind = "ghost" if rng.random() < 0.5 else "pluck"
        if kind == "slide":
            glide = float(pitch + rng.choice([-5, -4, -3, -2, -1, 1, 2, 3, 5]))
            kind = "slide" if until - onset > 0.25 * RATE else "pluck"
    if kind == "ghost":
        end = min(end, onset + int(rng.uniform(0.02, 0.07) * RATE))
    return Played(
        onset, max(end, onset + int(0.02 * RATE)), float(pitch), kind, gain, glide if kind == "slide" else None
    )


def render(
    instrument: Instrument, notes: list[Played], length: int, hop: int, rng: Rng
) -> tuple[Samples, NDArray[np.int8]]:
    """Return sound [length] and, per hop, the pitch of the newest sounding note (0 = none)."""
    sound, track = np.zeros(length + RATE), np.zeros(length // hop, np.int8)
    for i, note in enumerate(notes):
        wave = _wave(instrument, note, rng)
        fade = int(rng.uniform(0.006, 0.05) * RATE)
        follower = notes[i + 1] if i + 1 < len(notes) else None
        hold = note.end - note.onset
        if follower and follower.kind == "legato":
            hold, fade = follower.onset - note.onset, int(rng.uniform(0.002, 0.012) * RATE)
        wave = wave[: hold + fade + 24].copy()
        damped = max(len(wave) - hold, 0)
        if damped:
            wave[-damped:] *= np.cos(np.linspace(0, np.pi / 2, damped)) ** 2
        start = max(note.onset - RATE // 1000, 0)
        wave = wave[: len(sound) - start]
        sound[start : start + len(wave)] += note.gain * wave
        _mark(track, note, wave, follower, hop, hold)
    return sound[:length].astype(np.float32), track


def _wave(instrument: Instrument, note: Played, rng: Rng) -> Floats:
    tone = instrument.tone(round(note.pitch), note.gain)
    wave = tone.samples.astype(np.float64)
    if note.kind == "ghost":
        dead = wave[: int(0.08 * RATE)] * np.exp(-np.arange(min(len(wave), int(0.08 * RATE))) / rng.uniform(60, 400))
        b, a = signal.butter(1, rng.uniform(80, 400), "high", fs=RATE)
        return np.asarray(signal.lfilter(b, a, dead)) + 0.05 * rng.normal(0, 1, len(dead)) * np.exp(
            -np.arange(len(dead)) / 200
        )
    if note.kind == "legato":  # the string already moves: no attack, the level it would have had by now
        skip = int(rng.uniform(0.05, 0.15) * RATE)
        wave = wave[skip:] * rng.uniform(0.8, 1.6)
        rise = int(rng.uniform(0.001, 0.006) * RATE) + 1
        wave[:rise] *= np.linspace(0, 1, rise)
        return np.concatenate([np.zeros(RATE // 1000), wave])
    bend = _bend(note, len(wave), rng)
    if bend is None:
        return wave
    at = np.cumsum(2 ** (bend / 12))
    return np.interp(at[at < len(wave) - 1], np.arange(len(wave)), wave)


def _bend(note: Played, length: int, rng: Rng) -> Floats | None:
    """Return the semitones away from the note's pitch over time, or None."""
    t = np.arange(length) / RATE
    if note.slide_from is not None:
        start, end = rng.uniform(0.04, 0.12), 0.0
        end = start + rng.uniform(0.04, 0.12)
        return np.asarray((note.slide_from - note.pitch) * np.clip((end - t) / (end - start), 0, 1))
    if rng.random() < 0.06:
        return np.asarray(rng.uniform(0.1, 0.4) * np.sin(2 * np.pi * rng.uniform(4, 6.5) * t) * np.clip(t / 0.3, 0, 1))
    return None


def _mark(track: NDArray[np.int8], note: Played, wave: Floats, follower: Played | None, hop: int, hold: int) -> None:
    first = note.onset // hop
    until = min(note.onset + hold, note.onset + len(wave))
    if follower:
        until = min(until, follower.onset)
    last = min(len(track), max(first + 1, until // hop))
    if note.kind == "ghost":
        track[first:last] = 0
        return
    blocks = np.abs(wave[: (len(wave) // hop) * hop]).reshape(-1, hop).max(1)
    sounding = np.flatnonzero(blocks > FADED * blocks.max()) if len(blocks) else np.zeros(0, int)
    last = min(last, first + (int(sounding[-1]) if len(sounding) else 0) + 1)
    track[first:last] = round(note.pitch)
    if note.slide_from is not None:
        glide = _bend_hops(note, last - first, hop)
        track[first : first + len(glide)] = np.round(glide)


def _bend_hops(note: Played, count: int, hop: int) -> Floats:
    """Return a slide's pitch per hop: its start before 80 ms, its end after 200 ms, -1 (not taught) between."""
    t = np.arange(count) * hop / RATE
    assert note.slide_from is not None
    return np.where(t < 0.08, note.slide_from, np.where(t < 0.2, -1.0, note.pitch))
