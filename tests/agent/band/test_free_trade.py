"""Where phrases are answered as they end, the answer begins on the next pulse and is made of the phrase."""

from __future__ import annotations

import numpy as np
import pytest

from agent.band.phrase_end import PhraseEnd
from agent.band.phrase_pulse import PhrasePulse
from agent.core.messages import AnswerPhrases
from agent.core.settings import BandConfig
from agent.core.types import PlannedNote
from agent.mind.planner import Planner
from listener.types import FRAME_S, Analysis, Grid, Meter, Note
from tests.agent.fakes import PatternGrooves, PatternResponder

FOUR = Meter(4, 4)
PERIOD_S = 0.5
RHYTHM = (0.0, 0.5, 1.0, 2.0, 2.5)  # beats of a bar that are played
BEAT = Grid(0.0, 0, 1, PERIOD_S, FOUR, 1.0, 1.0)


class Trade:
    """A player of phrases of so many beats, who waits for the answer; the ears hear the beat as it is."""

    def __init__(self, phrase_beats: float, first_s: float = 10.0) -> None:
        self.planner = Planner(PatternResponder(), BandConfig(imagine=False), grooves=PatternGrooves())
        self.notes: list[PlannedNote] = []
        self.turns: list[tuple[float, str]] = []
        self.ends_s: list[float] = []  # of the player's phrases
        self._beats, self._next_s = phrase_beats, first_s
        self._onsets: list[float] = [
            beat * PERIOD_S for beat in range(20)
        ]  # a walking start, so that the band comes in
        self._open: Note | None = None
        self._answered = True  # the player waits for it

    def run(self, seconds: float) -> Trade:
        for frame in range(1, round(seconds / FRAME_S)):
            self._step(frame * FRAME_S)
        return self

    def _step(self, now_s: float) -> None:
        if abs(now_s - 9.0) < FRAME_S / 2:
            self.planner.send(AnswerPhrases())
        turn = self.planner.form.describe(self.planner.tick.position.bar) if self.planner.tick else ""
        if not self.turns or turn != self.turns[-1][1]:
            self.turns.append((now_s, turn))
        self._answered = self._answered or turn.startswith("ours")
        if turn.startswith("yours") and self._answered and now_s > self._next_s and not self._onsets:
            self._phrase(now_s)
        grid_at = int(now_s / PERIOD_S)
        grid = Grid(grid_at * PERIOD_S, grid_at, grid_at % 4 + 1, PERIOD_S, FOUR, 0.9, 0.9)
        started, ended = [], []
        if self._open and now_s > self._open.onset_s + 0.22:
            ended, self._open = [Note(self._open.onset_s, now_s, 0.2, self._open.pitch, 90)], None
        while self._onsets and self._onsets[0] <= now_s - 0.04:
            at_s = self._onsets.pop(0)
            self._open = Note(at_s, now_s, None, 40 + int(at_s * 8) % 5, 90)
            started.append(self._open)
        heard = Analysis(now_s, now_s, 0.0, None, 0.0, -20.0, notes=tuple(started), ended=tuple(ended), grid=grid)
        plan = self.planner.step(heard, None)
        self.notes += plan.committed if plan else ()

    def _phrase(self, now_s: float) -> None:
        start = np.ceil(now_s / PERIOD_S) + 0.5  # a pick-up on the and
        self._onsets = [
            float((start + bar * 4 + beat) * PERIOD_S)
            for bar in range(3)
            for beat in RHYTHM
            if bar * 4 + beat < self._beats
        ]
        self.ends_s.append(self._onsets[-1] + 0.2)
        self._next_s, self._answered = self._onsets[-1] + 0.5, False


def heard(end: PhraseEnd, notes: list[tuple[float, float]], theirs: bool = True) -> PhraseEnd:
    """Let notes (onset, length in seconds) be heard on a beat of half a second."""
    for onset_s, length_s in notes:
        note = Note(onset_s, onset_s, None, 40, 90)
        end.push(Analysis(onset_s, onset_s, 0, None, 0, -20, notes=(note,), grid=BEAT), theirs)
        ended = (Note(onset_s, 0, length_s, 40, 90),)
        end.push(Analysis(onset_s + length_s, 0, 0, None, 0, -20, ended=ended, grid=BEAT), theirs)
    return end


def test_a_phrase_is_over_after_a_silence_longer_than_its_own() -> None:
    end = heard(PhraseEnd(), [(0.0, 0.2), (1.2, 0.2)])
    assert end.over(2.4, BEAT, 2.4) is None  # 1.0 s of silence; there was as much within
    found = end.over(2.8, BEAT, 2.8)
    assert found
    assert found.anchor_s == pytest.approx(3.0, abs=0.05)


def test_a_phrase_without_rests_is_answered_two_beats_after_its_last_note() -> None:
    legato = [(0.5 * beat, 0.45) for beat in range(6)]  # the last at 2.5
    end = heard(PhraseEnd(), legato)
    assert end.over(3.2, BEAT, 3.2) is None  # who knows how this player breathes
    assert end.over(3.7, BEAT, 3.7)
    end.push(Analysis(4.0, 4.0, 0, None, 0, -20, grid=BEAT), theirs=False)
    end.push(Analysis(8.0, 8.0, 0, None, 0, -20, grid=BEAT), theirs=True)
    found = heard(end, [(at_s + 8.0, length_s) for at_s, length_s in legato]).over(11.2, BEAT, 11.2)
    assert found
    assert found.anchor_s == pytest.approx(11.5, abs=0.02)


def test_who_breathes_in_their_playing_is_waited_for() -> None:
    breathing = [(2.0 * bar + at, 0.2) for bar in range(6) for at in (0.0, 0.5)]  # a second of rest a bar
    end = heard(PhraseEnd(), breathing, theirs=False)
    heard(end, [(20.0 + 0.5 * beat, 0.45) for beat in range(4)])
    assert end.over(22.4, BEAT, 22.4) is None
    assert end.over(24.0, BEAT, 24.0)


def test_who_plays_on_before_the_answer_had_not_ended() -> None:
    end = heard(PhraseEnd(), [(0.5 * beat, 0.45) for beat in range(4)])
    assert end.over(2.7, BEAT, 2.7)
    heard(end, [(2.8, 0.3)])
    assert end.goes_on


@pytest.mark.parametrize("wave", [0.0, 0.08])
def test_the_pulse_of_a_phrase_is_found_however_freely_it_is_played(wave: float) -> None:
    away_s = []
    for seed in range(20):
        rng = np.random.default_rng(seed)
        periods = PERIOD_S * (1 + wave * np.sin(np.arange(12) * 0.45 + rng.uniform(0, 6)))
        beats_s = 10 + np.concatenate([[0.0], np.cumsum(periods)])
        played = [at for bar in range(3) for at in (4 * bar + place for place in (0.0, 0.5, 1.0, 2.0, 2.5, 3.0))][:-3]
        onsets = np.interp(played, np.arange(13), beats_s) + rng.normal(0, 0.008, len(played))
        pulse = PhrasePulse(Grid(10.02, 64, 1, PERIOD_S, FOUR, 1.0, 1.0), float(onsets[0]))
        for onset_s in onsets[1:]:
            pulse.push(float(onset_s))
        at = pulse.grid(BEAT).beat_at(beats_s[9])  # the last note is on beat 8, or an eighth after it
        away_s.append(abs(at - round(at)) * PERIOD_S)
    assert np.median(away_s) < 0.020
    assert max(away_s) < 0.080


@pytest.mark.slow
@pytest.mark.parametrize("beats", [2.0, 5.0, 8.0])
def test_the_answer_begins_on_the_pulse_after_the_phrase(beats: float) -> None:
    trade = Trade(beats).run(20.0)
    answers = [at_s for at_s, turn in trade.turns if turn.startswith("ours 1/")]
    assert answers
    lines = sorted(note.on_s for note in trade.notes if note.part == "line")
    for ended_s in trade.ends_s[: len(answers)]:
        crash_s = min(note.on_s for note in trade.notes if note.pitch == 49 and note.on_s > ended_s)
        away = crash_s / PERIOD_S - round(crash_s / PERIOD_S)
        assert abs(away) * PERIOD_S < 0.030  # on the pulse
        assert crash_s - ended_s < 3 * PERIOD_S
        assert any(0 <= on_s - crash_s < 4 * PERIOD_S for on_s in lines)


@pytest.mark.slow
def test_the_answer_is_as_long_as_the_phrase() -> None:
    short, long = Trade(2.0).run(16.0), Trade(8.0).run(18.0)
    assert any(turn == "ours 1/1" for _, turn in short.turns)
    assert any(turn == "ours 1/2" for _, turn in long.turns)
