"""What the band does when it counts in, stops on a beat, ends, and loops a riff that was kept."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from agent.band.loop_control import LoopedBar, LoopedTake
from agent.core.messages import (
    AgainLoop,
    CountIn,
    EndSong,
    GoToSection,
    KeepSection,
    LeadBreak,
    LoopRiff,
    LoopTake,
    PlayLoop,
    StopLoop,
)
from agent.core.types import PlannedNote
from agent.directions.bar_settings import Settings
from agent.mind.planner import Planner
from agent.song.kept import KeptSection
from agent.songbook.chart import song_of
from listener.types import FRAME_S, Analysis, Grid, Meter, Note
from models.music.tokens import BassTick, DrumHit, Position, Reply
from tests.agent.mind.test_planner import planner

KICK, SNARE, RIM, CRASH = 36, 38, 37, 49
FOUR = Meter(4, 4)


class Room:
    """A steady player, a note on every beat of 0.5 s while they play, and a band whose notes are kept."""

    def __init__(self, band: Planner, plays: bool = True) -> None:
        self.band, self.plays, self.frame, self.sure = band, plays, 0, 0.9
        self.notes: list[PlannedNote] = []
        self.messages: list[Any] = []
        self.lines: list[str] = []
        self.sure = 0.9  # of the meter, as it is heard
        self.grid: Grid | None = None  # of the last plan
        self.period_s = 0.5  # of the beat, as it is heard
        self.late_s = 0.0  # of the beats, as they are heard
        self._beat = 0

    @property
    def now_s(self) -> float:
        return self.frame * FRAME_S

    def run(self, until_s: float) -> Room:
        while self.now_s < until_s:
            self.frame += 1
            index = int(self.now_s / 0.5)
            notes = ()
            if self.now_s >= self._beat * 0.5 + 0.05:
                if self.plays:
                    notes = (Note(self._beat * 0.5, self.now_s, None, 40 + self._beat % 4, 90),)
                self._beat += 1
            beat_s, position = index * 0.5 + self.late_s, index % 4 + 1
            grid = Grid(beat_s, index, position, self.period_s, FOUR, 0.9, self.sure) if self.plays else None
            heard = Analysis(self.now_s, self.now_s, 0.0, None, 0.0, -20.0, notes=notes, ended=notes, grid=grid)
            plan = self.band.step(heard, None)
            self.notes += plan.committed if plan else ()
            self.grid = plan.grid if plan else self.grid
            self.messages += self.band.take_messages()
            self.lines += self.band.leading.take_lines()
        return self

    def struck(self, pitch: int, since_s: float = 0.0) -> list[float]:
        return [note.on_s for note in self.notes if note.pitch == pitch and note.on_s >= since_s - 1e-6]


def test_a_bar_is_counted_in_and_the_band_begins_after_it() -> None:
    room = Room(planner(), plays=False).run(1.0)
    room.band.send(CountIn(100.0, "3/4"))
    room.run(5.0)
    sticks = room.struck(RIM)
    assert np.diff(sticks) == pytest.approx([0.6, 0.6])
    assert room.struck(KICK)[0] == pytest.approx(sticks[0] + 1.8)
    assert not [note for note in room.notes if note.on_s < sticks[0]]


def test_who_is_counted_in_while_the_band_plays_is_told() -> None:
    room = Room(planner()).run(6.0)
    room.band.send(CountIn())
    room.run(6.2)
    assert len(room.lines) == 1 and "already" in room.lines[0]


@pytest.mark.slow
def test_the_band_stops_on_a_beat_and_comes_in_on_the_one() -> None:
    room = Room(planner()).run(9.0)
    room.band.send(LeadBreak(4))
    room.run(15.0)
    stop_s = next(at_s for at_s in room.struck(CRASH, 9.0) if at_s % 2 == pytest.approx(1.5))
    assert not [note for note in room.notes if stop_s + 0.01 < note.on_s < stop_s + 0.49]
    assert room.struck(KICK, stop_s + 0.5)[0] == pytest.approx(stop_s + 0.5)


@pytest.mark.slow
def test_the_band_ends_with_the_phrase_and_stays_silent_until_the_player_begins_anew() -> None:
    room = Room(planner()).run(9.0)
    room.band.send(EndSong())
    room.run(24.0)
    assert room.band.form.describe(0) == "ended"
    last_s = max(note.on_s for note in room.notes)
    assert last_s % 2 == pytest.approx(0) and 10.0 <= last_s <= 18.0
    assert {note.pitch for note in room.notes if note.on_s == last_s} >= {KICK, CRASH}


def test_the_next_song_that_is_asked_for_in_the_last_bar_is_counted_in_after_it() -> None:
    room = Room(planner()).run(9.0)
    room.band.send(EndSong())
    while room.band.form.state.value != "ending":
        room.run(room.now_s + 0.1)
    room.plays, asked_s = False, room.now_s
    room.band.send(CountIn(100.0, "4/4", True))
    room.band.send(GoToSection(song_of("road", "Em7 | C", tempo_bpm=100).sections[0]))
    room.run(asked_s + 9.0)
    sticks = room.struck(RIM, asked_s)[:4]
    assert np.diff(sticks) == pytest.approx([0.6] * 3)
    chords = [note.on_s for note in room.notes if note.part == "chords" and note.on_s > sticks[0]]
    assert chords[0] == pytest.approx(sticks[-1] + 0.6, abs=0.03)


@pytest.mark.parametrize("goes_on", [True, False])
def test_the_next_song_that_is_asked_for_while_the_band_plays_is_counted_in_after_a_last_stroke(goes_on: bool) -> None:
    room = Room(planner()).run(9.0)
    asked_s = room.now_s
    room.band.send(CountIn(100.0, "4/4", True, ends=True))
    room.band.send(GoToSection(song_of("road", "Em7 | C", tempo_bpm=100).sections[0]))
    room.run(asked_s + 4.2)
    room.plays = goes_on
    room.run(asked_s + 12.0)
    crash_s = room.struck(CRASH, asked_s)[0]
    assert crash_s - asked_s < 4.1
    sticks = room.struck(RIM, crash_s)[:4]
    assert np.diff(sticks) == pytest.approx([0.6] * 3)
    assert not [note for note in room.notes if crash_s + 0.1 < note.on_s < sticks[-1] and note.pitch != RIM]
    chords = [note.on_s for note in room.notes if note.part == "chords" and note.on_s > sticks[0]]
    assert chords[0] == pytest.approx(sticks[-1] + 0.6, abs=0.03)


@pytest.mark.parametrize("after_s", [0.1, 1.5])
def test_the_end_asked_for_in_a_count_in_calls_it_off(after_s: float) -> None:
    room = Room(planner(), plays=False).run(1.0)
    room.band.send(CountIn(120.0, "4/4"))
    room.run(1.0 + after_s)
    room.band.send(EndSong())
    room.run(16.0)
    assert not [note for note in room.notes if note.on_s > 1.0 + after_s + 0.6]
    assert not room.lines, "who asks is answered at once: not a second time"
    room.plays = True
    room.run(40.0)
    assert room.struck(KICK, 24.0)  # it has not ended: nothing had begun


def test_the_end_asked_for_of_a_silent_band_ends_nothing_later() -> None:
    room = Room(planner(), plays=False).run(1.0)
    room.band.send(EndSong())
    room.plays = True
    room.run(30.0)
    assert not room.lines and room.struck(KICK, 24.0)


def kept(room: Room) -> KeptSection:
    room.band.send(KeepSection("riff", True))
    found = room.band.take_kept()
    assert isinstance(found, KeptSection)
    return found


def test_a_section_is_kept_in_the_tempo_that_is_played_not_in_the_one_first_heard() -> None:
    room = Room(planner())
    room.period_s = 0.49
    room.run(5.0)
    room.period_s = 0.5
    assert kept(room.run(15.0)).quarter_bpm == pytest.approx(120, abs=0.5)


def test_a_riff_is_taken_from_bar_line_to_bar_line_and_loops_from_one_on() -> None:
    room = Room(planner()).run(15.0)
    riff = kept(room)
    assert (riff.start_s % 2, riff.end_s % 2) == (pytest.approx(0), pytest.approx(0))
    seconds = riff.end_s - riff.start_s
    assert seconds == pytest.approx(2 * len(riff.bars))
    room.band.send(LoopRiff(riff, "riff.wav", seconds, 0.25))
    room.run(18.0)
    (loop,) = [message for message in room.messages if isinstance(message, PlayLoop)]
    assert (loop.end_s % 2, loop.end_s - loop.start_s, loop.path) == (
        pytest.approx(0),
        pytest.approx(seconds),
        "riff.wav",
    )
    room.plays = False
    room.run(26.0)
    assert room.struck(KICK, 24.0)  # the player rests, the loop and the band go on
    room.band.send(AgainLoop())
    assert room.band.take_messages() == [loop]
    room.band.send(LoopRiff(None))
    room.run(30.0)
    assert any(isinstance(message, StopLoop) for message in room.messages)


def take_of(meters: list[Meter], tick_s: float = 0.125) -> LoopedTake:
    """A take with a kick on every one, and a snare before every bar line."""
    bars = []
    for meter in meters:
        ticks = Position(0, 0, meter).ticks_per_bar
        replies = [Reply()] * ticks
        replies[0], replies[-1] = Reply((DrumHit("kick", 90),)), Reply((DrumHit("snare", 90),))
        bass = (BassTick(True, 40, 90, 40), *(BassTick(True, None, 0, 40),) * (ticks - 1))
        bars.append(LoopedBar(meter, ticks * tick_s, bass, tuple(replies), Settings()))
    return LoopedTake(2, tuple(bars))


def test_a_take_of_a_riff_that_loops_plays_from_the_next_bar_line_on_in_its_own_bars() -> None:
    room = Room(planner()).run(15.0)
    riff = kept(room)
    room.band.send(LoopRiff(riff, "riff.wav", riff.end_s - riff.start_s, 0.25))
    room.run(19.0)
    first = next(message for message in room.messages if isinstance(message, PlayLoop))
    room.band.send(LoopTake(take_of([FOUR, FOUR, Meter(7, 8), FOUR]), "take.wav", 0.25))
    room.run(34.0)
    loop = [message for message in room.messages if isinstance(message, PlayLoop)][-1]
    assert (loop.path, loop.end_s - loop.start_s) == ("take.wav", pytest.approx(7.75))
    assert loop.from_s == pytest.approx(20.0) and loop.from_s - loop.end_s == pytest.approx((20 - first.end_s) % 8)
    lengths = {0: 2.0, 1: 2.0, 2: 1.75, 3: 2.0}
    place, at_s = round((20 - first.end_s) % 8 / 2), 20.0
    while at_s < 31.0:
        assert room.struck(KICK, at_s)[0] == pytest.approx(at_s, abs=0.02), at_s
        at_s, place = at_s + lengths[place % 4], place + 1
        assert any(abs(on_s - at_s + 0.125) < 0.03 for on_s in room.struck(SNARE, 20.0)), at_s
    room.band.send(LoopRiff(None))
    room.run(40.0)
    assert isinstance(room.messages[-1], StopLoop)
    assert room.grid is not None and room.grid.meter_at(room.grid.index) == FOUR
    ones = [on_s % 2 for on_s in room.struck(KICK, 37.0)]
    assert ones  # the band plays on with the player


@pytest.mark.parametrize("late_s", [-0.05, 0.05])
def test_a_riff_is_as_long_as_the_player_has_it_though_bar_lines_are_heard_late(late_s: float) -> None:
    room = Room(planner())
    room.late_s = late_s
    riff = kept(room.run(16.6))
    assert riff.end_s - riff.start_s == pytest.approx(8.0)
    assert (riff.start_s + 1) % 2 == pytest.approx(1)


def test_nothing_played_is_one_line() -> None:
    room = Room(planner(), plays=False).run(1.0)
    room.band.send(KeepSection("riff", True))
    assert "nothing to keep yet" in str(room.band.take_kept())


def test_sections_that_are_kept_in_one_breath_are_all_kept() -> None:
    room = Room(planner()).run(9.0)
    for number in range(40):
        room.band.send(KeepSection(f"part {number}"))
    found = [room.band.take_kept() for _ in range(41)]
    assert [one.name for one in found if isinstance(one, KeptSection)] == [f"part {number}" for number in range(40)]
    assert found[-1] is None


def test_a_riff_whose_bars_are_not_sure_is_not_cut_out() -> None:
    room = Room(planner()).run(9.0)
    room.sure = 0.1
    room.run(9.05)
    room.band.send(KeepSection("riff", True))
    assert "not sure of your bars" in str(room.band.take_kept())


def test_the_band_knows_its_bars_after_a_loop_though_the_ears_doubt_them() -> None:
    room = Room(planner()).run(15.0)
    riff = kept(room)
    room.band.send(LoopRiff(riff, "riff.wav", riff.end_s - riff.start_s, 0.25))
    room.run(19.0)
    room.band.send(LoopRiff(None))
    room.sure = 0.1
    room.run(27.0)
    assert room.band.fixed_beat is None and room.band.bars_sure


def test_a_band_that_follows_unsure_ears_does_not_know_its_bars() -> None:
    room = Room(planner())
    room.sure = 0.1
    assert not room.run(15.0).band.bars_sure


def test_a_chart_is_counted_in_and_its_chords_are_played_though_nobody_plays() -> None:
    song = song_of("road", "Em7 | C | D/F# | Am", tempo_bpm=120)
    room = Room(planner(hold_bars=8), plays=False).run(1.0)
    room.band.send(CountIn(120.0, "4/4", True))
    room.band.send(GoToSection(song.sections[0]))
    room.run(13.0)
    one_s = room.struck(KICK)[0]
    low = {
        bar: {note.pitch % 12 for note in room.notes if note.part == "chords" and 0 <= note.on_s - at_s < 0.3}
        for bar in range(5)
        for at_s in [one_s + 2.0 * bar]
    }
    triads = [
        {4, 7, 11},
        {0, 4, 7},
        {2, 6, 9},
        {9, 0, 4},
        {4, 7, 11},
    ]  # E minor from the one on, C, D, A minor, E minor
    assert all(triad <= low[bar] for bar, triad in enumerate(triads)), low


@pytest.mark.slow
def test_a_section_is_gone_to_with_its_tempo_and_given_up_where_the_player_stays() -> None:
    song = song_of("road", "Em7 | C", tempo_bpm=100)
    room = Room(planner()).run(9.0)
    room.band.send(GoToSection(song.sections[0]))
    assert room.band.leading.says(room.band.tick.position.bar if room.band.tick else 0) == "next bar chart"
    room.run(12.0)
    assert room.grid is not None and room.grid.period_s == pytest.approx(0.6)
    room.run(24.0)
    assert room.lines == ["Back at 120: you stayed there."]
    assert room.grid.period_s == pytest.approx(0.5, abs=0.005)
