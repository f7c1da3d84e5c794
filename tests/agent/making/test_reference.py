"""A reference gives a song its time, key, fullness and harmony; a session gives its riff, too."""

from __future__ import annotations

import json
from pathlib import Path

import mido
import pytest

from agent.core.errors import UserError
from agent.core.paths import shipped
from agent.making.brief_reader import brief_of
from agent.making.outline import Outline
from agent.making.reference import given_by, going_on_from
from tests.models.music.midi_cases import BASS, write


def written(folder: Path, notes: list[tuple[float, int]], beats: int) -> Path:
    """Write a session's events: notes (seconds, MIDI pitch) on beats of 120 in 4/4; return its folder."""
    meter = {"numerator": 4, "denominator": 4}
    lines: list[dict[str, object]] = [
        {"type": "beat", "time_s": beat * 0.5, "position": beat % 4 + 1, "tempo_bpm": 120.0, "meter": meter}
        for beat in range(beats)
    ]
    lines += [
        {"type": "note", "onset_s": onset_s, "pitch": pitch, "velocity": 90, "duration_s": 0.2}
        for onset_s, pitch in notes
    ]
    lines.sort(key=lambda row: float(str(row.get("time_s", row.get("onset_s")))))
    (folder / "events.jsonl").write_text("".join(json.dumps(row) + "\n" for row in lines))
    return folder


EIGHTHS = [(note * 0.25, 33 if note // 8 % 2 == 0 else 31) for note in range(64)]  # eight bars on A and G


@pytest.fixture
def session(tmp_path: Path) -> Path:
    """Eight bars of eighths on A and G at 120, as a session's events have them."""
    return written(tmp_path, EIGHTHS, 40)


def test_a_midi_file_gives_tempo_key_and_feel() -> None:
    given = given_by(shipped("take.mid"))
    # its first beat alone is written at 120
    assert given.quarter_bpm == pytest.approx(104.8, abs=0.5) and given.key is not None and given.swing
    assert given.cycle and not given.riff
    outline = Outline(brief_of(["30 seconds"]), 0, given)
    assert outline.quarter_bpm == round(given.quarter_bpm) and outline.key.tonic == given.key.tonic


def test_words_overrule_a_reference() -> None:
    outline = Outline(brief_of(["90 bpm, in C major, 30 seconds"]), 0, given_by(shipped("take.mid")))
    assert (outline.quarter_bpm, outline.key.tonic, outline.key.mode) == (90, 0, "maj")


def test_a_session_gives_the_players_riff(session: Path) -> None:
    given = given_by(session)
    assert given.quarter_bpm == pytest.approx(120, abs=2)
    assert [[note.pitch for note in bar.notes] for bar in given.riff] == [[33] * 8, [31] * 8]


def test_a_session_with_two_riffs_gives_both(session: Path) -> None:
    assert not given_by(session).other
    bars = [(16.0 + 2 * bar + beat * 0.5, pitch) for bar in range(8) for beat, pitch in ((0, 29), (1.5, 41), (3, 36))]
    given = given_by(written(session, EIGHTHS + bars, 68))
    assert [[note.tick for note in bar.notes] for bar in given.riff] == [list(range(0, 16, 2))] * 2
    assert [[note.tick for note in bar.notes] for bar in given.other] == [[0, 6, 12]] * 2
    assert len(given.other_cycle) == 2 and given.other_cycle[0][0] != given.cycle[0][0]


def test_a_song_goes_on_from_the_last_bars_of_a_file(tmp_path: Path) -> None:
    """Twelve bars of C and G, then eight of D and A and a long note: these are what counts."""
    roots = [36, 31] * 6 + [38, 33] * 4
    notes = [(4.0 * bar + beat, 1.0, root) for bar, root in enumerate(roots) for beat in range(4)]
    file = write(tmp_path / "in.mid", [(BASS, [*notes, (80.0, 4.0, 38)])], (4, 4), 96.0)
    given = going_on_from(file)
    assert given.quarter_bpm == pytest.approx(96, abs=0.1) and given.key is not None
    assert [[note.pitch for note in bar.notes] for bar in given.riff] == [[38] * 4, [33] * 4]
    outline = Outline(brief_of(["32 bars"]), 0, given)
    assert outline.form.parts[0].role == "verse" and sum(part.bars for part in outline.form.parts) == 32


def test_the_key_that_a_file_says_is_believed(tmp_path: Path) -> None:
    """A bass on G and C alone may be in either key."""
    file = write(tmp_path / "in.mid", [(BASS, [(float(beat), 1.0, (31, 36)[beat % 2]) for beat in range(32)])])
    keys = set()
    for signature in ("G", "F"):
        midi = mido.MidiFile(file)
        midi.tracks[0].insert(0, mido.MetaMessage("key_signature", key=signature))
        midi.save(tmp_path / f"{signature}.mid")
        given = going_on_from(tmp_path / f"{signature}.mid")
        assert given.key
        keys.add((given.key.tonic, given.key.mode))
    assert keys == {(7, "maj"), (5, "maj")}


@pytest.mark.parametrize("what", ["missing.mid", "folder", "text.mid"])
def test_what_is_no_reference_is_one_line(what: str, tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "text.mid").write_text("no music")
    with pytest.raises(UserError, match="--like"):
        given_by(tmp_path / what)
