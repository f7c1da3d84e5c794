"""Turns pitches, chords and keys into the names musicians use, and such names of keys and meters back."""

from __future__ import annotations

import re
from collections.abc import Mapping

from agent.core.errors import UserError
from listener.types import Chord, Key, Meter

PITCH_NAMES = ("C", "Db", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B")
QUALITY_NAMES: Mapping[str, str] = {"maj": "", "min": "m", "min7": "m7", "min6": "m6", "hdim7": "m7b5"}
MODE_NAMES: Mapping[str, str] = {"maj": "major", "min": "minor"}


def pitch_name(pitch: int) -> str:
    """Return a pitch's name: E1 for MIDI 28; middle C, 60, is C4."""
    return f"{PITCH_NAMES[pitch % 12]}{pitch // 12 - 1}"


def chord_name(chord: Chord) -> str:
    """Return a chord's name as on a lead sheet: C, Am, G7 ..."""
    return PITCH_NAMES[chord.root] + QUALITY_NAMES.get(chord.quality, chord.quality)


def key_name(key: Key) -> str:
    """Return a key's name: A minor, Eb major, D dorian, E blues ..."""
    return f"{PITCH_NAMES[key.tonic]} {key.scale or MODE_NAMES.get(key.mode, key.mode)}"


LETTERS = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}


ACCIDENTALS = {"": 0, "#": 1, "♯": 1, "b": -1, "♭": -1}


MODES = {"": "maj", "maj": "maj", "major": "maj", "M": "maj", "m": "min", "min": "min", "minor": "min"}


KEY = re.compile(r"([A-Ga-g])([#♯b♭]?)[ -]?([A-Za-z]*)")


METER = re.compile(r"(\d+)/(\d+)(?:\s*=\s*([\d+]+))?")


DENOMINATORS = (2, 4, 8, 16)


MOST_BEATS = 32


def key_of(text: str) -> Key:
    """Read a key such as Dm or 'C major'. Raises UserError for anything else."""
    match = KEY.fullmatch(text.strip())
    mode = match and MODES.get(match[3], MODES.get(match[3].lower() or "?"))
    if not match or not mode:
        raise UserError(f"--key {text}: give a major or minor key, such as Dm, F#, Bb or 'C major'")
    return Key((LETTERS[match[1].upper()] + ACCIDENTALS[match[2]]) % 12, mode, 1.0)


def meter_of(text: str) -> Meter:
    """Read a meter such as 7/8 or 7/8=2+2+3. Raises UserError for anything else, or a grouping that does not add up."""
    match = METER.fullmatch(text.strip())
    if not match or int(match[2]) not in DENOMINATORS or not 1 <= int(match[1]) <= MOST_BEATS:
        allowed = f"1 to {MOST_BEATS} over {', '.join(map(str, DENOMINATORS))}"
        raise UserError(f"--meter {text}: give {allowed}, such as 4/4, 7/8 or 7/8=2+2+3")
    grouping = tuple(int(part) for part in (match[3] or "").split("+") if part)
    if match[3] and (sum(grouping) != int(match[1]) or 0 in grouping):
        raise UserError(f"--meter {text}: the groups add up to {sum(grouping)}, not {match[1]}; such as 7/8=2+2+3")
    return Meter(int(match[1]), int(match[2]), grouping)
