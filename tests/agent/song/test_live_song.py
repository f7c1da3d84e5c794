"""Live, the song is planned on what is foretold and mended by what is heard."""

from __future__ import annotations

import pickle

from agent.parts.groove_library import GrooveLibrary
from agent.song.live_song import LiveSong
from agent.song.wish import Wish
from listener.types import Meter
from models.music.tokens import QUALITIES, BassTick, Position, Reply

FOUR = Meter(4, 4)
RIFF = {0: 40, 6: 43, 8: 45}
OTHER = {0: 41, 6: 45, 8: 48}


def play(song: LiveSong, bars: list[dict[int, int]], ahead: int = 2, first: int = 0) -> list[Reply]:
    """Play bars of {tick: pitch}, the first one with number `first`; the band commits `ahead` ticks before a tick is
    heard. Return its replies."""
    total = len(bars) * 16
    places = [Position(t % 16, first + t // 16, FOUR) for t in range(total + ahead)]
    replies = [song.reply(places[t], True) for t in range(ahead)]
    sounding = None
    for t in range(total):
        pitch = bars[t // 16].get(t % 16)
        sounding = pitch or sounding
        song.on_tick(places[t], BassTick(True, pitch, 90 if pitch else 0, sounding))
        replies.append(song.reply(places[t + ahead], True))
        song.sounds = True
    return replies[:total]


def roots(replies: list[Reply], bar: int) -> list[tuple[int, int]]:
    return [(t % 16, one.chord.root) for t, one in enumerate(replies) if one.chord and t // 16 == bar]


def test_the_chord_of_a_riff_that_comes_again_is_struck_on_the_one() -> None:
    song = LiveSong(GrooveLibrary.load(), 1)
    replies = play(song, [RIFF, OTHER] * 8)
    for bar in range(8, 16):
        tick, _ = roots(replies, bar)[0]
        assert tick == 0
    even, odd = ({root for bar in range(start, 16, 2) for _, root in roots(replies, bar)[:1]} for start in (8, 9))
    assert len(even) == len(odd) == 1
    assert even != odd


def test_a_wrong_harmony_is_mended_within_two_eighths() -> None:
    song = LiveSong(GrooveLibrary.load(), 1)
    replies = play(song, [RIFF] * 7 + [{0: 46, 8: 46}])
    chord = next(one.chord for one in replies[7 * 16 + 1 : 7 * 16 + 6] if one.chord)
    assert 46 % 12 in {(chord.root + step) % 12 for step in QUALITIES[chord.quality]}


def test_what_is_committed_is_never_taken_back() -> None:
    song = LiveSong(GrooveLibrary.load(), 1)
    first = play(song, [RIFF] * 4)
    other = LiveSong(GrooveLibrary.load(), 1)
    again = play(other, [RIFF] * 3 + [OTHER])
    assert first[: 3 * 16 + 2] == again[: 3 * 16 + 2]


def test_a_snapshot_goes_on_bit_for_bit() -> None:
    song = LiveSong(GrooveLibrary.load(), 1)
    play(song, [RIFF] * 5)
    library, song.library = song.library, None  # type: ignore[assignment]
    copy = pickle.loads(pickle.dumps(song))
    song.library = copy.library = library
    at = [Position(t, 5, FOUR) for t in range(3, 16)]
    assert [song.reply(p, True) for p in at] == [copy.reply(p, True) for p in at]


def test_a_riff_that_comes_back_brings_its_section_back_after_one_bar_and_a_rest_begins_none() -> None:
    verse, chorus = {0: 40, 3: 40, 6: 43, 8: 45, 11: 45, 14: 43}, {0: 36, 4: 48, 12: 39}
    song = LiveSong(GrooveLibrary.load(), 1)
    play(song, [verse] * 8 + [chorus] * 3)
    assert song.song.current == 1
    play(song, [verse] * 2, first=11)
    assert song.song.current == 0
    play(song, [{}, {4: 41}, verse], first=13)
    assert song.song.current == 0 and len(song.song.sections) == 2


def test_another_rhythm_that_stays_is_another_section_and_one_bar_of_it_is_none() -> None:
    riff, eighths = {0: 40, 6: 43, 7: 45, 11: 50, 14: 47}, dict.fromkeys(range(0, 16, 2), 40)
    song = LiveSong(GrooveLibrary.load(), 1)
    play(song, [riff] * 8 + [eighths, riff] * 2)
    assert len(song.song.sections) == 1
    play(song, [eighths] * 3, first=12)
    assert len(song.song.sections) == 2


def test_what_the_responder_finds_likely_is_a_reason_for_the_groove_of_a_new_section() -> None:
    riff, eighths = {0: 40, 6: 43, 7: 45, 11: 50, 14: 47}, dict.fromkeys(range(0, 16, 2), 40)
    song = LiveSong(GrooveLibrary.load(), 1)
    play(song, [riff] * 8)
    assert not song.foretold(Position(0, 8, FOUR))[1]  # nothing new is near
    play(song, [eighths], first=8)
    _, asked = song.foretold(Position(0, 9, FOUR))
    song.bits = {one.name: 100.0 * number for number, one in enumerate(asked)}
    song.take_choices()
    play(song, [eighths] * 2, first=9)
    (why,) = {one.reason for one in song.take_choices() if one.what == "groove"}
    assert "likelihood" in why


def test_decisions_are_told_once_with_runner_up_and_reason_and_the_view_says_where_we_are() -> None:
    song = LiveSong(GrooveLibrary.load(), 1)
    play(song, [RIFF] * 6)
    choices = song.take_choices()
    assert {choice.what for choice in choices} >= {"section", "groove", "comping"}
    assert all(choice.reason for choice in choices)
    assert song.take_choices() == ()
    view = song.view(6)
    assert view is not None
    assert (view.section, view.bar, view.bars) == ("A", 6, 8)
    assert view.chords


def test_a_misheard_octave_changes_neither_harmony_nor_groove() -> None:
    octave = {0: 28, 6: 43, 8: 45}
    right = play(LiveSong(GrooveLibrary.load(), 1), [RIFF, OTHER] * 6)
    wrong = play(LiveSong(GrooveLibrary.load(), 1), [RIFF, OTHER] * 4 + [octave, OTHER] + [RIFF, OTHER])
    assert [one.drums for one in wrong[160:]] == [one.drums for one in right[160:]]
    assert roots(wrong, 10) == roots(right, 10)


def test_a_section_gets_its_groove_back_after_the_beat_was_lost() -> None:
    song = LiveSong(GrooveLibrary.load(), 1)
    play(song, [RIFF] * 7)
    song.take_choices()
    song.reset()
    play(song, [RIFF] * 4)
    assert {choice.chosen for choice in song.take_choices()} == {"A again"}


def test_a_bar_misheard_the_first_time_is_known_as_it_comes_again() -> None:
    song = LiveSong(GrooveLibrary.load(), 1)
    riff = {0: 40, 4: 43, 8: 45, 12: 47, 14: 48}
    misheard = {tick: pitch for tick, pitch in riff.items() if tick}
    play(song, [misheard, riff, riff, riff, riff])
    assert song.song.bars[-1].signature == frozenset(riff.items())


def test_half_misheard_bars_of_a_riff_keep_its_chords() -> None:
    song = LiveSong(GrooveLibrary.load(), 1)
    misheard = {0: 40, 5: 43, 8: 45, 12: 47}
    replies = play(song, [RIFF, OTHER] * 4 + [misheard, OTHER] * 2)
    assert {root for bar in (8, 10) for _, root in roots(replies, bar)} == {
        root for bar in (4, 6) for _, root in roots(replies, bar)
    }


def test_that_the_drummer_goes_to_the_rim_is_told_once_with_the_bar_and_the_reason() -> None:
    song = LiveSong(GrooveLibrary.load(), 1)
    play(song, [RIFF] * 4)
    song.take_choices()
    for muted in (True, True):
        song.ask(Wish(), False, None, 100.0, muted)
    play(song, [RIFF] * 2, first=5)
    told = [choice for choice in song.take_choices() if choice.what == "touch"]
    assert [(one.bar, one.reason) for one in told] == [(5, "the bass is muted")]
