"""What musicians call things: pitches, chords and keys as text."""

from __future__ import annotations

from collections.abc import Mapping

from listener.types import Chord, Key

PITCH_NAMES = ("C", "Db", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B")
QUALITY_NAMES: Mapping[str, str] = {"maj": "", "min": "m", "min7": "m7", "min6": "m6", "hdim7": "m7b5"}
MODE_NAMES: Mapping[str, str] = {"maj": "major", "min": "minor"}


def pitch_name(pitch: int) -> str:
    """E1 for MIDI 28: middle C, 60, is C4."""
    return f"{PITCH_NAMES[pitch % 12]}{pitch // 12 - 1}"


def chord_name(chord: Chord) -> str:
    """C, Am, G7 ... as on a lead sheet."""
    return PITCH_NAMES[chord.root] + QUALITY_NAMES.get(chord.quality, chord.quality)


def key_name(key: Key) -> str:
    """A minor, Eb major ..."""
    return f"{PITCH_NAMES[key.tonic]} {MODE_NAMES.get(key.mode, key.mode)}"
