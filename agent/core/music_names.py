"""Turns pitches, chords and keys into the names musicians use, and such names of keys and meters back."""

from __future__ import annotations

import re
from collections.abc import Mapping

from agent.core.errors import UserError
from listener.types import Chord, Key, Meter

PITCH_NAMES = ("C", "Db", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B")
QUALITY_NAMES: Mapping[str, str] = {"maj": "", "min": "m", "min7": "m7", "min6": "m6", "hdim7": "m7b5"}
MODE_NAMES: Mapping[str, str] = {"maj": "major", "min": "minor"}


FIFTHS = ("Gb", "Db", "Ab", "Eb", "Bb", "F", "C", "G", "D", "A", "E", "B", "F#", "C#", "G#", "D#", "A#")  # from -6
FLATTEST = -6
BELOW_TONIC = 5  # fifths that a key's names reach: to the lowered second


def class_name(pitch_class: int, key: Key | None = None) -> str:
    """Return a pitch class's name as a key spells it: F# in D major, Gb in Db major. Neither double signs nor E#, B#,
    Cb and Fb are used. key: None = the commonest name."""
    if key is None:
        return PITCH_NAMES[pitch_class % 12]
    first = _fifths(key) - BELOW_TONIC
    at = first + (7 * pitch_class - first) % 12
    while at - FLATTEST >= len(FIFTHS):
        at -= 12
    return FIFTHS[(at if at >= FLATTEST else at + 12) - FLATTEST]


def _fifths(key: Key) -> int:
    """Return how many fifths a key's tonic, as it is usually named, lies above C: C# minor 7, Db major -5."""
    lowest = -3 if key.mode == "min" else -5
    return lowest + (7 * key.tonic - lowest) % 12


def pitch_name(pitch: int, key: Key | None = None) -> str:
    """Return a pitch's name: E1 for MIDI 28; middle C, 60, is C4. key: that spells it."""
    return f"{class_name(pitch % 12, key)}{pitch // 12 - 1}"


def chord_name(chord: Chord, key: Key | None = None) -> str:
    """Return a chord's name as on a lead sheet: C, Am, G7 ... key: that spells it."""
    return class_name(chord.root, key) + QUALITY_NAMES.get(chord.quality, chord.quality)


def key_name(key: Key) -> str:
    """Return a key's name: A minor, Eb major, C# minor, D dorian, E blues ..."""
    return f"{class_name(key.tonic, key)} {key.scale or MODE_NAMES.get(key.mode, key.mode)}"


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
