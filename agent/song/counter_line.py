"""The counter-line: silent until it has something to say; then motif, answer, rest.

A motif is rhythm and contour over two bars, taken from the riff or made new. It is stated, answered, moved with the
chords and transformed when its section comes back; every phrase of it ends.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from agent.song.bar_chords import ChordAt
from agent.song.bass_bar import BassBar, group_starts

LOW, HIGH = 74, 86  # MIDI: above the chord voicings; the highest notes of agent/band/voicing.py end there
HOME = 78
NOTES = (4, 7)  # of a motif
SILENT_BARS = 4  # of a section before the first motif
PATTERN = ("rest", "call", "rest", "answer", "call", "rest", "call", "answer")  # two bars each
VELOCITY = 84
CELLS: tuple[tuple[int, ...], ...] = (  # onsets in eighths; as long as two bars of 4/4
    (1, 2, 3, 4, 7),
    (4, 6, 7, 8),
    (3, 4, 6, 8),
    (0, 3, 4, 6),
    (2, 3, 4, 6, 8),
    (5, 6, 7, 8, 10),
    (4, 5, 6, 7, 8, 11),
    (1, 3, 4, 7, 8),
    (0, 1, 3, 4, 6, 8),
)


@dataclass(frozen=True, slots=True)
class MotifNote:
    """tick: from the start of two bars; length: in ticks; step: of the scale, from the motif's first note."""

    tick: int
    length: int
    step: int


@dataclass(frozen=True, slots=True)
class Motif:
    """source: "riff" or "new"."""

    notes: tuple[MotifNote, ...]
    source: str = "new"


@dataclass(frozen=True, slots=True)
class LineNote:
    """tick: of the bar; length: in ticks (may go over the bar line); pitch: MIDI; velocity."""

    tick: int
    length: int
    pitch: int
    velocity: int


def motifs_for(
    bass: Sequence[BassBar], rng: np.random.Generator, tries: int = 60, kept: int = 12
) -> list[tuple[float, Motif]]:
    """Return (worth, motif) of the best of many for two bars of a section, the best first.

    They lie in the bass's gaps, half on the beat, move by step and end.
    bass: the section's first bars. Empty where the meter leaves no room.
    """
    if not bass or bass[0].ticks < 6:
        return []
    ticks = bass[0].ticks
    onsets = {note.tick + i * ticks for i, bar in enumerate(bass[:2]) for note in bar.notes}
    beats = {start + i * ticks for i in (0, 1) for start in group_starts(bass[0].meter, ticks)}
    drawn = [motif for _ in range(tries) if (motif := _draw(bass, ticks, rng)) is not None]
    return sorted(((_worth(motif, onsets, beats, rng), motif) for motif in drawn), key=lambda one: -one[0])[:kept]


def _draw(bass: Sequence[BassBar], ticks: int, rng: np.random.Generator) -> Motif | None:
    own = [(note.tick, note.pitch) for note in bass[0].notes if note.tick % 2 == 0]
    if len(own) >= NOTES[0] and rng.random() < 0.5:  # the riff's own rhythm and contour, later and turned round
        shift = int(rng.choice([2, 4, 6]))
        picked = own[: int(rng.integers(NOTES[0], NOTES[1] + 1))]
        at = [tick + shift for tick, _ in picked]
        sign = int(rng.choice([-1, 1]))
        steps = [sign * int(np.clip(round((pitch - picked[0][1]) / 2), -4, 4)) for _, pitch in picked]
        source = "riff"
    else:
        cell = CELLS[int(rng.integers(len(CELLS)))]
        at = [2 * tick for tick in cell if 2 * tick < 2 * ticks - 2]
        steps, here = [0], 0
        for _ in at[1:]:
            here = int(np.clip(here + rng.choice([-2, -1, -1, 0, 1, 1, 2, 3]), -4, 5))
            steps.append(here)
        source = "new"
    if len(at) < NOTES[0] or at[-1] >= 2 * ticks - 2:
        return None
    lengths = [min(b - a, 4) for a, b in pairwise(at)]
    last = min(2 * ticks - at[-1], max(6, int(2 * np.median(lengths))))
    return Motif(tuple(MotifNote(t, n, s) for t, n, s in zip(at, [*lengths, last], steps, strict=True)), source)


def _worth(motif: Motif, onsets: set[int], beats: set[int], rng: np.random.Generator) -> float:
    at = [note.tick for note in motif.notes]
    steps = [note.step for note in motif.notes]
    moves = np.diff(steps)
    gaps = float(np.mean([tick not in onsets for tick in at]))
    on_beat = float(np.mean([tick in beats for tick in at]))
    leaps = float(np.mean(np.abs(moves) > 2)) if len(moves) else 0.0
    repeats = float(np.mean(moves == 0)) if len(moves) else 0.0
    arch = float(max(steps) > steps[-1])
    return (
        1.5 * gaps
        - abs(on_beat - 0.5)
        - leaps
        - 0.8 * max(repeats - 0.34, 0)
        + 0.4 * arch
        + 0.2 * (len(set(steps)) >= 3)
        + 0.2 * float(rng.standard_normal())
    )


def turn_of(bars_in_section: int, returns: int) -> tuple[str, int]:
    """Return (rest, call or answer; the bar 0 or 1 of its two) for a bar of a section that is here for the
    `returns`-th time (0: first)."""
    bar = bars_in_section if returns else bars_in_section - SILENT_BARS
    if bar < 0:
        return "rest", bar % 2
    pattern = PATTERN if not returns else (*PATTERN[3:], *PATTERN[:3])
    return pattern[bar // 2 % len(pattern)], bar % 2


def transformed(motif: Motif, turn: str, returns: int) -> Motif:
    """Return the motif as it is said now: an answer ends lower, a return is turned upside down or starts later."""
    notes = motif.notes
    if returns % 3 == 2:
        notes = tuple(replace(note, step=-note.step) for note in notes)
    if turn == "answer" and len(notes) > 2:
        notes = (*notes[:-2], replace(notes[-2], step=notes[-2].step - 1), replace(notes[-1], step=0))
    return Motif(notes, motif.source)


def line_of(
    motif: Motif,
    half: int,
    ticks: int,
    chords: Sequence[ChordAt],
    first_chord: ChordAt,
    scale: frozenset[int],
    beats: Sequence[int],
    level: float,
) -> tuple[LineNote, ...]:
    """Return the notes of one bar of a statement.

    half: which of its two bars. chords: of this bar. first_chord: that the statement began on: it places the motif.
    beats: ticks of the felt beats.
    """
    ladder = [pitch for pitch in range(LOW - 7, HIGH + 8) if pitch % 12 in scale]
    tones = [p for p in ladder if p % 12 in first_chord.tones] or ladder
    anchor = ladder.index(min(tones, key=lambda p: abs(p - HOME)))
    offset = motif.notes[0].step
    notes = []
    for note in motif.notes:
        if not half * ticks <= note.tick < (half + 1) * ticks:
            continue
        tick = note.tick - half * ticks
        pitch = ladder[min(max(anchor + note.step - offset, 0), len(ladder) - 1)]
        chord = next((c for c in reversed(chords) if c.tick <= tick), chords[0] if chords else None)
        if chord and (tick in beats or note is motif.notes[-1]) and pitch % 12 not in chord.tones:
            near = [p for p in range(pitch - 3, pitch + 4) if p % 12 in chord.tones]
            pitch = min(near, key=lambda p: (abs(p - pitch), p), default=pitch)
        while pitch > HIGH:
            pitch -= 12
        while pitch < LOW - 3:
            pitch += 12
        notes.append(
            LineNote(
                tick,
                note.length,
                pitch,
                int(min(max(VELOCITY * (1 + 0.13 * level) + (4 if tick in beats else 0), 20), 116)),
            )
        )
    return tuple(notes)
