"""Speaking to a playing band: directions reach the mind, ideas are tried and dropped, a guest leaves nothing."""

from __future__ import annotations

import pickle
import sqlite3
import time
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from agent.conversation.live import EVERY_BARS, Around, Talk
from agent.core.channel import MAX_MESSAGE_BYTES
from agent.core.config import load
from agent.core.types import Decision
from agent.directions.active import ActiveEdits, SetActiveEdits
from agent.language.parser import parse
from agent.memory.store import BUSY_S, FILE
from listener.types import Analysis, Grid, Meter, Note, Phrase
from tests.agent.conversation.test_truth import decision as played
from tests.waiting import wait_for


@pytest.fixture
def sent() -> list[Any]:
    return []


@pytest.fixture
def talk(sent: list[Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Talk:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    talk = Talk(load(), sent.append, sent.append)
    wait_for(lambda: not talk.loads, 60)
    return talk


def decision(bar: int) -> Decision:
    grid = Grid(0.0, 0, 1, 0.5, Meter(4, 4), 0.9, 0.9)
    return Decision(Analysis(1.0, 1.0, 0.0, None, 0.0, -20.0, grid=grid), None, "playing", bar, ("drums",))


def edits(sent: list[Any]) -> list[str]:
    last = [message for message in sent if isinstance(message, SetActiveEdits)][-1]
    return [one.edit.short() for one in last.edits.asked]


def test_a_sentence_reaches_the_mind(talk: Talk, sent: list[Any]) -> None:
    assert "I play: the snare down" in talk.say("less snare, and don't resolve it")
    assert any(one.startswith("snare.level less") for one in edits(sent))
    assert any(one.startswith("harmony.resolution off") for one in edits(sent))


def test_undo_takes_back_one_sentence(talk: Talk, sent: list[Any]) -> None:
    talk.say("less snare")
    talk.say("more dissonance")
    talk.say("undo")
    assert [one.split(" ")[0] for one in edits(sent)] == ["snare.level"]


def test_a_direction_that_was_taken_back_gives_its_place_to_none_after_it(talk: Talk, sent: list[Any]) -> None:
    talk.say("7/8 in bar three")
    talk.say("undo")
    talk.say("no drums")
    assert edits(sent) == ["drums.mute on"]


def test_what_was_taken_back_is_no_taste(talk: Talk) -> None:
    talk.say("busier drums")
    assert "busier" in talk.say("what do you know about me?")
    talk.say("undo everything")
    assert "busier" not in talk.say("what do you know about me?")


def test_what_only_a_riff_can_have_is_said_and_nothing_changes(talk: Talk, sent: list[Any]) -> None:
    assert "One bar at a time" in talk.say("add four bars")
    assert sent == []


def test_the_band_leads_what_it_can_lead(talk: Talk, sent: list[Any]) -> None:
    talk.say("7/8 in bar three")
    talk.say("take it up to 120")
    assert sent == ["bar 3 7/8", "lead 120"]
    assert talk.say("what stands?") == "What stands: 7/8 in bar 3; 120 beats a minute."
    assert "undone" in talk.say("undo everything") and "bar 3 off" in sent


def test_words_bring_back_what_a_command_muted(talk: Talk, sent: list[Any]) -> None:
    talk.say("bring the chords back")
    assert "unmute chords" in sent


def test_a_command_brings_back_what_words_muted(talk: Talk, sent: list[Any]) -> None:
    talk.say("no drums")
    assert talk.mutes == {"drums"}
    talk.switched("drums", True)
    assert talk.mutes == frozenset()
    assert edits(sent)[-1].startswith("drums.mute off")


def test_trade_and_loop_are_modes(talk: Talk, sent: list[Any]) -> None:
    talk.say("trade fours")
    assert sent == ["mode trade 4"]


def test_an_idea_is_tried_and_let_go_when_nobody_speaks_for_it(talk: Talk, sent: list[Any]) -> None:
    talk.push(decision(10))
    assert "What if" in talk.say("any ideas?")
    assert edits(sent)
    assert not talk.push(decision(10 + EVERY_BARS)).startswith("I let")  # it is heard from bar 11 on
    assert talk.push(decision(11 + EVERY_BARS)).startswith("I let")
    assert edits(sent) == []


def test_after_a_phrase_one_idea_comes_unasked_with_its_reason(talk: Talk, sent: list[Any]) -> None:
    for bar in range(1, 9):
        talk.push(played(bar))
    heard = played(9)
    note = Note(0.0, 0.0, 0.2, 40, 90)
    ended = Phrase((note,) * 3, 0.0, 16.0, Meter(4, 4), 120.0)
    assert talk.push(replace(heard, analysis=replace(heard.analysis, phrase=ended))) == ""
    wait_for(lambda: not talk.thinks, 60)
    line = talk.push(played(10))
    assert line.count("What if") == 1 and line.endswith(".") and sent
    assert talk.push(replace(played(11), analysis=replace(heard.analysis, phrase=ended))) == ""
    assert not talk.thinks, "one at a time"


def test_no_idea_comes_unasked_while_the_player_practises(
    sent: list[Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    practises = [True]
    talk = Talk(load(), sent.append, sent.append, around=Around(practises=lambda: practises[-1]))
    wait_for(lambda: not talk.loads, 60)
    for bar in range(1, 10):
        talk.push(played(bar))
    note = Note(0.0, 0.0, 0.2, 40, 90)
    ended = Phrase((note,) * 3, 0.0, 16.0, Meter(4, 4), 120.0)
    over = replace(played(9), analysis=replace(played(9).analysis, phrase=ended))
    assert talk.push(over) == "" and not talk.thinks
    practises.append(False)
    talk.push(over)
    wait_for(lambda: not talk.thinks, 60)
    practises.append(True)  # it begins while the idea is thought of
    assert talk.push(played(10)) == "" and not sent
    assert "What if" in talk.say("any ideas?")


def test_an_idea_that_is_liked_stays(talk: Talk, sent: list[Any]) -> None:
    talk.push(decision(10))
    talk.say("any ideas?")
    played = edits(sent)
    assert "stays" in talk.say("love it")
    talk.push(decision(10 + EVERY_BARS))
    assert edits(sent) == played


def test_it_can_be_told_to_keep_quiet(talk: Talk, sent: list[Any]) -> None:
    talk.say("keep quiet")
    for bar in range(1, 9):
        talk.push(played(bar))
    note = Note(0.0, 0.0, 0.2, 40, 90)
    heard = played(9)
    ended = replace(heard.analysis, phrase=Phrase((note,) * 3, 0.0, 16.0, Meter(4, 4), 120.0))
    assert talk.push(replace(heard, analysis=ended)) == "" and not talk.thinks
    assert "What if" not in talk.push(played(10))


@pytest.mark.parametrize(
    "text", ["", "x" * 10_000, "leiser bitte", "you idiot", "louder and softer", "13/17", "\x00\x01"]
)
def test_no_text_raises_or_changes_anything(talk: Talk, sent: list[Any], text: str) -> None:
    assert talk.say(text)
    assert sent == []


def test_a_guest_leaves_no_trace(sent: list[Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    talk = Talk(load(None, {"conversation.player": "guest"}), sent.append, sent.append)
    wait_for(lambda: not talk.loads, 60)
    talk.say("less snare")
    assert edits(sent)
    talk.close()
    assert list(tmp_path.rglob("*")) == []


# -- the memory never holds up a turn -------------------------------------------------------------------------


def kept(folder: Path) -> list[tuple[str, bool]]:
    """Every direction on the disk: what was said, and whether it was revoked."""
    with closing(sqlite3.connect(folder / "antiphon" / FILE)) as db:
        return list(db.execute("SELECT sentence, revoked_s IS NOT NULL FROM directions ORDER BY id"))


def test_what_was_said_is_on_the_disk_when_it_is_answered(talk: Talk, tmp_path: Path) -> None:
    talk.say("less snare")
    talk.say("more dissonance")
    assert kept(tmp_path) == [("less snare", False), ("more dissonance", False)]
    talk.say("undo")
    assert kept(tmp_path) == [("less snare", False), ("more dissonance", True)]
    talk.close()


def test_a_memory_that_another_program_holds_costs_a_turn_no_more_than_a_moment(
    talk: Talk, sent: list[Any], tmp_path: Path
) -> None:
    with closing(sqlite3.connect(tmp_path / "antiphon" / FILE, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        began_s = time.monotonic()
        talk.poll()
        assert "not saved yet" in talk.say("less snare")
        assert "not saved yet" in talk.say("undo")
        assert time.monotonic() - began_s < BUSY_S / 2
        other.execute("ROLLBACK")
    assert edits(sent) == []
    talk.close()
    assert kept(tmp_path) == [("less snare", True)]


def test_a_full_disk_is_said_and_the_band_obeys(talk: Talk, sent: list[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any) -> int:
        raise sqlite3.OperationalError("database or disk is full")

    monkeypatch.setattr("agent.memory.store.Memory.said", full)
    assert "disk is full" in talk.say("less snare")
    assert edits(sent)
    talk.close()


def test_a_folder_that_cannot_be_used_costs_the_memory_only(
    sent: list[Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "antiphon").write_text("a file")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    talk = Talk(load(), sent.append, sent.append)
    wait_for(lambda: not talk.loads, 60)
    assert "cannot be opened" in caplog.text
    assert "the snare down" in talk.say("less snare")
    talk.close()


def test_what_is_said_before_there_are_words_is_heard_later(
    sent: list[Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    monkeypatch.setattr("agent.conversation.live.LOADS_S", 0.0)
    talk = Talk(load(), sent.append, sent.append)
    assert "moment" in talk.say("less snare")
    later = talk.take_later()
    assert later and later() is None
    wait_for(lambda: not talk.loads, 60)
    talk.poll()
    assert "the snare down" in str(later())
    assert [one.split(" ")[0] for one in edits(sent)] == ["snare.level"]
    talk.close()


def test_without_words_it_says_so(sent: list[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any) -> None:
        raise ImportError("half an installation")

    monkeypatch.setattr("agent.conversation.live_talk.open_conversation", broken)
    talk = Talk(load(), sent.append, sent.append)
    wait_for(lambda: not talk.loads, 60)
    assert "cannot understand" in talk.say("less snare")
    talk.close()


def test_a_night_of_directions_still_reaches_the_mind() -> None:
    edits = parse("less snare in bar three, and don't resolve it").edits
    standing = ActiveEdits()
    for bar in range(5_000):
        standing = standing.ask(edits, bar)
    assert standing.asked[-1].since == 4_999
    assert len(pickle.dumps(SetActiveEdits(standing))) < MAX_MESSAGE_BYTES / 2
