"""`voice` chooses octave and inversion of a chord so that it moves as little as possible from the last one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import product

LOW, HIGH = 52, 74  # E3 to D5: above the bass, below most lines
CENTRE = 62.0


def voice(root: int, intervals: Sequence[int], previous: Sequence[int] = ()) -> tuple[int, ...]:
    """Return the pitches (MIDI, rising) of a chord on pitch class `root`, 3 or 4 voices within LOW..HIGH.

    Of all placements of its tones, the one with the least voice-leading distance to `previous` (the sum of
    each voice's step; Tymoczko, "The Geometry of Musical Chords", 2006), then the one nearest the centre.
    """
    classes = [(root + interval) % 12 for interval in intervals][:4]
    places = [[p for p in range(LOW, HIGH + 1) if p % 12 == pitch_class] for pitch_class in classes]
    candidates = {tuple(sorted(chosen)) for chosen in product(*places) if _playable(sorted(chosen))}
    return min(sorted(candidates), key=lambda c: (_distance(c, previous), abs(sum(c) / len(c) - CENTRE)))


def _playable(pitches: Sequence[int]) -> bool:
    return len(set(pitches)) == len(pitches) and pitches[-1] - pitches[0] <= 16


def _distance(pitches: Sequence[int], previous: Sequence[int]) -> float:
    """Return the sum of each voice's semitones to the nearest of the last chord's; 0 when nothing came before."""
    return sum(min((abs(p - q) for q in previous), default=0) for p in pitches)


def intervals_of(quality: str, table: Mapping[str, Sequence[int]]) -> Sequence[int]:
    """Return the quality's semitones above the root; an unknown quality is played as root, fifth and octave."""
    return table.get(quality, (0, 7, 12))
