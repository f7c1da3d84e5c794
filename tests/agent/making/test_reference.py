"""A reference gives a song its time, key, fullness and harmony; a session gives its riff, too."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from agent.core.errors import UserError
from agent.core.paths import shipped
from agent.making.brief_reader import brief_of
from agent.making.outline import Outline
from agent.making.reference import given_by


@pytest.fixture
def session(tmp_path: Path) -> Path:
    """Eight bars of eighths on A and G at 120, as a session's events have them."""
    meter = {"numerator": 4, "denominator": 4}
    lines = []
    for beat in range(40):
        row = {"type": "beat", "time_s": beat * 0.5, "position": beat % 4 + 1, "tempo_bpm": 120.0, "meter": meter}
        lines.append(row)
    for note in range(64):
        pitch = 33 if note // 8 % 2 == 0 else 31
        row = {"type": "note", "onset_s": note * 0.25, "pitch": pitch, "velocity": 90, "duration_s": 0.2}
        lines.append(row)
    lines.sort(key=lambda row: float(row.get("time_s", row.get("onset_s", 0.0))))
    (tmp_path / "events.jsonl").write_text("".join(json.dumps(row) + "\n" for row in lines))
    return tmp_path


def test_a_midi_file_gives_tempo_key_and_feel() -> None:
    given = given_by(shipped("take.mid"))
    assert given.quarter_bpm == pytest.approx(120, abs=1) and given.key is not None and given.swing
    assert given.cycle and not given.riff
    outline = Outline(brief_of(["30 seconds"]), 0, given)
    assert outline.quarter_bpm == 120 and outline.key.tonic == given.key.tonic


def test_words_overrule_a_reference() -> None:
    outline = Outline(brief_of(["90 bpm, in C major, 30 seconds"]), 0, given_by(shipped("take.mid")))
    assert (outline.quarter_bpm, outline.key.tonic, outline.key.mode) == (90, 0, "maj")


def test_a_session_gives_the_players_riff(session: Path) -> None:
    given = given_by(session)
    assert given.quarter_bpm == pytest.approx(120, abs=2)
    assert [[note.pitch for note in bar.notes] for bar in given.riff] == [[33] * 8, [31] * 8]


@pytest.mark.parametrize("what", ["missing.mid", "folder", "text.mid"])
def test_what_is_no_reference_is_one_line(what: str, tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "text.mid").write_text("no music")
    with pytest.raises(UserError, match="--like"):
        given_by(tmp_path / what)
