"""When the bar line, the meter or the level of the beat turns, the song is known in the new bars at once."""

from __future__ import annotations

import pytest

from agent.parts.groove_library import GrooveLibrary
from agent.song.live_song import LiveSong
from agent.song.rebarring import HeardTick, at_level, in_bars, ratio_of
from listener.types import Meter
from models.music.tokens import BassTick, Position

FOUR = Meter(4, 4)
RIFF = {0: 40, 6: 43, 8: 45, 14: 47}


def ticks(bars: int, riff: dict[int, int] = RIFF) -> list[BassTick]:
    out: list[BassTick] = []
    sounding = None
    for tick in range(16 * bars):
        pitch = riff.get(tick % 16)
        sounding = pitch or sounding
        out.append(BassTick(True, pitch, 90 if pitch else 0, sounding))
    return out


def play(song: LiveSong, heard: list[BassTick], at: int, meter: Meter = FOUR, late: int = 0) -> None:
    """Play ticks from tick number `at` on; the bars begin `late` ticks after those of the riff."""
    length = Position(0, 0, meter).ticks_per_bar
    for number, bass in enumerate(heard, at):
        place = Position((number - late) % length, 100 + (number - late) // length, meter)
        song.reply(place, True)
        song.on_tick(place, bass)
        song.sounds = True


def test_a_level_is_a_simple_ratio_and_another_tempo_is_none() -> None:
    assert ratio_of(0.125, 0.25) == 0.5
    assert ratio_of(0.125, 0.0834) == 1.5
    assert ratio_of(0.125, 0.127) == 1.0
    assert ratio_of(0.125, 0.104) is None


@pytest.mark.parametrize("ratio", [2.0, 0.5])
def test_every_onset_is_on_its_place_on_another_level(ratio: float) -> None:
    riff = {0: 40, 4: 43, 8: 45, 12: 47}
    heard = at_level([HeardTick(one, "A") for one in ticks(4, riff)], ratio)
    assert len(heard) == 64 * ratio
    onsets = [tick for tick, one in enumerate(heard) if one.bass.onset_pitch]
    assert onsets == [round(tick * ratio) for tick in range(0, 64, 4)]


def test_bars_are_cut_so_that_the_newest_one_ends_where_the_band_is() -> None:
    heard = [HeardTick(one, "A") for one in ticks(4)]
    bars, names, part = in_bars(heard, Position(4, 9, FOUR))
    assert [note.tick for note in bars[-1].notes] == [2, 4, 10, 12]  # 4 ticks earlier: the riff's 14 is the bar's 2
    assert len(bars) == len(names) == 3
    assert len(part) == 4


def test_a_section_stays_with_its_groove_when_the_bar_line_turns() -> None:
    song = LiveSong(GrooveLibrary.load(), 1)
    play(song, ticks(6), 4, late=4)  # the band's bar begins with the riff's second beat
    before = song.song.sections
    assert len(before) == 1
    song.turn(Position(4, 110, FOUR), 1.0)
    play(song, ticks(7)[4:], 100)
    after = song.song.sections
    assert [one.name for one in after] == [before[0].name]
    assert after[0].groove.name == before[0].groove.name


def test_the_riff_is_known_in_its_new_bars() -> None:
    song = LiveSong(GrooveLibrary.load(), 1)
    play(song, ticks(6), 4, late=4)
    song.turn(Position(0, 110, FOUR), 1.0)
    riff = frozenset(RIFF.items())
    assert song.song.bars[-1].signature == riff
    assert riff in song.song.memory


def test_a_player_who_moved_keeps_the_bars_as_they_were() -> None:
    song = LiveSong(GrooveLibrary.load(), 1)
    play(song, ticks(6), 0)
    play(song, [BassTick(True)] * 4 + ticks(1), 96)  # the riff again, four ticks later
    known = song.song.bars
    song.turn(Position(0, 120, FOUR), 1.0)
    assert song.song.bars == known
