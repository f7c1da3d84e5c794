"""Keys and meters are read as musicians write them; what is none is one line."""

from __future__ import annotations

import pytest

from agent.core.errors import UserError
from agent.core.music_names import key_of, meter_of
from listener.types import Meter


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
