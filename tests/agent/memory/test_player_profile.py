"""Whose session it is: a player's adapter is found and fits, a file is nobody's."""

from __future__ import annotations

from pathlib import Path

import pytest

from agent.core.config import load
from agent.core.paths import data_folder
from agent.memory.player_profile import nobodys, personal
from agent.memory.store import Memory


def test_a_file_is_nobodys() -> None:
    conversation = nobodys(load()).conversation
    assert (conversation.player, conversation.proposals) == ("guest", False)


def test_without_a_memory_nothing_is_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    assert personal(load()).models.adapter is None
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
    assert personal(load()).models.adapter is None
    assert "without what was practised" in caplog.text
