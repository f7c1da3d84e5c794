"""Change the bass of a training piece, so that the band is not learned as a copy of it.

Composed pieces loop their basses, and in accompaniments made by rule the kick falls on every bass note. A player drops
notes, comes in late, moves an eighth over, walks, or plays an octave up: the band's parts stay, the bass is another.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from models.music.features import Ints
from models.music.tick_grid import Sounded, bass_rows
from models.music.tokens import QUALITIES

Bools = NDArray[np.bool_]
UNCHANGED_SHARE = 0.4  # of the pieces drawn
TWICE_SHARE = 0.3  # of the changed ones, changed in two ways
LOWEST, HIGHEST = 24, 60  # MIDI pitches of a bass
WALK_LOW = 28
TONES = [tuple(intervals) for intervals in QUALITIES.values()]


def notes_of(bass: Ints) -> list[Sounded]:
    """Return the notes of rows [T, 3] (onset pitch, velocity, sounding pitch)."""
    starts = np.flatnonzero(bass[:, 0] >= 0)
    stops = [*starts[1:].tolist(), len(bass)]
    found = []
    for start, stop in zip(starts.tolist(), stops, strict=False):  # none: no notes
        silent = np.flatnonzero(bass[start + 1 : stop, 2] != bass[start, 0])
        end = start + 1 + (int(silent[0]) if len(silent) else stop - start - 1)
        found.append(Sounded(start, end, int(bass[start, 0]), int(bass[start, 1])))
    return found


def dropped(bass: Ints, beat: Bools, chord: Ints, rng: np.random.Generator) -> Ints:
    """Leave out some of the notes, each with the same chance of a tenth to four tenths."""
    share = rng.uniform(0.1, 0.4)
    return bass_rows([n for n in notes_of(bass) if rng.random() > share], len(bass))


def shifted(bass: Ints, beat: Bools, chord: Ints, rng: np.random.Generator) -> Ints:
    """Move the whole bass by one or two ticks, either way: the same line, off the band's beat."""
    way = int(rng.choice([-2, -1, 1, 2]))
    return _moved(notes_of(bass), [way] * len(bass), len(bass))


def late(bass: Ints, beat: Bools, chord: Ints, rng: np.random.Generator) -> Ints:
    """Let some notes come a tick late."""
    share = rng.uniform(0.1, 0.4)
    notes = notes_of(bass)
    return _moved(notes, (rng.random(len(notes)) < share).astype(int).tolist(), len(bass))


def walking(bass: Ints, beat: Bools, chord: Ints, rng: np.random.Generator) -> Ints:
    """Walk in beats through the tones of the chord that holds, a step under or over the next root before it changes.

    The same bass where the piece has no chords.
    """
    at = np.flatnonzero(beat)
    if not (chord[at, 2] >= 0).any():
        return bass
    loud = int(np.median(bass[bass[:, 0] >= 0, 1])) if (bass[:, 0] >= 0).any() else 84
    notes, pitch, before = [], int(rng.integers(34, 44)), -1
    for index, tick in enumerate(at.tolist()):
        root, quality = int(chord[tick, 2]), int(chord[tick, 3])
        if root < 0:
            continue
        coming = int(chord[at[index + 1], 2]) if index + 1 < len(at) else root
        if root != before:
            goal = root
        elif coming not in (root, -1) and rng.random() < 0.6:
            goal = coming + int(rng.choice([-1, 1]))
        else:
            goal = root + int(rng.choice(TONES[quality]))
        pitch = _nearest(goal % 12, pitch + int(rng.integers(-3, 4)))
        end = int(at[index + 1]) if index + 1 < len(at) else tick + 4
        notes.append(Sounded(tick, end, pitch, int(np.clip(loud + rng.integers(-8, 9), 1, 127))))
        before = root
    return bass_rows(notes, len(bass))


def plain(bass: Ints, beat: Bools, chord: Ints, rng: np.random.Generator) -> Ints:
    """Keep of the bass what falls on every beat, or on every second one."""
    every = int(rng.choice([1, 2]))
    kept = set(np.flatnonzero(beat)[::every].tolist())
    return bass_rows([n for n in notes_of(bass) if n.start in kept], len(bass))


def register(bass: Ints, beat: Bools, chord: Ints, rng: np.random.Generator) -> Ints:
    """Play in another octave where that is still a bass."""
    out, way = bass.copy(), int(rng.choice([-12, 12]))
    for column in (0, 2):
        moved = bass[:, column] + way
        fits = (bass[:, column] >= 0) & (moved >= LOWEST) & (moved <= HIGHEST)
        out[:, column] = np.where(fits, moved, bass[:, column])
    return out


CHANGES: dict[str, Callable[[Ints, Bools, Ints, np.random.Generator], Ints]] = {
    "dropped": dropped,
    "shifted": shifted,
    "late": late,
    "walking": walking,
    "plain": plain,
    "register": register,
}


def changed(bass: Ints, beat: Bools, chord: Ints, rng: np.random.Generator) -> tuple[Ints, tuple[str, ...]]:
    """Return another bass for the same band, and the names of the changes; none in UNCHANGED_SHARE of the draws.

    bass [T, 3] and chord [T, 4] as in features.Events; beat [T]: whether the tick is on a beat.
    """
    if rng.random() < UNCHANGED_SHARE:
        return bass, ()
    count = 2 if rng.random() < TWICE_SHARE else 1
    names = tuple(str(name) for name in rng.choice(list(CHANGES), count, replace=False))
    for name in names:
        bass = CHANGES[name](bass, beat, chord, rng)
    return bass, names


def _moved(notes: list[Sounded], by: list[int], length: int) -> Ints:
    out = []
    for note, way in zip(notes, by, strict=False):
        if 0 <= note.start + way < length:
            out.append(Sounded(note.start + way, max(note.end + way, note.start + way + 1), note.pitch, note.velocity))
    return bass_rows(out, length)


def _nearest(pitch_class: int, pitch: int) -> int:
    """Return the pitch of this class nearest to `pitch`, in the range in which basses walk."""
    found = pitch + (pitch_class - pitch + 6) % 12 - 6
    while found < WALK_LOW:
        found += 12
    while found > WALK_LOW + 24:
        found -= 12
    return found
