"""Modes change on the bar line; each lets sound what it should, and the loop's beat is the loop's length."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pytest

from agent.band.fixed_beat import OwnBeat
from agent.band.modes import Modes, Phase
from agent.core.messages import PlayLoop, SetMode, SetPart, StopLoop
from agent.core.settings import BandConfig
from agent.core.types import PlannedNote
from agent.mind.planner import Planner
from listener.types import FRAME_S, Analysis, Grid, Meter, Note
from tests.agent.fakes import PatternGrooves, PatternResponder

FOUR = Meter(4, 4)
RIFF = ((0.0, 40), (0.75, 43), (1.5, 45), (2.5, 47), (3.0, 43))  # (beat in the bar, pitch)


@dataclass
class Jam:
    """A player and the band; the player plays RIFF in the bars where plays(phase, bar) says so."""

    band: Planner
    responder: PatternResponder
    plays: Callable[[Phase, int], bool] = lambda phase, bar: True
    period_s: float = 0.5
    meter: Meter = FOUR
    drift: float = 0.0  # of the heard beat's length, from each beat to the next
    now_s: float = 0.0
    notes: list[PlannedNote] = field(default_factory=list)
    told: list[Any] = field(default_factory=list)
    turns: list[tuple[float, str]] = field(default_factory=list)
    heard: list[Note] = field(default_factory=list)
    frames: int = 0
    _beats: int = 0
    _due: list[float] = field(default_factory=list)

    def beat_s(self, beat: float) -> float:
        return beat * self.period_s * (1 + self.drift * beat / 2)

    def grid(self) -> Grid:
        beat = self._beats
        while self.beat_s(beat + 1) <= self.now_s:
            beat += 1
        self._beats = beat
        period_s = self.beat_s(beat + 1) - self.beat_s(beat)
        size = self.meter.numerator
        return Grid(self.beat_s(beat), beat, beat % size + 1, period_s, self.meter, 0.9, 0.9)

    def until(self, seconds: float) -> Jam:
        while self.now_s < seconds:
            self.frames += 1
            self.now_s = self.frames * FRAME_S
            grid, size = self.grid(), self.meter.numerator
            bar = self._beats // size
            if self.now_s >= self.beat_s(bar * size) and (not self.turns or len(self._due) <= bar):
                self._due.append(bar)
                if self.plays(self.band.form.modes.turn.phase, bar):
                    ons = [(self.beat_s(bar * size + beat), pitch) for beat, pitch in RIFF if beat < size]
                    self.heard += [Note(on_s, on_s + 0.05, None, pitch, 90) for on_s, pitch in ons]
            new = tuple(n for n in self.heard if self.now_s - FRAME_S < n.emit_s <= self.now_s)
            ended = tuple(
                replace(n, duration_s=0.2) for n in self.heard if self.now_s - FRAME_S < n.onset_s + 0.2 <= self.now_s
            )
            heard = Analysis(self.now_s, self.now_s, 0.0, None, 0.0, -20.0, notes=new, ended=ended, grid=grid)
            plan = self.band.step(heard, None)
            self.notes += plan.committed if plan else ()
            self.told += self.band.take_messages()
            turn = f"{self.band.form.modes.mode} {self.band.form.describe(bar)}"
            if not self.turns or self.turns[-1][1] != turn:
                self.turns.append((self.now_s, turn))
        return self

    def sounding(self, from_s: float, to_s: float, *parts: str) -> list[PlannedNote]:
        return [n for n in self.notes if from_s - 1e-6 <= n.on_s < to_s - 1e-6 and (not parts or n.part in parts)]


def jam(mode: str = "accompany", **settings: Any) -> Jam:
    responder = PatternResponder()
    config = BandConfig(mode=mode, imagine=False, **settings)
    return Jam(Planner(responder, config, grooves=PatternGrooves()), responder)


def test_a_band_that_calls_has_the_first_turn_of_a_trade() -> None:
    modes, phases = Modes(BandConfig()), []
    modes.ask("trade", playing=True, bars=2, calls=True)
    for bar in range(1, 6):
        modes.downbeat(bar, played=True)
        phases.append(modes.turn.phase)
    assert phases == [Phase.OURS, Phase.OURS, Phase.YOURS, Phase.YOURS, Phase.OURS]


def test_modes_are_a_round_of_turns_that_change_on_bar_lines() -> None:
    modes = Modes(BandConfig(mode="trade", trade_bars=2))
    phases = []
    for bar in range(8):
        modes.downbeat(bar, played=bar != 4)  # the player is silent in their second turn
        phases.append(str(modes.turn.phase))
    assert phases == ["yours", "yours", "ours", "ours", "yours", "yours", "ours", "ours"]
    modes.downbeat(8, True)
    modes.downbeat(9, True)
    modes.downbeat(10, played=False)
    assert modes.turn.phase == Phase.YOURS, "nothing was played: nothing to answer"
    modes.ask("listen", playing=True)
    assert (modes.mode, modes.turn_in(10).phase, modes.turn_in(11).phase) == ("trade", Phase.YOURS, Phase.SILENT)
    modes.downbeat(11, True)
    assert modes.mode == "listen"
    modes.ask("loop", playing=False)
    assert modes.mode == "loop"
    assert pickle.loads(pickle.dumps(modes)).turn == modes.turn


@pytest.mark.parametrize("meter", [FOUR, Meter(7, 8, (2, 2, 3)), Meter(3, 4)], ids=str)
def test_a_mode_asked_for_in_the_middle_of_a_bar_begins_on_the_next_one(meter: Meter) -> None:
    played, bar_s = jam(), 0.5 * meter.numerator
    played.meter = meter
    played.until(6.3 * bar_s).band.send(SetMode("listen"))
    played.until(12 * bar_s)
    assert played.sounding(6.3 * bar_s + 0.4, 7 * bar_s), "it plays to the end of the bar"
    last = {n.on_s for n in played.sounding(7 * bar_s, 12 * bar_s)}
    assert last == {max(last)}, "stops on the one"
    assert max(last) == pytest.approx(7 * bar_s)
    played.band.send(SetMode("accompany"))
    assert played.sounding(0, 99) == played.notes
    played.until(15 * bar_s)
    back = played.sounding(7.5 * bar_s, 99)
    again = min(n.on_s for n in back) / bar_s
    assert again == pytest.approx(round(again), abs=1e-6)


def test_nothing_is_left_ringing_into_listen_and_all_is_still_heard() -> None:
    played = jam().until(13.0)
    played.band.send(SetMode("listen"))
    played.until(20.0)
    assert all(n.off_s <= 14.0 + 2.01 for n in played.notes)
    seen = [x.bass.onset_pitch for x in played.responder.seen if x.bass.known]
    assert [p for p in seen[-32:] if p] == [p for _, p in RIFF] * 2


def test_in_trade_the_band_keeps_time_in_the_players_bars_and_plays_in_its_own() -> None:
    played = jam("trade", trade_bars=2)
    played.plays = lambda phase, bar: phase != Phase.OURS
    played.until(26.0)
    starts = [at_s for at_s, turn in played.turns if turn == "trade ours 1/2"]
    assert len(starts) >= 2
    for start_s in (round(at_s / 2) * 2.0 for at_s in starts[:2]):
        assert not played.sounding(start_s - 4, start_s, "line", "chords"), "the band leaves the player's bars to them"
        hats = {round(n.on_s, 3) for n in played.sounding(start_s - 4, start_s, "drums") if n.pitch == 42}
        assert hats >= {start_s - 4 + 0.5 * beat for beat in range(8)}, "time is kept on every beat"
        for part in ("line", "chords", "drums"):
            assert played.sounding(start_s, start_s + 4, part)
        assert not [n for n in played.sounding(start_s, start_s + 4, "line") if n.off_s > start_s + 4 + 1e-6]
        for hand_over_s in (start_s, start_s + 4):
            fill = played.sounding(hand_over_s - 0.5, hand_over_s, "drums")
            assert {n.pitch for n in fill} & {38, 45, 50}, "a fill says whose turn comes"
    assert played.band.form.state == "playing", "the player's silence in the band's bars is no rest"


def test_a_player_who_is_silent_in_his_bars_is_not_answered() -> None:
    played = jam("trade", trade_bars=2, hold_bars=2, thin_bars=2)
    played.plays = lambda phase, bar: bar < 3 and phase != Phase.OURS
    played.until(30.0)
    assert [turn for _, turn in played.turns].count("trade ours 1/2") == 1
    assert played.band.form.state == "listening", "at last it ends"
    assert not played.sounding(22.0, 30.0)


def test_a_player_who_plays_on_in_the_bands_bars_is_comped_for_softly() -> None:
    polite, stubborn = jam("trade", trade_bars=4), jam("trade", trade_bars=4)
    polite.plays = lambda phase, bar: phase != Phase.OURS
    for played in (polite, stubborn):
        played.until(17.0)
    assert not stubborn.sounding(12.0, 16.0, "line")
    assert polite.sounding(12.0, 16.0, "line")
    kicks = [max(n.velocity for n in p.sounding(12.0, 16.0, "drums") if n.pitch == 36) for p in (polite, stubborn)]
    assert kicks[1] < 0.85 * kicks[0]


def looping(**settings: Any) -> tuple[Jam, PlayLoop]:
    """A loop that sounds, the player silent in it."""
    played = jam("loop", loop_bars=2, **settings)
    played.plays = lambda phase, bar: phase != Phase.LOOPING
    played.until(10.0)
    (first, last) = played.told
    assert isinstance(first, PlayLoop)
    assert isinstance(last, PlayLoop)
    return played, last


def test_the_riff_is_recorded_on_the_one_and_then_repeats() -> None:
    played, loop = looping()
    assert loop.start_s % 2.0 == pytest.approx(0, abs=0.002)
    assert loop.end_s - loop.start_s == pytest.approx(4.0, abs=0.002)
    assert not played.sounding(loop.start_s, loop.end_s, "chords", "line")
    assert played.band.fixed_beat, "the player does not move it now"
    played.until(30.0)
    for part in ("drums", "chords", "line"):
        assert played.sounding(20.0, 30.0, part), "the band plays over it, however long the player is silent"
    seen = [x.bass.onset_pitch for x in played.responder.seen if x.bass.known]
    assert [p for p in seen[-64:] if p] == [p for _, p in RIFF] * 4, "the band hears the loop"


def test_band_and_loop_do_not_drift_over_a_hundred_bars_whatever_the_ears_say() -> None:
    played = jam("loop", loop_bars=2)
    played.period_s, played.drift = 0.4871, 2e-5
    played.plays = lambda phase, bar: phase != Phase.LOOPING
    played.until(240.0)
    loop = played.told[-1]
    for rate in (44_100, 48_000):
        period = round((loop.end_s - loop.start_s) * rate)
        kicks = np.array([n.on_s for n in played.sounding(loop.end_s, 240.0, "drums") if n.pitch == 36])
        ideal = round(loop.end_s * rate) + period / 2 * np.arange(int((kicks[-1] - loop.end_s) * rate / (period / 2)))
        assert len(ideal) > 100
        late = np.array([np.abs(kicks * rate - one).min() for one in ideal])  # each bar's one has a kick
        assert late[0] < 0.002 * rate, "said before the loop was closed"
        assert late[1:].max() < 1.0, "within a sample"


def test_new_notes_over_the_loop_are_heard() -> None:
    played, _ = looping()
    played.heard.append(Note(played.now_s + 0.25 - played.now_s % 0.25, played.now_s + 0.3, None, 64, 90))
    played.until(played.now_s + 2.0)
    seen = [x.bass.onset_pitch for x in played.responder.seen if x.bass.known]
    assert 64 in seen[-20:]


def test_leaving_the_loop_stops_it_on_the_one() -> None:
    played, loop = looping()
    played.until(20.7).band.send(SetMode("accompany"))
    played.until(24.0)
    stop = played.told[-1]
    assert isinstance(stop, StopLoop)
    assert played.band.fixed_beat is None
    assert stop.at_s == pytest.approx(loop.end_s + 16.0, abs=0.01)


def test_silence_is_not_looped() -> None:
    played = jam("loop", loop_bars=2, hold_bars=4, thin_bars=4)
    played.plays = lambda phase, bar: bar < 1 or bar > 4
    played.until(16.0)
    loops = [m for m in played.told if isinstance(m, PlayLoop)]
    assert loops[-1].end_s == pytest.approx(14.0, abs=0.01)
    assert any(isinstance(m, StopLoop) for m in played.told), "the empty one was called off"


def test_a_part_is_silent_at_once_and_comes_back_on_the_one() -> None:
    played = jam().until(12.3)
    played.band.send(SetPart("drums", False))
    played.until(14.7)
    assert not played.sounding(12.9, 14.7, "drums")
    played.band.send(SetPart("drums", True))
    played.until(18.0)
    assert min(n.on_s for n in played.sounding(12.9, 18.0, "drums")) == pytest.approx(16.0)


def test_a_band_taken_down_and_put_up_again_goes_on_in_every_mode() -> None:
    for mode in ("trade", "loop"):
        one = jam(mode, trade_bars=2, loop_bars=2)
        one.until(11.0)
        other = pickle.loads(pickle.dumps(one.band.form))
        assert (other.modes.turn, other.state) == (one.band.form.modes.turn, one.band.form.state)


def test_ears_that_lost_the_beat_in_the_bands_turn_are_believed_when_they_agree_or_insist() -> None:
    def ears(period_s: float, now_s: float, notes: int = 0, confidence: float = 0.9) -> Analysis:
        grid = Grid(0.0, 0, 1, period_s, FOUR, confidence, 0.9)
        played = tuple(Note(now_s, now_s, None, 40, 90) for _ in range(notes))
        return Analysis(now_s, now_s, 0.0, None, 0.0, -20.0, notes=played, grid=grid)

    band = Grid(0.0, 0, 1, 0.5, FOUR, 0.9, 0.9)
    for period_s, notes in ((0.5, 5), (0.25, 12)):
        beat = OwnBeat(0.53)
        beat.fix(band)
        assert beat.fixed is not None
        beat.free()
        for n in range(notes - 1):
            assert beat.believed(ears(period_s, 4.0 + n, 1), band).period_s == 0.5  # type: ignore[union-attr]
        unheard = replace(ears(period_s, 20.0), grid=None)
        assert beat.believed(unheard, band).confidence == 1.0  # type: ignore[union-attr]
        unsure = ears(period_s, 20.0, 1, confidence=0.2)
        assert beat.believed(unsure, band).period_s == 0.5  # type: ignore[union-attr]
        last = ears(period_s, 24.0, 1)
        assert beat.believed(last, band) is last.grid
