"""The player's own sound in a session: asked for, made from what was recorded, heard; a guest leaves none."""

from pathlib import Path

import numpy as np
import pytest
import soundfile
from rich.console import Console

from agent.core.config import load
from agent.core.messages import SetTechnique, SetVoice
from agent.core.paths import shipped, voice_path
from agent.directions.active import ActiveEdits, SetActiveEdits
from agent.language.parser import parse
from agent.memory.player_profile import without_player
from agent.recording import own_sound
from agent.recording.own_sound import OwnSound
from agent.session.monitor import Monitor
from agent.session.offline import OfflineSession
from agent.session.setup import Setup
from listener.types import Timbre
from tests.waiting import wait_for


@pytest.mark.slow
def test_a_guest_who_asks_for_their_sound_hears_it_and_leaves_none(tmp_path: Path) -> None:
    sound, rate = soundfile.read(shipped("take.flac"), dtype="float32")
    soundfile.write(tmp_path / "take.wav", sound[: 24 * rate], rate)
    lines = []
    for name, sentence in (("plain", "louder"), ("own", "answer in my sound")):
        setup = Setup(rate, None, 1, None, 0, tmp_path / "take.wav", None, "")
        session = OfflineSession(
            without_player(load()), setup, tmp_path / name, Monitor(Console(quiet=True), live=False)
        )
        session.tell(SetActiveEdits(ActiveEdits().ask(parse(sentence).edits)))
        assert session.run() == ()
        lines.append(soundfile.read(tmp_path / name / "line.wav")[0])
        assert not (tmp_path / name / own_sound.TEMPORARY).exists()
    assert np.abs(lines[1][18 * rate :]).max() > 0.01
    assert not np.allclose(lines[0][18 * rate : 22 * rate], lines[1][18 * rate : 22 * rate], atol=0.01)


def test_it_is_made_once_it_is_asked_for_and_enough_was_heard(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    made: list[Path] = []
    sent: list[SetVoice | SetTechnique] = []
    monkeypatch.setattr(own_sound, "make", lambda folder, target: made.append(target) or 20)
    own = OwnSound(tmp_path, "Ann", sent.append)
    own.heard(40, asked=False)
    assert not made
    own.heard(1, asked=True)
    wait_for(lambda: sent)
    own.heard(40, asked=True)
    own.close()
    assert sent == [SetVoice(str(voice_path("Ann")))]
    assert made == [voice_path("Ann")] * 2  # once when it was asked for, once at the end


def test_the_sound_of_a_file_is_not_kept_as_the_players(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setattr(own_sound, "make", lambda folder, target: target.touch() or 20)
    own = OwnSound(tmp_path, "Ann", lambda message: None, keeps=False)
    own.heard(40, asked=True, waits=True)
    assert own.again()
    own.close()
    assert not list(tmp_path.rglob("*.sf2"))


def test_it_is_played_as_the_player_plays_now(tmp_path: Path) -> None:
    sent: list[SetVoice | SetTechnique] = []
    own = OwnSound(tmp_path, "guest", sent.append)
    for technique in ("fingers", "fingers", "slap", "fingers", "mute", *["slap"] * 8):
        own.played([Timbre(0.0, 0.1, technique, 0.4, 900.0, None, None, -20.0, "mf", technique, 0.3)])
    assert sent == [SetTechnique("fingers"), SetTechnique("slap")] and own.again() == [SetTechnique("slap")]
