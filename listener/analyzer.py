"""The one door: step(Frame) -> Analysis. Everything below it is a streaming estimator with a small, copyable state."""

from __future__ import annotations

import numpy as np

from listener.beat import BeatTracker
from listener.feel import FeelTracker
from listener.harmony import Harmony
from listener.notes import NoteTracker
from listener.onset import OnsetDetector
from listener.phrase import Phrases
from listener.pitch import PitchTracker
from listener.types import FRAME_SAMPLES, Analysis, Frame

SILENCE_DB = -120.0


def rms_db(samples: np.ndarray[tuple[int, ...], np.dtype[np.float32]]) -> float:
    """Level of float32 [n] in dB re full scale, DC taken out, at least SILENCE_DB."""
    return float(max(SILENCE_DB, 20 * np.log10(float(np.std(samples)) + 1e-9)))


class Analyzer:
    """Causal and deterministic: the same frames give the same answers; copy.deepcopy continues identically."""

    def __init__(self) -> None:
        self.onset, self.pitch, self.notes = OnsetDetector(), PitchTracker(), NoteTracker()
        self.beat, self.harmony, self.phrases = BeatTracker(), Harmony(), Phrases()
        self.feel = FeelTracker()

    def step(self, frame: Frame) -> Analysis:
        """frame: the next 320 samples, finite. Raises AssertionError when the shape is another."""
        assert frame.samples.shape == (FRAME_SAMPLES,), f"a frame is [{FRAME_SAMPLES}], not {frame.samples.shape}"
        level_db = rms_db(frame.samples)
        strength, onsets = self.onset.step(frame)
        f0_hz, voiced_prob = self.pitch.step(frame, onsets)
        notes, ended = self.notes.step(frame, onsets, f0_hz, voiced_prob, level_db)
        beats, grid = self.beat.step(frame, strength, onsets, notes)
        chord, key = self.harmony.step(frame.end_s, notes, ended, grid)
        phrase = self.phrases.step(frame.end_s, notes, ended, grid)
        placed, feel = self.feel.step(frame.end_s, notes, ended, grid)
        return Analysis(
            time_s=frame.end_s,
            emit_s=frame.emit_s,
            onset_strength=strength,
            f0_hz=f0_hz,
            voiced_prob=voiced_prob,
            rms_db=level_db,
            onsets=onsets,
            notes=notes,
            ended=ended,
            beats=beats,
            grid=grid,
            chord=chord,
            key=key,
            phrase=phrase,
            placed=placed,
            feel=feel,
        )
