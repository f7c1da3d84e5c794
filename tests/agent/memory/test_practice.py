"""After a session: practice in the background, one at a time, taken up when it helped; a guest leaves no trace."""

from __future__ import annotations

import os
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from agent.memory import practice
from agent.memory.store import Memory
from models.corpus.played_pieces import kept as kept_in
from models.corpus.played_pieces import played
from models.corpus.song import save_songs
from models.responder import responder
from models.responder.net import ResponderConfig, ResponderNet
from models.responder.responder import Responder
from tests.models.training.test_responder import song
from tests.waiting import wait_for

SMALL = ResponderConfig(hidden=16, layers=1, sound_dim=4, dropout=0.0, dials=True, foresee=True)
PIECES = [list(played(song(i))) for i in range(4)]


@pytest.fixture
def memory(tmp_path: Path) -> Memory:
    return Memory(tmp_path / "data")


@pytest.fixture
def options(tmp_path: Path) -> dict[str, object]:
    torch.manual_seed(0)
    responder.save(tmp_path / "responder", ResponderNet(SMALL), {}, "untrained")
    save_songs(tmp_path / "corpus.npz", [song(10 + i) for i in range(4)])
    return {"weights": tmp_path / "responder", "base": tmp_path / "corpus.npz", "steps": 60}


def give(memory: Memory, player_id: int, liked: bool = True) -> None:
    session = memory.begin(player_id)
    for number, piece in enumerate(PIECES):
        practice.keep(memory, player_id, session, number, piece, liked)


def test_a_guest_leaves_no_trace(tmp_path: Path) -> None:
    assert practice.keep(None, 0, 0, 1, PIECES[0], True) is None
    assert practice.practise(None, 0) is None and practice.take_up(None, 0) is None
    assert practice.ready(None, 0).adapter is None and not list(tmp_path.iterdir())


def test_with_too_little_heard_there_is_nothing_to_practise(memory: Memory) -> None:
    ann = memory.player("Ann")
    assert practice.practise(memory, ann) is None
    practice.keep(memory, ann, memory.begin(ann), 1, PIECES[0], True)
    assert practice.practise(memory, ann) is None


@pytest.mark.slow
def test_it_runs_behind_at_the_lowest_priority_and_is_there_next_time(
    memory: Memory, options: dict[str, object]
) -> None:
    ann, ben = memory.player("Ann"), memory.player("Ben")
    give(memory, ann)
    give(memory, ben)
    began = time.monotonic()
    process = practice.practise(memory, ann, **options)
    assert process is not None and time.monotonic() - began < 5
    assert practice.practise(memory, ann, **options) is None, "one at a time"
    wait_for(lambda: process.poll() is not None or os.sched_getscheduler(process.pid) == os.SCHED_IDLE, 60)
    log = practice.folder_of(memory, ann) / "practice.log"
    assert process.wait(500) == 0, log.read_text()
    ready = practice.ready(memory, ann)
    assert ready.version == 1 and ready.adapter
    Responder.load(options["weights"], ready.adapter)  # type: ignore[arg-type]
    assert practice.ready(memory, ben).adapter is None, "another player's adapter is not used"
    memory.roll_back(ann)
    assert practice.ready(memory, ann).adapter is None


def test_an_adapter_that_is_no_gain_is_not_taken_up(memory: Memory) -> None:
    ann = memory.player("Ann")
    folder = practice.folder_of(memory, ann)
    folder.mkdir(parents=True)
    (folder / "adapter-1.json").write_text('{"config": {"scores": {"you": [2.0, 1.999], "base": [3.0, 3.0]}}}')
    assert practice.take_up(memory, ann) is None and memory.adapter(ann) is None and not list(folder.glob("adapter*"))
    said = practice.result(memory, ann)
    assert said and not said.is_used
    (folder / "adapter-1.json").write_text('{"config": {"scores": {"you": [2.0, 1.5], "base": [3.0, 3.0]}}}')
    assert practice.take_up(memory, ann) == 1


def test_what_was_not_liked_is_kept_for_the_players_own_line_alone(memory: Memory) -> None:
    ann = memory.player("Ann")
    give(memory, ann, liked=False)
    kept = kept_in(practice.folder_of(memory, ann) / "material")
    assert len(kept) == 4 and all(one.has == (False, False, False) and one.events.known.all() for one in kept)


def test_a_session_ends_with_its_takes_kept_and_practice_begun(memory: Memory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Take 1 was praised, 2 passed over, 3 is what the player ended with."""
    begun: list[int] = []
    monkeypatch.setattr(practice, "practise", lambda _, player_id: begun.append(player_id))
    ann = memory.player("Ann")
    session = memory.begin(ann)
    memory.judged(session, "take", 1, "liked")
    takes = [
        SimpleNamespace(number=number, played=[SimpleNamespace(place=p, bass=b, reply=r) for p, b, r in piece])
        for number, piece in enumerate(PIECES[:3], 1)
    ]
    practice.finish(memory, ann, session, takes)  # type: ignore[arg-type]
    kept = kept_in(practice.folder_of(memory, ann) / "material")
    assert [any(one.has) for one in kept] == [True, False, True] and begun == [ann]
    practice.finish(None, 0, 0, takes)  # type: ignore[arg-type]
    assert begun == [ann]


def test_forgetting_a_session_takes_its_material_with_it(memory: Memory) -> None:
    ann = memory.player("Ann")
    give(memory, ann)
    give(memory, ann)
    first = memory.sessions(ann)[-1]["id"]
    practice.forget(memory, ann, first)
    names = [path.name for path in (practice.folder_of(memory, ann) / "material").iterdir()]
    assert len(names) == 4 and not any(name.startswith(f"{first:06d}-") for name in names)
