"""Onsets and pitch -> notes: one is named as soon as its pitch is sure enough, and ends when its sound does."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from listener.types import FRAME_S, Frame, Note, Onset

SURE_FRAMES = ((0.8, 2), (0.4, 3))  # voiced_prob -> frames in a row that must agree
AGREE_SEMITONES = 0.6
GIVE_UP_S = 0.13  # an onset without a pitch by then is a ghost note, or nothing
GHOST_RISE_DB = 9.0
LEGATO_FRAMES = 4
LEGATO_OCTAVE_FRAMES = 9  # octaves are what pitch detectors get wrong
RELEASE_DB = 32.0
UNVOICED_FRAMES = 5
VELOCITY_DB = (-48.0, -3.0)  # attack level of velocities 1 and 127


def to_midi(f0_hz: float) -> float:
    return float(69 + 12 * np.log2(f0_hz / 440))


def to_velocity(level_db: float) -> int:
    """MIDI velocity 1-127, linear in dB between VELOCITY_DB."""
    low, high = VELOCITY_DB
    return int(np.clip(round(1 + 126 * (level_db - low) / (high - low)), 1, 127))


@dataclass(slots=True)
class _Pending:
    onset_s: float
    before_db: float
    peak_db: float


class NoteTracker:
    """step(...) -> (newly named, ended). One note sounds at a time; a new one ends the one before."""

    def __init__(self) -> None:
        self._pending: _Pending | None = None
        self._note: Note | None = None
        self._peak_db = -120.0
        self._last_db = -120.0
        self._recent: list[float] = []  # MIDI pitch of the frames since something changed
        self._unvoiced = 0
        self._voiced_until_s = 0.0

    def step(
        self,
        frame: Frame,
        onsets: tuple[Onset, ...],
        f0_hz: float | None,
        voiced_prob: float,
        rms_db: float,
    ) -> tuple[tuple[Note, ...], tuple[Note, ...]]:
        """f0_hz, voiced_prob: of this frame; rms_db: its level, dB re full scale."""
        ended: list[Note] = []
        for onset in onsets:
            self._pending = _Pending(onset.onset_s, self._last_db, rms_db)
            self._recent = []
        if self._pending:
            self._pending.peak_db = max(self._pending.peak_db, rms_db)
            new = self._try_name(frame, f0_hz, voiced_prob)
        else:
            new = self._try_legato(frame, f0_hz, voiced_prob, rms_db)
        if new and self._note:
            ended.append(self._finish(new.onset_s))
        if new:
            self._begin(new, rms_db)
        else:
            self._follow(frame, f0_hz, rms_db, ended)
        self._last_db = rms_db
        return ((new,) if new else ()), tuple(ended)

    def _begin(self, note: Note, rms_db: float) -> None:
        self._peak_db = max(rms_db, self._pending.peak_db if self._pending else rms_db)
        self._note, self._pending, self._recent, self._unvoiced = note, None, [], 0
        self._voiced_until_s = note.emit_s

    def _finish(self, at_s: float) -> Note:
        assert self._note is not None
        done = replace(self._note, duration_s=max(at_s - self._note.onset_s, 0.01))
        self._note = None
        return done

    def _agreed(self, f0_hz: float | None, voiced_prob: float) -> float | None:
        """The MIDI pitch the last frames agree on, once there are enough of them."""
        if not f0_hz:
            self._recent = []
            return None
        midi = to_midi(f0_hz)
        if self._recent and abs(midi - self._recent[-1]) > AGREE_SEMITONES:
            self._recent = []
        self._recent.append(midi)
        needed = next((n for prob, n in SURE_FRAMES if voiced_prob >= prob), 99)
        return float(np.median(self._recent[-4:])) if len(self._recent) >= needed else None

    def _try_name(self, frame: Frame, f0_hz: float | None, voiced_prob: float) -> Note | None:
        pending = self._pending
        assert pending is not None
        midi = self._agreed(f0_hz, voiced_prob)
        if midi is not None:
            return _note(pending.onset_s, frame, midi, pending.peak_db, voiced_prob)
        if frame.end_s - pending.onset_s < GIVE_UP_S:
            return None
        self._pending = None
        if pending.peak_db - pending.before_db < GHOST_RISE_DB:
            return None
        pitch = self._note.pitch if self._note else 28
        return replace(_note(pending.onset_s, frame, pitch, pending.peak_db, 0.3), articulation="ghost")

    def _try_legato(self, frame: Frame, f0_hz: float | None, voiced_prob: float, rms_db: float) -> Note | None:
        if self._note is None or not f0_hz:
            self._recent = []
            return None
        away = abs(to_midi(f0_hz) - self._note.pitch - self._note.cents / 100)
        if away < 0.7 or self._note.articulation == "ghost":
            self._recent = []
            return None
        midi = self._agreed(f0_hz, voiced_prob)
        octave = abs(away - 12 * round(away / 12)) < 0.7
        if midi is None or len(self._recent) < (LEGATO_OCTAVE_FRAMES if octave else LEGATO_FRAMES):
            return None
        return _note(frame.end_s - len(self._recent) * FRAME_S - 0.02, frame, midi, rms_db, voiced_prob)

    def _follow(self, frame: Frame, f0_hz: float | None, rms_db: float, ended: list[Note]) -> None:
        if self._note is None:
            return
        if f0_hz:
            self._unvoiced, self._voiced_until_s = 0, frame.end_s
        else:
            self._unvoiced += 1
        self._peak_db = max(self._peak_db, rms_db)
        faded = rms_db < self._peak_db - RELEASE_DB
        if (faded or self._unvoiced >= UNVOICED_FRAMES) and self._pending is None:
            ended.append(self._finish(min(self._voiced_until_s, frame.end_s)))


def _note(onset_s: float, frame: Frame, midi: float, level_db: float, confidence: float) -> Note:
    pitch = int(np.clip(round(midi), 0, 127))
    cents = float(100 * (midi - pitch))
    return Note(onset_s, frame.emit_s, None, pitch, to_velocity(level_db), cents, "normal", confidence)
