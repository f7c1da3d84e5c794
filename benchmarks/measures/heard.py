"""Play note events into the beat tracker, frame by frame, as the analyzer would."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from listener.rhythm.beat import BeatTracker
from listener.types import FRAME_S, FRAME_SAMPLES, Beat, Frame, Grid, Note, Onset

ONSET_DELAY_S, NOTE_DELAY_S = 0.010, 0.045
SILENCE = np.zeros(FRAME_SAMPLES, np.float32)


@dataclass
class Heard:
    beats: list[Beat]
    grids: list[tuple[float, Grid | None]]


def hear(notes: list[tuple[float, int, int, str]], end_s: float, tracker: BeatTracker | None = None) -> Heard:
    """notes: (onset_s, pitch, velocity, articulation) in order."""
    tracker = tracker or BeatTracker()
    count = int(end_s / FRAME_S) + 1
    onsets: list[list[Onset]] = [[] for _ in range(count)]
    named: list[list[Note]] = [[] for _ in range(count)]
    for t, pitch, velocity, kind in notes:
        at, then = int((t + ONSET_DELAY_S) / FRAME_S), int((t + NOTE_DELAY_S) / FRAME_S)
        if then < count:
            onsets[at].append(Onset(t, t + ONSET_DELAY_S, 1.0))
            named[then].append(Note(t, t + NOTE_DELAY_S, None, pitch, velocity, articulation=kind))
    heard = Heard([], [])
    for i in range(count):
        frame = Frame(SILENCE, i * FRAME_SAMPLES)
        beats, grid = tracker.step(frame, 0.0, tuple(onsets[i]), tuple(named[i]))
        heard.beats += beats
        heard.grids.append((frame.emit_s, grid))
    return heard
