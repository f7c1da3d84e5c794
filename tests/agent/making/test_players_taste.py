"""A song that is to be like a player's session has the grooves they like, none they do not, and their learned voice."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from agent.__main__ import main
from agent.core.paths import data_folder
from agent.making import bass_writer, song_folder
from agent.making.brief_reader import brief_of
from agent.making.outline import Given
from agent.making.reference import given_by
from agent.making.song_maker import Song, make
from agent.memory import practice
from agent.memory.store import Memory
from agent.parts.groove_library import GrooveLibrary
from agent.parts.groove_traits import played_grooves, text_of
from listener.types import Meter
from models.responder import adapter as adapters
from models.responder.adapter import Adapter
from models.responder.net import ResponderConfig
from models.responder.responder import Responder
from models.training.adapter_course import AdapterConfig
from tests.agent.making.test_reference import session as session

SEEDS = range(4)
WORDS = "rock, 110 bpm, 4 bars, verse chorus"


@pytest.fixture(autouse=True)
def few_draws(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setattr(bass_writer, "DRAWS", 1)
    monkeypatch.setattr(bass_writer, "END_DRAWS", 1)


def grooves(song: Song) -> set[str]:
    """Return the names of the grooves of a song's sections."""
    return {choice.chosen for plan in song.plans for choice in plan.choices if choice.what == "groove"}


def songs(given: Given) -> list[Song]:
    responder = Responder.untrained(1, ResponderConfig(hidden=16, sound_dim=4, dials=True, foresee=True))
    return [make(brief_of([WORDS]), responder, seed, given) for seed in SEEDS]


def says(verdict: str, name: str) -> None:
    """Store what a player said of a groove."""
    library = played_grooves(GrooveLibrary.load(), Meter(4, 4), 16)
    groove = next(one.groove for one in library if one.groove.name == name)
    memory = Memory(data_folder())
    begun = memory.begin(memory.player("player"))
    for _ in range(3):
        memory.judged_groove(begun, name, text_of(groove), verdict)
    memory.close()


def test_a_liked_groove_comes_more_often_and_a_disliked_one_does_not_come(session: Path) -> None:
    before = songs(given_by(session, "player"))
    (usual, count), *_ = Counter(name for song in before for name in grooves(song)).most_common(1)
    second = next(choice.runner_up for choice in before[0].plans[0].choices if choice.what == "groove")
    had = sum(second in grooves(song) for song in before)
    says("disliked", usual)
    says("liked", second)
    given = given_by(session, "player")
    after = songs(given)
    assert count and not any(usual in grooves(song) for song in after)
    assert sum(second in grooves(song) for song in after) > had
    assert not given_by(session, "somebody").liking and not given_by(session, "somebody").declined
    assert f"without {usual}" in given.said and "grooves like the 1 that player likes" in given.said


def test_the_bass_is_imagined_by_the_players_learned_voice(session: Path, tmp_path: Path) -> None:
    shipped, rng = Responder.load(), np.random.default_rng(1)
    shapes = adapters.targets(shipped.config.shapes, 4, AdapterConfig().weights)
    arrays = {key: rng.normal(0, 0.3, shape).astype(np.float32) for key, shape in shapes.items()}
    memory = Memory(data_folder())
    player = memory.player("player")
    stem = practice.next_stem(memory, player)
    adapters.save(stem, Adapter(arrays, shipped.sha256, {"scores": {"you": [3.0, 2.0]}, "steps": 1, "rank": 4}))
    memory.adapted(player, str(stem), {})
    memory.close()
    out, brief, given = tmp_path / "song", brief_of([WORDS]), given_by(session, "player")
    assert main(["make", WORDS, "--like", str(session), "-o", str(out), "--midi-only"]) == 0
    made = song_folder.read(out).riffs["chorus"]
    assert made == make(brief, Responder.load(adapter=stem), 0, given).themes.riffs["chorus"]
    assert made != make(brief, shipped, 0, given).themes.riffs["chorus"]
    assert f"the voice that was learned ({stem.name})" in (out / "account.md").read_text()
