"""Whatever is damaged: exit code 0, 1 or 2, one line, under 20 s and 1 GB, nothing outside the named folder."""

from __future__ import annotations

import random
import shutil
from pathlib import Path

import pytest

from tests.fuzz import child
from tests.fuzz.kinds import KINDS

FEW, MANY = 50, 1_000
ONCE_FAILED = (("memory", 441), ("memory", 783))
IN_ONE = 250  # cases of one test


def fuzz(kind: str, first: int, count: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run the cases of seeds first to first + count; the seeds that failed are named."""
    failed = []
    for seed in range(first, first + count):
        folder = tmp_path / f"case-{seed}"
        folder.mkdir()
        for name in ("HOME", "XDG_DATA_HOME", "XDG_STATE_HOME", "XDG_CONFIG_HOME"):
            monkeypatch.setenv(name, str(folder))
        command = KINDS[kind](folder, random.Random(f"{kind} {seed}"))
        outcome = child.run(command, folder)
        strangers = [path.name for path in tmp_path.iterdir() if path != folder]
        if not outcome.is_well or strangers:
            failed.append(f"seed {seed}: {outcome.code}, {strangers} {' | '.join(outcome.said)[-600:]}")
        shutil.rmtree(folder)
    assert not failed, "\n".join([f"{len(failed)} of {count}", *failed[:10]])


@pytest.fixture(scope="module", autouse=True)
def _everything_loaded() -> None:
    """Load and compile what the children need, once."""
    from agent.cli import diff, listen, recover, reply, sessions  # noqa: F401
    from agent.language import reply_text  # noqa: F401
    from agent.listen import file_listener
    from agent.memory import practice, session_files  # noqa: F401
    from agent.parts.groove_library import GrooveLibrary
    from agent.recording import piano_roll, recovery  # noqa: F401
    from agent.reply import multitrack, reply  # noqa: F401, F811
    from models.critic.critic import Critic

    GrooveLibrary.load()
    Critic.load()
    file_listener.warm_up()


@pytest.mark.parametrize("kind", KINDS)
def test_some_damaged_files(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fuzz(kind, 0, FEW, tmp_path, monkeypatch)


@pytest.mark.parametrize(("kind", "seed"), ONCE_FAILED)
def test_what_once_failed(kind: str, seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fuzz(kind, seed, 1, tmp_path, monkeypatch)


@pytest.mark.slow
@pytest.mark.parametrize("first", range(FEW, MANY, IN_ONE))
@pytest.mark.parametrize("kind", KINDS)
def test_a_thousand_damaged_files(kind: str, first: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fuzz(kind, first, min(IN_ONE, MANY - first), tmp_path, monkeypatch)
