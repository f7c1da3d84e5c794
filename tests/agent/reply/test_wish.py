"""`models.responder` names the same weights in reply, make and workshop as in jam."""

from __future__ import annotations

from pathlib import Path

import pytest

from agent.__main__ import main
from agent.core.config import load
from agent.core.settings import Config
from agent.making import bass_writer
from agent.memory.player_profile import GUEST
from agent.reply.generation_options import open_responder
from agent.session.workshop import responder_for
from models.responder.responder import Responder, named
from tests.models.music.midi_cases import BASS, write


@pytest.mark.parametrize("name", ["lstm", "ssm"])
def test_the_workshop_loads_the_responder_that_the_config_names(name: str) -> None:
    config = load(None, {"models.responder": name})
    assert responder_for(config, GUEST).sha256 == Responder.load(named(name)).sha256


@pytest.mark.parametrize("name", ["lstm", "ssm"])
def test_so_do_reply_and_make(name: str) -> None:
    config = load(None, {"models.responder": name})
    assert open_responder(None, config).sha256 == open_responder(name, Config()).sha256


def test_reply_and_make_load_the_responder_that_the_config_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bass_writer, "DRAWS", 1)
    bass = write(tmp_path / "in.mid", [(BASS, [(b * 1.0, 0.5, 40 + b % 3) for b in range(8)])], (4, 4), 100.0)
    commands = {"reply": [str(bass)], "make": ["2 bars"]}
    for command, more in commands.items():
        by_config, by_option = (tmp_path / f"{command}-{n}.mid" for n in range(2))
        assert main([command, *more, "-o", str(by_config), "--set", "models.responder=lstm"]) == 0
        assert main([command, *more, "-o", str(by_option), "--model", "lstm"]) == 0
        assert by_config.read_bytes() == by_option.read_bytes(), command
