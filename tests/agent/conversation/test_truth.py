"""What is said to be done is done in the bars to come, where it was asked for, and nothing else moves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from agent.conversation.band_lead import Leads
from agent.conversation.live_stage import LiveStage
from agent.conversation.live_talk import LiveTalk
from agent.conversation.player_notes import PlayerNotes
from agent.conversation.stage import Outcome
from agent.core.types import PARTS, TEMPO_GIVEN_UP, Decision, DrawnBar, DrawnTick, SongView
from agent.directions.active import ActiveEdits, SetActiveEdits
from agent.directions.differences import difference
from agent.directions.drawn import music
from agent.directions.edit import Edit
from agent.directions.sounding import Strokes, strokes
from listener.types import Analysis, Grid, Key, Meter

FOUR = Meter(4, 4)
GRID = Grid(0.0, 0, 1, 0.5, FOUR, 0.9, 0.9)
BASS = {0: 40, 3: 40, 6: 43, 8: 47, 11: 45, 14: 43}


def tick(at: int) -> DrawnTick:
    """A rock bar: kick on one and three, snare on two and four, hats in eighths, a chord and a line on the one."""
    drums = [("kick", 100)] if at in (0, 8) else [("snare", 90)] if at in (4, 12) else []
    drums += [("closed_hat", 70)] if at % 2 == 0 else []
    chord = (4, "min7", 80, (52, 55, 59, 62)) if at in (0, 10) else None
    line = (67, 80) if at in (2, 9) else None
    bass = (BASS[at], 90) if at in BASS else None
    return DrawnTick(tuple(drums), chord, at == 8, line, at == 6, bass, bass and bass[0])


BAR = tuple(map(tick, range(16)))


RIDDEN = tuple(
    replace(one, drums=tuple(("ride" if piece == "closed_hat" else piece, velocity) for piece, velocity in one.drums))
    for one in BAR
)


def decision(
    bar: int, mode: str = "accompany", parts: Sequence[str] = PARTS, played: tuple[DrawnTick, ...] = BAR
) -> Decision:
    """The frame in which bar `bar` begins, after a bar was completed."""
    heard = Analysis(2.0 * bar, 2.0 * bar, 0.0, None, 0.0, -20.0, grid=GRID, key=Key(4, "min", 0.9))
    drawn = DrawnBar(bar - 1, FOUR, played, frozenset(parts))
    return Decision(heard, None, "playing", bar, tuple(parts), mode, "together", SongView("A", 0, 8), (), drawn)


class Playing:
    """A conversation with a band that has played eight bars."""

    def __init__(self, played: tuple[DrawnTick, ...] = BAR) -> None:
        self.sent: list[object] = []
        self.coming = [DrawnBar(at, FOUR, played, frozenset(PARTS)) for at in range(9, 13)]
        self.commands: list[str] = []
        self.stage = LiveStage(self.sent.append, self.command)
        self.talk = LiveTalk(self.stage, PlayerNotes(None, "guest", 0.0))
        for bar in range(1, 9):
            self.stage.push(decision(bar, played=played))

    def command(self, line: str) -> None:
        self.commands.append(line)
        word, _, part = line.partition(" ")
        if word == "unmute":
            self.stage.unmuted(part)

    def say(self, sentence: str) -> str:
        return self.talk.say(sentence).reply

    def to_come(self) -> Strokes:
        """The next bars as the mind will shape them."""
        told = [one.edits for one in self.sent if isinstance(one, SetActiveEdits)]
        return strokes(music(self.coming, 9, told[-1] if told else ActiveEdits(), 4, None, frozenset()))


COMING = [DrawnBar(at, FOUR, BAR, frozenset(PARTS)) for at in range(9, 13)]
PLAIN = strokes(music(COMING, 9, ActiveEdits(), 4, None, frozenset()))


@pytest.mark.parametrize(
    ("sentence", "moves"),
    [
        ("the snare down", {"snare"}),
        ("kill the reverb on the kick", {"kick"}),
        ("hit the hats on the offbeats", {"closed_hat"}),
        ("the melody up an octave", {"line"}),
        ("no drums", {"kick", "snare", "closed_hat"}),
        ("pan the hats left", {"closed_hat"}),
    ],
)
def test_what_was_named_moves_and_nothing_else(sentence: str, moves: set[str]) -> None:
    playing = Playing()
    reply = playing.say(sentence)
    assert reply.startswith("From the next") and "moved with it" not in reply
    assert set(difference(PLAIN, playing.to_come())) == moves


def test_a_little_is_less_than_a_step() -> None:
    few, more = Playing(), Playing()
    few.say("the drums a little busier")
    more.say("the drums busier")
    counts = [sum(map(len, one.values())) for one in (PLAIN, few.to_come(), more.to_come())]
    assert counts[0] < counts[1] < counts[2]


def test_who_asks_for_thinner_hats_over_a_ride_is_told_of_it_and_can_have_it_thinner() -> None:
    band = Playing(RIDDEN)
    plain = band.to_come()
    assert "the ride keeps the time" in band.say("thin the hats out a little")
    assert difference(plain, band.to_come()) == {}
    assert "Noted" not in band.say("thin the ride out a little")
    assert set(difference(plain, band.to_come())) == {"ride"}


def test_an_intro_while_the_band_plays_is_a_part_alone_for_so_many_bars() -> None:
    band = Playing()
    said = band.say("two bars of drum intro")
    assert said.startswith("From the next bar on: everybody out for 2 bars; the drums in") and "Noted" not in said


def test_what_changes_nothing_is_said_to_change_nothing() -> None:
    assert "nothing I play now changes" in Playing().say("the ride louder")
    assert "silent there" in Playing().say("the toms louder")


def test_what_else_moves_is_said() -> None:
    playing = Playing()
    outcome: Outcome = playing.stage.apply([Edit.read("snare.pattern set half-time")])
    assert any("kick" in line for line in outcome.besides)


def test_what_stands_is_the_net_state() -> None:
    playing = Playing()
    for line in ("the snare down", "the snare down", "no drums", "bring the drums back in"):
        playing.say(line)
    assert playing.say("what stands?") == "What stands: the snare down by 8 dB."
    assert playing.commands == ["unmute drums"]


def test_undo_takes_back_as_many_as_are_named_and_says_where_there_are_fewer() -> None:
    playing = Playing()
    for line in ("the snare down", "the kick louder", "the hats darker"):
        playing.say(line)
    assert "last 2 undone" in playing.say("undo the last two")
    assert [one.edit.target for one in playing.stage.active.asked] == ["snare"]
    assert "only one" in playing.say("undo the last five")
    assert not playing.stage.active.asked
    assert "nothing left" in playing.say("undo everything")


def test_play_normally_again_brings_parts_and_mode_back_and_leaves_the_mix() -> None:
    playing = Playing()
    for line in ("the snare down", "half time", "be quiet"):
        playing.say(line)
    assert "the snare down" in playing.say("play normally again")
    assert playing.commands[-1] == "mode accompany"
    assert set(difference(PLAIN, playing.to_come())) == {"snare"}


def test_trade_and_loop_are_begun_and_stopped() -> None:
    playing = Playing()
    playing.say("trade twos")
    assert "no loop to stop" in playing.say("stop the loop")
    playing.stage.push(decision(9, "loop"))
    playing.say("stop the loop")
    assert playing.commands == ["mode trade 2", "mode accompany"]


def test_what_sounds_is_what_sounds() -> None:
    playing = Playing()
    playing.say("no drums")
    assert playing.say("what are you playing?") == "I play chords and melody; muted: drums."


def test_what_only_the_plan_can_do_is_looked_at_again() -> None:
    playing = Playing()
    assert playing.say("more tension").startswith("From the next bar on")
    lines = [playing.stage.push(decision(bar)) for bar in range(9, 16)]
    assert any("nothing comes of it" in line for line in lines)


def test_what_the_band_gave_up_leading_stands_no_more() -> None:
    playing = Playing()
    playing.stage.lead = Leads(playing.command)
    playing.say("seven eight in bar three")
    assert "7/8" in playing.say("what stands?")
    playing.stage.push(replace(decision(9), gave_up=(3,)))
    assert "7/8" not in playing.say("what stands?")
    playing.say("faster")
    assert "faster" in playing.say("what stands?")
    playing.stage.push(replace(decision(10), gave_up=(TEMPO_GIVEN_UP,)))
    assert playing.say("what stands?") == "Nothing stands: I play as I come."


def test_an_odd_bar_waits_until_the_bars_are_known() -> None:
    playing = Playing()
    playing.stage.lead = Leads(playing.command)
    frame = decision(9)
    playing.stage.push(replace(frame, bars_sure=False))
    assert "not sure of your bars" in playing.say("seven eight in bar three")
    assert not playing.commands


def test_a_playing_band_goes_into_another_key_with_the_player_only() -> None:
    playing = Playing()
    assert "yours to lead" in playing.say("up a minor third")
    assert not difference(PLAIN, playing.to_come())
    assert playing.say("the melody up an octave").startswith("From the next")


@pytest.mark.parametrize(
    "lines",
    [
        ("the snare up", "the snare down"),
        ("the snare louder and the snare quieter",),
        ("no drums", "bring the drums back in"),
        ("half time", "no half time"),
        ("darker hats", "brighter hats"),
        ("the drums busier", "the drums sparser"),
    ],
)
def test_what_contradicts_itself_within_a_bar_leaves_the_music_as_it_was(lines: Sequence[str]) -> None:
    playing = Playing()
    replies = [playing.say(line) for line in lines]
    assert all(reply and "\n" not in reply for reply in replies), replies
    assert not difference(PLAIN, playing.to_come())
    assert playing.say("what stands?") == "Nothing stands: I play as I come."


def test_of_two_that_exclude_each_other_the_newer_counts() -> None:
    playing = Playing()
    playing.say("pan the hats left")
    playing.say("pan the hats right")
    assert "right" in playing.say("what stands?") and "left" not in playing.say("what stands?")
