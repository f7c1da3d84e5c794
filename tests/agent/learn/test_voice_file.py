"""Taste and voice travel as one readable file, which is checked before anything of it is used."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from agent.core.errors import UserError
from agent.learn import voice_file
from agent.memory import practice
from agent.memory.store import Memory
from agent.memory.taste import Taste
from models.responder import adapter as adapters
from models.responder.adapter import Adapter
from models.responder.responder import Responder
from models.training.adapter_course import AdapterConfig


@pytest.fixture(scope="module")
def made() -> Adapter:
    """An adapter of the shipped weights that adds nothing."""
    shipped = Responder.load()
    shapes = adapters.targets(shipped.config.shapes, 4, AdapterConfig().weights)
    arrays = {key: np.zeros(shape, np.float32) for key, shape in shapes.items()}
    return Adapter(arrays, shipped.sha256, {"scores": {"you": [3.0, 2.0]}, "steps": 1, "rank": 4})


@pytest.fixture
def ann(tmp_path: Path, made: Adapter) -> Memory:
    """A memory in which Ann likes odd bars and has a voice."""
    memory = Memory(tmp_path / "ann")
    player = memory.player("Ann")
    session = memory.begin(player)
    for verdict in ("liked", "liked", "disliked"):
        idea = memory.proposed(session, "odd bar", "what about 7/8?", ())
        memory.judged(session, "proposal", idea, verdict)
    stem = practice.next_stem(memory, player)
    adapters.save(stem, made)
    memory.adapted(player, str(stem), {})
    return memory


def test_what_one_gives_another_has(ann: Memory, tmp_path: Path) -> None:
    file, ben = tmp_path / "ann.json", Memory(tmp_path / "ben")
    said = voice_file.share(ann, ann.player("Ann"), "Ann", file)
    assert "3 verdicts" in said and "voice 1" in said
    assert json.loads(file.read_text())["likes"]["odd bar"] > 0.5, "a person can read it"
    assert file.stat().st_size < 1_000_000
    lines = list(voice_file.accept(ben, ben.player("Ben"), file))
    assert len(lines) == 2
    assert Taste.of(ben.verdicts(ben.player("Ben")), 2e9).arms.keys() == {"odd bar"}
    ready = practice.ready(ben, ben.player("Ben"))
    assert ready.adapter and Responder.load(adapter=ready.adapter).sha256


def test_a_file_that_is_taken_in_twice_counts_once(ann: Memory, tmp_path: Path) -> None:
    file, ben = tmp_path / "ann.json", Memory(tmp_path / "ben")
    voice_file.share(ann, ann.player("Ann"), "Ann", file)
    player = ben.player("Ben")
    list(voice_file.accept(ben, player, file))
    (line,) = voice_file.accept(ben, player, file)
    assert "before" in line and len(ben.verdicts(player)) == 3


def test_a_place_that_cannot_be_written_is_named(ann: Memory, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="cannot be written"):
        voice_file.share(ann, ann.player("Ann"), "Ann", tmp_path / "none" / "ann.json")


def test_of_a_stranger_there_is_nothing_to_share(ann: Memory, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="nothing was learned of Zoe"):
        voice_file.share(ann, ann.player("Zoe"), "Zoe", tmp_path / "zoe.json")


@pytest.mark.parametrize("damage", ["cut", "another format", "arrays", "other weights", "deep"])
def test_a_damaged_file_is_refused_and_leaves_nothing(ann: Memory, tmp_path: Path, damage: str) -> None:
    file, ben = tmp_path / "ann.json", Memory(tmp_path / "ben")
    voice_file.share(ann, ann.player("Ann"), "Ann", file)
    given = json.loads(file.read_text())
    if damage == "another format":
        given["format"] = "a poem"
    if damage == "arrays":
        given["voice"]["arrays"] = "AAAA" + given["voice"]["arrays"][8:]
    if damage == "other weights":
        given["voice"]["base"] = "0" * 64
    text = "[" * 100_000 if damage == "deep" else json.dumps(given)
    file.write_text(text[: len(text) // 2] if damage == "cut" else text)
    player = ben.player("Ben")
    with pytest.raises(UserError, match=r"ann\.json: (not a file|its voice)"):
        list(voice_file.accept(ben, player, file))
    assert practice.ready(ben, player).adapter is None and not ben.verdicts(player)
    assert not list(practice.folder_of(ben, player).glob("adapter*"))
