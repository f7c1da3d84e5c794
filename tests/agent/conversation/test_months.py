"""What a player did months ago is known: in a memory that 0.4.0 left, in phrases that come back, in what they like."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from agent.conversation.idea_catalogue import BY_NAME
from agent.conversation.live_stage import LiveStage
from agent.conversation.live_talk import LEAST_BARS, LiveTalk
from agent.conversation.player_notes import PlayerNotes
from agent.conversation.proposals import Proposal, sentence
from agent.conversation.riff_talk import RiffTalk
from agent.core.types import Decision
from agent.directions.active import SetActiveEdits
from agent.memory.store import FILE, Memory
from agent.takes.sketcher import Sketcher
from listener.types import Note, Phrase
from tests.agent.conversation.test_riff_dialogue import BEGAN_S, DAY_S, RESPONDER, asked, riff
from tests.agent.conversation.test_truth import FOUR, GRID, decision

LEFT_BY_0_4_0 = Path(__file__).with_name("memory_0_4_0.sql")


@pytest.fixture
def old(tmp_path: Path) -> Memory:
    """The memory of a session that 0.4.0 wrote."""
    with closing(sqlite3.connect(tmp_path / FILE)) as db:
        db.executescript(LEFT_BY_0_4_0.read_text())
    return Memory(tmp_path)


def test_a_riff_of_0_4_0_goes_on_as_it_was_left(old: Memory) -> None:
    assert not old.note
    notes = PlayerNotes(old, "Ann", BEGAN_S + 60 * DAY_S)
    later = RiffTalk(Sketcher(RESPONDER), notes, proposals=False)
    assert "2 months" in later.greet() and "half-time" in later.greet()
    assert "7/8 in bar 3" in later.listen(riff()).reply
    assert asked(later) == {"form.meter set 7/8 @bar:3"}


def test_what_0_4_0_learned_is_played_live_and_said(old: Memory) -> None:
    sent: list[object] = []
    talk = LiveTalk(LiveStage(sent.append, sent.append), PlayerNotes(old, "Ann", BEGAN_S + DAY_S))
    liked = talk.as_you_like_it()
    assert liked and liked.reply == "Sweeter, as you like it."
    assert [one.edit.short() for one in talk.stage.active.asked] == ["harmony.dissonance less ~small"]
    assert "sweeter" in talk.say("what do you know about me?").reply
    assert "Undone" in talk.say("undo").reply and not talk.stage.active.asked


def phrase(bars: int) -> Phrase:
    """The riff of that memory, as a phrase that was just played, a fourth higher."""
    beats = [4 * bar + tick / 4 for bar in range(bars) for tick in (0, 3, 6, 8, 11, 14)]
    pitches = [28, 28, 31, 35, 33, 31] * bars
    notes = tuple(Note(beat / 2, beat / 2, 0.2, pitch + 5, 90) for beat, pitch in zip(beats, pitches, strict=True))
    return Phrase(notes, 0.0, notes[-1].onset_s, FOUR, 120.0)


def test_a_phrase_of_months_ago_comes_back_in_the_line(old: Memory) -> None:
    sent: list[object] = []
    stage = LiveStage(sent.append, sent.append)
    talk = LiveTalk(stage, PlayerNotes(old, "Ann", BEGAN_S + 90 * DAY_S))
    for bar in range(1, 6):
        stage.push(decision(bar))
    played = phrase(4)
    heard = decision(6).analysis
    talk.phrase(played, replace(heard, phrase=played, grid=GRID))
    facts = stage.facts().heard
    assert facts and facts.returns_days == pytest.approx(90, abs=1)
    assert stage.hook[0] == (0, 33)
    idea = BY_NAME["motif return"]
    says = sentence(idea, facts)
    assert (
        idea.fits(facts) > 0.8 and "3 months ago" in says and all(stage.can(edit) is None for edit in idea.made(facts))
    )
    talk.propose(Proposal(idea.name, idea.made(facts), says, {}))
    told = [one for one in sent if isinstance(one, SetActiveEdits)][-1]
    assert told.hook == stage.hook


def test_what_was_played_live_is_practised_and_a_guests_is_not(old: Memory) -> None:
    notes = PlayerNotes(old, "Ann", BEGAN_S)
    stage = LiveStage(print, print)
    talk, guest = LiveTalk(stage, notes), LiveTalk(LiveStage(print, print), PlayerNotes(None, "guest", BEGAN_S))
    for bar in range(1, LEAST_BARS + 2):
        one: Decision = decision(bar)
        stage.push(one)
        guest.stage.push(one)
        if bar == 20:
            talk.say("love it")
    pieces = talk.material()
    assert sorted((len(piece), liked) for piece, liked in pieces)[-1][0] >= 16 * 32
    assert {liked for _, liked in pieces} == {True, False}
    assert not guest.material()


def test_an_idea_nobody_accepted_leaves_with_the_next_take() -> None:
    talk = RiffTalk(Sketcher(RESPONDER), PlayerNotes(None, "guest", BEGAN_S))
    proposed = talk.listen(riff()).proposal
    assert proposed
    talk.say("the hats darker")
    assert asked(talk) == {"hat.brightness less"}
    assert not {edit.short() for edit in proposed.edits} & asked(talk)
