"""A groove that the player likes is chosen more, one they decline is played no more, today and in the next session."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from agent.conversation.live_stage import LiveStage
from agent.conversation.live_talk import LiveTalk
from agent.conversation.player_notes import PlayerNotes
from agent.core.messages import SetGrooveTaste
from agent.core.types import SongView
from agent.language.small_talk import groove_verdict
from agent.memory.store import Memory
from agent.parts.groove_library import GrooveLibrary
from agent.parts.groove_traits import pattern_in, pattern_of, text_of
from agent.song.live_song import LiveSong
from agent.song.section_groove import candidates
from agent.song.song_plan import SongPlan
from tests.agent.conversation.test_truth import decision
from tests.agent.song.test_live_song import RIFF, play
from tests.agent.song.test_song_plan import bar

LIBRARY = GrooveLibrary.load()
DAY_S = 86_400.0


def test_a_groove_is_written_as_text_and_read_again() -> None:
    groove = candidates(SongPlan(), bar([(0, 40), (6, 43)]), LIBRARY)[0]
    assert len(text_of(groove)) == 32
    assert pattern_in(text_of(groove)) == pattern_of(groove)


def test_what_is_liked_comes_before_what_is_declined() -> None:
    now = bar([(0, 40), (6, 43), (8, 45)])
    first, second, *_ = (text_of(one) for one in candidates(SongPlan(), now, LIBRARY))
    liked = SongPlan(liking={second: 0.5, first: -0.5})
    assert text_of(candidates(liked, now, LIBRARY)[0]) == second
    assert first not in [text_of(one) for one in candidates(liked, now, LIBRARY)[:3]]


def test_a_declined_groove_ends_with_its_bar_and_the_reason_is_told() -> None:
    song = LiveSong(LIBRARY, 1)
    play(song, [RIFF] * 4)
    had = song.song.sections[0].groove
    song.take_choices()
    song.like_grooves({text_of(had): -0.5}, frozenset({had.name}))
    play(song, [RIFF] * 4, first=4)
    has = song.song.sections[song.song.current].groove
    assert has.name != had.name and text_of(has) != text_of(had)
    (told,) = (choice for choice in song.take_choices() if choice.what == "groove")
    assert told.chosen == has.name and told.reason.startswith(f"the player wants no more of {had.name}")


def test_a_groove_that_was_declined_comes_back_when_that_is_taken_back() -> None:
    song = LiveSong(LIBRARY, 1)
    play(song, [RIFF] * 4)
    had = song.song.sections[0].groove
    song.like_grooves({text_of(had): -0.5}, frozenset({had.name}))
    play(song, [RIFF] * 4, first=4)
    song.take_choices()
    song.like_grooves({}, frozenset())
    play(song, [RIFF] * 4, first=8)
    assert song.song.sections[song.song.current].groove == had
    (told,) = (choice for choice in song.take_choices() if choice.what == "groove")
    assert told.chosen == had.name and "took a verdict back" in told.reason


class Player:
    """A player who talks to a band that plays a groove, and is remembered."""

    def __init__(self, folder: Path, now_s: float) -> None:
        self.sent: list[object] = []
        stage = LiveStage(self.sent.append, self.sent.append)
        self.talk = LiveTalk(stage, PlayerNotes(Memory(folder), "Ann", now_s))
        self.talk.play_liked_grooves()
        stage.push(replace(decision(1), song=SongView("A", 0, 8, groove="funk 1", pattern="k...s...k...s...")))

    @property
    def told(self) -> SetGrooveTaste | None:
        return next((one for one in reversed(self.sent) if isinstance(one, SetGrooveTaste)), None)


def test_what_was_said_of_a_groove_counts_in_the_next_session(tmp_path: Path) -> None:
    ann = Player(tmp_path, 0.0)
    assert ann.told is None
    assert ann.talk.say("not that beat").reply == "Another groove, from the next bar on."
    assert ann.told == SetGrooveTaste({"k...s...k...s...": -0.5}, frozenset({"funk 1"}))
    ann.talk.close()
    later = Player(tmp_path, DAY_S)
    assert later.told is not None and -0.5 <= later.told.liking["k...s...k...s..."] < -0.4 and not later.told.declined
    assert "of the grooves you spoke of you like 0 of 1" in later.talk.say("what do you know about me?").reply


@pytest.mark.parametrize("sentence", ["I like that groove", "not that beat"])
def test_undo_takes_back_what_was_said_of_a_groove(sentence: str, tmp_path: Path) -> None:
    ann = Player(tmp_path, 0.0)
    ann.talk.say(sentence)
    assert "groove" in ann.talk.say("undo that").reply
    assert ann.told == SetGrooveTaste({})
    assert "nothing left to undo" in ann.talk.say("undo that").reply
    ann.talk.close()
    assert Player(tmp_path, DAY_S).told is None


def test_verdicts_on_grooves_and_directions_are_undone_the_newest_first(tmp_path: Path) -> None:
    ann = Player(tmp_path, 0.0)
    for sentence in ("not that beat", "less snare", "I like that groove"):
        ann.talk.say(sentence)
    liking = {"k...s...k...s...": -0.5}
    ann.talk.say("undo that")
    assert ann.told == SetGrooveTaste(liking, frozenset({"funk 1"}))
    assert "snare" in ann.talk.say("undo that").reply and ann.told == SetGrooveTaste(liking, frozenset({"funk 1"}))
    assert ann.talk.say("undo everything").reply.startswith("Everything undone") and ann.told == SetGrooveTaste({})


def test_a_groove_is_judged_only_while_it_is_played(tmp_path: Path) -> None:
    ann = Player(tmp_path, 0.0)
    ann.talk.stage.push(replace(decision(2), playing=()))
    assert "no groove" in ann.talk.say("not that beat").reply and ann.told is None


@pytest.mark.parametrize(
    ("sentence", "verdict"),
    [
        ("I like that groove", "liked"),
        ("Nice beat!", "liked"),
        ("not that beat", "disliked"),
        ("I don't like that groove", "disliked"),
        ("give me another beat, please", "disliked"),
        ("a busier beat", None),
        ("I like it", None),
        ("less drums", None),
        ("half-time beat", None),
    ],
)
def test_sentences_that_judge_the_groove(sentence: str, verdict: str | None) -> None:
    assert groove_verdict(sentence) == verdict
