"""Harmony that follows a plan of its own for as long as it is asked for: over a pedal, suspended, or modal.

Each leaves what is remembered of the harmony as it was, and never comes to rest: friction within the key and its modes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from agent.parts.bar_chords import ChordAt
from agent.parts.song_key import SongKey
from agent.parts.voicing import floor_over
from models.music.tokens import QUALITIES

OVER_PEDAL = {
    "maj": (0, 5, 2, 0),
    "min": (0, 10, 8, 5),
}  # roots above the tonic, bar by bar, where the bass stays on it
PLANING = (1, 4, 1, 0, 1, 2, 4, 3)  # degree on which a stack of fourths stands, bar by bar of a phrase
MODAL_QUALITY = {"maj": "7", "min": "min7"}
PEDAL_OCTAVE = 48  # C3: the pedal lies in the octave from here, or over the bass
VOICES = 4


def pedal_pitch(key: SongKey, bass: int | None) -> int:
    """Return the pitch of the held tonic, out of the bass's octave."""
    low = max(PEDAL_OCTAVE, floor_over(bass, -1.0)) if bass is not None else PEDAL_OCTAVE
    return low + (max(key.tonic, 0) - low) % 12


def planned(name: str, chords: Sequence[ChordAt], key: SongKey, bar: int, bass: int | None) -> tuple[ChordAt, ...]:
    """Return a bar's chords as a plan has them. name: "pedal", "sus", "modal"; "" leaves them as they are."""
    if name == "pedal":
        return over_pedal(chords, key, bar)
    if name == "sus":
        return suspended(chords, key, bar)
    return modal(chords, key, bar, bass) if name == "modal" else tuple(chords)


def over_pedal(chords: Sequence[ChordAt], key: SongKey, bar: int) -> tuple[ChordAt, ...]:
    """Return what moves above a held tonic: the bar's chords, and where they are the tonic itself, neighbours of it.

    bar: of the phrase.
    """
    if key.tonic < 0:
        return tuple(chords)
    step = OVER_PEDAL[key.mode][bar % 4]
    root = (key.tonic + step) % 12

    def moved(chord: ChordAt) -> ChordAt:
        return replace(chord, root=root, quality=_triad(root, key), added=()) if chord.root == key.tonic else chord

    return tuple(map(moved, chords)) if step else tuple(chords)


def suspended(chords: Sequence[ChordAt], key: SongKey, bar: int) -> tuple[ChordAt, ...]:
    """Return the chords with a fourth for the third, every other bar with the second beside it. bar: of the phrase."""

    def sus(chord: ChordAt) -> ChordAt:
        second = (chord.root + 2) % 12
        return replace(chord, quality="sus4", added=(2,) if bar % 2 and second in key.scale else ())

    return tuple(map(sus, chords))


def modal(chords: Sequence[ChordAt], key: SongKey, bar: int, bass: int | None) -> tuple[ChordAt, ...]:
    """Return one chord on the tonic, laid out as a stack of fourths of the scale that moves in parallel bar by bar.

    bar: of the phrase; bass: the highest note of the bass, None = silent.
    """
    if not chords or key.tonic < 0:
        return tuple(chords)
    quality = MODAL_QUALITY[key.mode]
    if quality == "7" and (key.tonic + 10) % 12 not in key.scale:
        quality = "maj7"
    return (ChordAt(0, key.tonic, quality, (), _fourths(key, PLANING[bar % len(PLANING)], floor_over(bass, 0.0))),)


def _fourths(key: SongKey, degree: int, lowest: int) -> tuple[int, ...]:
    """Return VOICES pitches, each three steps of the scale above the one before (McCoy Tyner's, So What's layout)."""
    steps = sorted((pc - key.tonic) % 12 for pc in key.scale)
    out: list[int] = []
    for voice in range(VOICES):
        pc = (key.tonic + steps[(degree + 3 * voice) % len(steps)]) % 12
        start = out[-1] + 1 if out else lowest
        out.append(start + (pc - start) % 12)
    return tuple(out)


def _triad(root: int, key: SongKey) -> str:
    """Return the triad of the scale on a root, major where there is none."""
    for quality in ("maj", "min"):
        if all((root + step) % 12 in key.scale for step in QUALITIES[quality]):
            return quality
    return "maj"
