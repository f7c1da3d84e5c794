"""Gathers all that was heard in one take, frame by frame, for the picture."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from listener.types import (
    ANALYSIS_RATE,
    Analysis,
    Beat,
    Chord,
    Feel,
    Frame,
    Hook,
    Key,
    Meter,
    Note,
    Phrase,
    Repetition,
    Samples,
    Timbre,
)


@dataclass(slots=True)
class Hearing:
    """All that was heard so far; add() takes one frame. notes: by onset_s, as last corrected. Times in seconds."""

    blocks: list[Samples] = field(default_factory=list)
    f0: list[tuple[float, float]] = field(default_factory=list)  # (time_s, Hz or NaN)
    notes: dict[float, Note] = field(default_factory=dict)
    beats: list[Beat] = field(default_factory=list)
    tempo: list[tuple[float, float, float]] = field(default_factory=list)  # (time_s, bpm, confidence 0-1)
    chords: list[tuple[float, Chord]] = field(default_factory=list)  # from time_s on
    keys: list[tuple[float, Key]] = field(default_factory=list)
    phrases: dict[float, Phrase] = field(default_factory=dict)  # by start_s
    repeats: list[Repetition] = field(default_factory=list)  # of bars
    hook: Hook | None = None
    timbre: Timbre | None = None  # the last
    end_s: float = 0.0
    feel: Feel | None = None

    def add(self, frame: Frame, a: Analysis) -> None:
        self.blocks.append(frame.samples)
        self.f0.extend((point.time_s, point.f0_hz or np.nan) for point in a.pitch)
        self.end_s = frame.end_s
        for note in (*a.notes, *a.revised, *a.ended):
            before = self.notes.get(note.onset_s)
            self.notes[note.onset_s] = _with_history(note, before)
        self.beats.extend(a.beats)
        self._beliefs(a)

    def _beliefs(self, a: Analysis) -> None:
        if a.grid:
            self.tempo.append((a.time_s, 60 / a.grid.period_s, a.grid.confidence))
        self.feel = a.feel or self.feel
        if a.chord and (not self.chords or _name(self.chords[-1][1]) != _name(a.chord)):
            self.chords.append((a.time_s, a.chord))
        if a.key and (not self.keys or (self.keys[-1][1].tonic, self.keys[-1][1].mode) != (a.key.tonic, a.key.mode)):
            self.keys.append((a.time_s, a.key))
        self.repeats += [a.repetition] if a.repetition else []
        self.timbre = a.timbre[-1] if a.timbre else self.timbre
        self.hook = a.hook or self.hook
        if a.phrase:
            self.phrases[a.phrase.start_s] = a.phrase

    @property
    def samples(self) -> Samples:
        """float32 [n] at ANALYSIS_RATE."""
        return np.concatenate(self.blocks) if self.blocks else np.zeros(0, np.float32)

    @property
    def meters(self) -> list[tuple[float, Meter]]:
        """(time_s, meter) wherever the beats take a new one."""
        changes: list[tuple[float, Meter]] = []
        for beat in sorted(self.beats, key=lambda beat: beat.time_s):
            if not changes or str(changes[-1][1]) != str(beat.meter):
                changes.append((beat.time_s, beat.meter))
        return changes


def _with_history(note: Note, before: Note | None) -> Note:
    """The completed note no longer says that it was corrected: the picture shall."""
    if before is None or before.revises is None or note.revises is not None:
        return note
    return replace(note, revises=before.revises)


def _name(chord: Chord) -> tuple[int, str]:
    return chord.root, chord.quality


def log_spectrum(samples: Samples, frequencies_hz: np.ndarray, times_s: np.ndarray) -> np.ndarray:
    """Level in dB [frequency, time] by windowed DFTs of a length that suits each frequency's register.

    samples: float32 [n] at ANALYSIS_RATE.
    """
    db = np.full((len(frequencies_hz), len(times_s)), -120.0)
    for low_hz, high_hz, length in REGISTERS:
        rows = np.flatnonzero((frequencies_hz >= low_hz) & (frequencies_hz < high_hz))
        if len(rows):
            db[rows] = _register(samples, frequencies_hz[rows], times_s, length)
    return db


REGISTERS = ((0.0, 130.0, 4096), (130.0, 400.0, 3072), (400.0, 12_000.0, 2048))  # Hz, Hz, window in samples


def _register(samples: Samples, frequencies_hz: np.ndarray, times_s: np.ndarray, length: int) -> np.ndarray:
    starts = np.round(times_s * ANALYSIS_RATE).astype(int)
    padded = np.concatenate([np.zeros(length // 2, np.float32), samples, np.zeros(length, np.float32)])
    starts = np.clip(starts, 0, len(padded) - length)
    t = (np.arange(length) - length / 2) / ANALYSIS_RATE
    probes = np.hanning(length) * np.exp(-2j * np.pi * frequencies_hz[:, None] * t) * (4 / length)
    frames = np.lib.stride_tricks.sliding_window_view(padded, length)[starts]
    levels: np.ndarray = np.abs(probes.astype(np.complex64) @ frames.T.astype(np.complex64))
    db: np.ndarray = 20 * np.log10(levels + 1e-6)
    return db
