"""Where the program's folder cannot be written, compiled code has another place, which nobody else can write."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from agent.core.compiled_cache import VARIABLE, choose_cache


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A program folder that cannot be written."""
    monkeypatch.setenv(VARIABLE, "")
    monkeypatch.setenv("HOME", "/proc/nowhere")
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setattr("tempfile.gettempdir", lambda: str(tmp_path))
    real = os.access
    monkeypatch.setattr(os, "access", lambda path, mode: "listener" not in str(path) and real(path, mode))
    return tmp_path / "program"


def test_the_users_cache_comes_first_then_a_temporary_folder(program: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    choose_cache(program)
    assert os.environ[VARIABLE] == str(program.with_name(f"antiphon-{os.getuid()}"))
    monkeypatch.setenv(VARIABLE, "")
    monkeypatch.setenv("XDG_CACHE_HOME", str(program))
    choose_cache(program)
    assert os.environ[VARIABLE] == str(program / "antiphon")


def test_a_folder_that_others_can_write_is_not_used(program: Path) -> None:
    program.with_name(f"antiphon-{os.getuid()}").mkdir(mode=0o777)
    program.with_name(f"antiphon-{os.getuid()}").chmod(0o777)
    choose_cache(program)
    assert os.environ[VARIABLE] == ""
