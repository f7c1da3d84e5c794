"""A player's adapter is found and fits; with a file as input nobody is remembered."""

from __future__ import annotations

from pathlib import Path

import pytest

from agent.core.config import load
from agent.core.paths import data_folder
from agent.memory.player_profile import with_player_adapter, without_player
from agent.memory.store import Memory


def test_a_file_as_input_plays_as_a_guest() -> None:
    conversation = without_player(load()).conversation
    assert (conversation.player, conversation.proposals) == ("guest", False)


def test_without_a_memory_nothing_is_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    assert with_player_adapter(load()).models.adapter is None
    assert list(tmp_path.rglob("*")) == []


def test_an_adapter_that_does_not_fit_is_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    memory = Memory(data_folder())
    stem = tmp_path / "adapter-1"
    stem.with_suffix(".json").write_text("{}")
    memory.adapted(memory.player("player"), str(stem), {})
    memory.close()
    assert with_player_adapter(load()).models.adapter is None
    assert "without the player's adapter" in caplog.text
