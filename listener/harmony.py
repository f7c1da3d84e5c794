"""Chord and key from the bass alone: step(time_s, notes, ended, grid) -> (Chord | None, Key | None).

Every sounding moment of a note votes for its pitch class; a note that opens a bar or a chord votes more, a
short note that leads by a semitone into the next less. Key: correlation with the Temperley-Kostka-Payne
profiles (Temperley, Music and Probability, 2007). Chord: templates over the present half bar and its past.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from listener.types import Chord, Grid, Key, Note

Floats = NDArray[np.float64]

QUALITIES: dict[str, tuple[int, ...]] = {
    "maj": (0, 4, 7),
    "min": (0, 3, 7),
    "7": (0, 4, 7, 10),
    "maj7": (0, 4, 7, 11),
    "min7": (0, 3, 7, 10),
    "6": (0, 4, 7, 9),
    "min6": (0, 3, 7, 9),
    "dim": (0, 3, 6),
    "dim7": (0, 3, 6, 9),
    "min7b5": (0, 3, 6, 10),
    "aug": (0, 4, 8),
    "sus4": (0, 5, 7),
    "sus2": (0, 2, 7),
    "7sus4": (0, 5, 7, 10),
    "5": (0, 7),
}
GUESSES = ("maj", "min", "7", "min7", "maj7", "dim", "min7b5", "sus4")  # what a bass line alone may name
EXTENSION_COST = {
    "maj": 0.0,
    "min": 0.0,
    "7": 0.12,
    "min7": 0.12,
    "maj7": 0.15,
    "dim": 0.3,
    "min7b5": 0.35,
    "sus4": 0.3,
}
IN_CHORD = {0: 1.0, 7: 0.55}  # weight of root and fifth; other chord tones:
CHORD_TONE, KEY_TONE, OUTSIDE = 0.45, -0.1, -0.45

PROFILES: dict[str, tuple[float, ...]] = {
    "maj": (0.748, 0.060, 0.488, 0.082, 0.670, 0.460, 0.096, 0.715, 0.104, 0.366, 0.057, 0.400),
    "min": (0.712, 0.084, 0.474, 0.618, 0.049, 0.460, 0.105, 0.747, 0.404, 0.067, 0.133, 0.330),
}
SCALES = {"maj": (0, 2, 4, 5, 7, 9, 11), "min": (0, 2, 3, 5, 7, 8, 10)}
# a bass says the tonic and the fifth more often than a melody does; the flat seventh belongs to its minor
BASS_EXTRA = {"maj": {0: 0.35, 7: 0.1, 5: 0.05, 10: 0.1}, "min": {0: 0.35, 7: 0.1, 10: 0.3, 11: -0.1}}
DOWNBEAT_FACTOR, BEAT_FACTOR, LEADING_FACTOR = 2.0, 1.2, 0.3
FIRST_BONUS = 1.5  # notes' worth of weight for the pitch class the piece starts on
KEY_MEMORY_S = 60.0
SHORT_S = 0.25
CARRIED_FACTOR = 0.6  # weight of a bar's first half for the chord of its second
KEY_SHARPNESS, CHORD_SHARPNESS = 14.0, 5.0


def _key_templates() -> dict[tuple[int, str], Floats]:
    out = {}
    for mode, profile in PROFILES.items():
        base = np.array(profile)
        for step, extra in BASS_EXTRA[mode].items():
            base[step] += extra
        base = (base - base.mean()) / base.std()
        for tonic in range(12):
            out[tonic, mode] = np.roll(base, tonic)
    return out


KEYS = _key_templates()


class Harmony:
    """Feed every frame; the answers stay until better ones are found."""

    def __init__(self) -> None:
        self._weights = np.zeros(12)
        self._bar: list[tuple[float, int, float]] = []  # (onset_s, pitch class, weight) of this half bar
        self._segment: int | None = None
        self._segment_s = 0.0
        self._sounding: dict[float, tuple[Note, float]] = {}
        self._last: tuple[float, int, float] | None = None
        self._first_pitch_class: int | None = None
        self._known_third: dict[int, Floats] = {}
        self._key: Key | None = None
        self._chord: Chord | None = None
        self._time_s = 0.0

    def step(
        self, time_s: float, notes: tuple[Note, ...], ended: tuple[Note, ...], grid: Grid | None
    ) -> tuple[Chord | None, Key | None]:
        """time_s: end of the frame; notes: newly named; ended: the same, completed; grid: the beat grid, if any."""
        self._time_s = time_s
        for note in notes:
            if note.articulation != "ghost":
                self._begin(note, grid)
        for note in ended:
            self._end(note)
        if notes or ended:
            self._key = self._find_key()
            self._chord = self._find_chord()
        return self._chord, self._key

    def _begin(self, note: Note, grid: Grid | None) -> None:
        if self._first_pitch_class is None:
            self._first_pitch_class = note.pitch % 12
        self._turn_segment(note, grid)
        factor = self._metrical_factor(note.onset_s, grid)
        self._sounding[note.onset_s] = (note, factor)
        self._bar.append((note.onset_s, note.pitch % 12, factor))

    def _metrical_factor(self, onset_s: float, grid: Grid | None) -> float:
        if grid is None or grid.confidence < 0.4:
            return 1.0
        beat = grid.beat_at(onset_s - grid.behind_s)
        if abs(beat - round(beat)) > 0.15:
            return 1.0
        down = grid.meter_confidence >= 0.4 and grid.position_of(round(beat)) == 1
        return DOWNBEAT_FACTOR if down else BEAT_FACTOR

    def _turn_segment(self, note: Note, grid: Grid | None) -> None:
        """Start a new chord segment at a new half bar (or, without a grid, two seconds)."""
        if grid is None or grid.confidence < 0.4:
            segment = int(note.onset_s / 2.0)
        else:
            beat = grid.beat_at(note.onset_s - grid.behind_s) + 0.15
            bar_start = math.floor(beat) - (grid.position_of(math.floor(beat)) - 1)
            half = math.ceil(grid.meter.numerator / 2)
            segment = 2 * bar_start + (1 if beat - bar_start >= half and grid.meter.numerator % 2 == 0 else 0)
        if segment != self._segment:
            same_bar = self._segment is not None and segment == self._segment + 1 and segment % 2 == 1
            kept = [(s, p, CARRIED_FACTOR * w) for s, p, w in self._bar] if same_bar else []
            self._segment, self._segment_s, self._bar = segment, note.onset_s, kept

    def _end(self, note: Note) -> None:
        known = self._sounding.pop(note.onset_s, None)
        if known is None or note.duration_s is None:
            return
        weight = min(note.duration_s, 2.0) ** 0.5 * known[1]
        pitch_class = note.pitch % 12
        if self._last is not None:
            _, before, held = self._last
            if (pitch_class - before) % 12 in (1, 11) and held < weight and held < SHORT_S:
                self._weights[before] -= (1 - LEADING_FACTOR) * held
        self._weights *= math.exp(-note.duration_s / KEY_MEMORY_S)
        self._weights[pitch_class] += weight
        self._last = (note.onset_s, pitch_class, weight)

    def _present(self) -> Floats:
        """Weights of the pitch classes heard, with those still sounding."""
        weights = self._weights.copy()
        for note, factor in self._sounding.values():
            weights[note.pitch % 12] += min(max(self._time_s - note.onset_s, 0.05), 2.0) ** 0.5 * factor
        if self._first_pitch_class is not None and weights.sum() > 0:
            weights[self._first_pitch_class] += FIRST_BONUS * 0.4
        return np.maximum(weights, 0.0)

    def _find_key(self) -> Key | None:
        weights = self._present()
        if np.count_nonzero(weights) < 2:
            return self._key
        heard = np.sqrt(weights)
        heard = (heard - heard.mean()) / (heard.std() + 1e-9)
        fits = {key: float(heard @ template) / 12 for key, template in KEYS.items()}
        best = max(fits, key=lambda key: fits[key])
        total = sum(math.exp(KEY_SHARPNESS * (fit - fits[best])) for fit in fits.values())
        enough = 1 - math.exp(-float(weights.sum()) / 5)
        return Key(best[0], best[1], enough / total)

    def _find_chord(self) -> Chord | None:
        if not self._bar:
            return self._chord
        weights = np.zeros(12)
        start = self._bar[0][0]
        for onset_s, pitch_class, factor in self._bar:
            weights[pitch_class] += factor * (1.5 if onset_s == start else 0.7)
        heard = weights / weights.sum()
        fits = {(root, q): self._fit(heard, root, q) for root in map(int, np.flatnonzero(weights)) for q in GUESSES}
        best = max(fits, key=lambda chord: fits[chord])
        total = sum(math.exp(CHORD_SHARPNESS * (fit - fits[best])) for fit in fits.values())
        return Chord(best[0], best[1], min(0.95, 1 / total))

    def _fit(self, heard: Floats, root: int, quality: str) -> float:
        """How well this chord explains the segment; the key decides where the bass does not say."""
        tones = QUALITIES[quality]
        scale = self._scale()
        score = -EXTENSION_COST[quality]
        for interval in range(12):
            weight = float(heard[(root + interval) % 12])
            if interval in tones:
                score += weight * IN_CHORD.get(interval, CHORD_TONE)
            else:
                score += weight * (KEY_TONE if (root + interval) % 12 in scale else OUTSIDE)
        if scale:
            score += 0.12 * sum(1 if (root + tone) % 12 in scale else -1 for tone in tones[1:])
        return score

    def _scale(self) -> set[int]:
        if self._key is None:
            return set()
        return {(self._key.tonic + step) % 12 for step in SCALES[self._key.mode]}
