"""Notes of a made-up player, and what the streaming estimators say to them frame by frame."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import pytest

from listener.rhythm.beat import BeatTracker
from listener.types import FRAME_S, FRAME_SAMPLES, Beat, Frame, Grid, Note, Onset

ONSET_DELAY_S, NOTE_DELAY_S = 0.015, 0.060
SILENCE = np.zeros(FRAME_SAMPLES, dtype=np.float32)


@dataclass
class Heard:
    beats: list[Beat]
    grids: list[tuple[float, Grid | None]]

    def entry(self, threshold: float = 0.6) -> tuple[float, Grid] | None:
        """When a band would come in, and the grid it would come in on."""
        sure = ((t, g) for t, g in self.grids if g and min(g.confidence, g.meter_confidence) >= threshold)
        return next(sure, None)


@dataclass
class Line:
    """A bass line; times in seconds."""

    onsets_s: list[float]
    pitches: list[int]
    velocities: list[int]
    beat_s: float
    bar_beats: int

    @classmethod
    def of(cls, pattern: list[tuple[float, int]], bar_beats: int, bpm: float, bars: int, start_s: float = 0.5) -> Line:
        """pattern: (beat in the bar, semitones above the bar's root); roots change every bar."""
        beat_s, roots = 60 / bpm, (28, 33, 35, 28)
        notes = [
            (start_s + (bar * bar_beats + at) * beat_s, roots[bar % 4] + step, 100 if at == 0 else 82)
            for bar in range(bars)
            for at, step in pattern
        ]
        times, pitches, velocities = zip(*notes, strict=True)
        return cls(list(times), list(pitches), list(velocities), beat_s, bar_beats)

    def downbeats(self) -> np.ndarray:
        first, last = self.onsets_s[0], self.onsets_s[-1]
        return np.arange(first, last + 60, self.beat_s * self.bar_beats)


def _by_frame(line: Line, end_s: float) -> list[tuple[list[Onset], list[Note], list[Note]]]:
    frames: list[tuple[list[Onset], list[Note], list[Note]]] = [([], [], []) for _ in range(int(end_s / FRAME_S))]

    def put(kind: int, at_s: float, what: object) -> None:
        index = int(at_s / FRAME_S)
        if index < len(frames):
            frames[index][kind].append(what)  # type: ignore[arg-type]

    for onset_s, pitch, velocity in zip(line.onsets_s, line.pitches, line.velocities, strict=True):
        note = Note(onset_s, onset_s + NOTE_DELAY_S, None, pitch, velocity)
        put(0, onset_s + ONSET_DELAY_S, Onset(onset_s, onset_s + ONSET_DELAY_S, 1.0))
        put(1, onset_s + NOTE_DELAY_S, note)
        put(2, onset_s + 0.2, replace(note, duration_s=0.18, emit_s=onset_s + 0.2))
    return frames


Hook = Callable[[float, tuple[Note, ...], tuple[Note, ...], Grid | None], None]


def listen(
    line: Line, end_s: float | None = None, tracker: BeatTracker | None = None, hook: Hook | None = None
) -> Heard:
    tracker = tracker or BeatTracker()
    heard = Heard([], [])
    for index, (onsets, notes, ended) in enumerate(_by_frame(line, end_s or line.onsets_s[-1] + 0.5)):
        frame = Frame(SILENCE, index * FRAME_SAMPLES)
        beats, grid = tracker.step(frame, 0.0, tuple(onsets), tuple(notes))
        heard.beats.extend(beats)
        heard.grids.append((frame.emit_s, grid))
        if hook:
            hook(frame.end_s, tuple(notes), tuple(ended), grid)
    return heard


@pytest.fixture
def play() -> Callable[..., Heard]:
    return listen


@pytest.fixture
def line() -> type[Line]:
    return Line
