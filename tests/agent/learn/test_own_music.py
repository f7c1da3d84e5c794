"""`antiphon learn FOLDER`: what can be used is used, the rest is named; it is used when it helps, and can be undone."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from agent.core.errors import UserError
from agent.core.paths import shipped
from agent.learn import own_music
from agent.memory import practice
from agent.memory.store import Memory
from models.corpus.song import save_songs
from models.responder import responder
from models.responder.net import ResponderConfig, ResponderNet
from tests.models.music.midi_cases import BASS, PIANO, song, write
from tests.models.training.test_responder import song as training_song

SMALL = ResponderConfig(hidden=16, layers=1, sound_dim=4, dropout=0.0, dials=True, foresee=True)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Six songs, a bass alone, a piano alone and a letter."""
    top = tmp_path / "mine"
    (top / "deep").mkdir(parents=True)
    for number in range(6):
        song(top / f"song{number}.mid", roots=(0, number + 1, 7, number % 3))
    write(top / "deep" / "bass.mid", [(BASS, [(beat / 2, 0.5, 33 + beat % 5) for beat in range(80)])])
    write(top / "piano.mid", [(PIANO, [(beat / 2, 0.5, p) for beat in range(80) for p in (60, 64)])])
    (top / "letter.mid").write_text("Dear bassist,")
    return top


@pytest.fixture
def memory(tmp_path: Path) -> Memory:
    return Memory(tmp_path / "data")


def test_what_can_be_used_is_used_and_the_rest_is_named(folder: Path) -> None:
    found = own_music.read(folder)
    assert {song.name for song in found.songs} == {*(f"song{n}.mid" for n in range(6)), "deep/bass.mid"}
    assert 0 < found.held_out < 4
    text = "\n".join(own_music.report(folder, found))
    assert "7 pieces" in text and "2 files are not" in text
    assert "deep/bass.mid: 10 bars of 4/4, bass alone" in text
    assert "not used  letter.mid: not readable as MIDI" in text


def test_one_song_alone_is_learned_and_none_held_out(tmp_path: Path) -> None:
    song(tmp_path / "only.mid")
    found = own_music.read(tmp_path)
    assert len(found.songs) == 1 and not found.held_out


@pytest.mark.parametrize("made", ["no folder", "an empty folder", "a letter"])
def test_a_folder_without_music_is_one_line_and_forgets_nothing(tmp_path: Path, memory: Memory, made: str) -> None:
    there = tmp_path / "there"
    if made != "no folder":
        there.mkdir()
    if made == "a letter":
        (there / "letter.mid").write_text("Dear bassist,")
    with pytest.raises(UserError, match="there: no"):
        own_music.learn(memory, memory.player("Ann"), there)
    with pytest.raises(UserError, match="nothing was learned"):
        own_music.undo(memory, memory.player("Ann"))


@pytest.mark.slow
def test_a_recording_of_a_bass_is_learned_by_ear() -> None:
    (piece,) = own_music.heard(shipped("take.flac"), "take.flac")
    assert piece.bars[-1] >= 8 and str(piece.meter) == "4/4" and not any(piece.has)
    assert (piece.events.bass[:, 0] >= 0).sum() > 40


@pytest.mark.slow
def test_what_helps_is_used_and_can_be_undone(folder: Path, memory: Memory, tmp_path: Path) -> None:
    torch.manual_seed(0)
    responder.save(tmp_path / "responder", ResponderNet(SMALL), {}, "untrained")
    save_songs(tmp_path / "corpus.npz", [training_song(10 + i) for i in range(4)])
    small = {"weights": tmp_path / "responder", "base": tmp_path / "corpus.npz", "steps": 60}
    ann = memory.player("Ann")
    _, process = own_music.learn(memory, ann, folder, **small)
    with pytest.raises(UserError, match="a practice is running"):
        own_music.learn(memory, ann, folder, **small)
    assert process.wait(300) == 0
    done = practice.result(memory, ann)
    assert done and done.held_out and done.is_used and done.after < done.before, practice.last_said(memory, ann)
    assert any("better foretold" in line for line in own_music.outcome(memory, ann))
    assert practice.ready(memory, ann).version == 1
    assert own_music.undo(memory, ann) == 0
    assert practice.ready(memory, ann).adapter is None and own_music.learned(memory, ann) is None
