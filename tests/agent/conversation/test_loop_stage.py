"""Over a riff that loops, directions make takes of it, which play from the next bar line on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import soundfile

from agent.band.loop_control import LoopedTake
from agent.band.ticks import Tick
from agent.conversation.live import Talk
from agent.conversation.live_talk import LiveTalk, Opened
from agent.conversation.loop_stage import LoopStage
from agent.conversation.loop_takes import TakeMaking
from agent.conversation.player_notes import PlayerNotes
from agent.core.config import load
from agent.core.messages import LoopRiff, LoopTake
from agent.core.types import Decision
from agent.directions.active import SetActiveEdits
from agent.mind.riff_loop import RiffLoop
from agent.song.kept import KeptSection
from agent.songbook.chart import song_of
from agent.takes.captured import BEFORE_S, Captured, looped_take
from agent.takes.kept_takes import write_all
from agent.takes.mixdown import RATE
from agent.takes.performance import notes_of
from agent.takes.take import Take
from listener.types import Grid, Meter
from models.music.tokens import Position
from models.responder.responder import Responder
from tests.agent.conversation.test_truth import BASS, decision
from tests.waiting import wait_for

BAR_S = 2.0
RIFF = Captured(replace(song_of("riff", "Em7 | Em7 | Em7 | Em7", tempo_bpm=120).sections[0]), "", 4 * BAR_S, 0.25, 8)


@cache
def responder() -> Responder:
    return Responder.load()


class Looped:
    """A band that has looped four bars twice, and a conversation with it."""

    def __init__(self, folder: Path) -> None:
        sound = np.sin(2 * np.pi * 55 * np.arange(round(8.5 * RATE)) / RATE).astype(np.float32) * 0.3
        soundfile.write(folder / "riff.wav", sound, RATE)
        self.mixes = False  # whether takes are mixed when they are kept
        self.riff = replace(RIFF, path=str(folder / "riff.wav"))
        self.sent: list[object] = []
        self.loops = True
        self.kept: list[Path] = []
        making = TakeMaking(lambda: self.riff if self.loops else None, responder, keeps=self._keep, folder=folder)
        self.stage = LoopStage(self.sent.append, str, making=making)
        self.talk = LiveTalk(self.stage, PlayerNotes(None, "guest", 0.0), False)
        self.bar = 0
        self.play(17)

    def play(self, until: int) -> None:
        while self.bar < until:
            self.bar += 1
            self.stage.push(self.heard())

    def heard(self) -> Decision:
        return decision(self.bar, "loop" if self.loops else "accompany")

    def say(self, sentence: str) -> str:
        def answer() -> str:
            said = self.talk.say(sentence)
            return "" if said.waits else said.reply

        return wait_for(answer, 60, "the answer", 0.005)

    def _keep(self, folder: Path, takes: Sequence[Take], captured: Captured) -> None:
        self.kept.append(folder)
        if self.mixes:
            write_all(folder, takes, captured)

    @property
    def take(self) -> LoopedTake:
        """The take that the mind was sent last."""
        message = [one for one in self.sent if isinstance(one, LoopTake)][-1]
        assert isinstance(message.take, LoopedTake)
        return message.take

    def meters(self) -> list[str]:
        return [str(one.meter) for one in self.take.bars]


@pytest.fixture
def looped(tmp_path: Path) -> Looped:
    return Looped(tmp_path)


def test_an_odd_bar_is_made_in_its_place_and_the_others_stay_as_they_were_played(looped: Looped) -> None:
    said = looped.say("seven eight in bar three")
    assert "next bar" in said and "7/8" in said
    assert looped.meters() == ["4/4", "4/4", "7/8", "4/4"]
    plain, odd = looped.take.bars[0], looped.take.bars[2]
    assert (plain.seconds, odd.seconds) == (pytest.approx(BAR_S, abs=0.002), pytest.approx(BAR_S * 7 / 8, abs=0.002))
    struck = [[hit.piece for hit in one.drums] for one in plain.replies]
    assert struck[0] == ["kick", "closed_hat"] and struck[4] == ["snare", "closed_hat"]  # as the band played it
    assert [one.replies for one in looped.take.bars[:2]] == [plain.replies] * 2


def test_its_bass_is_cut_to_the_take(looped: Looped) -> None:
    looped.say("seven eight in bar three")
    message = [one for one in looped.sent if isinstance(one, LoopTake)][-1]
    seconds = sum(one.seconds for one in looped.take.bars)
    assert soundfile.info(message.path).frames == round((BEFORE_S + seconds) * RATE)


@pytest.mark.slow
def test_bars_are_added_and_the_tempo_is_changed(looped: Looped) -> None:
    looped.say("add a bar")
    assert looped.meters() == ["4/4"] * 5
    looped.say("undo")
    assert looped.meters() == ["4/4"] * 4
    looped.say("take it up to 150")

    def plays_it() -> bool:
        looped.play(looped.bar + 1)
        return looped.take.number == looped.stage.takes[-1].number

    wait_for(plays_it, 20, "its bass, played by a synth beside the loop", 0.05)
    assert looped.take.bars[0].seconds == pytest.approx(1.6, abs=0.002)


def test_takes_are_compared_and_gone_back_to(looped: Looped) -> None:
    looped.say("seven eight in bar three")
    looped.say("the snare down")
    looped.say("go back to take two")
    assert looped.meters()[2] == "7/8" and looped.take.bars[0].settings.level_db.get("snare", 0.0) == 0
    looped.say("undo everything")
    assert looped.meters() == ["4/4"] * 4
    assert "nothing" in looped.say("undo").lower()


def test_what_a_band_can_follow_stays_when_the_loop_ends(looped: Looped) -> None:
    looped.say("the snare down")
    looped.say("seven eight in bar three")
    looped.loops = False
    looped.play(looped.bar + 1)
    told = [one for one in looped.sent if isinstance(one, SetActiveEdits)][-1]
    assert [one.edit.short() for one in told.edits.asked] == ["snare.level less"]
    assert looped.say("undo") and not looped.stage.active.asked


@pytest.mark.slow
def test_takes_are_kept_with_mixes_and_one_sheet(looped: Looped) -> None:
    looped.mixes = True
    looped.say("seven eight in bar three")
    looped.stage.close()
    (folder,) = looped.kept
    assert {path.name for path in folder.glob("take*") if "bass" not in path.name} == {
        "takes.png",
        *(f"take-00{number}.{kind}" for number in (1, 2) for kind in ("json", "mid", "wav")),
    }
    assert soundfile.info(folder / "take-002.wav").duration == pytest.approx(7.75 + 1.5, abs=0.05)


def test_the_riff_of_an_odd_section_has_its_odd_bar(looped: Looped) -> None:
    kept = replace(looped.riff.kept, odd=((1, Meter(7, 8)),))
    assert isinstance(kept, KeptSection) and BASS
    looped.loops = False
    looped.play(looped.bar + 1)
    looped.loops, looped.riff = True, replace(looped.riff, kept=kept, seconds=7.75)
    looped.play(looped.bar + 1)
    looped.say("the snare down")
    assert looped.meters() == ["4/4", "7/8", "4/4", "4/4"]


def test_an_intro_comes_once_and_then_the_loop_goes_on(looped: Looped) -> None:
    assert "the drums alone as an intro" in looped.say("two bars of drum intro")
    message = [one for one in looped.sent if isinstance(one, LoopTake)][-1]
    assert len(looped.take.bars) == 6 and looped.take.intro == 2 and message.then is not None
    band = RiffLoop()
    band.ask(LoopRiff(looped.riff.kept, looped.riff.path, 8.0, 0.25))
    band.begin(tick(0), GRID)
    band.ask(message)
    heard = []
    for bar in range(1, 12):
        band.begin(tick(bar), GRID)
        now = band.bar(bar)
        assert now
        heard.append("chords" not in now.settings.muted)
    assert heard == [False] * 2 + [True] * 9 and len(band.bar(12).replies) == 16  # type: ignore[union-attr]
    sound, rate = soundfile.read(message.path)
    lead_in = sound[round(BEFORE_S * rate) : round((BEFORE_S + 3.9) * rate)]
    assert np.abs(lead_in).max() < 0.001 < np.abs(sound[round((BEFORE_S + 4.2) * rate) :]).max()
    looped.say("the snare down")
    assert looped.take.intro == 0 and looped.stage.takes[-1].intro == 2
    assert "no end" in looped.say("two bars of drum outro")


GRID = Grid(0.0, 0, 1, 0.5, Meter(4, 4), 1.0, 1.0)


def tick(bar: int) -> Tick:
    return Tick(16 * bar, 4 * bar, 0, Position(0, bar, Meter(4, 4)))


@pytest.mark.parametrize(
    ("sentence", "moves"),
    [
        ("hit the hats on the offbeats", {"closed_hat"}),
        ("less reverb on the snare", set()),
        ("the snare down", set()),
        ("no chords", set()),
    ],
)
def test_nothing_else_is_struck_otherwise(looped: Looped, sentence: str, moves: set[str]) -> None:
    said = looped.say(sentence)
    first, now = looped.stage.takes[0], looped.stage.takes[-1]
    struck = [
        {(one.place, hit) for one in take.played for hit in one.reply.drums if hit.piece not in moves}
        for take in (first, now)
    ]
    assert struck[0] == struck[1] and "moved with it" not in said
    assert [one.reply.chord for one in first.played] == [one.reply.chord for one in now.played]


def test_in_another_key_bass_chords_and_line_move_together(looped: Looped) -> None:
    assert "Your bass moves with it" in looped.say("up a minor third")
    first, now = looped.stage.takes[0], looped.stage.takes[-1]
    old, new = notes_of(first), notes_of(now)
    for part in ("bass", "chords", "line"):
        assert [one.pitch + 3 for one in old[part]] == [one.pitch for one in new[part]], part
    heard = [one.sounding_pitch for one in looped_take(now).bars[0].basses]
    assert heard == [one.sounding_pitch and one.sounding_pitch + 3 for one in looped_take(first).bars[0].basses]
    assert looped.say("what key are we in?").startswith("We are in G ")


@pytest.mark.slow
def test_an_idea_that_is_asked_for_is_thought_of_beside_the_loop(
    looped: Looped, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setattr("agent.conversation.live_talk.open_conversation", lambda *_: Opened(looped.talk, looped.stage))
    talk = Talk(load(), looped.sent.append, str)
    wait_for(lambda: not talk.loads, 60)
    assert "think" in talk.say("any ideas?")
    wait_for(lambda: not talk.thinks, 60)
    assert "What if" in said_by(talk, looped)
    assert looped.stage.takes[-1].number == 2


def test_a_take_is_drawn_beside_the_loop_and_what_is_said_meanwhile_comes_after_it(
    looped: Looped, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setattr("agent.conversation.live_talk.open_conversation", lambda *_: Opened(looped.talk, looped.stage))
    talk = Talk(load(), looped.sent.append, str)
    wait_for(lambda: not talk.loads, 60)
    assert talk.say("seven eight in bar three") == "Give me a moment."
    odd = talk.take_later()
    assert talk.say("what stands?") == "Give me a moment."
    stands = talk.take_later()
    assert odd and stands and odd() is None and not looped.stage.takes
    assert "7/8" in said_by(talk, looped) and "7/8" in str(odd())
    assert "7/8" in said_by(talk, looped) and str(stands()).startswith("What stands")
    assert talk.say("what stands?") == stands()
    assert looped.meters() == ["4/4", "4/4", "7/8", "4/4"]


def said_by(talk: Talk, looped: Looped) -> str:
    """What the band says next by itself."""

    def line() -> str:
        talk.poll()
        looped.bar += 1
        return talk.push(looped.heard())

    return wait_for(line, 30, "a line of the band", 0.005)


def test_what_a_take_is_to_sound_like_is_asked_of_the_band(looped: Looped) -> None:
    looped.say("harmonise the loop in my sound")
    assert [edit.short() for edit in looped.stage.asked] == ["harmony.sound set your bass"]
    looped.say("undo")
    assert looped.stage.asked == ()
