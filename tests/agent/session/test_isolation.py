"""A part of the session that breaks costs itself its turn: the others have theirs, and it is told once."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from agent.core.config import load
from agent.core.errors import UserError
from agent.session.isolation import Isolation
from agent.session.live import Live
from agent.session.monitor import Monitor
from agent.session.setup import Setup

SETUP = Setup(48_000, None, 1, None, 0, None, None, "")


@pytest.fixture(autouse=True)
def quiet_log(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.CRITICAL)


def broken(*_: Any) -> None:
    raise LookupError("nothing there")


def test_a_mistake_is_told_once_for_each_kind_and_what_is_for_the_person_passes() -> None:
    told: list[str] = []
    turns: list[int] = []
    isolated = Isolation(told.append)
    for number in range(3):
        isolated(broken)
        isolated(turns.append, number)
    isolated(lambda: 1 / 0)
    assert turns == [0, 1, 2]
    assert [line.split(" ")[0] for line in told] == ["LookupError", "ZeroDivisionError"]
    with pytest.raises(UserError):
        isolated(lambda: (_ for _ in ()).throw(UserError("no such port")).__next__())


@pytest.fixture
def live(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Live]:
    """A session whose workers are not started."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    config = load(None, {"conversation.player": "guest", "paths.state": str(tmp_path)})
    made = Live(config, SETUP, tmp_path / "s", Monitor(None, live=False))
    yield made
    made.workers.end(0.0)
    made._inputs.close()


@pytest.mark.parametrize("part", ["_inputs", "_keys", "workers"])
def test_no_part_of_a_session_ends_it(live: Live, part: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(getattr(live, part), "poll", broken)
    asked: list[Live] = []
    live._on_turn = asked.append
    for _ in range(3):
        live._turn()
    assert asked == [live] * 3
    assert not live.ending
    (cause,) = live.status()["causes"]
    assert "nothing there" in cause


def test_an_end_that_breaks_half_way_ends_the_rest(live: Live, monkeypatch: pytest.MonkeyPatch) -> None:
    closed: list[str] = []
    monkeypatch.setattr(live.workers, "end", broken)
    monkeypatch.setattr(live, "_stop_audio", broken)
    monkeypatch.setattr(live._keys, "close", lambda: closed.append("keys"))
    live._finish(())
    assert closed == ["keys"]
    monkeypatch.undo()


def test_a_midi_system_that_does_not_answer_does_not_keep_the_end_from_being_written(
    live: Live, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = threading.Event()
    monkeypatch.setattr("agent.session.live.STOP_TIMEOUT_S", 0.05)
    monkeypatch.setattr("agent.session.caretaker.silence", lambda config: str(answers.wait(5)))
    dead = {"pid": None, "exitcode": -9, "is_alive": bool, "kill": bool, "join": lambda timeout: None}
    live.workers.audio.process = SimpleNamespace(**dead)
    live._stop_audio()
    assert "does not answer" in live.status()["causes"][-1]
    answers.set()
