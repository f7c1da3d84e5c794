"""The picture shows every note and every beat where they lie, and stands anything."""

from __future__ import annotations

from pathlib import Path

import matplotlib.image
import numpy as np
import pytest

from agent.core.music_names import chord_name
from agent.core.types import PlannedNote
from agent.recording.piano_roll import COLOURS, draw
from listener.types import Beat, Chord, Meter, Note

METER = Meter(4, 4)


def beats(count: int) -> list[Beat]:
    return [Beat(i * 0.5, 0.0, i % 4 + 1, 120.0, METER, 0.9) for i in range(count)]


def coloured(path: Path, colour: str) -> np.ndarray:
    """Columns (0-1 of the picture's width) below the legend with much of a colour at full strength."""
    picture = matplotlib.image.imread(path)[90:, :, :3]
    wanted = np.array([int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)])
    hits = (np.abs(picture - wanted).max(axis=2) < 0.02).sum(axis=0)
    return np.flatnonzero(hits > 2) / picture.shape[1]


def test_a_note_is_drawn_where_it_sounds(tmp_path: Path) -> None:
    path = tmp_path / "roll.png"
    band = [PlannedNote("line", 15.0, 16.0, 72, 127, 0), PlannedNote("chords", 2.0, 4.0, 60, 127, 0)]
    draw(path, [Note(5.0, 5.0, 1.0, 33, 127)], band, beats(41), [(0.0, Chord(9, "min", 1.0))], "test")
    for part, (start_s, end_s) in {"bass": (5.0, 6.0), "line": (15.0, 16.0), "chords": (2.0, 4.0)}.items():
        columns = coloured(path, COLOURS[part])
        expected = [0.055 + (0.99 - 0.055) * time_s / 20 for time_s in (start_s, end_s)]
        assert columns[0] == pytest.approx(expected[0], abs=0.002)
        assert columns[-1] == pytest.approx(expected[1], abs=0.002)


def test_a_long_session_is_wrapped(tmp_path: Path) -> None:
    heights = []
    for seconds in (20, 60, 200):
        draw(tmp_path / "roll.png", [], [], beats(seconds * 2), [], "test")
        heights.append(matplotlib.image.imread(tmp_path / "roll.png").shape[0])
    assert heights[0] < heights[1] < heights[2] < 10_000


def test_an_empty_session_is_a_picture_too(tmp_path: Path) -> None:
    draw(tmp_path / "roll.png", [], [], [], [], "nothing")
    assert matplotlib.image.imread(tmp_path / "roll.png").shape[1] == 1600


def test_chords_are_named_as_on_a_lead_sheet() -> None:
    chords = [Chord(0, "maj", 1.0), Chord(9, "min", 1.0), Chord(7, "7", 1.0), Chord(10, "maj7", 1.0)]
    assert [chord_name(chord) for chord in chords] == ["C", "Am", "G7", "Bbmaj7"]
