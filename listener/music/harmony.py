"""Find chord and key from the bass alone: step(time_s, notes, ended, grid, revised) -> (Chord | None, Key | None).

A hidden Markov model over 36 triads, filtered forward (Sheh and Ellis, Chord segmentation and recognition using
EM-trained hidden Markov models, ISMIR 2003, for full bands): harmony changes at pulses, most at the bar line; each note
is evidence for the chords it belongs to, weighed by its metrical place, so confidence is a probability. A short weak
note that turns out to lead by a semitone into the next is withdrawn, so chromatic passing notes do not change the
chord.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from listener.music.feel import pulse_near
from listener.music.key import KeyFinder
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
KINDS = ("maj", "min", "dim")  # what the model distinguishes; a seventh is added when it was played
SEVENTHS = {("maj", 10): "7", ("maj", 11): "maj7", ("min", 10): "min7", ("dim", 10): "min7b5"}

# share of the notes on each step above the root, by place in the bar (counted like the tables of key.py, smoothed)
DOWN, MIDDLE, ON, OFF = range(4)
NOTE_SHARE = {
    (DOWN, "maj"): (0.800, 0.008, 0.012, 0.006, 0.035, 0.012, 0.006, 0.085, 0.006, 0.010, 0.010, 0.010),
    (DOWN, "min"): (0.800, 0.008, 0.010, 0.040, 0.004, 0.014, 0.008, 0.075, 0.008, 0.006, 0.020, 0.007),
    (MIDDLE, "maj"): (0.390, 0.012, 0.020, 0.012, 0.085, 0.025, 0.012, 0.370, 0.010, 0.028, 0.018, 0.018),
    (MIDDLE, "min"): (0.390, 0.012, 0.020, 0.085, 0.008, 0.040, 0.012, 0.360, 0.016, 0.012, 0.035, 0.010),
    (ON, "maj"): (0.430, 0.018, 0.030, 0.014, 0.120, 0.035, 0.018, 0.250, 0.014, 0.035, 0.018, 0.018),
    (ON, "min"): (0.440, 0.018, 0.035, 0.115, 0.010, 0.040, 0.018, 0.230, 0.022, 0.014, 0.043, 0.015),
    (OFF, "maj"): (0.400, 0.024, 0.045, 0.020, 0.090, 0.040, 0.022, 0.250, 0.020, 0.040, 0.024, 0.025),
    (OFF, "min"): (0.410, 0.024, 0.045, 0.080, 0.016, 0.045, 0.022, 0.240, 0.026, 0.020, 0.047, 0.025),
}
PLACE_WEIGHT = {DOWN: 1.0, MIDDLE: 0.8, ON: 0.7, OFF: 0.45}  # powers: the notes of a chord are not independent
CHANGE = {DOWN: 0.60, MIDDLE: 0.21, ON: 0.07}  # chance of another chord at a pulse
CHANGE_UNKNOWN = 0.20  # where the bar is not known
MOTION = (0.010, 0.025, 0.150, 0.040, 0.030, 0.310, 0.010, 0.210, 0.040, 0.060, 0.100, 0.035)  # of the root, up
PASSING_PULSES, PASSING_KEPT = 1.1, 0.15
SURE_GRID = 0.4
PULSE_S = 0.6  # without a grid
RECENT_NOTES = 16
KEEP_RATIO = 1.15  # another chord is said when it is this much likelier
TONE_MEMORY = 0.75  # of the tones heard, per pulse
SEVENTH_SHARE = 0.15
PEDAL_PULSES, PEDAL_SHARE, PEDAL_COLOURS = 8, 0.5, 2


def _note_tables() -> Floats:
    """Return log shares [place, pitch class, 12 roots, 3 kinds]."""
    out = np.zeros((4, 12, 12, len(KINDS)))
    for place in range(4):
        for k, kind in enumerate(KINDS):
            share = np.array(NOTE_SHARE[place, "maj" if kind == "maj" else "min"])
            if kind == "dim":
                share[[6, 7]] = share[[7, 6]]
            log = np.log(share / share.sum())
            for pitch_class in range(12):
                out[place, pitch_class, :, k] = log[(pitch_class - np.arange(12)) % 12]
    return out


NOTES = _note_tables()
MOVES = np.array([np.roll(MOTION, root) for root in range(12)])  # [from root, to root]


@dataclass(frozen=True, slots=True)
class _Vote:
    """The evidence one note gave. pulse_s: the period of the pulse at that time."""

    onset_s: float
    pitch: int
    place: int
    weight: float
    pulse_s: float


class Harmony:
    """Follows chord and key; give it every frame. An answer holds until a better one is found."""

    def __init__(self) -> None:
        self.keys = KeyFinder()
        self._belief = np.full((12, len(KINDS)), 1 / 36)
        self._tones = np.zeros(12)
        self._votes: deque[_Vote] = deque(maxlen=RECENT_NOTES)
        self._pulses: deque[tuple[int, ...]] = deque(maxlen=PEDAL_PULSES)  # pitches begun in each of the last pulses
        self._pulse_s = -np.inf  # the pulse last passed
        self._chord: Chord | None = None

    def step(
        self,
        time_s: float,
        notes: tuple[Note, ...],
        ended: tuple[Note, ...],
        grid: Grid | None,
        revised: tuple[Note, ...] = (),
    ) -> tuple[Chord | None, Key | None]:
        """Read one frame.

        time_s: its end; notes: newly named; ended: completed; grid: the beat grid, if any; revised: named earlier,
        their pitch now corrected.
        """
        known = grid if grid is not None and grid.confidence >= SURE_GRID else None
        for note in notes:
            if note.articulation != "ghost":
                self._hear(note, known)
        for note in (*revised, *ended):
            self._correct(note)
        for note in ended:
            self._end(note)
        if notes or ended or revised:
            self._chord = self._name()
        return self._chord, self.keys.key

    def _hear(self, note: Note, grid: Grid | None) -> None:
        place, beat_s, pulse_s = self._place(note.onset_s, grid)
        if beat_s > self._pulse_s + 0.5 * pulse_s:
            self._pass(beat_s, pulse_s, grid)
        if self._votes:
            self._judge_passing(self._votes[-1], note)
        vote = _Vote(note.onset_s, note.pitch, place, PLACE_WEIGHT[place], pulse_s)
        self._votes.append(vote)
        self._pulses[-1] = (*self._pulses[-1], note.pitch)
        self._say(vote, 1.0)
        self.keys.begin(note.pitch % 12, place == DOWN)

    def _place(self, onset_s: float, grid: Grid | None) -> tuple[int, float, float]:
        """Return (place in the bar, time of the pulse it lies in, period of the pulse)."""
        if grid is None:
            return ON, onset_s // PULSE_S * PULSE_S, PULSE_S
        meant_s = onset_s - grid.behind_s
        beat_s, pulse_s = pulse_near(grid, meant_s)
        off = (meant_s - beat_s) / pulse_s
        if abs(off) > 0.16:
            return OFF, beat_s if off > 0 else beat_s - pulse_s, pulse_s
        return self._pulse_kind(beat_s, grid), beat_s, pulse_s

    def _pulse_kind(self, beat_s: float, grid: Grid) -> int:
        """Return DOWN, MIDDLE or ON."""
        position, numerator = grid.position_of(round(grid.beat_at(beat_s))), grid.meter.numerator
        if grid.meter_confidence < SURE_GRID:
            return ON
        half = numerator % 2 == 0 and position == numerator // 2 + 1
        return DOWN if position == 1 else MIDDLE if half else ON

    def _pass(self, beat_s: float, pulse_s: float, grid: Grid | None) -> None:
        """Let the pulses up to the one at beat_s pass; at each the chord may have changed."""
        count = 1 if np.isinf(self._pulse_s) else max(1, min(PEDAL_PULSES, round((beat_s - self._pulse_s) / pulse_s)))
        for i in range(count - 1, -1, -1):
            self.keys.pulse(self._belief)
            self._change(self._chance(beat_s - i * pulse_s, grid))
            self._tones *= TONE_MEMORY
            self._pulses.append(())
        self._pulse_s = beat_s

    def _chance(self, beat_s: float, grid: Grid | None) -> float:
        if grid is None:
            return CHANGE_UNKNOWN
        sure = grid.meter_confidence if grid.meter_confidence >= SURE_GRID else 0.0
        return sure * CHANGE[self._pulse_kind(beat_s, grid)] + (1 - sure) * CHANGE_UNKNOWN

    def _change(self, chance: float) -> None:
        moved = (self._belief.sum(1) @ MOVES)[:, None] * self.keys.chord_prior()
        self._belief = (1 - chance) * self._belief + chance * moved / moved.sum()

    def _say(self, vote: _Vote, share: float) -> None:
        """Count a note as evidence; a negative share withdraws it."""
        belief = self._belief * np.exp(share * vote.weight * NOTES[vote.place, vote.pitch % 12])
        self._belief = np.maximum(belief / belief.sum(), 1e-9)
        self._tones[vote.pitch % 12] = max(0.0, self._tones[vote.pitch % 12] + share * vote.weight)

    def _judge_passing(self, vote: _Vote, after: Note) -> None:
        """Withdraw the evidence of a short weak note that led by a semitone into the next one."""
        short = after.onset_s - vote.onset_s < PASSING_PULSES * vote.pulse_s
        leads = abs(after.pitch - vote.pitch) == 1 and vote.place in (ON, OFF)
        foreign = vote.pitch % 12 not in self.keys.scale() or vote.place == OFF
        if short and leads and foreign:
            self._say(vote, PASSING_KEPT - 1)
            self._votes[-1] = replace(vote, weight=PASSING_KEPT * vote.weight)

    def _correct(self, note: Note) -> None:
        """Replace the evidence of a note whose pitch was corrected."""
        for i, vote in enumerate(self._votes):
            if vote.onset_s == note.onset_s and vote.pitch != note.pitch:
                self._say(vote, -1.0)
                self._votes[i] = replace(vote, pitch=note.pitch)
                self._say(self._votes[i], 1.0)

    def _end(self, note: Note) -> None:
        vote = next((v for v in self._votes if v.onset_s == note.onset_s), None)
        if vote is not None and note.duration_s is not None:
            length = min(note.duration_s, 2.0) ** 0.5
            self.keys.note(note.pitch % 12, length * vote.weight * (1.6 if vote.place == DOWN else 1.0))

    def _name(self) -> Chord | None:
        if not self._votes:
            return self._chord
        roots = self._belief.sum(1)
        root = int(roots.argmax())
        if self._chord is not None and roots[root] < KEEP_RATIO * roots[self._chord.root]:
            root = self._chord.root
        kind = KINDS[int(self._belief[root].argmax())]
        third = float(self._belief[root].max() / roots[root])
        motion = self._chord.motion if self._chord is not None else None
        if self._chord is not None and self._chord.root != root:
            motion = (root - self._chord.root + 5) % 12 - 5
        return Chord(root, self._quality(root, kind), float(roots[root]), third, motion, self._pedal())

    def _quality(self, root: int, kind: str) -> str:
        total = float(self._tones.sum())
        for (of, step), name in SEVENTHS.items():
            if of == kind and self._tones[(root + step) % 12] > SEVENTH_SHARE * total:
                return name
        return kind

    def _pedal(self) -> int | None:
        """Return the pitch class of a low note that keeps coming back under tones that no one chord explains."""
        pitches = [pitch for pulse in self._pulses for pitch in pulse]
        if len(self._pulses) < PEDAL_PULSES or not pitches:
            return None
        low = min(pitches)
        above = {pitch % 12 for pitch in pitches} - {low % 12}
        often = sum(low in pulse for pulse in self._pulses) >= PEDAL_SHARE * PEDAL_PULSES
        return low % 12 if often and len(above) >= PEDAL_COLOURS and not _one_chord(above | {low % 12}) else None


def _one_chord(pitch_classes: set[int]) -> bool:
    """Return whether some chord has all these tones."""
    chords = ({(root + step) % 12 for step in steps} for root in range(12) for steps in QUALITIES.values())
    return any(pitch_classes <= chord for chord in chords)
