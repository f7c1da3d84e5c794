"""Keys and meters are read as musicians write them; what is none is one line."""

from __future__ import annotations

import pytest

from agent.core.errors import UserError
from agent.core.music_names import chord_name, class_name, key_name, key_of, meter_of
from listener.types import Chord, Meter


def test_keys_and_meters_are_read() -> None:
    names = {"Dm": (2, "min"), "F#": (6, "maj"), "C major": (0, "maj"), "bb": (10, "maj"), "a minor": (9, "min")}
    assert {name: (key_of(name).tonic, key_of(name).mode) for name in names} == names
    assert meter_of("7/8=2+2+3") == Meter(7, 8, (2, 2, 3))
    assert meter_of("12/8") == Meter(12, 8)


@pytest.mark.parametrize("text", ["H", "", "C dorian", "Cmm", "C##"])
def test_what_is_no_key_is_refused(text: str) -> None:
    with pytest.raises(UserError, match="give a major or minor key"):
        key_of(text)


@pytest.mark.parametrize("text", ["7", "7/9", "0/4", "99/4", "7/8=2+2+2", "7/8=0+7", "4/0", "x"])
def test_what_is_no_meter_is_refused(text: str) -> None:
    with pytest.raises(UserError, match="--meter"):
        meter_of(text)


@pytest.mark.parametrize(
    ("key", "notes"),
    [
        ("E", "E F# G# A B C# D#"),
        ("Db", "Db Eb F Gb Ab Bb C"),
        ("C#m", "C# D# E F# G# A B"),
        ("Bm", "B C# D E F# G A A#"),
        ("Fm", "F G Ab Bb C Db Eb E"),
    ],
)
def test_a_key_spells_its_notes_with_sharps_or_with_flats(key: str, notes: str) -> None:
    spelled = [
        class_name({"E": 4, "B": 11, "C": 0, "D": 2, "F": 5, "G": 7, "A": 9}[name[0]] + signs(name), key_of(key))
        for name in notes.split()
    ]
    assert spelled == notes.split()


def signs(name: str) -> int:
    return name.count("#") - name.count("b")


def test_keys_have_their_usual_names() -> None:
    names = ("C# minor", "Db major", "G# minor", "Ab major", "Eb minor", "F# major")
    assert tuple(key_name(key_of(name)) for name in names) == names


def test_a_chord_is_spelled_in_its_key() -> None:
    assert chord_name(Chord(8, "min", 1.0), key_of("E")) == "G#m"
    assert chord_name(Chord(8, "min", 1.0)) == "Abm"
