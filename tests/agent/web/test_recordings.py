"""The page lists, plays, names, marks, packs and deletes sessions, and reaches nothing else."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path

import mido
import numpy as np
import pytest
import soundfile as sf

from agent.core.errors import UserError
from agent.web.recordings import Mark, Notes, Recordings, marks_of

ONE = "20260102-030405"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "sessions" / ONE
    folder.mkdir(parents=True)
    (folder / "events.jsonl").write_text("{}\n")
    for name in ("mix", "bass", "drums"):
        sf.write(folder / f"{name}.wav", np.zeros((4800, 2)), 48_000)
    file = mido.MidiFile(ticks_per_beat=480)
    file.tracks.append(mido.MidiTrack([mido.MetaMessage("set_tempo", tempo=1_000_000)]))
    on, off = mido.Message("note_on", note=36, velocity=100, time=480), mido.Message("note_off", note=36, time=480)
    file.tracks.append(mido.MidiTrack([mido.MetaMessage("track_name", name="Drums"), on, off]))
    file.save(folder / "session.mid")
    (tmp_path / "secret.wav").write_text("secret")
    return tmp_path / "sessions"


def test_a_session_is_listed_with_what_there_is(root: Path) -> None:
    (one,) = Recordings(root).all()
    assert (one.session, one.seconds, one.mix) == (ONE, 0.1, "mix.wav")
    assert (one.stems, one.midi) == (("bass.wav", "drums.wav"), True)


def test_notes_are_in_seconds(root: Path) -> None:
    assert Recordings(root).notes(ONE) == Notes((("drums", 1.0, 2.0, 36, 100),), 2.0)


def test_the_zip_holds_midi_stems_and_mix(root: Path) -> None:
    with zipfile.ZipFile(io.BytesIO(b"".join(Recordings(root).zip(ONE)))) as archive:
        assert archive.testzip() is None
        names = {"bass.wav", "drums.wav", "mix.wav", "session.mid"}
        assert {name.split("/")[1] for name in archive.namelist()} == names


def test_names_and_marks_are_kept(root: Path) -> None:
    Recordings(root).label(ONE, "  the good\x1b one ", [Mark(9.0, "b"), Mark(1.0, "a")])
    (one,) = Recordings(root).all()
    assert one.name == "the good one"
    assert [mark.text for mark in one.marks] == ["a", "b"]


def test_marks_that_are_none_are_refused_in_a_line() -> None:
    assert marks_of([{"at_s": 12, "text": "the good bit"}]) == [Mark(12.0, "the good bit")]
    for given in (3, [3], [{"text": "where?"}], [{"at_s": "soon"}]):
        with pytest.raises(UserError, match="marks are a list"):
            marks_of(given)


@pytest.mark.parametrize("damage", ["{", "[]", "[" * 9000, json.dumps({"marks": 3, "name": 7})])
def test_a_damaged_label_is_no_label(root: Path, damage: str) -> None:
    (root / ONE / "label.json").write_text(damage)
    assert Recordings(root).all()[0].marks == ()


@pytest.mark.parametrize("session", ["..", ".", "", "/", "../..", ONE + "/..", ONE + "\0", "%2e%2e"])
def test_no_path_leads_out(root: Path, session: str) -> None:
    for ask in (lambda: Recordings(root).sound(session, "secret.wav"), lambda: Recordings(root).delete(session, "")):
        with pytest.raises(UserError):
            ask()
    with pytest.raises(UserError):
        Recordings(root).sound(ONE, f"../../{session}/secret.wav")
    assert (root.parent / "secret.wav").exists() and (root / ONE).exists()


def test_links_are_not_followed(root: Path) -> None:
    (root / "linked").symlink_to(root / ONE)
    (root / ONE / "out.wav").symlink_to(root.parent / "secret.wav")
    (root / ONE / "label.json").symlink_to(root.parent / "secret.wav")
    assert [one.session for one in Recordings(root).all()] == [ONE]
    with pytest.raises(UserError):
        Recordings(root).sound(ONE, "out.wav")
    Recordings(root).label(ONE, "named", None)
    assert (root.parent / "secret.wav").read_text() == "secret"


def test_the_session_that_plays_is_not_deleted(root: Path) -> None:
    with pytest.raises(UserError, match="being recorded"):
        Recordings(root).delete(ONE, playing=ONE)
    Recordings(root).delete(ONE, playing="")
    assert Recordings(root).all() == []
